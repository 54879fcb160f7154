//! Tests of the whole player without a terminal: every key, every screen, any order of messages.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::fake::{Fake, FakePictures, START};
use crate::keys::{BINDINGS, Chord, Key};
use crate::theme::Colours;
use crate::timeline::{
    Button, Click, Fact, Lane, Mask, Overlay, Picture, Pictures, Row, Section, Span, SpanKind, Spans, Tone,
};
use crate::worker::Drawable;

const FRAME: i64 = SECOND / 30;

fn app(timeline: &dyn Timeline, size: (u16, u16)) -> App<'_> {
    App::new(timeline, Theme::new(Colours::True), Painting::HalfBlocks, size)
}

fn press(app: &mut App<'_>, key: Key) {
    update(app, Msg::Key(Chord::plain(key)));
}

/// Serves the picture that the player wants, as the worker would.
fn serve(app: &mut App<'_>) {
    let Some(request) = app.wants() else { return };
    let result = FakePictures.picture(request.frame, request.bounds).and_then(|picture| {
        let scaled = crate::picture::scale(&mut fast_image_resize::Resizer::new(), picture, request.bounds)?;
        Ok(Drawable::Pixels(std::sync::Arc::new(scaled)))
    });
    update(app, Msg::Picture(Answer { request, result }));
}

fn screen(app: &App<'_>) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(app.size.0, app.size.1)).expect("a test backend");
    terminal.draw(|frame| view::draw(app, frame)).expect("drawing");
    terminal
}

fn text(app: &App<'_>) -> String {
    screen(app).backend().to_string()
}

/// Takes snapshots of one state at both sizes.
macro_rules! snapshots {
    ($name:literal, $timeline:expr, $prepare:expr) => {
        for size in [(80, 24), (120, 40)] {
            let timeline = $timeline;
            let mut app = app(&timeline, size);
            let prepare: fn(&mut App<'_>) = $prepare;
            prepare(&mut app);
            insta::assert_snapshot!(format!("{}_{}x{}", $name, size.0, size.1), screen(&app).backend());
        }
    };
}

#[test]
fn screens() {
    snapshots!("paused", Fake::new(60, 30), |app| {
        app.begin(Some(START + 9_450_000_000), false);
        serve(app);
    });
    snapshots!("playing", Fake::new(60, 30), |app| {
        app.begin(Some(START + 41_000_000_000), true);
        press(app, Key::Char('+'));
        update(app, Msg::Tick(250_000_000));
        serve(app);
    });
    snapshots!("help", Fake::new(60, 30), |app| press(app, Key::Char('?')));
    snapshots!("details_in_a_gap", Fake::new(60, 30), |app| {
        app.begin(Some(START + 21_000_000_000), false);
        press(app, Key::Tab);
        serve(app);
    });
    snapshots!("empty", Fake::new(0, 0), |_| {});
    snapshots!("no_frames", Fake::new(60, 0), |app| press(app, Key::Char(']')));
    snapshots!("no_events", Fake { rows: Vec::new(), ..Fake::new(60, 30) }, |app| serve(app));
    snapshots!("one_frame", Fake::new(1, 1), |app| {
        press(app, Key::Right);
        serve(app);
    });
    snapshots!("picture_error", Fake::new(60, 30), |app| {
        app.begin(Some(START + 96 * FRAME + 96), false);
        serve(app);
    });
    snapshots!("timeline_error", Broken, |_| {});
}

#[test]
fn small_and_large_screens() {
    for size in [(30, 8), (40, 12), (63, 17), (200, 60)] {
        let timeline = Fake::new(60, 30);
        let mut app = app(&timeline, size);
        app.begin(Some(START + 9_450_000_000), false);
        serve(&mut app);
        insta::assert_snapshot!(format!("size_{}x{}", size.0, size.1), screen(&app).backend());
    }
}

#[test]
fn without_colours_pictures_are_dots_and_nothing_has_a_colour() {
    let timeline = Fake::new(60, 30);
    let mut app = App::new(&timeline, Theme::new(Colours::None), Painting::Dots, (80, 24));
    app.begin(Some(START + 9_450_000_000), false);
    serve(&mut app);
    let terminal = screen(&app);
    for cell in terminal.backend().buffer().content() {
        assert_eq!((cell.fg, cell.bg), (ratatui::style::Color::Reset, ratatui::style::Color::Reset));
    }
    insta::assert_snapshot!("no_color_80x24", terminal.backend());
}

#[test]
fn the_picture_on_the_screen_is_the_picture_that_was_decoded() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    let request = app.wants().expect("a frame");
    assert_eq!(request, Request { frame: 0, bounds: (52, 30), pointer: None });
    // Left half red, right half blue, 52 × 30.
    let rgb = (0..52 * 30).flat_map(|i| if i % 52 < 26 { [255, 0, 0] } else { [0, 0, 255] }).collect();
    let picture = Drawable::Pixels(std::sync::Arc::new(Picture { width: 52, height: 30, rgb }));
    app.state.pointer = None;
    app.shown = Some(Answer { request, result: Ok(picture) });
    let terminal = screen(&app);
    let buffer = terminal.backend().buffer();
    for (x, y, colour) in [(0, 1, (255, 0, 0)), (25, 15, (255, 0, 0)), (26, 1, (0, 0, 255)), (51, 15, (0, 0, 255))] {
        let colour = ratatui::style::Color::Rgb(colour.0, colour.1, colour.2);
        let cell = &buffer[(x, y)];
        assert_eq!((cell.symbol(), cell.fg, cell.bg), ("▀", colour, colour), "at {x},{y}");
    }
}

