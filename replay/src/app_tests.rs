//! Tests of the whole player without a terminal: every key, every screen, any order of messages.

use std::cell::{Cell, RefCell};

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::desk::Report;
use crate::fake::{Fake, FakePictures, START};
use crate::keys::{BINDINGS, Chord, Key};
use crate::msg::Msg;
use crate::theme::{Colours, Look};
use crate::timeline::{Button, Click, Fact, Lane, Mask, Picture, Pictures, Row, Section, Span, SpanKind};
use crate::timeline::{Export, Found, Verdict};
use crate::update::{update, update_all};
use crate::worker::Drawable;

const FRAME: i64 = SECOND / 30;

fn app(timeline: &dyn Timeline, size: (u16, u16)) -> App<'_> {
    App::new(timeline, Theme::new(Colours::True, Look::Dark), Painting::HalfBlocks, size)
}

fn press(app: &mut App<'_>, key: Key) {
    update(app, Msg::Key(Chord::plain(key)));
}

/// Serves the picture that the player wants, as the worker would.
fn serve(app: &mut App<'_>) {
    let Some(request) = app.wants() else { return };
    let result = FakePictures.picture(request.frame, request.bounds).and_then(|picture| {
        let mut scaled = crate::picture::scale(&mut fast_image_resize::Resizer::new(), picture, request.bounds)?;
        if let Some(part) = request.part {
            scaled = crate::picture::magnified(&scaled, part);
        }
        Ok(Drawable::Pixels(std::sync::Arc::new(scaled)))
    });
    update(app, Msg::Picture(Answer { frame: request.frame, request, result }));
}

/// Types a text into a prompt and ends it.
fn type_in(app: &mut App<'_>, text: &str) {
    text.chars().for_each(|c| press(app, Key::Char(c)));
    press(app, Key::Enter);
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
    let series = "3 parts: day-part0001 to day-part0003";
    snapshots!("series", Fake { title: series.into(), parts: 3, ..Fake::new(60, 30) }, |app| {
        app.begin(Some(START + 21 * SECOND), false);
        serve(app);
    });
    snapshots!("help", Fake::new(60, 30), |app| press(app, Key::Char('?')));
    snapshots!("help_end", Fake::new(60, 30), |app| {
        press(app, Key::Char('?'));
        press(app, Key::End);
    });
    snapshots!("redacted", Fake::new(60, 30), |app| {
        app.begin(Some(START + 9_500_000_000), false);
        press(app, Key::Tab);
        serve(app);
    });
    snapshots!("zoomed", Fake::new(60, 30), |app| {
        app.begin(Some(START + 20_450_000_000), false);
        (0..3).for_each(|_| press(app, Key::Char('z')));
        press(app, Key::Char('a'));
        update(app, Msg::Key(Chord::shift(Key::Right)));
        press(app, Key::Char('b'));
        press(app, Key::Right);
        serve(app);
    });
    snapshots!("filtered", Fake::new(60, 30), |app| {
        press(app, Key::Char('/'));
        type_in(app, "key:w -up");
        serve(app);
    });
    snapshots!("goto", Fake::new(60, 30), |app| {
        serve(app);
        press(app, Key::Char('g'));
        type_in(app, "1:30");
    });
    snapshots!("verdict", Fake::new(60, 30), |app| {
        serve(app);
        press(app, Key::Char('v'));
    });
    snapshots!("note", Fake::new(60, 30), |app| {
        serve(app);
        press(app, Key::Char('v'));
        press(app, Key::Char('r'));
        "frozen".chars().for_each(|c| press(app, Key::Char(c)));
    });
    snapshots!("export", Fake::new(60, 30), |app| {
        serve(app);
        press(app, Key::Char('o'));
    });
    snapshots!("reviewed", Fake::new(60, 30), |app| {
        let remark = |from: i64, until: i64, verdict, note: &str| Remark {
            from_ns: START + from * SECOND,
            until_ns: START + until * SECOND,
            verdict,
            note: note.into(),
        };
        let remarks = vec![
            remark(0, 60, Some(Verdict::Look), "who plays?"),
            remark(20, 24, Some(Verdict::Reject), "frozen"),
            remark(30, 40, Some(Verdict::Accept), ""),
            remark(45, 45, None, "nice"),
        ];
        update(app, Msg::Report(Report::Remarks(Ok(remarks))));
        press(app, Key::Tab);
        press(app, Key::Char('9'));
        press(app, Key::Char('"'));
        update_all(app, (0..20).map(|_| Msg::Tick(0)));
        serve(app);
    });
    snapshots!("magnified", Fake::new(60, 30), |app| {
        app.begin(Some(START + 9_450_000_000), false);
        press(app, Key::Char('x'));
        serve(app);
    });
    snapshots!("live", Growing::new(21), |app| {
        app.begin(None, false);
        serve(app);
    });
    snapshots!("crashed", Growing { live: Cell::new(false), ..Growing::new(21) }, |app| {
        app.begin(Some(START + SECOND), false);
        serve(app);
    });
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
fn nothing_of_the_help_is_cut() {
    for size in [(40, 120), (64, 120), (80, 60), (120, 60)] {
        let timeline = Fake::new(60, 30);
        let mut app = app(&timeline, size);
        press(&mut app, Key::Char('?'));
        let text = text(&app);
        for binding in BINDINGS.iter().chain(crate::keys::LENS) {
            assert!(text.contains(binding.says), "{size:?}: {} is cut: {text}", binding.says);
        }
        assert!(text.contains("is gone to") && text.contains("belongs to this frame"), "{size:?}: {text}");
    }
}

#[test]
fn a_video_that_cannot_be_read_is_not_said_to_be_none() {
    let timeline = Fake::new(60, 0);
    for size in [(80, 24), (120, 40)] {
        let mut app = app(&timeline, size);
        app.summary.no_pictures = Some("cannot use s/frames.mp4: the index is damaged".into());
        press(&mut app, Key::Tab);
        let text = text(&app);
        assert!(text.contains("the video cannot be read") && text.contains("damaged"), "{text}");
        assert!(text.contains("unreadable") && !text.contains("no pictures"), "{text}");
    }
}

#[test]
fn a_verdict_on_what_is_not_sealed_is_said_to_be_one() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    let said = |app: &mut App<'_>, verdict| {
        let remark = Remark { from_ns: START, until_ns: START, verdict, note: "n".into() };
        update(app, Msg::Report(Report::Kept(remark, Ok(()))));
        app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
    };
    press(&mut app, Key::Char('v'));
    assert!(!text(&app).contains("not sealed"));
    assert_eq!(said(&mut app, Some(Verdict::Accept)), "kept: accept n");
    app.summary.provisional = true;
    assert!(text(&app).contains("not sealed yet") && text(&app).contains("a verdict of its own"), "{}", text(&app));
    assert!(said(&mut app, Some(Verdict::Accept)).contains("once sealed, say it again"));
    assert_eq!(said(&mut app, None), "kept: mark n");
}

