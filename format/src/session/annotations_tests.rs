//! Unit tests of `annotations.rs`.

use std::fs;

use super::super::metadata::samples::bare;
use super::*;
use crate::base::time::{ManualClock, MonoNs, UtcNs};

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn clock() -> ManualClock {
    ManualClock::new(MonoNs(0), UtcNs(1_700_000_000_000_000_000))
}

/// A folder that looks sealed.
fn sealed(seal: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(layout::integrity_path(dir.path()), seal).expect("a seal");
    dir
}

fn say(dir: &Path, said: Said) {
    Annotations::append(dir, ID, said, Some("kim".into()), &clock()).expect("kept");
}

fn read(dir: &Path) -> Annotations {
    Annotations::read(dir, Some(ID)).expect("annotations")
}

fn subtask(from_ns: i64, until_ns: i64, text: &str) -> Subtask {
    Subtask { from_ns, until_ns, text: text.into() }
}

fn tags(list: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    list.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
}

#[test]
fn the_last_word_counts_and_all_stay() {
    let dir = sealed("a");
    assert!(read(dir.path()).lines.is_empty());
    let first = Said {
        task: Some("Write a letter".into()),
        outcome: Some(Outcome::Unclear),
        note: Some("printer on fire".into()),
        tags: tags(&[("visit", Some("2")), ("condition", None)]),
        subtasks: vec![subtask(0, 10, "open"), subtask(10, 20, "write")],
        ..Said::default()
    };
    say(dir.path(), first);
    say(
        dir.path(),
        Said { outcome: Some(Outcome::Success), subtasks: vec![subtask(0, 10, "open it")], ..Said::default() },
    );
    let found = read(dir.path());
    assert_eq!((found.lines.said.len(), found.task()), (2, Some("Write a letter")));
    assert_eq!(found.outcome(), Some((Outcome::Success, None)));
    assert_eq!(found.subtasks(), [subtask(10, 20, "write"), subtask(0, 10, "open it")]);
    let mut metadata = bare(ID);
    metadata.tags = BTreeMap::from([("condition".into(), "a".into()), ("machine".into(), "b".into())]);
    let json = found.to_json(&metadata);
    assert_eq!(json["tags"], json!({"machine": "b", "visit": "2"}));
    assert_eq!((&json["outcome"], &json["subtasks"][0]["text"]), (&json!("success"), &json!("open it")));
    assert_eq!(json["history"][0]["said"]["note"], "printer on fire");
    say(dir.path(), Said { clear_subtasks: true, subtasks: vec![subtask(5, 6, "x")], ..Said::default() });
    assert_eq!(read(dir.path()).subtasks(), [subtask(5, 6, "x")]);
    // Another edition was annotated.
    fs::write(layout::integrity_path(dir.path()), "b").expect("a seal");
    let stale = read(dir.path());
    assert_eq!((stale.lines.said.len(), stale.task(), stale.subtasks().len()), (3, None, 0));
    assert!(!format!("{found:?}").contains("letter") && !format!("{found:?}").contains("fire"));
}

#[test]
fn what_is_refused_is_neither_written_nor_read() {
    let dir = sealed("a");
    let task = |text: &str| Said { task: Some(text.into()), ..Said::default() };
    for bad in [task(""), task("two\nlines"), Said { tags: tags(&[("a b", None)]), ..Said::default() }] {
        let refused = Annotations::append(dir.path(), ID, bad, None, &clock());
        assert!(matches!(refused, Err(AnnotationError::Label(_))));
    }
    assert!(!layout::annotations_path(dir.path()).exists());
    say(dir.path(), task("good"));
    let path = layout::annotations_path(dir.path());
    let good = fs::read_to_string(&path).expect("a file");
    let spans = good.replace("\"subtasks\":[]", "\"subtasks\":[{\"from_ns\":2,\"until_ns\":1,\"text\":\"x\"}]");
    let lines = [
        good.trim_end(),
        "nonsense",
        r#"{"v":1}"#,
        &good.replace(ID, "another"),
        &good.replace("good", "\\u001b[2J"),
        &spans,
        &good.replace("\"good\"", "null"),
        r#"{"v":2}"#,
        &good[..30],
    ];
    let found = Annotations::parse(lines.map(str::trim_end).join("\n").as_bytes(), Some(ID), None).lines;
    let at: Vec<_> = found.faults.iter().map(|fault| fault.0).collect();
    assert_eq!((found.said.len(), at, found.later, &*found.torn), (1, vec![2, 3, 4, 5, 6, 7], 1, &[9][..]));
}

#[test]
fn two_who_write_at_once_lose_nothing() {
    let dir = sealed("a");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let dir = dir.path();
            scope.spawn(move || {
                for number in 0..25 {
                    say(dir, Said { task: Some(format!("{writer} {number}")), ..Said::default() });
                }
            });
        }
    });
    let found = read(dir.path()).lines;
    assert_eq!((found.said.len(), found.unread()), (100, 0));
    let texts: std::collections::BTreeSet<_> = found.said.iter().map(|one| one.said.task.clone()).collect();
    assert_eq!(texts.len(), 100);
}

#[test]
fn keys_of_a_line_are_those_that_are_named() {
    let dir = sealed("a");
    say(dir.path(), Said { task: Some("x".into()), ..Said::default() });
    let text = fs::read_to_string(layout::annotations_path(dir.path())).expect("a file");
    let line: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("json");
    assert_eq!(line.keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
}