#[test]
fn the_pointer_and_its_buttons_are_over_the_picture() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    serve(&mut app);
    for (pointer, buttons, at, symbols) in [
        ((0.0, 0.0), vec![], (0, 1), "↖"),
        ((0.5, 0.5), vec![Button::Left, Button::Right], (26, 8), "●L+R"),
        ((1.0, 1.0), vec![Button::Left], (50, 15), "L●"),
        ((-0.5, 0.5), vec![], (0, 8), "◂"),
        ((7.0, 0.5), vec![], (51, 8), "▸"),
        ((0.5, f32::MIN), vec![], (26, 1), "▴"),
    ] {
        (app.state.pointer, app.state.buttons) = (Some(pointer), buttons);
        let terminal = screen(&app);
        let found: String = (0..symbols.chars().count() as u16)
            .map(|i| terminal.backend().buffer()[(at.0 + i, at.1)].symbol().to_owned())
            .collect();
        assert_eq!(found, symbols, "{pointer:?}");
    }
}

#[test]
fn each_key_does_what_the_help_says() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    let at = |app: &mut App<'_>, chord, ns: i64| {
        update(app, Msg::Key(chord));
        assert_eq!(app.player.at() - START, ns, "after {chord:?}");
    };
    at(&mut app, Chord::plain(Key::Right), FRAME + 1);
    at(&mut app, Chord::plain(Key::Right), 2 * FRAME + 1);
    at(&mut app, Chord::plain(Key::Left), FRAME + 1);
    at(&mut app, Chord::plain(Key::Home), 0);
    at(&mut app, Chord::plain(Key::Left), 0);
    at(&mut app, Chord::shift(Key::Right), SECOND);
    at(&mut app, Chord::plain(Key::PageDown), 11 * SECOND);
    at(&mut app, Chord::shift(Key::Left), 10 * SECOND);
    at(&mut app, Chord::plain(Key::PageUp), 0);
    // At 0.1 s another window, at 0.2 s a key: what floods is passed over.
    at(&mut app, Chord::plain(Key::Char(']')), SECOND / 10);
    at(&mut app, Chord::plain(Key::Char(']')), SECOND / 5);
    at(&mut app, Chord::plain(Key::Char('[')), SECOND / 10);
    at(&mut app, Chord::plain(Key::Char('m')), SECOND / 10);
    at(&mut app, Chord::plain(Key::Char(']')), 108_000_000);
    at(&mut app, Chord::plain(Key::End), 60 * SECOND);
    at(&mut app, Chord::plain(Key::Right), 1799 * SECOND / 30 + 1);

    press(&mut app, Key::Char(' '));
    assert!(app.player.playing());
    press(&mut app, Key::Char('+'));
    assert_eq!(app.player.speed_name(), "2×");
    press(&mut app, Key::Char('-'));
    press(&mut app, Key::Char('-'));
    assert_eq!(app.player.speed_name(), "0.5×");
    press(&mut app, Key::Left);
    assert!(!app.player.playing(), "a step by one frame stops");
    press(&mut app, Key::Tab);
    assert_eq!(app.panel, Panel::Details);
    press(&mut app, Key::Char('?'));
    assert!(app.help);
    press(&mut app, Key::Char('q'));
    assert!(!app.help && !app.quit, "leaves the help first");
    press(&mut app, Key::Esc);
    assert!(app.quit);
}

