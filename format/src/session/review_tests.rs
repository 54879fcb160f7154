//! Unit tests of `review.rs`.

use std::fs;

use super::*;
use crate::base::time::{ManualClock, MonoNs, UtcNs};
use crate::session::metadata::samples::bare;

const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn clock() -> Box<dyn Clock> {
    Box::new(ManualClock::new(MonoNs(0), UtcNs(1_700_000_000_000_000_000)))
}

/// A folder that looks sealed, and a book for it.
fn sealed(seal: &str) -> (tempfile::TempDir, Book) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(layout::metadata_path(dir.path()), bare(ID).to_json().expect("json")).expect("metadata");
    fs::write(layout::integrity_path(dir.path()), seal).expect("a seal");
    let book = Book::open(dir.path(), ID, Some((100, 900)), Some("kim".into()), clock()).expect("a book");
    (dir, book)
}

#[test]
fn what_is_said_is_read_back_and_the_latest_counts() {
    let (dir, mut book) = sealed("a");
    assert!(Review::read(dir.path()).expect("a review").is_empty());
    book.append(Some((200, 200)), None, "boss \u{1f3ae} \"here\"\n").expect("kept");
    book.append(None, Some(Verdict::Reject), "").expect("kept");
    assert!(!Review::read(dir.path()).expect("a review").is_accepted());
    book.append(None, Some(Verdict::Accept), "fine after all").expect("kept");
    book.append(Some((300, 400)), Some(Verdict::Reject), "chat").expect("kept");
    book.append(Some((350, 360)), Some(Verdict::Look), "").expect("kept");
    let review = Review::read(dir.path()).expect("a review");
    assert_eq!((review.remarks.len(), review.torn.len(), review.faults.len()), (5, 0, 0));
    let verdict = review.verdict().expect("a verdict");
    assert_eq!((verdict.verdict, verdict.note.as_str()), (Some(Verdict::Accept), "fine after all"));
    assert_eq!((verdict.at.as_str(), verdict.by.as_deref()), ("2023-11-14T22:13:20.000000000Z", Some("kim")));
    assert!(review.is_accepted());
    let at = |t| review.verdict_at(t);
    assert_eq!((at(299), at(300), at(355)), (Some(Verdict::Accept), Some(Verdict::Reject), Some(Verdict::Look)));
    assert_eq!((at(400), at(401)), (Some(Verdict::Reject), Some(Verdict::Accept)));
    let marks: Vec<_> = review.marks().map(|mark| (mark.span_ns, mark.note.as_str())).collect();
    assert_eq!(marks, [(Some((200, 200)), "boss \u{1f3ae} \"here\"\n")]);
    assert_eq!(review.spans().count(), 2);
    let json = review.to_json();
    assert_eq!((&json["accepted"], &json["verdict"]["verdict"]), (&json!(true), &json!("accept")));
    assert_eq!((&json["marks"][0]["from_ns"], &json["spans"][1]["stale"]), (&json!(200), &json!(false)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found = fs::metadata(layout::review_path(dir.path())).expect("a file");
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_verdict_that_was_taken_back_counts_no_more_and_the_one_before_it_does() {
    let (dir, mut book) = sealed("a");
    // Nothing to take back yet.
    book.undo(None).expect("kept");
    book.append(None, Some(Verdict::Accept), "").expect("kept");
    book.append(Some((300, 400)), Some(Verdict::Look), "").expect("kept");
    let mut lee = Book::open(dir.path(), ID, Some((100, 900)), Some("lee".into()), clock()).expect("a book");
    lee.append(None, Some(Verdict::Reject), "").expect("kept");
    book.append(None, Some(Verdict::Look), "hm").expect("kept");
    let verdict = || Review::read(dir.path()).expect("a review").verdict().and_then(|remark| remark.verdict);
    assert_eq!(verdict(), Some(Verdict::Look));
    book.undo(None).expect("kept");
    assert_eq!(verdict(), Some(Verdict::Reject), "what somebody else said stays");
    lee.undo(None).expect("kept");
    assert_eq!(verdict(), Some(Verdict::Accept));
    book.undo(Some((300, 400))).expect("kept");
    assert_eq!(verdict(), Some(Verdict::Accept), "the one on a span was taken back");
    let review = Review::read(dir.path()).expect("a review");
    assert_eq!((review.remarks.len(), review.spans().count(), review.faults.len()), (1, 0, 0));
    // What was said of an earlier edition is not what the present one's is taken back for.
    fs::write(layout::integrity_path(dir.path()), "b").expect("a seal");
    let mut anew = Book::open(dir.path(), ID, Some((100, 900)), Some("kim".into()), clock()).expect("a book");
    anew.undo(None).expect("kept");
    let review = Review::read(dir.path()).expect("a review");
    assert!(review.verdict().is_some_and(|remark| remark.stale));
}

#[test]
fn a_verdict_on_another_edition_is_stale() {
    let (dir, mut book) = sealed("a");
    book.append(None, Some(Verdict::Accept), "").expect("kept");
    assert!(Review::read(dir.path()).expect("a review").is_accepted());
    fs::write(layout::integrity_path(dir.path()), "b").expect("a seal");
    let review = Review::read(dir.path()).expect("a review");
    assert!(review.verdict().expect("a verdict").stale && !review.is_accepted());
    assert_eq!(review.verdict_at(500), None);
    // The book still speaks of what it was opened on.
    book.append(None, Some(Verdict::Accept), "").expect("kept");
    assert!(!Review::read(dir.path()).expect("a review").is_accepted());
    // A log has no seal: what was said of it is stale once it is sealed.
    fs::remove_file(layout::integrity_path(dir.path())).expect("removed");
    let mut of_log = Book::open(dir.path(), ID, None, None, clock()).expect("a book");
    of_log.append(None, Some(Verdict::Accept), "").expect("kept");
    assert!(Review::read(dir.path()).expect("a review").is_accepted());
    fs::write(layout::integrity_path(dir.path()), "b").expect("a seal");
    assert!(!Review::read(dir.path()).expect("a review").is_accepted());
}

#[test]
fn a_line_cut_off_anywhere_is_named_and_the_next_one_stands() {
    let (dir, mut book) = sealed("a");
    book.append(None, Some(Verdict::Reject), "größer").expect("kept");
    let path = layout::review_path(dir.path());
    let whole = fs::read(&path).expect("a file");
    for cut in 1..whole.len() - 1 {
        let mut bytes = whole.clone();
        bytes.extend_from_slice(&whole[..cut]);
        fs::write(&path, &bytes).expect("a file");
        let review = Review::read(dir.path()).expect("a review");
        assert_eq!((review.remarks.len(), &*review.torn, review.faults.len()), (1, &[2][..], 0), "cut at {cut}");
        book.append(None, Some(Verdict::Accept), "").expect("kept");
        let review = Review::read(dir.path()).expect("a review");
        assert_eq!((review.remarks.len(), &*review.torn, review.faults.len()), (2, &[2][..], 0), "cut at {cut}");
        assert!(review.is_accepted());
        assert!(fs::read(&path).expect("a file").starts_with(&bytes), "what was there was changed");
    }
    // Only the newline is missing: nothing is lost.
    fs::write(&path, &whole[..whole.len() - 1]).expect("a file");
    assert_eq!(Review::read(dir.path()).expect("a review").remarks.len(), 1);
}

#[test]
fn what_is_no_remark_is_counted_and_the_rest_is_read() {
    let good = format!(
        r#"{{"v":1,"session_id":"{ID}","integrity_sha256":null,"verdict":"accept","from_ns":null,"until_ns":null,"note":"","at":"x","by":null,"more":1}}"#
    );
    let lines = [
        good.as_str(),
        "nonsense",
        r#"{"v":1}"#,
        &good.replace(ID, "another"),
        &good.replace("\"accept\"", "\"maybe\""),
        &good.replace("\"from_ns\":null", "\"from_ns\":5"),
        &good.replace("\"from_ns\":null,\"until_ns\":null", "\"from_ns\":5,\"until_ns\":4"),
        r#"{"v":2,"something":"else"}"#,
        "",
        good.as_str(),
    ];
    let review = Review::parse((lines.join("\n") + "\n").as_bytes(), Some(ID), None);
    assert_eq!((review.remarks.len(), review.later), (2, 1));
    let at: Vec<_> = review.faults.iter().map(|fault| fault.0).collect();
    assert_eq!((at, &*review.torn), (vec![2, 3, 4, 5, 6, 7], &[9][..]));
    assert_eq!(review.faults[2].1, "it is of another session");
    assert_eq!(Review::parse(good.as_bytes(), None, Some("x")).verdict().map(|verdict| verdict.stale), Some(true));
    let told = Review::parse(good.replace("\"note\":\"\"", "\"note\":\"a secret\"").as_bytes(), None, None);
    assert_eq!(told.remarks[0].note, "a secret");
    assert!(!format!("{told:?}").contains("secret"));
}

#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let (dir, mut book) = sealed("a");
    let elsewhere = dir.path().join("elsewhere");
    fs::write(&elsewhere, "mine\n").expect("a file");
    std::os::unix::fs::symlink(&elsewhere, layout::review_path(dir.path())).expect("a link");
    assert!(book.append(None, None, "").is_err());
    assert!(matches!(Review::read(dir.path()), Err(ReviewError::Lines(LinesError::NotOne { .. }))));
    assert_eq!(fs::read_to_string(&elsewhere).expect("a file"), "mine\n");
}

#[test]
fn keys_of_a_line_are_those_that_are_named() {
    let (dir, mut book) = sealed("a");
    book.append(None, None, "x").expect("kept");
    let text = fs::read_to_string(layout::review_path(dir.path())).expect("a file");
    let line: serde_json::Map<String, Value> = serde_json::from_str(&text).expect("json");
    assert_eq!(line.keys().map(String::as_str).collect::<Vec<_>>(), KEYS);
}
