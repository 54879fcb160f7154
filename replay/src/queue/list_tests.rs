//! Tests of the list without a terminal: its keys, what it shows, any order of messages.

use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::queue::draw::draw;
use crate::theme::{Colours, Look};

fn list(count: usize, size: (u16, u16)) -> List {
    let names: Vec<String> = (0..count).map(|i| format!("day{}/session_20261123_08{i:02}13", i / 4)).collect();
    List::new("~/recordings", &names, Theme::new(Colours::True, Look::Dark), size)
}

fn entry(state: &str, tone: Tone, verdict: Option<Verdict>) -> Entry {
    Entry {
        state: state.into(),
        tone,
        verdict,
        stale: false,
        length_ns: Some(723_400_000_000),
        part: None,
        task: String::new(),
        problem: String::new(),
    }
}

fn filled(size: (u16, u16)) -> List {
    let mut list = list(9, size);
    let sealed = |verdict| entry("sealed", Tone::Plain, verdict);
    let part = |index| Some(crate::queue::Part { of: "series".into(), index });
    let entries = [
        sealed(Some(Verdict::Accept)),
        sealed(Some(Verdict::Reject)),
        Entry { task: "file a bug".into(), ..sealed(None) },
        Entry { stale: true, ..sealed(Some(Verdict::Accept)) },
        Entry { length_ns: Some(30_000_000_000_000), ..sealed(Some(Verdict::Look)) },
        Entry { part: part(1), ..entry("recording", Tone::Good, None) },
        Entry { part: part(2), ..entry("crashed", Tone::Warn, None) },
        Entry { length_ns: None, problem: "the log cannot be read".into(), ..entry("damaged", Tone::Bad, None) },
    ];
    for (i, entry) in entries.into_iter().enumerate() {
        list.learn(Found::Entry(i, entry));
    }
    let faults = [
        Faults::Found { over: vec![], places: 0 },
        Faults::Found { over: vec![("black".into(), 2), ("idle".into(), 1)], places: 7 },
        Faults::Found { over: vec![], places: 3 },
        Faults::Failed("no permission".into()),
        Faults::Unknown,
        Faults::Unsealed,
    ];
    for (i, faults) in faults.into_iter().enumerate() {
        list.learn(Found::Faults(i, faults));
    }
    list
}

fn screen(list: &List) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(list.size.0, list.size.1)).expect("a test backend");
    terminal.draw(|frame| draw(list, frame)).expect("drawing");
    terminal
}

fn press(list: &mut List, key: Key) -> Option<Wish> {
    list.update(&Msg::Key(Chord::plain(key)))
}

#[test]
fn screens() {
    for size in [(80, 24), (120, 40), (48, 12)] {
        let mut list = filled(size);
        list.choose(1);
        insta::assert_snapshot!(format!("queue_{}x{}", size.0, size.1), screen(&list).backend());
    }
}

#[test]
fn what_is_not_judged_as_it_is_counts_as_to_judge_and_is_gone_to() {
    let mut list = filled((80, 24));
    assert_eq!(list.counts(), [1, 1, 1, 6]);
    let next = |list: &mut List, key| {
        press(list, Key::Char(key));
        list.chosen
    };
    assert_eq!([next(&mut list, 'n'), next(&mut list, 'n'), next(&mut list, 'n')], [2, 3, 5]);
    assert_eq!([next(&mut list, 'N'), next(&mut list, 'N'), next(&mut list, 'N')], [3, 2, 2]);
    assert!(list.notice.as_ref().is_some_and(|notice| notice.text.contains("all before")));
    assert_eq!(press(&mut list, Key::Enter), Some(Wish::Open(2)));
    assert_eq!(press(&mut list, Key::Char('u')), None, "there is nothing to take back");
    let remark = Remark { from_ns: 0, until_ns: 1, verdict: Some(Verdict::Accept), note: String::new() };
    list.given.push((1, remark));
    assert_eq!(
        (press(&mut list, Key::Char('u')), press(&mut list, Key::Char('q'))),
        (Some(Wish::Undo), Some(Wish::Quit))
    );
}

#[test]
fn the_mouse_chooses_and_a_second_press_plays() {
    let mut list = filled((80, 24));
    let point = |row| Msg::Point { column: 30, row, press: true };
    assert_eq!((list.update(&point(4)), list.chosen), (None, 2));
    assert_eq!(list.update(&point(4)), Some(Wish::Open(2)));
    assert_eq!((list.update(&point(0)), list.update(&point(23)), list.chosen), (None, None, 2));
}

#[test]
fn every_key_that_the_line_names_is_one_of_the_list() {
    for binding in LIST {
        assert!(!binding.acts.is_empty() && !binding.keys.is_empty() && !binding.says.is_empty());
    }
    let text = screen(&filled((120, 40))).backend().to_string();
    let last = text.lines().rfind(|line| !line.trim().is_empty()).expect("a line");
    assert!(last.contains("Enter play") && last.contains("n N to judge") && last.contains("q quit"), "{last}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_chosen_line_is_on_the_screen_whatever_happens(
        count in 0..40_usize,
        steps in proptest::collection::vec((0..10_u8, 1..200_u16, 1..60_u16), 0..40),
    ) {
        let mut list = list(count, (80, 24));
        for (what, a, b) in steps {
            let key = [Key::Up, Key::Down, Key::PageUp, Key::PageDown, Key::Home, Key::End, Key::Char('n'), Key::Char('N')];
            match key.get(usize::from(what)) {
                Some(key) => drop(press(&mut list, *key)),
                None if what == 8 => drop(list.update(&Msg::Resize { width: a, height: b })),
                None => drop(list.update(&Msg::Point { column: a, row: b, press: true })),
            }
            prop_assert!(list.chosen < count.max(1));
            prop_assert!((list.first..list.first + list.height()).contains(&list.chosen));
            screen(&list);
        }
    }
}
