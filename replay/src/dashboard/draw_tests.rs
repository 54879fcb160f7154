//! Tests of the dashboard's screen without a terminal.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;

use super::draw::{Screen, bounds, draw};
use super::readings::{Activity, Gauge, Group, Happened, Readings};
use crate::app::Painting;
use crate::theme::{Colours, Look, Theme};
use crate::timeline::{Picture, Tone};

fn gauge(name: &str, value: &str, share: Option<f32>, tone: Tone) -> Gauge {
    Gauge { name: name.into(), value: value.into(), share, tone }
}

fn readings(activity: Activity) -> Readings {
    let plain = |name, value| gauge(name, value, None, Tone::Plain);
    let queue = |name, value, share| gauge(name, value, Some(share), Tone::Good);
    let group = |title, gauges| Group { title, gauges };
    let event = |at_ms: u64, kind, count| Happened { at_ns: at_ms * 1_000_000, kind, count };
    Readings {
        title: "session_20261130_154313-part0002 (part 2)".into(),
        activity,
        why: String::new(),
        elapsed_ns: 83_456_000_000,
        groups: vec![
            group(
                "pictures",
                vec![
                    plain("frames/s", "29.7 of 30"),
                    plain("frames", "2497"),
                    gauge("dropped", "3 (0.1 %)", None, Tone::Warn),
                ],
            ),
            group("input", vec![plain("inputs/s", "104"), plain("inputs", "8411")]),
            group(
                "queues",
                vec![
                    queue("pictures", "3 of 8", 0.375),
                    queue("encoded", "0 of 30", 0.0),
                    queue("inputs", "12 of 65536", 0.0002),
                    queue("sound", "1 of 128", 0.008),
                ],
            ),
            group(
                "disk",
                vec![
                    plain("commit", "1.2 ms, p99 4.1 ms"),
                    plain("video", "312.4 MB, 19.1 MB/min"),
                    gauge("room for", "57:12:09", None, Tone::Good),
                ],
            ),
            group("sound", vec![gauge("sound", "-14 dB", Some(0.77), Tone::Good)]),
        ],
        missing: vec![gauge("screen", "3 encoder_busy (2 gaps)", None, Tone::Warn)],
        events: vec![
            event(83_401, "mouse_move", 57),
            event(83_120, "key_up", 1),
            event(83_040, "key_down", 1),
            event(82_900, "focus", 1),
            event(80_000, "mark", 1),
            event(79_998, "mouse_click", 2),
            event(61_234, "gap", 2),
        ],
    }
}

fn screen() -> Screen {
    let rgb = (0..64 * 36).flat_map(|i: u32| [(i % 64 * 4) as u8, (i / 64 * 7) as u8, 80]).collect();
    Screen {
        theme: Theme::new(Colours::True, Look::Dark),
        painting: Painting::HalfBlocks,
        help: false,
        notice: None,
        picture: Some(Picture { width: 64, height: 36, rgb }),
    }
}

fn drawn(readings: &Readings, screen: &Screen, (width, height): (u16, u16)) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| draw(readings, screen, frame.area(), frame.buffer_mut())).expect("a screen");
    terminal.backend().clone()
}

#[test]
fn screens_look_as_they_did() {
    let recording = readings(Activity::Recording);
    for size in [(120, 40), (80, 24)] {
        insta::assert_snapshot!(format!("dashboard_{}x{}", size.0, size.1), drawn(&recording, &screen(), size));
    }
    let withheld = Readings { why: "input is withheld: password_field".into(), ..readings(Activity::Withheld) };
    insta::assert_snapshot!("dashboard_withheld_80x24", drawn(&withheld, &screen(), (80, 24)));
    let asked = Screen { notice: Some((Tone::Good, "paused".into())), help: true, ..screen() };
    insta::assert_snapshot!("dashboard_paused_help_80x24", drawn(&readings(Activity::Paused), &asked, (80, 24)));
    let plain = Screen { theme: Theme::new(Colours::None, Look::Dark), painting: Painting::Dots, ..screen() };
    insta::assert_snapshot!("dashboard_no_color_60x20", drawn(&recording, &plain, (60, 20)));
}

#[test]
fn in_a_pause_there_is_no_picture() {
    let cells = |activity| {
        let backend = drawn(&readings(activity), &screen(), (80, 24));
        backend.buffer().content().iter().filter(|cell| cell.symbol() == "▀").count()
    };
    assert!(cells(Activity::Recording) > 200 && cells(Activity::Withheld) > 200);
    assert_eq!(cells(Activity::Paused), 0);
}

#[test]
fn no_size_and_no_text_does_harm() {
    let mut dirty = readings(Activity::Recording);
    dirty.title = "a\u{1b}]0;title\u{7}b".into();
    dirty.why = "x".repeat(500);
    let mut helped = screen();
    for width in (1..140).step_by(3).chain([400]) {
        for height in (1..50).chain([200]) {
            helped.help = width % 2 == 0;
            let backend = drawn(&dirty, &helped, (width, height));
            assert!(backend.buffer().content().iter().all(|cell| !cell.symbol().contains('\u{1b}')));
            assert!(bounds(Rect::new(0, 0, width, height), Painting::HalfBlocks).is_none_or(|(w, h)| w > 0 && h > 0));
        }
    }
}
