//! The file of reviews behind the player's list: what the player asks of [`watchcap_replay::Review`], answered by a [`Book`].
//!
//! The player knows spans and words, the file also editions and stale verdicts. The translation between them is here and nowhere else.

use watchcap_replay::{Remark, Verdict as Shown};

use crate::session::review::{Book, Verdict};

/// A session's book, as the player reads and writes it.
#[derive(Debug)]
pub struct Reviews(pub Book);

pub(crate) const fn shown(verdict: Verdict) -> Shown {
    match verdict {
        Verdict::Accept => Shown::Accept,
        Verdict::Reject => Shown::Reject,
        Verdict::Look => Shown::Look,
    }
}

const fn kept(verdict: Shown) -> Verdict {
    match verdict {
        Shown::Accept => Verdict::Accept,
        Shown::Reject => Verdict::Reject,
        Shown::Look => Verdict::Look,
    }
}

impl Reviews {
    /// The span in the file; `None` of a verdict on all of it.
    fn span_ns(&self, remark: &Remark) -> Option<(i64, i64)> {
        let all = self.0.span_ns().is_some_and(|(first, last)| remark.from_ns <= first && remark.until_ns >= last);
        (!all || remark.verdict.is_none()).then_some((remark.from_ns, remark.until_ns))
    }
}

impl watchcap_replay::Review for Reviews {
    fn list(&mut self) -> Result<Vec<Remark>, String> {
        let review = self.0.read().map_err(|error| error.to_string())?;
        let whole = self.0.span_ns().unwrap_or((i64::MIN, i64::MAX));
        let remarks = review.remarks.into_iter().map(|remark| {
            let (from_ns, until_ns) = remark.span_ns.unwrap_or(whole);
            // A verdict on an earlier edition is a remark to read, and none on the present one.
            let (verdict, note) = match remark.verdict {
                Some(verdict) if remark.stale => (None, format!("stale {}: {}", verdict.word(), remark.note)),
                verdict => (verdict.map(shown), remark.note),
            };
            Remark { from_ns, until_ns, verdict, note }
        });
        Ok(remarks.collect())
    }

    fn append(&mut self, remark: &Remark) -> Result<(), String> {
        let span_ns = self.span_ns(remark);
        self.0.append(span_ns, remark.verdict.map(kept), &remark.note).map_err(|error| error.to_string())
    }

    fn undo(&mut self, remark: &Remark) -> Result<(), String> {
        let span_ns = self.span_ns(remark);
        self.0.undo(span_ns).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use watchcap_replay::Review as _;

    use super::*;
    use crate::base::time::{ManualClock, MonoNs, UtcNs};
    use crate::session::layout;
    use crate::session::metadata::samples::bare;
    use crate::session::review::Review;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    /// A folder that looks sealed, and its book.
    fn sealed() -> (tempfile::TempDir, Reviews) {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(layout::metadata_path(dir.path()), bare(ID).to_json().expect("json")).expect("metadata");
        fs::write(layout::integrity_path(dir.path()), "a").expect("a seal");
        let clock = ManualClock::new(MonoNs(0), UtcNs(1_700_000_000_000_000_000));
        let book = Book::open(dir.path(), ID, Some((100, 900)), None, Box::new(clock)).expect("a book");
        (dir, Reviews(book))
    }

    #[test]
    fn the_player_says_what_the_file_says() {
        let (dir, mut reviews) = sealed();
        let remark =
            |from_ns, until_ns, verdict, note: &str| Remark { from_ns, until_ns, verdict, note: note.to_owned() };
        let said = [
            remark(150, 150, None, "a mark"),
            remark(100, 900, Some(Shown::Look), "all of it"),
            remark(100, 500, Some(Shown::Reject), "half"),
            remark(100, 900, None, ""),
        ];
        for remark in &said {
            reviews.append(remark).expect("kept");
        }
        assert_eq!(reviews.list().expect("a list"), said);
        let review = Review::read(dir.path()).expect("a review");
        let spans: Vec<_> = review.remarks.iter().map(|remark| remark.span_ns).collect();
        assert_eq!(spans, [Some((150, 150)), None, Some((100, 500)), Some((100, 900))]);
    }

    #[test]
    fn a_verdict_on_another_edition_is_listed_as_a_remark() {
        let (dir, mut reviews) = sealed();
        reviews
            .append(&Remark { from_ns: 100, until_ns: 900, verdict: Some(Shown::Accept), note: String::new() })
            .expect("kept");
        fs::write(layout::integrity_path(dir.path()), "b").expect("a seal");
        let listed = reviews.list().expect("a list");
        assert_eq!((listed[0].verdict, listed[0].note.as_str()), (None, "stale accept: "));
    }
}
