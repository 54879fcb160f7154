//! Colours: one palette, in as many colours as the terminal has.
//!
//! Invariant: nothing outside this file names a colour of the interface, and without colours (`NO_COLOR`) every emphasis
//! that a colour made is still there as bold, dim or reversed.

use ratatui::style::{Color, Modifier, Style};

use crate::timeline::{Lane, SpanKind, Tone, Verdict};

/// Thresholds of ordered dithering (Bayer, 4 × 4), in sixteenths.
pub(crate) const BAYER: [[u8; 4]; 4] = [[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]];
/// Between two levels of the cube of 256 colours; the first step is twice that.
const LEVEL: i32 = 40;

/// How many colours there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Colours {
    /// 24 bits.
    True,
    /// The 256 of xterm.
    Indexed,
    /// None are wanted.
    None,
}

/// Which palette.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Look {
    /// Light on dark.
    #[default]
    Dark,
    /// Dark on light.
    Light,
    /// Pure colours on black, nothing dimmed.
    Contrast,
}

impl Look {
    /// The one after it, in a circle.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Contrast,
            Self::Contrast => Self::Dark,
        }
    }

    /// Its name on the screen.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Contrast => "high contrast",
        }
    }

    fn palette(self) -> &'static Palette {
        match self {
            Self::Dark => &DARK,
            Self::Light => &LIGHT,
            Self::Contrast => &CONTRAST,
        }
    }
}

/// Colours by what they are for, red-green-blue.
#[derive(Debug)]
struct Palette {
    back: u32,
    surface: u32,
    well: u32,
    selected: u32,
    playhead_column: u32,
    text: u32,
    dim: u32,
    faint: u32,
    track: u32,
    accent: u32,
    amber: u32,
    green: u32,
    red: u32,
    orange: u32,
    yellow: u32,
    purple: u32,
    pink: u32,
    teal: u32,
    cap: u32,
    /// What is written on a coloured ground.
    ink: u32,
}

static DARK: Palette = Palette {
    back: 0x0f_1419,
    surface: 0x17_1d26,
    well: 0x08_0b0f,
    selected: 0x26_3a55,
    playhead_column: 0x5a_4a1c,
    text: 0xd3_dce6,
    dim: 0x8a_97a6,
    faint: 0x5d_6978,
    track: 0x2a_323d,
    accent: 0x6c_b6ff,
    amber: 0xff_d166,
    green: 0x6b_c46d,
    red: 0xff_5c57,
    orange: 0xf6_9d50,
    yellow: 0xe0_b84a,
    purple: 0xb0_83f0,
    pink: 0xe2_75ad,
    teal: 0x4f_b3bf,
    cap: 0xd3_dce6,
    ink: 0x0f_1419,
};

static LIGHT: Palette = Palette {
    back: 0xfa_fbfc,
    surface: 0xee_f1f5,
    well: 0xdf_e4ea,
    selected: 0xc4_dbf7,
    playhead_column: 0xff_e2a0,
    text: 0x1f_2830,
    dim: 0x55_606c,
    faint: 0x66_717d,
    track: 0xc6_ced8,
    accent: 0x0b_5fc0,
    amber: 0x8a_5a00,
    green: 0x1a_7f37,
    red: 0xc1_1f1f,
    orange: 0xb3_5300,
    yellow: 0x7d_6500,
    purple: 0x7a_3fc4,
    pink: 0xb0_2a78,
    teal: 0x0a_6e7a,
    cap: 0x2f_3944,
    ink: 0xff_ffff,
};

static CONTRAST: Palette = Palette {
    back: 0x00_0000,
    surface: 0x00_0000,
    well: 0x00_0000,
    selected: 0x00_00d7,
    playhead_column: 0x5f_5f00,
    text: 0xff_ffff,
    dim: 0xff_ffff,
    faint: 0xd0_d0d0,
    track: 0x87_8787,
    accent: 0x00_ffff,
    amber: 0xff_ff00,
    green: 0x00_ff00,
    red: 0xff_8787,
    orange: 0xff_af00,
    yellow: 0xff_ff00,
    purple: 0xd7_afff,
    pink: 0xff_87ff,
    teal: 0x00_ffff,
    cap: 0xff_ffff,
    ink: 0x00_0000,
};

/// The colours of the player.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    colours: Colours,
    look: Look,
}

