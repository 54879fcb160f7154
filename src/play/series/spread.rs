//! What people make of a series, spread over its parts: a mark, a verdict, a picture or an excerpt goes to the part that it is of, and a verdict on
//! more than one of them to each, as if it had been played alone.

use std::ops::Range;

use watchcap_replay::{Export, Exports, Remark, Review};

/// What is done with a remark in a book.
type Act = fn(&mut dyn Review, &Remark) -> Result<(), String>;

/// The books of all parts, each with the first and last instant of its part.
pub struct SeriesReview(Vec<((i64, i64), Box<dyn Review>)>);

impl SeriesReview {
    /// Of parts in their order.
    pub fn new(parts: Vec<((i64, i64), Box<dyn Review>)>) -> Self {
        Self(parts)
    }

    /// The pieces of a remark, each with the place of its part.
    fn pieces(&self, remark: &Remark) -> Vec<(usize, Remark)> {
        let spans = self.0.iter().map(|(span, _)| *span);
        let last = self.0.partition_point(|((begin, _), _)| *begin <= remark.from_ns).saturating_sub(1);
        if remark.from_ns == remark.until_ns {
            return vec![(last, remark.clone())];
        }
        let pieces: Vec<_> = spans
            .enumerate()
            .map(|(at, (first, end))| (at, (remark.from_ns.max(first), remark.until_ns.min(end))))
            .filter(|(_, (from, until))| from < until)
            .map(|(at, (from_ns, until_ns))| (at, Remark { from_ns, until_ns, ..remark.clone() }))
            .collect();
        if pieces.is_empty() { vec![(last, remark.clone())] } else { pieces }
    }

    /// Does something with the book of each part that a remark is of. Where one refuses, it is taken back in those before it; of what cannot be
    /// taken back the error says in which parts it is done.
    fn each(&mut self, remark: &Remark, act: Act, take_back: Act) -> Result<(), String> {
        let mut done = Vec::new();
        for (at, piece) in self.pieces(remark) {
            let Some((_, review)) = self.0.get_mut(at) else { continue };
            let Err(error) = act(review.as_mut(), &piece) else {
                done.push((at, piece));
                continue;
            };
            let mut left = Vec::new();
            for (at, piece) in done {
                // A mark is not taken back.
                if piece.verdict.is_none() || take_back(self.0[at].1.as_mut(), &piece).is_err() {
                    left.push((at + 1).to_string());
                }
            }
            let refused = format!("{error} (part {} of {})", at + 1, self.0.len());
            return Err(if left.is_empty() { refused } else { format!("{refused}; done in part {}", left.join(", ")) });
        }
        Ok(())
    }
}

impl Review for SeriesReview {
    fn list(&mut self) -> Result<Vec<Remark>, String> {
        let mut lists = Vec::with_capacity(self.0.len());
        for (span, review) in &mut self.0 {
            let remarks = review.list()?.into_iter().map(Some).collect::<Vec<_>>();
            lists.push((*span, remarks));
        }
        let mut all = Vec::new();
        for at in 0..lists.len() {
            for n in 0..lists[at].1.len() {
                let Some(mut remark) = lists[at].1[n].take() else { continue };
                // What reaches the seam and goes on behind it is one, as it was said.
                let mut reached = at;
                while remark.from_ns < remark.until_ns && remark.until_ns >= lists[reached].0.1 {
                    let Some(((begin, _), next)) = lists.get_mut(reached + 1) else { break };
                    let goes_on = |other: &&mut Option<Remark>| {
                        other.as_ref().is_some_and(|other| {
                            other.from_ns <= *begin
                                && other.from_ns < other.until_ns
                                && (other.verdict, &other.note) == (remark.verdict, &remark.note)
                        })
                    };
                    let Some(more) = next.iter_mut().find(goes_on).and_then(Option::take) else { break };
                    remark.until_ns = more.until_ns;
                    reached += 1;
                }
                all.push(remark);
            }
        }
        Ok(all)
    }

    fn append(&mut self, remark: &Remark) -> Result<(), String> {
        self.each(remark, |review, piece| review.append(piece), |review, piece| review.undo(piece))
    }

    fn undo(&mut self, remark: &Remark) -> Result<(), String> {
        self.each(remark, |review, piece| review.undo(piece), |review, piece| review.append(piece))
    }
}

/// What a part is: its frames among those of all parts, its first and its last instant.
type Place = (Range<u64>, (i64, i64));

/// What takes things out of each part.
pub struct SeriesExports(Vec<(Place, Box<dyn Exports>)>);

impl SeriesExports {
    /// Of parts in their order.
    pub fn new(parts: Vec<(Place, Box<dyn Exports>)>) -> Self {
        Self(parts)
    }
}