#[test]
fn the_help_lists_every_key() {
    let timeline = Fake::new(60, 30);
    for size in [(80, 24), (60, 30)] {
        let mut app = app(&timeline, size);
        press(&mut app, Key::Char('?'));
        let screen = text(&app);
        for binding in BINDINGS {
            assert!(screen.contains(binding.keys) && screen.contains(binding.says), "{} at {size:?}", binding.says);
        }
    }
}

#[test]
fn the_mouse_seeks_plays_and_picks() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    let layout = view::layout(app.size).expect("large enough");
    let bar = layout.bar();
    let point = |column, row, press| Msg::Point { column, row, press };
    update(&mut app, point(bar.right() - 1, bar.y + 2, true));
    assert_eq!(app.player.at(), app.player.end());
    update(&mut app, point(0, 0, false));
    assert_eq!(app.player.at(), START, "dragged beyond the left end, outside of the bar");
    update(&mut app, point(layout.picture.x + 5, layout.picture.y + 5, true));
    assert!(app.player.playing());
    update(&mut app, point(bar.x, bar.y, false));
    assert_eq!(app.player.at(), START, "a drag that began elsewhere does not seek");
    assert_eq!(app.rows.rows[3].t_ns, START + 520_000_000);
    update(&mut app, point(layout.side.x + 5, layout.side.y + 1 + 3, true));
    assert_eq!((app.player.at(), app.player.playing()), (START + 520_000_000, false));
    update(&mut app, Msg::Scroll { column: layout.side.x + 5, row: layout.side.y + 5, up: false });
    assert_eq!(app.player.at(), START + 700_000_000);
    update(&mut app, Msg::Scroll { column: 5, row: 5, up: false });
    assert_eq!(app.player.at(), START + 1_700_000_000);
}

#[test]
fn the_current_row_is_the_last_one_at_or_before_the_playhead() {
    let timeline = Fake::new(600, 30);
    let mut app = app(&timeline, (120, 40));
    let notable: Vec<i64> =
        timeline.rows.iter().filter(|row| Lanes::NOTABLE.contains(row.lane)).map(|row| row.t_ns).collect();
    // To and fro over more rows than are loaded at once.
    for ms in (0..600_000).step_by(777).chain((0..600_000).rev().step_by(3_333)) {
        app.player.seek(START + ms * 1_000_000);
        update(&mut app, Msg::Tick(0));
        let expected = notable.iter().copied().rfind(|t| *t <= app.player.at());
        let current = app.rows_before().checked_sub(1).map(|i| app.rows.rows[i].t_ns);
        assert_eq!(current, expected, "at {ms} ms");
        assert!(app.rows.rows.len() <= 2 * ROWS_AROUND);
    }
}

#[test]
fn the_frame_rate_is_that_of_the_intervals() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    assert_eq!(app.fps, None, "one frame has no rate");
    for to in [FRAME * 2, SECOND / 2, 30 * SECOND] {
        app.begin(Some(START + to), false);
        assert!(app.fps.is_some_and(|fps| (fps - 30.0).abs() < 0.01), "{:?} at {to}", app.fps);
    }
}