impl Theme {
    /// A theme of so many colours.
    pub(crate) fn new(colours: Colours, look: Look) -> Self {
        Self { colours, look }
    }

    /// Another palette. Without colours there is only one.
    pub(crate) fn set_look(&mut self, look: Look) {
        self.look = look;
    }

    /// Its palette; `None` without colours.
    pub(crate) fn look(self) -> Option<Look> {
        (self.colours != Colours::None).then_some(self.look)
    }

    fn palette(self) -> &'static Palette {
        self.look.palette()
    }

    /// A colour of a picture.
    pub(crate) fn rgb(self, [r, g, b]: [u8; 3]) -> Color {
        match self.colours {
            Colours::True => Color::Rgb(r, g, b),
            Colours::Indexed => Color::Indexed(nearest(r, g, b)),
            Colours::None => Color::Reset,
        }
    }

    /// A colour of a picture at a place: where there are few colours, neighbours share what each of them cannot have.
    pub(crate) fn pixel(self, rgb: [u8; 3], x: u32, y: u32) -> Color {
        if self.colours != Colours::Indexed {
            return self.rgb(rgb);
        }
        // The thresholds lie evenly around nothing, as far apart as two levels of the cube.
        let threshold = i32::from(BAYER[y as usize % 4][x as usize % 4]) * 2 - 15;
        self.rgb(rgb.map(|v| (i32::from(v) + threshold * LEVEL / 32).clamp(0, 255) as u8))
    }

    fn hex(self, hex: u32) -> Color {
        let [_, r, g, b] = hex.to_be_bytes();
        self.rgb([r, g, b])
    }

    fn style(self, fg: u32, plain: Modifier) -> Style {
        let style = Style::new().fg(self.hex(fg));
        if self.colours == Colours::None { style.add_modifier(plain) } else { style }
    }

    /// The ground of everything.
    pub(crate) fn base(self) -> Style {
        Style::new().fg(self.hex(self.palette().text)).bg(self.hex(self.palette().back))
    }

    /// The ground of a panel.
    pub(crate) fn surface(self) -> Style {
        Style::new().fg(self.hex(self.palette().text)).bg(self.hex(self.palette().surface))
    }

    /// The ground around a picture.
    pub(crate) fn well(self) -> Style {
        Style::new().fg(self.hex(self.palette().dim)).bg(self.hex(self.palette().well))
    }

    /// Text to read.
    pub(crate) fn text(self) -> Style {
        self.style(self.palette().text, Modifier::empty())
    }

    /// Text to look past.
    pub(crate) fn dim(self) -> Style {
        self.style(self.palette().dim, Modifier::DIM)
    }

    /// Rules and ticks.
    pub(crate) fn faint(self) -> Style {
        self.style(self.palette().faint, Modifier::DIM)
    }

    /// The empty track of a lane.
    pub(crate) fn track(self) -> Style {
        self.style(self.palette().track, Modifier::DIM)
    }

    /// The program's own name, headings, keys in the help.
    pub(crate) fn accent(self) -> Style {
        self.style(self.palette().accent, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }

    /// The playhead.
    pub(crate) fn playhead(self) -> Style {
        self.style(self.palette().amber, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }

    /// The column of the playhead in the lanes.
    pub(crate) fn playhead_column(self) -> Style {
        match self.colours {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new().bg(self.hex(self.palette().playhead_column)),
        }
    }

    /// What went wrong.
    pub(crate) fn error(self) -> Style {
        self.style(self.palette().red, Modifier::BOLD)
    }

    /// A line that is chosen.
    pub(crate) fn selected(self) -> Style {
        match self.colours {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new().bg(self.hex(self.palette().selected)),
        }
    }

    fn chip(self, ground: u32) -> Style {
        match self.colours {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD),
            _ => Style::new().fg(self.hex(self.palette().ink)).bg(self.hex(ground)).add_modifier(Modifier::BOLD),
        }
    }

    /// The chip that says it plays.
    pub(crate) fn playing(self) -> Style {
        self.chip(self.palette().green)
    }

    /// The chip that says it stands.
    pub(crate) fn paused(self) -> Style {
        self.chip(self.palette().amber)
    }

    /// The chip of the recording's state.
    pub(crate) fn state(self) -> Style {
        self.chip(self.palette().accent)
    }

    /// A chip that warns.
    pub(crate) fn alert(self) -> Style {
        self.chip(self.palette().red)
    }

    /// A quiet chip: a flag of a frame.
    pub(crate) fn flag(self) -> Style {
        self.style(self.palette().purple, Modifier::BOLD)
    }

    /// A key that is held.
    pub(crate) fn cap(self) -> Style {
        self.chip(self.palette().cap)
    }

    /// A button that is held.
    pub(crate) fn pressed(self) -> Style {
        self.chip(self.palette().red)
    }

    /// The pointer over a picture.
    pub(crate) fn pointer(self) -> Style {
        self.chip(self.palette().amber)
    }

    /// A part of a picture that was covered: its frame and its name.
    pub(crate) fn mask(self) -> Style {
        self.chip(self.palette().purple)
    }

    /// A press shortly before the playhead.
    pub(crate) fn click(self) -> Style {
        self.style(self.palette().orange, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }

    /// The range A–B on the ruler.
    pub(crate) fn range(self) -> Style {
        match self.colours {
            Colours::None => Style::new().add_modifier(Modifier::UNDERLINED),
            _ => Style::new().bg(self.hex(self.palette().selected)),
        }
    }

    /// How a fact is meant.
    pub(crate) fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => self.text(),
            Tone::Good => self.style(self.palette().green, Modifier::empty()),
            Tone::Warn => self.style(self.palette().yellow, Modifier::BOLD),
            Tone::Bad => self.error(),
        }
    }

    /// What is the matter with a span.
    pub(crate) fn span(self, kind: SpanKind) -> Style {
        let (colour, plain) = match kind {
            SpanKind::Dropped => (self.palette().red, Modifier::BOLD),
            SpanKind::Gap => (self.palette().orange, Modifier::BOLD),
            SpanKind::Redacted => (self.palette().purple, Modifier::empty()),
            SpanKind::Paused => (self.palette().dim, Modifier::DIM),
        };
        self.style(colour, plain)
    }

    /// Frames that repeat the one before.
    pub(crate) fn duplicate(self) -> Style {
        self.style(self.palette().teal, Modifier::DIM)
    }

    /// A verdict.
    pub(crate) fn verdict(self, verdict: Option<Verdict>) -> Style {
        let colour = match verdict {
            None => self.palette().pink,
            Some(Verdict::Accept) => self.palette().green,
            Some(Verdict::Reject) => self.palette().red,
            Some(Verdict::Look) => self.palette().yellow,
        };
        self.style(colour, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }

    /// Events of a lane.
    pub(crate) fn lane(self, lane: Lane) -> Style {
        let (colour, plain) = match lane {
            Lane::Key | Lane::Pad => (self.palette().accent, Modifier::empty()),
            Lane::Motion | Lane::Stick => (self.palette().teal, Modifier::empty()),
            Lane::Click => (self.palette().orange, Modifier::empty()),
            Lane::Wheel => (self.palette().yellow, Modifier::empty()),
            Lane::Focus => (self.palette().purple, Modifier::empty()),
            Lane::Frame => (self.palette().green, Modifier::empty()),
            Lane::Gap => (self.palette().red, Modifier::BOLD),
            Lane::Mark => (self.palette().pink, Modifier::BOLD),
            Lane::System => (self.palette().dim, Modifier::DIM),
        };
        self.style(colour, plain)
    }
}