impl Exports for SeriesExports {
    fn export(&mut self, export: Export, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<String, String> {
        let of = |((frames, (first, end)), _): &(Place, Box<dyn Exports>)| match export {
            Export::Frame(frame) => frames.contains(&frame),
            Export::Excerpt { from_ns, until_ns } => *first <= from_ns && until_ns <= *end,
        };
        match (self.0.iter().position(of), export) {
            (Some(at), _) => {
                let ((frames, _), exports) = &mut self.0[at];
                let export = match export {
                    Export::Frame(frame) => Export::Frame(frame - frames.start),
                    span @ Export::Excerpt { .. } => span,
                };
                exports.export(export, progress)
            }
            (None, Export::Frame(_)) => Err("there is no such frame".into()),
            (None, Export::Excerpt { .. }) => {
                Err("the span goes over a seam: `watchcap join` makes one session of the parts".into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use watchcap_replay::Verdict;

    use super::*;

    /// A book in memory.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<Remark>>>);

    impl Review for Kept {
        fn list(&mut self) -> Result<Vec<Remark>, String> {
            Ok(self.0.lock().expect("a lock").clone())
        }

        fn append(&mut self, remark: &Remark) -> Result<(), String> {
            self.0.lock().expect("a lock").push(remark.clone());
            Ok(())
        }

        fn undo(&mut self, remark: &Remark) -> Result<(), String> {
            self.0.lock().expect("a lock").retain(|kept| kept != remark);
            Ok(())
        }
    }

    fn remark(from_ns: i64, until_ns: i64, verdict: Option<Verdict>) -> Remark {
        Remark { from_ns, until_ns, verdict, note: String::new() }
    }

    #[test]
    fn a_verdict_on_all_is_one_on_each_part_and_is_read_as_one() {
        let kept = [Kept::default(), Kept::default(), Kept::default()];
        let parts = [(0, 100), (100, 200), (200, 300)].into_iter().zip(&kept);
        let mut all = SeriesReview::new(parts.map(|(span, kept)| (span, Box::new(kept.clone()) as _)).collect());
        let (accept, reject) = (Some(Verdict::Accept), Some(Verdict::Reject));
        let said = [remark(0, 300, accept), remark(100, 100, None), remark(150, 250, reject), remark(210, 220, reject)];
        for remark in &said {
            all.append(remark).expect("kept");
        }
        let own = |at: usize| kept[at].0.lock().expect("a lock").clone();
        assert_eq!(own(0), [remark(0, 100, accept)]);
        assert_eq!(own(1), [remark(100, 200, accept), remark(100, 100, None), remark(150, 200, reject)]);
        assert_eq!(own(2), [remark(200, 300, accept), remark(200, 250, reject), remark(210, 220, reject)]);
        assert_eq!(all.list().expect("a list"), said);
        all.undo(&said[0]).expect("taken back");
        assert_eq!(all.list().expect("a list"), said[1..]);
        // One that was given to a part alone is not taken for one on more.
        all.append(&remark(0, 100, accept)).expect("kept");
        assert_eq!(all.list().expect("a list")[0], remark(0, 100, accept));
    }

    /// A book that keeps so many lines more.
    struct Full(Kept, usize);

    impl Full {
        fn line(&mut self) -> Result<(), String> {
            self.1 = self.1.checked_sub(1).ok_or("the disk is full")?;
            Ok(())
        }
    }

    impl Review for Full {
        fn list(&mut self) -> Result<Vec<Remark>, String> {
            self.0.list()
        }

        fn append(&mut self, remark: &Remark) -> Result<(), String> {
            self.line()?;
            self.0.append(remark)
        }

        fn undo(&mut self, remark: &Remark) -> Result<(), String> {
            self.line()?;
            self.0.undo(remark)
        }
    }

    #[test]
    fn a_verdict_that_one_part_refuses_is_in_none_or_the_error_says_where() {
        let verdict = remark(0, 300, Some(Verdict::Accept));
        let of = |lines: [usize; 3]| {
            let kept = [Kept::default(), Kept::default(), Kept::default()];
            let parts = [(0, 100), (100, 200), (200, 300)].into_iter().zip(kept.clone()).zip(lines);
            let parts = parts.map(|((span, kept), lines)| (span, Box::new(Full(kept, lines)) as Box<dyn Review>));
            (SeriesReview::new(parts.collect()), kept)
        };
        let counts = |kept: &[Kept; 3]| kept.each_ref().map(|kept| kept.0.lock().expect("a lock").len());
        let (mut all, kept) = of([2, 2, 0]);
        assert_eq!(all.append(&verdict).expect_err("full"), "the disk is full (part 3 of 3)");
        assert_eq!(counts(&kept), [0, 0, 0]);
        let (mut all, kept) = of([1, 2, 0]);
        assert_eq!(all.append(&verdict).expect_err("full"), "the disk is full (part 3 of 3); done in part 1");
        assert_eq!(counts(&kept), [1, 0, 0]);
        // One that is taken back still counts in all.
        let (mut all, kept) = of([3, 3, 1]);
        all.append(&verdict).expect("kept");
        assert_eq!(all.undo(&verdict).expect_err("full"), "the disk is full (part 3 of 3)");
        assert_eq!(counts(&kept), [1, 1, 1]);
    }

    struct Named(&'static str);

    impl Exports for Named {
        fn export(&mut self, export: Export, _: &mut dyn FnMut(u64, u64) -> bool) -> Result<String, String> {
            Ok(format!("{} {export:?}", self.0))
        }
    }

    #[test]
    fn pictures_and_excerpts_are_taken_out_of_the_part_that_has_them() {
        let part = |name, frames, span| ((frames, span), Box::new(Named(name)) as Box<dyn Exports>);
        let mut all = SeriesExports::new(vec![part("a", 0..10, (0, 100)), part("b", 10..30, (100, 200))]);
        let mut export = |export| all.export(export, &mut |_, _| true);
        assert_eq!(export(Export::Frame(9)).as_deref(), Ok("a Frame(9)"));
        assert_eq!(export(Export::Frame(10)).as_deref(), Ok("b Frame(0)"));
        assert!(export(Export::Frame(30)).is_err());
        assert!(export(Export::Excerpt { from_ns: 110, until_ns: 200 }).expect("it is in b").starts_with("b "));
        assert!(export(Export::Excerpt { from_ns: 90, until_ns: 110 }).expect_err("a seam").contains("watchcap join"));
    }
}