#[test]
fn what_is_nowhere_is_not_said_to_be_missing_only_here() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    let searched = |app: &mut App<'_>, words: &str| {
        press(app, Key::Char('/'));
        type_in(app, words);
        update_all(app, (0..20).map(|_| Msg::Tick(0)));
        press(app, Key::Esc);
        app.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
    };
    press(&mut app, Key::End);
    assert_eq!(searched(&mut app, "zzz"), "no zzz anywhere");
    assert_eq!(searched(&mut app, "key:w"), "no key:w after this");
}

#[test]
fn the_ends_of_the_range_stand_in_no_time_of_the_ruler() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    app.begin(Some(START + 41 * SECOND), false);
    let ruler = |app: &App<'_>| text(app).lines().find(|line| line.contains('╷')).unwrap_or_default().to_owned();
    assert!(ruler(&app).contains("╷0:10"), "{}", ruler(&app));
    app.range = (Some(START + 12 * SECOND), Some(START + 52 * SECOND));
    let ruler = ruler(&app);
    assert!(ruler.contains('A') && ruler.contains('B') && !ruler.contains("╷0:1"), "{ruler}");
    assert!(ruler.contains("╷0:20") && !ruler.contains("0A"), "{ruler}");
}

#[test]
fn without_colours_pictures_are_dots_and_nothing_has_a_colour() {
    let timeline = Fake::new(60, 30);
    let mut app = App::new(&timeline, Theme::new(Colours::None, Look::Dark), Painting::Dots, (80, 24));
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
    let mut app = app(&timeline, (80, 25));
    let request = app.wants().expect("a frame");
    let drawing = Drawing::default();
    let expected =
        Request { frame: 0, bounds: (52, 30), part: None, hurry: false, heading: Direction::Forward, drawing };
    assert_eq!(request, expected);
    // Left half red, right half blue, 52 × 30.
    let rgb = (0..52 * 30).flat_map(|i| if i % 52 < 26 { [255, 0, 0] } else { [0, 0, 255] }).collect();
    let picture = Drawable::Pixels(std::sync::Arc::new(Picture { width: 52, height: 30, rgb }));
    app.state.pointer = None;
    app.shown = Some(Answer { frame: 0, request, result: Ok(picture) });
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
    let mut app = app(&timeline, (80, 25));
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
    at(&mut app, Chord::plain(Key::Char('e')), SECOND / 10);
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
    assert_eq!(app.mode, Mode::Help(0));
    press(&mut app, Key::Char('q'));
    assert!(app.mode == Mode::Normal && !app.quit, "leaves the help first");
    press(&mut app, Key::Esc);
    assert!(!app.quit, "a key that goes back does not leave");
    press(&mut app, Key::Char('q'));
    assert!(app.quit);
}