#[test]
fn a_picture_that_is_late_is_said_to_be_on_its_way() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    update(&mut app, Msg::Tick(LATE - 1));
    assert!(!text(&app).contains("decoding"));
    update(&mut app, Msg::Tick(1));
    assert!(text(&app).contains("decoding frame 0"));
    serve(&mut app);
    assert!(!text(&app).contains("decoding"));
    press(&mut app, Key::PageDown);
    update(&mut app, Msg::Tick(LATE));
    assert!(text(&app).contains("decoding frame 300"), "over the picture of another frame");
}

/// What a hostile title would try.
const EVIL: &str = "ev\x1b]0;owned\x07\x1b[2J\u{9b}31m\u{202e}il\x1b_Gi=1;AAAA\x1b\\\r\n\0";

/// A recording whose every text is hostile.
struct Evil<'a>(&'a Fake);

impl Timeline for Evil<'_> {
    fn summary(&self) -> Summary {
        let fact = Fact { section: Section::Consent, name: EVIL.into(), value: EVIL.into(), tone: Tone::Bad };
        Summary { path: EVIL.into(), state: EVIL.into(), facts: vec![fact], ..self.0.summary() }
    }
    fn refresh(&self) -> u64 {
        0
    }
    fn frame_at(&self, t_ns: i64) -> Option<u64> {
        self.0.frame_at(t_ns)
    }
    fn frame(&self, index: u64) -> Option<FrameInfo> {
        self.0.frame(index)
    }
    fn rows(&self, t_ns: i64, before: usize, after: usize, filter: &Filter) -> Result<Rows, String> {
        self.0.rows(t_ns, before, after, filter)
    }
    fn nearest(&self, _: i64, _: Direction, _: &Filter) -> Result<Found, String> {
        Err(EVIL.into())
    }
    fn overlay(&self, _: i64, _: i64) -> Result<Overlay, String> {
        let (from_ns, until_ns) = (i64::MIN, i64::MAX);
        let mask = Mask { x: 0.1, y: 0.1, width: 0.8, height: 0.5, from_ns, until_ns, reason: EVIL.into() };
        Ok(Overlay { masks: vec![mask], clicks: Vec::new() })
    }
    fn spans(&self, _: i64, _: i64, _: usize) -> Result<Spans, String> {
        Err(EVIL.into())
    }
    fn state_at(&self, _: i64) -> Result<InputState, String> {
        let keys = vec![HeldKey::Code(EVIL.into()), HeldKey::Redacted];
        Ok(InputState { keys, window: EVIL.into(), notes: vec![EVIL.into()], ..InputState::default() })
    }
    fn density(&self, _: i64, _: i64, _: usize) -> Result<Density, String> {
        Err(EVIL.into())
    }
}

#[test]
fn escape_sequences_never_reach_the_screen() {
    let mut timeline = Fake { title: EVIL.into(), ..Fake::new(1, 1) };
    timeline.rows = vec![Row { t_ns: START, lane: Lane::Key, kind: EVIL.into(), text: EVIL.into(), frame_ref: None }];
    for size in [(80, 24), (120, 40), (200, 60)] {
        let evil = Evil(&timeline);
        let mut app = app(&evil, size);
        for panel in [Panel::Events, Panel::Details] {
            app.panel = panel;
            let terminal = screen(&app);
            let all: String = terminal.backend().buffer().content().iter().map(ratatui::buffer::Cell::symbol).collect();
            assert!(!all.contains(|c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c)));
            assert!(all.contains("evil") && !all.contains("owned") && !all.contains("AAAA"), "{all}");
        }
    }
}

/// A recording of which nothing can be read, and that lies about what it has.
struct Broken;

