//! Follows a compositor in a thread of its own, so that one that hangs holds no device up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::desk::{Active, Desk};
use crate::base::time::{Clock, MonoNs};
use crate::capture::CaptureError;

/// How often the compositor is asked when it says nothing: all changes are known up to this ago.
const EVERY: Duration = Duration::from_millis(25);
/// Between two looks this far apart the machine stood still, and the compositor may have keys to read that are older.
const STILL: Duration = Duration::from_millis(60);

/// Changes that wait to be taken in. While there are more the compositor is not asked, and nothing is vouched for.
const MAX_TURNS: usize = 256;

/// Another window is active, or is called otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Turn {
    /// It was not so yet at this time.
    pub(crate) since: MonoNs,
    /// It was so at this time.
    pub(crate) at: MonoNs,
    /// The window; none: no window is active.
    pub(crate) active: Option<Active>,
}

/// What a look at the compositor's word brought.
pub(crate) struct News {
    /// Up to this time all changes are told.
    pub(crate) known: MonoNs,
    /// Those that had not been told.
    pub(crate) turns: Vec<Turn>,
    /// Why nothing will be told any more. Said once.
    pub(crate) gone: Option<CaptureError>,
}

/// Follows a compositor until it is dropped.
pub(crate) struct ActiveWatch {
    turns: Receiver<Result<Turn, String>>,
    known: Arc<AtomicI64>,
    stop: Arc<AtomicBool>,
}

impl ActiveWatch {
    /// Asks for the active window, and follows it from then on.
    ///
    /// # Errors
    /// When the compositor does not answer.
    pub(crate) fn open(mut desk: Box<dyn Desk>, clock: Arc<dyn Clock>) -> Result<(Self, Turn), CaptureError> {
        let fails = |detail: String| CaptureError::System { what: "asking the compositor", detail };
        let since = clock.now();
        let active = desk.look().map_err(|error| fails(error.to_string()))?.pop().flatten();
        let first = Turn { since, at: clock.now(), active };
        let (queue, turns) = crossbeam_channel::bounded(MAX_TURNS);
        let (known, stop) = (Arc::new(AtomicI64::new(since.0)), Arc::new(AtomicBool::new(false)));
        let (told, asked, last) = (Arc::clone(&known), Arc::clone(&stop), first.active.clone());
        let follow = move || follow(desk.as_mut(), clock.as_ref(), last, (&queue, &told), &asked);
        std::thread::Builder::new()
            .name("active-window".into())
            .spawn(follow)
            .map_err(|error| fails(error.to_string()))?;
        Ok((Self { turns, known, stop }, first))
    }

    /// Returns what changed, and up to when all changes are known by it.
    pub(crate) fn news(&self) -> News {
        // In this order: a change is told before the time that it is known by.
        let known = MonoNs(self.known.load(Ordering::SeqCst));
        let (mut turns, mut gone) = (Vec::new(), None);
        for told in self.turns.try_iter() {
            match told {
                Ok(turn) => turns.push(turn),
                Err(detail) => gone = Some(CaptureError::Gone { what: "compositor", detail }),
            }
        }
        News { known, turns, gone }
    }
}

impl Drop for ActiveWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Follows the compositor until it is asked to stop, or cannot be asked any more.
fn follow(
    desk: &mut dyn Desk,
    clock: &dyn Clock,
    mut last: Option<Active>,
    (queue, known): (&Sender<Result<Turn, String>>, &AtomicI64),
    stop: &AtomicBool,
) {
    let mut looked = clock.now();
    while !stop.load(Ordering::SeqCst) {
        let news = desk.wait(EVERY).and_then(|()| {
            let at = clock.now();
            Ok((at, desk.look()?))
        });
        match news {
            Ok((at, news)) => {
                let since = MonoNs(known.load(Ordering::SeqCst));
                for active in news {
                    if active == last {
                        continue;
                    }
                    last.clone_from(&active);
                    // The answer may know of a change after it was asked for.
                    if queue.send(Ok(Turn { since, at: clock.now(), active })).is_err() {
                        return;
                    }
                }
                // Then the next look vouches: by its answer the compositor has read what lay there.
                if at.since(std::mem::replace(&mut looked, at)) < STILL {
                    known.store(at.0, Ordering::SeqCst);
                }
            }
            Err(error) => {
                // Nobody listens any more: it has ended itself.
                drop(queue.send(Err(error.to_string())));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::base::time::SystemClock;

    /// Says what it was given, one answer a look, and then that it is gone.
    struct Script(Vec<Vec<Option<Active>>>);

    impl Desk for Script {
        fn wait(&mut self, _: Duration) -> io::Result<()> {
            Ok(())
        }
        fn look(&mut self) -> io::Result<Vec<Option<Active>>> {
            if self.0.is_empty() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(self.0.remove(0)) }
        }
    }

    #[test]
    fn changes_are_told_once_and_lie_between_two_looks() {
        let window = |title: &str| Some(Active { id: "1".into(), title: title.into(), ..Active::default() });
        let answers = vec![vec![window("a")], vec![], vec![window("a")], vec![window("b"), window("a")], vec![None]];
        let script = Script(answers);
        let (watch, first) = ActiveWatch::open(Box::new(script), Arc::new(SystemClock)).expect("it answers");
        assert_eq!(first.active, window("a"));
        let turns: Vec<_> = watch.turns.iter().collect();
        let [Ok(one), Ok(back), Ok(two), Err(_)] = turns.as_slice() else { panic!("{turns:?}") };
        assert_eq!((&one.active, &back.active, &two.active), (&window("b"), &window("a"), &None));
        assert!(first.since <= one.since && one.since <= one.at && one.at <= two.at && two.since >= one.since);
        assert!(watch.news().known >= two.since);
    }
}