#[test]
fn the_help_lists_every_key() {
    let timeline = Fake::new(60, 30);
    for size in [(80, 24), (60, 30)] {
        let mut app = app(&timeline, size);
        press(&mut app, Key::Char('?'));
        // By scrolling through it, line by line, to its end.
        let mut screen = String::new();
        for _ in 0..=view::help_length(size) {
            screen.push_str(&text(&app).replace("\"\"", "\""));
            press(&mut app, Key::Down);
        }
        for binding in BINDINGS {
            assert!(screen.contains(binding.keys) && screen.contains(binding.says), "{} at {size:?}", binding.says);
        }
        for sign in ["pictures are missing", "mostly repeated frames", "needs a look", "anything else"] {
            assert!(screen.contains(sign), "{sign} at {size:?}");
        }
    }
}

#[test]
fn the_mouse_seeks_plays_and_picks() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    let layout = view::layout(app.size, false, false, false).expect("large enough");
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
fn a_range_is_set_looped_and_forgotten() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    press(&mut app, Key::Char('l'));
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text.contains("set A")) && app.player.repeat().is_none());
    press(&mut app, Key::PageDown);
    press(&mut app, Key::Char('a'));
    assert_eq!(app.range_set(), None);
    press(&mut app, Key::PageDown);
    press(&mut app, Key::Char('b'));
    let range = (START + 10 * SECOND, START + 20 * SECOND);
    assert_eq!(app.range_set(), Some(range));
    press(&mut app, Key::Char('l'));
    assert_eq!((app.player.repeat(), app.player.at()), (Some(range), range.0), "it begins where the loop does");
    press(&mut app, Key::Char(' '));
    update(&mut app, Msg::Tick(13 * SECOND as u64));
    assert_eq!(app.player.at(), START + 13 * SECOND);
    press(&mut app, Key::End);
    press(&mut app, Key::Char('a'));
    assert_eq!((app.range, app.player.repeat()), ((Some(START + 60 * SECOND), None), None), "A behind B drops B");
    press(&mut app, Key::Char('L'));
    assert_eq!(app.range, (None, None));
}

#[test]
fn go_to_understands_frames_times_and_shares_and_says_what_it_does_not() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    for (typed, at) in [
        ("300", 10 * SECOND),
        ("0:12.5", 12 * SECOND + SECOND / 2),
        ("50%", 30 * SECOND),
        ("+5s", 35 * SECOND),
        ("-90", 32 * SECOND),
        ("100%", 60 * SECOND),
    ] {
        press(&mut app, Key::Char('g'));
        type_in(&mut app, typed);
        assert_eq!((app.player.at() - START, &app.mode), (at, &Mode::Normal), "{typed}");
    }
    for (typed, says) in [("1800", "the last frame is 1799"), ("61s", "it ends at 1:00.000"), ("far", "is no place")] {
        press(&mut app, Key::Char('g'));
        type_in(&mut app, typed);
        assert!(text(&app).contains(says), "{typed}: {}", text(&app));
        assert_eq!(app.player.at(), app.player.end());
        press(&mut app, Key::Esc);
    }
}

#[test]
fn jumps_find_the_next_of_their_kind_however_far_and_say_when_there_is_none() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    let mut jump = |key, ns: i64| {
        press(&mut app, Key::Char(key));
        // One call of a search at a time: a thousand rows of this recording.
        for _ in 0..20 {
            update(&mut app, Msg::Tick(0));
        }
        assert!(app.searching.is_none());
        assert_eq!(app.player.at() - START, ns * 1_000_000, "after {key}");
    };
    jump('d', 20_000);
    jump('D', 20_000);
    jump('\'', 33_000);
    jump('f', 45_100);
    jump('F', 30_100);
    jump('c', 30_400);
    jump('c', 33_400);
    jump('C', 30_400);
    jump('k', 31_200);
    jump('K', 30_200);
    jump('w', 33_300);
    jump('W', 26_300);
    assert!(app.notice.as_ref().is_some_and(|notice| notice.text == "no gap before this"), "{:?}", app.notice);
    // A remark is nearer than the mark of the log.
    let remark =
        Remark { from_ns: START + 28 * SECOND, until_ns: START + 28 * SECOND, verdict: None, note: "x".into() };
    update(&mut app, Msg::Report(Report::Kept(remark, Ok(()))));
    press(&mut app, Key::Char('\''));
    update_all(&mut app, (0..20).map(|_| Msg::Tick(0)));
    assert_eq!(app.player.at(), START + 28 * SECOND);
}

#[test]
fn a_search_filters_the_table_is_shown_while_it_goes_on_and_ends_with_another_wish() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    press(&mut app, Key::Char('/'));
    type_in(&mut app, "boss");
    assert_eq!(app.rows.rows.len(), 1, "the one mark");
    assert!(app.busy() && text(&app).contains("looking for boss"));
    press(&mut app, Key::Right);
    assert!(!app.busy(), "a step is another wish");
    press(&mut app, Key::Char('n'));
    update_all(&mut app, (0..20).map(|_| Msg::Tick(0)));
    assert_eq!(app.player.at(), START + 33 * SECOND);
    press(&mut app, Key::Char('N'));
    update_all(&mut app, (0..20).map(|_| Msg::Tick(0)));
    assert_eq!(app.player.at(), START + 33 * SECOND);
    assert!(text(&app).contains("no boss before this"));
    press(&mut app, Key::Esc);
    assert!(app.filter.is_none() && app.rows.rows.len() > 100, "the whole table is back");
}

