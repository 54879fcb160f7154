//! The threads that look at the recordings of a queue and check them, while the person reads the list or plays one.
//!
//! Invariant: of what is left to do, what is nearest to the chosen line comes first; whatever panics is an answer that says so. A check
//! that is not done when the queue is left ends with the process: it only reads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::library::{Entry, Faults, Library};
use crate::desk::THREADS;
use crate::text::clean;
use crate::timeline::Tone;

/// Recordings that wait to be looked at again: one is left at a time.
const AGAIN: usize = 16;

/// What was found out.
#[derive(Debug)]
pub(super) enum Found {
    /// Of a recording, by looking at it.
    Entry(usize, Entry),
    /// Of a recording, by checking it.
    Faults(usize, Faults),
}

/// The hold on the threads.
pub(super) struct Scout {
    /// What they found.
    pub(super) found: Receiver<Found>,
    again: Sender<usize>,
    focus: Arc<AtomicUsize>,
    left: Arc<AtomicBool>,
}

/// Takes the index nearest to `focus` that is left to do, those after it first.
fn take_nearest(left: &mut Vec<usize>, focus: usize) -> Option<usize> {
    let distance = |index: usize| 2 * index.abs_diff(focus) + usize::from(index < focus);
    let at = (0..left.len()).min_by_key(|at| distance(left[*at]))?;
    Some(left.swap_remove(at))
}

impl Scout {
    /// Starts a thread that looks at everything and again at what it is told, and one that checks everything.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start(library: &Arc<dyn Library>, count: usize) -> std::io::Result<Self> {
        // Everything is found twice: no thread ever waits for room while a recording is played.
        let (out, found) = bounded(2 * count + AGAIN);
        let (again, inbox) = bounded::<usize>(AGAIN);
        let focus = Arc::new(AtomicUsize::new(0));
        let left = Arc::new(AtomicBool::new(false));
        {
            let (library, focus, left, out) = (Arc::clone(library), Arc::clone(&focus), Arc::clone(&left), out.clone());
            thread::Builder::new().name(format!("{THREADS}-look")).spawn(move || {
                let mut todo: Vec<usize> = (0..count).collect();
                while !left.load(Ordering::SeqCst) {
                    let asked = if todo.is_empty() { inbox.recv().ok() } else { inbox.try_recv().ok() };
                    let Some(index) = asked.or_else(|| take_nearest(&mut todo, focus.load(Ordering::SeqCst))) else {
                        return;
                    };
                    let entry = catch_unwind(AssertUnwindSafe(|| library.look(index)));
                    if out.send(Found::Entry(index, cleaned(entry.unwrap_or_else(|_| panicked())))).is_err() {
                        return;
                    }
                }
            })?;
        }
        let (library, focus_of, left_of) = (Arc::clone(library), Arc::clone(&focus), Arc::clone(&left));
        thread::Builder::new().name(format!("{THREADS}-check")).spawn(move || {
            let mut todo: Vec<usize> = (0..count).collect();
            while let Some(index) = take_nearest(&mut todo, focus_of.load(Ordering::SeqCst)) {
                if left_of.load(Ordering::SeqCst) {
                    return;
                }
                let faults = catch_unwind(AssertUnwindSafe(|| library.check(index)));
                let faults = faults.unwrap_or_else(|_| Faults::Failed("it failed (it panicked)".into()));
                if out.send(Found::Faults(index, cleaned_faults(faults))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { found, again, focus, left })
    }

    /// What is near to this line is wanted first.
    pub(super) fn focus(&self, index: usize) {
        self.focus.store(index, Ordering::SeqCst);
    }

    /// A recording is not what it was: looks at it again.
    pub(super) fn look_again(&self, index: usize) {
        match self.again.try_send(index) {
            // The thread is gone, or has enough to do: the list shows what it knew.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }
}

impl Drop for Scout {
    fn drop(&mut self) {
        self.left.store(true, Ordering::SeqCst);
    }
}

fn panicked() -> Entry {
    Entry {
        state: "unreadable".into(),
        tone: Tone::Bad,
        verdict: None,
        stale: false,
        length_ns: None,
        part: None,
        task: String::new(),
        problem: "looking at it failed (it panicked)".into(),
    }
}

/// What a recording says, fit to be drawn.
pub(super) fn cleaned(mut entry: Entry) -> Entry {
    for text in [&mut entry.state, &mut entry.task, &mut entry.problem] {
        *text = clean(text);
    }
    entry
}

fn cleaned_faults(faults: Faults) -> Faults {
    match faults {
        Faults::Found { mut over, places } => {
            for (name, _) in &mut over {
                *name = clean(name);
            }
            Faults::Found { over, places }
        }
        Faults::Failed(why) => Faults::Failed(clean(&why)),
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_comes_first_and_nothing_is_left_out() {
        let mut left: Vec<usize> = (0..6).collect();
        let order: Vec<usize> = std::iter::from_fn(|| take_nearest(&mut left, 2)).collect();
        assert_eq!(order, [2, 3, 1, 4, 0, 5]);
    }
}