impl Timeline for Broken {
    fn refresh(&self) -> u64 {
        0
    }
    fn summary(&self) -> Summary {
        Summary { title: "broken".into(), start_ns: i64::MAX, end_ns: i64::MIN, frames: u64::MAX, ..Summary::default() }
    }
    fn frame_at(&self, t_ns: i64) -> Option<u64> {
        Some(u64::MAX - t_ns.unsigned_abs() % 3)
    }
    fn frame(&self, index: u64) -> Option<FrameInfo> {
        index.is_multiple_of(2).then_some(FrameInfo { t_ns: i64::MIN, keyframe: true, duplicate: true })
    }
    fn rows(&self, _: i64, _: usize, _: usize, _: &Filter) -> Result<Rows, String> {
        Err("row group 3 is damaged".into())
    }
    fn nearest(&self, t_ns: i64, _: Direction, _: &Filter) -> Result<Found, String> {
        // Neither is where it says it is, nor does it ever come to an end.
        Ok(if t_ns % 2 == 0 { Found::At(t_ns.wrapping_mul(3)) } else { Found::UpTo(t_ns) })
    }
    fn overlay(&self, _: i64, t_ns: i64) -> Result<Overlay, String> {
        let mask = Mask {
            x: f32::NAN,
            y: -1e30,
            width: 1e30,
            height: f32::INFINITY,
            from_ns: 0,
            until_ns: 0,
            reason: String::new(),
        };
        let click = Click { t_ns, button: Button::X2, x: f32::NEG_INFINITY, y: f32::NAN };
        Ok(Overlay { masks: vec![mask; 100], clicks: vec![click; 100] })
    }
    fn spans(&self, _: i64, _: i64, _: usize) -> Result<Spans, String> {
        let span = Span { kind: SpanKind::Gap, from_ns: i64::MAX, until_ns: i64::MIN };
        Ok(Spans { spans: vec![span; 100], complete: false })
    }
    fn state_at(&self, _: i64) -> Result<InputState, String> {
        Err("row group 2 is damaged".into())
    }
    fn density(&self, _: i64, _: i64, _: usize) -> Result<Density, String> {
        Ok(Density { counts: vec![[u32::MAX; 9]; 3], duplicates: vec![u32::MAX; 500], complete: false })
    }
}

fn any_msg() -> impl Strategy<Value = Msg> {
    let chords: Vec<Chord> = BINDINGS.iter().flat_map(|binding| binding.chords).copied().collect();
    let picture = (any::<u64>(), 0..5_u32, 0..5_u32, 0..100_usize).prop_map(|(frame, width, height, bytes)| {
        let request = Request { frame, bounds: (9, 9), pointer: None };
        let picture = Picture { width, height, rgb: vec![7; bytes] };
        let result = if frame % 5 == 0 { Err("no".into()) } else { Ok(Drawable::Pixels(std::sync::Arc::new(picture))) };
        Msg::Picture(Answer { request, result })
    });
    prop_oneof![
        8 => proptest::sample::select(chords).prop_map(Msg::Key),
        2 => (0..250_u16, 0..80_u16, any::<bool>()).prop_map(|(column, row, press)| Msg::Point { column, row, press }),
        1 => (0..250_u16, 0..80_u16, any::<bool>()).prop_map(|(column, row, up)| Msg::Scroll { column, row, up }),
        1 => (0..250_u16, 0..80_u16).prop_map(|(width, height)| Msg::Resize { width, height }),
        3 => prop_oneof![0..2_000_000_000_u64, any::<u64>()].prop_map(Msg::Tick),
        1 => picture,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_messages_leaves_the_session_or_panics(messages in proptest::collection::vec(any_msg(), 1..40)) {
        let timelines: [&dyn Timeline; 4] = [&Fake::new(5, 30), &Fake::new(0, 0), &Fake::new(1, 1), &Broken];
        for timeline in timelines {
            let mut app = app(timeline, (80, 24));
            for message in &messages {
                update(&mut app, message.clone());
                prop_assert!((app.player.start()..=app.player.end()).contains(&app.player.at()));
                if app.size.0 > 0 && app.size.1 > 0 {
                    screen(&app);
                }
                app.quit = false;
            }
        }
    }
}