/// The nearest of xterm's 256 colours: its 6×6×6 cube or its 24 greys, whichever is nearer.
fn nearest(r: u8, g: u8, b: u8) -> u8 {
    /// The levels of the cube.
    const LEVELS: [i32; 6] = [0, 95, 135, 175, 215, 255];
    let rgb = [i32::from(r), i32::from(g), i32::from(b)];
    // Between two levels the nearer one: they begin at 48 and 115, then every 40.
    let step = |v: i32| {
        if v < 48 {
            0
        } else if v < 115 {
            1
        } else {
            (v - 35) / 40
        }
    };
    let cube = rgb.map(step);
    let distance = |at: [i32; 3]| at.iter().zip(rgb).map(|(a, v)| (a - v) * (a - v)).sum::<i32>();
    let grey = (((rgb[0] + rgb[1] + rgb[2]) / 3 - 3) / 10).clamp(0, 23);
    let (of_cube, of_grey) = (distance(cube.map(|i| LEVELS[i as usize])), distance([8 + 10 * grey; 3]));
    if of_grey < of_cube { (232 + grey) as u8 } else { (16 + 36 * cube[0] + 6 * cube[1] + cube[2]) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_256_colours() {
        assert_eq!((nearest(0, 0, 0), nearest(255, 255, 255), nearest(255, 0, 0)), (16, 231, 196));
        assert_eq!((nearest(8, 8, 8), nearest(128, 128, 128), nearest(95, 135, 175)), (232, 244, 67));
    }

    /// What xterm shows for one of its 256 colours above the first sixteen.
    fn shown(index: u8) -> [f64; 3] {
        const LEVELS: [f64; 6] = [0.0, 95.0, 135.0, 175.0, 215.0, 255.0];
        if index >= 232 {
            return [8.0 + 10.0 * f64::from(index - 232); 3];
        }
        let cube = usize::from(index - 16);
        [LEVELS[cube / 36], LEVELS[cube / 6 % 6], LEVELS[cube % 6]]
    }

    #[test]
    fn dithered_colours_are_nearer_on_the_whole() {
        let theme = Theme::new(Colours::Indexed, Look::Dark);
        let (mut plain_error, mut dithered_error) = (0.0, 0.0);
        for rgb in [[100, 115, 150], [190, 160, 120], [115, 200, 230], [155, 155, 195], [235, 195, 115]] {
            let of =
                |colour: Color| if let Color::Indexed(index) = colour { shown(index) } else { panic!("{colour:?}") };
            let all = (0..16).map(|at| of(theme.pixel(rgb, at % 4, at / 4)));
            let mean = all.fold([0.0; 3], |sum, c| [0, 1, 2].map(|i| sum[i] + c[i] / 16.0));
            let error = |c: [f64; 3]| [0, 1, 2].iter().map(|i| (c[*i] - f64::from(rgb[*i])).abs()).sum::<f64>();
            (plain_error, dithered_error) = (plain_error + error(of(theme.rgb(rgb))), dithered_error + error(mean));
        }
        assert!(dithered_error < plain_error / 2.0, "{dithered_error} of {plain_error}");
        let full = Theme::new(Colours::True, Look::Dark);
        assert_eq!(full.pixel([1, 2, 3], 1, 2), Color::Rgb(1, 2, 3));
    }

    #[test]
    fn without_colours_there_are_none_and_emphasis_stays() {
        let theme = Theme::new(Colours::None, Look::Dark);
        let styles =
            [theme.playing(), theme.cap(), theme.selected(), theme.alert(), theme.playhead_column(), theme.mask()];
        for style in styles {
            assert!(style.add_modifier.contains(Modifier::REVERSED));
        }
        for style in
            Lane::ALL.map(|lane| theme.lane(lane)).into_iter().chain(styles).chain([theme.base(), theme.text()])
        {
            for colour in [style.fg, style.bg] {
                assert!(matches!(colour, None | Some(Color::Reset)), "{style:?}");
            }
        }
    }

    /// Relative luminance (WCAG 2.2) of a colour, 0–1.
    fn luminance(hex: u32) -> f64 {
        let [_, r, g, b] = hex.to_be_bytes();
        let linear = |v: u8| {
            let v = f64::from(v) / 255.0;
            if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    }

    fn contrast(a: u32, b: u32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_palette_can_be_read() {
        // 4.5 is what WCAG 2.2 asks of text, 7 of text with enhanced contrast, 3 of signs.
        for (look, text, signs) in [(Look::Dark, 4.5, 3.0), (Look::Light, 4.5, 3.0), (Look::Contrast, 7.0, 7.0)] {
            let p = look.palette();
            for ground in [p.back, p.surface, p.well] {
                for colour in [p.text, p.dim, p.accent, p.red, p.amber] {
                    assert!(contrast(colour, ground) >= text, "{look:?}: {colour:06x} on {ground:06x}");
                }
                for colour in [p.faint, p.green, p.orange, p.yellow, p.purple, p.pink, p.teal] {
                    assert!(contrast(colour, ground) >= signs, "{look:?}: {colour:06x} on {ground:06x}");
                }
            }
            assert!(contrast(p.text, p.selected) >= text, "{look:?}: the selected line");
            for ground in [p.green, p.amber, p.accent, p.red, p.cap, p.purple] {
                assert!(contrast(p.ink, ground) >= text, "{look:?}: ink on {ground:06x}");
            }
        }
    }
}
