//! Colours: one palette, in as many colours as the terminal has.
//!
//! Invariant: nothing outside this file names a colour of the interface, and without colours (`NO_COLOR`) every emphasis
//! that a colour made is still there as bold, dim or reversed.

use ratatui::style::{Color, Modifier, Style};

use crate::timeline::Lane;

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

/// The palette, red-green-blue.
mod palette {
    pub(super) const BACK: u32 = 0x0f_1419;
    pub(super) const SURFACE: u32 = 0x17_1d26;
    pub(super) const WELL: u32 = 0x08_0b0f;
    pub(super) const SELECTED: u32 = 0x26_3a55;
    pub(super) const TEXT: u32 = 0xd3_dce6;
    pub(super) const DIM: u32 = 0x8a_97a6;
    pub(super) const FAINT: u32 = 0x4a_5563;
    pub(super) const TRACK: u32 = 0x2a_323d;
    pub(super) const ACCENT: u32 = 0x6c_b6ff;
    pub(super) const AMBER: u32 = 0xff_d166;
    pub(super) const GREEN: u32 = 0x6b_c46d;
    pub(super) const RED: u32 = 0xff_5c57;
    pub(super) const ORANGE: u32 = 0xf6_9d50;
    pub(super) const YELLOW: u32 = 0xe0_b84a;
    pub(super) const PURPLE: u32 = 0xb0_83f0;
    pub(super) const PINK: u32 = 0xe2_75ad;
    pub(super) const TEAL: u32 = 0x4f_b3bf;
    pub(super) const CAP: u32 = 0xd3_dce6;
    pub(super) const INK: u32 = 0x0f_1419;
}

/// The colours of the player.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theme {
    colours: Colours,
}

impl Theme {
    /// A theme of so many colours.
    pub(crate) fn new(colours: Colours) -> Self {
        Self { colours }
    }

    /// A colour of a picture.
    pub(crate) fn rgb(self, [r, g, b]: [u8; 3]) -> Color {
        match self.colours {
            Colours::True => Color::Rgb(r, g, b),
            Colours::Indexed => Color::Indexed(nearest(r, g, b)),
            Colours::None => Color::Reset,
        }
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
        Style::new().fg(self.hex(palette::TEXT)).bg(self.hex(palette::BACK))
    }

    /// The ground of a panel.
    pub(crate) fn surface(self) -> Style {
        Style::new().fg(self.hex(palette::TEXT)).bg(self.hex(palette::SURFACE))
    }

    /// The ground around a picture.
    pub(crate) fn well(self) -> Style {
        Style::new().fg(self.hex(palette::DIM)).bg(self.hex(palette::WELL))
    }

    /// Text to read.
    pub(crate) fn text(self) -> Style {
        self.style(palette::TEXT, Modifier::empty())
    }

    /// Text to look past.
    pub(crate) fn dim(self) -> Style {
        self.style(palette::DIM, Modifier::DIM)
    }

    /// Rules and ticks.
    pub(crate) fn faint(self) -> Style {
        self.style(palette::FAINT, Modifier::DIM)
    }

    /// The empty track of a lane.
    pub(crate) fn track(self) -> Style {
        self.style(palette::TRACK, Modifier::DIM)
    }

    /// The program's own name, headings, keys in the help.
    pub(crate) fn accent(self) -> Style {
        self.style(palette::ACCENT, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }

    /// The playhead.
    pub(crate) fn playhead(self) -> Style {
        self.style(palette::AMBER, Modifier::BOLD).add_modifier(Modifier::BOLD)
    }

    /// The column of the playhead in the lanes.
    pub(crate) fn playhead_column(self) -> Style {
        match self.colours {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new().bg(self.hex(0x5a_4a1c)),
        }
    }

    /// What went wrong.
    pub(crate) fn error(self) -> Style {
        self.style(palette::RED, Modifier::BOLD)
    }

    /// A line that is chosen.
    pub(crate) fn selected(self) -> Style {
        match self.colours {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED),
            _ => Style::new().bg(self.hex(palette::SELECTED)),
        }
    }

    fn chip(self, ground: u32) -> Style {
        match self.colours {
            Colours::None => Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD),
            _ => Style::new().fg(self.hex(palette::INK)).bg(self.hex(ground)).add_modifier(Modifier::BOLD),
        }
    }

    /// The chip that says it plays.
    pub(crate) fn playing(self) -> Style {
        self.chip(palette::GREEN)
    }

    /// The chip that says it stands.
    pub(crate) fn paused(self) -> Style {
        self.chip(palette::AMBER)
    }

    /// The chip of the recording's state.
    pub(crate) fn state(self) -> Style {
        self.chip(palette::ACCENT)
    }

    /// A chip that warns.
    pub(crate) fn alert(self) -> Style {
        self.chip(palette::RED)
    }

    /// A quiet chip: a flag of a frame.
    pub(crate) fn flag(self) -> Style {
        self.style(palette::PURPLE, Modifier::BOLD)
    }

    /// A key that is held.
    pub(crate) fn cap(self) -> Style {
        self.chip(palette::CAP)
    }

    /// A button that is held.
    pub(crate) fn pressed(self) -> Style {
        self.chip(palette::RED)
    }

    /// The pointer over a picture.
    pub(crate) fn pointer(self) -> Style {
        self.chip(palette::AMBER)
    }

    /// Events of a lane.
    pub(crate) fn lane(self, lane: Lane) -> Style {
        let (colour, plain) = match lane {
            Lane::Key => (palette::ACCENT, Modifier::empty()),
            Lane::Motion => (palette::TEAL, Modifier::empty()),
            Lane::Click => (palette::ORANGE, Modifier::empty()),
            Lane::Wheel => (palette::YELLOW, Modifier::empty()),
            Lane::Focus => (palette::PURPLE, Modifier::empty()),
            Lane::Frame => (palette::GREEN, Modifier::empty()),
            Lane::Gap => (palette::RED, Modifier::BOLD),
            Lane::Mark => (palette::PINK, Modifier::BOLD),
            Lane::System => (palette::DIM, Modifier::DIM),
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

    #[test]
    fn without_colours_there_are_none_and_emphasis_stays() {
        let theme = Theme::new(Colours::None);
        let styles =
            [theme.playing(), theme.cap(), theme.selected(), theme.alert(), theme.playhead_column(), theme.pointer()];
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
}