#[test]
fn marks_verdicts_and_exports_are_handed_over_once() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    let taken = |app: &mut App<'_>| std::mem::take(&mut app.commands);
    press(&mut app, Key::Char('1'));
    press(&mut app, Key::Char('m'));
    type_in(&mut app, " look q ");
    let at = START + 6 * SECOND;
    let mark = Remark { from_ns: at, until_ns: at, verdict: None, note: "look q".into() };
    assert_eq!(taken(&mut app), [Command::Keep(mark.clone())]);
    assert!(app.remarks.is_empty(), "not before it is kept");
    update(&mut app, Msg::Report(Report::Kept(mark.clone(), Ok(()))));
    assert_eq!(app.remarks, [mark]);
    press(&mut app, Key::Char('v'));
    press(&mut app, Key::Char('a'));
    press(&mut app, Key::Enter);
    let all =
        Remark { from_ns: START, until_ns: START + 60 * SECOND, verdict: Some(Verdict::Accept), note: String::new() };
    assert_eq!(taken(&mut app), [Command::Keep(all.clone())]);
    update(&mut app, Msg::Report(Report::Kept(all, Err("the disk is full".into()))));
    assert!(app.remarks.len() == 1 && text(&app).contains("NOT kept: the disk is full"));
    for keys in [&['v', 'q'][..], &['v', '\r'], &['m', '\x1b']] {
        for key in keys {
            let key = match key {
                '\r' => Key::Enter,
                '\x1b' => Key::Esc,
                c => Key::Char(*c),
            };
            press(&mut app, key);
        }
        assert!(taken(&mut app).is_empty() && app.mode == Mode::Normal && !app.quit, "{keys:?}");
    }
    press(&mut app, Key::Char('o'));
    press(&mut app, Key::Char('e'));
    assert!(taken(&mut app).is_empty() && text(&app).contains("set A"), "no range, no excerpt");
    press(&mut app, Key::Char('a'));
    press(&mut app, Key::PageDown);
    press(&mut app, Key::Char('b'));
    press(&mut app, Key::Char('o'));
    press(&mut app, Key::Char('e'));
    let excerpt = Export::Excerpt { from_ns: at, until_ns: at + 10 * SECOND };
    assert_eq!(taken(&mut app), [Command::Export(excerpt)]);
    update(&mut app, Msg::Report(Report::Progress(1, 4)));
    assert!(text(&app).contains("exporting… 25 %"));
    press(&mut app, Key::Char('o'));
    press(&mut app, Key::Char('p'));
    assert!(taken(&mut app).is_empty(), "one at a time");
    press(&mut app, Key::Char('o'));
    press(&mut app, Key::Char('x'));
    assert_eq!(taken(&mut app), [Command::Cancel]);
    update(&mut app, Msg::Report(Report::Exported(Err("cancelled".into()))));
    assert!(text(&app).contains("not exported: cancelled"));
    press(&mut app, Key::Char('o'));
    press(&mut app, Key::Char('p'));
    assert_eq!(taken(&mut app), [Command::Export(Export::Frame(480))]);
    update(&mut app, Msg::Report(Report::Exported(Ok("frame_480.png is written".into()))));
    assert!(text(&app).contains("✓ frame_480.png is written"));
    update(&mut app, Msg::Tick(view::NOTICE_TIME));
    assert!(!text(&app).contains("frame_480.png"), "a notice goes away");
    // Where there is no place for them nobody types a note in vain.
    app.can = (false, false);
    for (key, says) in [('m', "no place for marks"), ('v', "no place for marks"), ('o', "nothing can be exported")] {
        press(&mut app, Key::Char(key));
        assert!(app.mode == Mode::Normal && text(&app).contains(says), "{key}");
    }
}

#[test]
fn sound_is_heard_when_it_is_on_and_at_real_time_only() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    press(&mut app, Key::Char('M'));
    assert!(text(&app).contains("there is no sound in it") && !app.audible());
    app.heard = Heard::Muted;
    assert!(text(&app).contains("M sound"), "the line of keys names it");
    press(&mut app, Key::Char('M'));
    assert!(text(&app).contains("sound on, while it plays at 1×") && text(&app).contains("M mute"));
    assert!(!app.audible(), "it stands");
    press(&mut app, Key::Char(' '));
    assert!(app.audible() && text(&app).contains('♪') && !text(&app).contains("♪ at 1×"));
    press(&mut app, Key::Char('+'));
    assert!(!app.audible() && text(&app).contains("♪ at 1×"));
    press(&mut app, Key::Backspace);
    assert!(app.audible());
    update(&mut app, Msg::NoSound("there is no server".into()));
    assert!(!app.audible() && text(&app).contains("no sound is heard: there is no server"));
    press(&mut app, Key::Char('M'));
    press(&mut app, Key::Char('M'));
    assert!(!app.audible() && app.heard == Heard::Muted);
}

#[test]
fn a_recording_that_grows_is_followed_until_the_hand_goes_elsewhere() {
    let timeline = Growing::new(10);
    let mut app = app(&timeline, (120, 40));
    app.begin(None, false);
    assert!(app.follow && app.player.at() == START + 10 * SECOND);
    timeline.grow(5);
    update(&mut app, Msg::Tick(1));
    assert_eq!((app.player.at(), app.frame.map(|(index, _)| index)), (START + 15 * SECOND, Some(449)));
    assert_eq!(app.zoom.until(), START + 15 * SECOND, "the timeline grows with it");
    assert!(text(&app).contains("▶  1×") && text(&app).contains("LIVE") && text(&app).contains("space pause"));
    app.state.paused = true;
    assert!(text(&app).contains("❚❚ 1×") && text(&app).contains("LIVE, paused"));
    app.state.paused = false;
    // A pause of the player, and back.
    press(&mut app, Key::Char(' '));
    assert!(!app.follow && text(&app).contains("❚❚ 1×") && !text(&app).contains("LIVE"));
    press(&mut app, Key::Char(' '));
    assert!(app.follow);
    press(&mut app, Key::PageUp);
    timeline.grow(5);
    update(&mut app, Msg::Tick(1));
    assert_eq!((app.player.at(), app.player.end()), (START + 5 * SECOND, START + 20 * SECOND));
    press(&mut app, Key::Char(' '));
    update(&mut app, Msg::Tick(16 * SECOND as u64));
    timeline.grow(5);
    update(&mut app, Msg::Tick(1));
    assert_eq!((app.follow, app.player.at()), (true, START + 25 * SECOND), "played up to the end, it follows");
    timeline.live.set(false);
    timeline.grow(0);
    update(&mut app, Msg::Tick(1));
    assert!(!app.follow && text(&app).contains("the recording has ended: crashed"));
}

#[test]
fn the_wheel_zooms_the_timeline_around_the_hand() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    let bar = view::layout(app.size, false, false, false).expect("large enough").bar();
    let (column, row) = (bar.x + bar.width / 2, bar.y + 1);
    let under = app.zoom.instant(bar.width / 2, bar.width);
    for _ in 0..4 {
        update(&mut app, Msg::Scroll { column, row, up: true });
    }
    assert_eq!(
        (app.zoom.length(), app.player.at()),
        (60 * SECOND as u64 / 16, START),
        "the playhead stays where it was"
    );
    assert!(app.zoom.instant(bar.width / 2, bar.width).abs_diff(under) < 10_000_000);
    assert!(text(&app).contains('‹') && text(&app).contains('›'));
    update(&mut app, Msg::Point { column, row, press: true });
    assert!(app.player.at().abs_diff(under) < 10_000_000, "a click seeks in what is seen");
    press(&mut app, Key::Char('\\'));
    assert!(app.zoom.is_whole());
}

#[test]
fn while_a_key_repeats_pictures_are_asked_in_a_hurry_and_at_rest_the_right_one() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (120, 40));
    let hurry = |app: &App<'_>| app.wants().map(|request| request.hurry);
    update(&mut app, Msg::Tick(SECOND as u64));
    update(&mut app, Msg::Key(Chord::shift(Key::Right)));
    assert_eq!(hurry(&app), Some(false), "the first press");
    update(&mut app, Msg::Tick(33_000_000));
    update(&mut app, Msg::Key(Chord::shift(Key::Right)));
    let request = app.wants().expect("a frame");
    assert_eq!((request.hurry, request.frame), (true, 60));
    // The worker answers with the keyframe: it is shown, and said.
    let picture = Picture { width: 2, height: 2, rgb: vec![9; 12] };
    let result = Ok(Drawable::Pixels(std::sync::Arc::new(picture)));
    update(&mut app, Msg::Picture(Answer { request: request.clone(), frame: 45, result }));
    assert!(text(&app).contains("≈ picture of frame 45") && text(&app).contains("frame    60/1,800"));
    assert!(!app.satisfied(&request));
    update(&mut app, Msg::Tick(150_000_000));
    assert_eq!(hurry(&app), Some(false), "at rest");
    serve(&mut app);
    assert!(app.satisfied(&app.wants().expect("a frame")));
    assert!(!text(&app).contains('≈') || text(&app).contains("frames"));
}

#[test]
fn colours_change_and_what_lies_over_the_picture_goes_away() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    app.begin(Some(START + 9_850_000_000), false);
    serve(&mut app);
    let background = |app: &App<'_>| screen(app).backend().buffer()[(70, 5)].bg;
    let seen: std::collections::HashSet<_> = (0..3)
        .map(|_| {
            press(&mut app, Key::Char('t'));
            background(&app)
        })
        .collect();
    assert_eq!(seen.len(), 3, "dark, light, high contrast");
    assert!(text(&app).contains("▒ chat") && text(&app).contains('○'));
    press(&mut app, Key::Char('h'));
    let hidden = text(&app);
    assert!(!hidden.contains("▒ chat") && !hidden.contains('○') && !hidden.contains('↖'));
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

#[test]
fn a_picture_that_stands_in_for_another_says_so() {
    let timeline = Fake::new(60, 30);
    let mut app = app(&timeline, (80, 24));
    press(&mut app, Key::PageDown);
    let request = app.wants().expect("a wish");
    let picture = Picture { width: 1, height: 1, rgb: vec![0; 3] };
    let answer = |frame| {
        let result = Ok(Drawable::Pixels(std::sync::Arc::new(picture.clone())));
        Msg::Picture(Answer { request: request.clone(), frame, result })
    };
    update(&mut app, answer(request.frame - 9));
    assert!(text(&app).contains(&format!("≈ picture of frame {}", request.frame - 9)));
    update(&mut app, answer(request.frame));
    assert!(!text(&app).contains('≈'));
}

/// A recording that goes on while it is watched.
struct Growing {
    fake: RefCell<Fake>,
    version: Cell<u64>,
    live: Cell<bool>,
    /// How often it was asked for rows.
    asked: Cell<usize>,
    /// How far from the instant its answers reach at the most, nanoseconds.
    reach: i64,
}

impl Growing {
    fn new(seconds: i64) -> Self {
        let (fake, version, live) = (RefCell::new(Fake::new(seconds, 30)), Cell::new(1), Cell::new(true));
        Self { fake, version, live, asked: Cell::new(0), reach: i64::MAX }
    }

    fn grow(&self, seconds: i64) {
        let seconds = self.fake.borrow().seconds + seconds;
        self.fake.replace(Fake::new(seconds, 30));
        self.version.set(self.version.get() + 1);
    }
}

impl Timeline for Growing {
    fn refresh(&self) -> u64 {
        self.version.get()
    }
    fn summary(&self) -> Summary {
        let state = if self.live.get() { "recording" } else { "crashed" };
        Summary { live: self.live.get(), state: state.into(), ..self.fake.borrow().summary() }
    }
    fn frame_at(&self, t_ns: i64) -> Option<u64> {
        self.fake.borrow().frame_at(t_ns)
    }
    fn frame(&self, index: u64) -> Option<FrameInfo> {
        self.fake.borrow().frame(index)
    }
    fn rows(&self, t_ns: i64, before: usize, after: usize, filter: &Filter) -> Result<Rows, String> {
        self.asked.set(self.asked.get() + 1);
        let mut rows = self.fake.borrow().rows(t_ns, before, after, filter)?;
        rows.from_ns = rows.from_ns.max(t_ns.saturating_sub(self.reach));
        rows.until_ns = rows.until_ns.min(t_ns.saturating_add(self.reach));
        rows.rows.retain(|row| (rows.from_ns..=rows.until_ns).contains(&row.t_ns));
        Ok(rows)
    }
    fn nearest(&self, t_ns: i64, direction: Direction, filter: &Filter) -> Result<Found, String> {
        self.fake.borrow().nearest(t_ns, direction, filter)
    }
    fn state_at(&self, t_ns: i64) -> Result<InputState, String> {
        self.fake.borrow().state_at(t_ns)
    }
    fn overlay(&self, since_ns: i64, t_ns: i64) -> Result<Overlay, String> {
        self.fake.borrow().overlay(since_ns, t_ns)
    }
    fn density(&self, from_ns: i64, until_ns: i64, buckets: usize) -> Result<Density, String> {
        self.fake.borrow().density(from_ns, until_ns, buckets)
    }
    fn spans(&self, from_ns: i64, until_ns: i64, at_most: usize) -> Result<Spans, String> {
        self.fake.borrow().spans(from_ns, until_ns, at_most)
    }
}

#[test]
fn rows_that_are_few_are_not_asked_for_again_at_each_step() {
    // Some twenty rows on each side, far fewer than a screen.
    let timeline = Growing { reach: 10 * SECOND, ..Growing::new(600) };
    let mut app = app(&timeline, (120, 40));
    app.begin(Some(START + 300 * SECOND), false);
    timeline.asked.set(0);
    let around = app.rows.rows.len();
    assert!((10..64).contains(&around), "{around} rows");
    for _ in 0..60 {
        press(&mut app, Key::Right);
    }
    assert!(timeline.asked.get() <= 1, "asked {} times in two seconds of steps", timeline.asked.get());
    for _ in 0..1800 {
        press(&mut app, Key::Right);
        let at = app.player.at();
        assert!((app.rows.from_ns..=app.rows.until_ns).contains(&at), "rows of another place are shown");
    }
    assert!((6..=30).contains(&timeline.asked.get()), "asked {} times in a minute", timeline.asked.get());
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
        Ok(Density { counts: vec![[u32::MAX; Lane::ALL.len()]; 3], duplicates: vec![u32::MAX; 500], complete: false })
    }
}

fn any_msg() -> impl Strategy<Value = Msg> {
    let mut chords: Vec<Chord> = BINDINGS.iter().flat_map(|binding| binding.acts).map(|(chord, _)| *chord).collect();
    // What prompts and choices take beside them, twice: most of what is typed should come to an end.
    chords.extend(
        [Key::Enter, Key::Enter, Key::Delete, Key::Char('r'), Key::Char('x'), Key::Char('%')].map(Chord::plain),
    );
    let picture = (any::<u64>(), 0..5_u32, 0..5_u32, 0..100_usize).prop_map(|(frame, width, height, bytes)| {
        let (hurry, heading, drawing) = (frame % 2 == 0, Direction::Back, Drawing::default());
        let request = Request { frame, bounds: (9, 9), part: None, hurry, heading, drawing };
        let picture = Picture { width, height, rgb: vec![7; bytes] };
        let result = if frame % 5 == 0 { Err("no".into()) } else { Ok(Drawable::Pixels(std::sync::Arc::new(picture))) };
        Msg::Picture(Answer { frame: frame / 2, request, result })
    });
    let remark = |(from_ns, until_ns, note)| Remark { from_ns, until_ns, verdict: Some(Verdict::Look), note };
    let remark = (any::<i64>(), any::<i64>(), "[a-z]{0,300}").prop_map(remark);
    let report = prop_oneof![
        proptest::collection::vec(remark.clone(), 0..4).prop_map(|remarks| Report::Remarks(Ok(remarks))),
        remark.prop_map(|remark| Report::Kept(remark, Ok(()))),
        (any::<u64>(), any::<u64>()).prop_map(|(done, whole)| Report::Progress(done, whole)),
        Just(Report::Exported(Err("full".into()))),
    ];
    prop_oneof![
        8 => proptest::sample::select(chords).prop_map(Msg::Key),
        2 => (0..250_u16, 0..80_u16, any::<bool>()).prop_map(|(column, row, press)| Msg::Point { column, row, press }),
        1 => (0..250_u16, 0..80_u16, any::<bool>()).prop_map(|(column, row, up)| Msg::Scroll { column, row, up }),
        1 => (0..250_u16, 0..80_u16).prop_map(|(width, height)| Msg::Resize { width, height }),
        3 => prop_oneof![0..2_000_000_000_u64, any::<u64>()].prop_map(Msg::Tick),
        1 => picture,
        1 => report.prop_map(Msg::Report),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_sequence_of_messages_leaves_the_session_or_panics(messages in proptest::collection::vec(any_msg(), 1..40)) {
        let growing = Growing::new(3);
        let timelines: [&dyn Timeline; 5] = [&Fake::new(5, 30), &Fake::new(0, 0), &Fake::new(1, 1), &Broken, &growing];
        for timeline in timelines {
            let mut app = app(timeline, (80, 24));
            for (i, message) in messages.iter().enumerate() {
                update(&mut app, message.clone());
                prop_assert!((app.player.start()..=app.player.end()).contains(&app.player.at()));
                prop_assert!(app.zoom.from() >= app.player.start() && app.zoom.until() <= app.player.end());
                app.commands.clear();
                // Each is drawn in some of the cases.
                if app.size.0 > 0 && app.size.1 > 0 && i % 3 == messages.len() % 3 {
                    screen(&app);
                }
                app.quit = false;
                growing.version.set(i as u64 / 8);
            }
        }
    }
}

fn queued(app: &mut App<'_>, index: usize, undo: bool) {
    app.place = Some(crate::app::Place { index, count: 3, undo, goes_on: index == 1 });
}

#[test]
fn in_a_queue_keys_lead_to_the_next_recording_and_back_to_the_list() {
    let timeline = Fake::new(10, 30);
    let left = |index, key: char| {
        let mut app = app(&timeline, (120, 40));
        queued(&mut app, index, true);
        press(&mut app, Key::Char(key));
        app.quit.then_some(app.leave)
    };
    assert_eq!(
        [left(0, 's'), left(2, 's'), left(0, 'S'), left(2, 'S')],
        [Some(Leave::Next), None, None, Some(Leave::Previous)]
    );
    assert_eq!([left(1, 'q'), left(1, 'u')], [Some(Leave::List), Some(Leave::Undo)]);
    let mut alone = app(&timeline, (120, 40));
    for key in ['s', 'S', 'u'] {
        press(&mut alone, Key::Char(key));
        assert!(!alone.quit && alone.notice.take().is_some(), "{key}");
    }
    press(&mut alone, Key::Char('q'));
    assert_eq!((alone.quit, alone.leave), (true, Leave::Quit));
}

#[test]
fn the_end_of_a_part_leads_to_the_next_part() {
    let timeline = Fake::new(10, 30);
    for (index, leave) in [(0, None), (1, Some(Leave::Part))] {
        let mut app = app(&timeline, (120, 40));
        queued(&mut app, index, false);
        app.begin(Some(START + 9 * SECOND), true);
        update(&mut app, Msg::Tick(500_000_000));
        assert!(!app.quit);
        update(&mut app, Msg::Tick(600_000_000));
        assert_eq!(app.quit.then_some(app.leave), leave);
    }
    let mut app = app(&timeline, (120, 40));
    queued(&mut app, 1, false);
    press(&mut app, Key::End);
    update(&mut app, Msg::Tick(SECOND as u64));
    assert!(!app.quit, "who goes to the end stays there");
}

#[test]
fn a_verdict_in_capitals_goes_on_once_it_is_kept_and_only_then() {
    let timeline = Fake::new(10, 30);
    let mut app = app(&timeline, (120, 40));
    press(&mut app, Key::Char('v'));
    press(&mut app, Key::Char('A'));
    assert!(app.commands.is_empty() && !app.quit, "there is nothing to go on to");
    queued(&mut app, 0, false);
    for (result, quits) in [(Err("no space".to_owned()), false), (Ok(()), true)] {
        press(&mut app, Key::Char('v'));
        press(&mut app, Key::Char('R'));
        let Some(crate::desk::Command::Keep(remark)) = app.commands.pop() else { panic!("nothing is kept") };
        assert_eq!((remark.verdict, remark.from_ns, app.quit), (Some(Verdict::Reject), START, false));
        update(&mut app, Msg::Report(Report::Kept(remark, result)));
        assert_eq!((app.quit, app.given.len()), (quits, usize::from(quits)));
    }
    assert_eq!(app.leave, Leave::Unjudged);
}

#[test]
fn a_verdict_is_taken_back_once() {
    let timeline = Fake::new(10, 30);
    let mut app = app(&timeline, (120, 40));
    let remark = Remark { from_ns: START, until_ns: START + SECOND, verdict: Some(Verdict::Look), note: "hm".into() };
    update(&mut app, Msg::Report(Report::Kept(remark.clone(), Ok(()))));
    press(&mut app, Key::Char('u'));
    press(&mut app, Key::Char('u'));
    assert_eq!(app.commands, [crate::desk::Command::Undo(remark.clone())]);
    update(&mut app, Msg::Report(Report::Undone(remark.clone(), Err("no space".into()))));
    assert_eq!((app.remarks.len(), app.given.len()), (1, 1));
    press(&mut app, Key::Char('u'));
    update(&mut app, Msg::Report(Report::Undone(remark, Ok(()))));
    assert_eq!((app.remarks.len(), app.given.len(), app.commands.len()), (0, 0, 2));
}

/// Brings the player into a state.
type Prepare = fn(&mut App<'_>);

/// What the line of keys says can be pressed does something, in each state of the player.
#[test]
fn every_key_on_the_line_does_something() {
    let timeline = Fake::new(60, 30);
    let states: [(&str, Prepare); 9] = [
        ("paused", |_| {}),
        ("playing", |app| press(app, Key::Char(' '))),
        ("range", |app| {
            press(app, Key::Char('a'));
            update(app, Msg::Key(Chord::shift(Key::Right)));
            press(app, Key::Char('b'));
        }),
        ("filtered", |app| {
            press(app, Key::Char('/'));
            type_in(app, "key:w -up");
        }),
        ("queue", |app| queued(app, 1, true)),
        ("magnified", |app| {
            press(app, Key::Char('x'));
            update(app, Msg::Key(Chord::plain(Key::Right)));
        }),
        ("verdict", |app| press(app, Key::Char('v'))),
        ("export", |app| press(app, Key::Char('o'))),
        ("help", |app| press(app, Key::Char('?'))),
    ];
    for (name, prepare) in states {
        let ready = || {
            let mut app = app(&timeline, if name == "help" { (60, 30) } else { (400, 40) });
            app.begin(Some(START + 9_450_000_000), false);
            prepare(&mut app);
            app.notice = None;
            app
        };
        let (hints, last) = view::key_hints(&ready());
        assert!(!last.is_empty(), "{name}");
        for (keys, says) in hints.into_iter().chain(last) {
            assert!(!keys.is_empty(), "{name}: {says} has no key");
            for key in keys.split(' ') {
                let chord = named(key);
                let mut app = ready();
                let state = |app: &App<'_>| (text(app), app.quit, app.commands.clone(), app.range);
                let before = state(&app);
                update(&mut app, Msg::Key(chord));
                let after = state(&app);
                assert!(before != after, "{name}: {key} ({says}) does nothing");
            }
        }
    }
}

/// The chord of a name on the line of keys.
fn named(name: &str) -> Chord {
    let all = [Key::Left, Key::Right, Key::Up, Key::Down, Key::Home, Key::End, Key::PageUp, Key::PageDown];
    let more = [Key::Tab, Key::Esc, Key::Enter, Key::Backspace, Key::Delete, Key::Char(' ')];
    let known = all.into_iter().chain(more).map(Chord::plain).find(|chord| chord.name() == name);
    known.unwrap_or_else(|| Chord::plain(Key::Char(name.chars().next().expect("a name"))))
}
