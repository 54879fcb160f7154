//! The desk: keeps what the reviewer says and takes things out of the recording, in threads of its own, so that the screen never
//! waits for a disk.
//!
//! Invariants: a remark that was handed over is written before the player ends; one export runs at a time and can be
//! cancelled; whatever fails or panics is an answer that says so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::text::clean;
use crate::timeline::{Export, Exports, Remark, Review};

/// What the names of these threads begin with; the panic hook knows them by this.
pub(crate) const THREADS: &str = "watchcap-desk";
/// Remarks that may wait to be written: nobody types faster than a disk syncs sixteen of them.
const REMARKS: usize = 16;
/// Answers that may wait: the player takes them all whenever it draws.
const ANSWERS: usize = 64;
/// How long an export may take to notice that it is cancelled when the player ends.
const EXPORT_END: Duration = Duration::from_secs(2);
/// Between two looks at that.
const EXPORT_POLL: Duration = Duration::from_millis(10);

/// What the player asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    /// Keep a remark.
    Keep(Remark),
    /// Take back a verdict that was kept.
    Undo(Remark),
    /// Take something out.
    Export(Export),
    /// Stop doing that.
    Cancel,
    /// Stop the program until the shell goes on with it. Not for the desk: for the terminal.
    Suspend,
}

/// What became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Report {
    /// What was kept so far, or why it cannot be read.
    Remarks(Result<Vec<Remark>, String>),
    /// A remark is kept, or why not.
    Kept(Remark, Result<(), String>),
    /// A verdict is taken back, or why not.
    Undone(Remark, Result<(), String>),
    /// How far an export is: done, whole.
    Progress(u64, u64),
    /// An export has ended: what was written, or why not.
    Exported(Result<String, String>),
}

/// A line for the review: a remark, or that one is taken back.
enum Line {
    Keep(Remark),
    Undo(Remark),
}

impl Line {
    /// What became of it.
    fn report(self, result: Result<(), String>) -> Report {
        match self {
            Self::Keep(remark) => Report::Kept(remark, result),
            Self::Undo(remark) => Report::Undone(remark, result),
        }
    }
}

/// The player's hold on the threads.
pub(crate) struct Desk {
    remarks: Option<Sender<Line>>,
    exports: Option<Sender<Export>>,
    /// What they have to say.
    pub(crate) reports: Receiver<Report>,
    cancelled: Arc<AtomicBool>,
    writer: Option<JoinHandle<()>>,
    exporter: Option<JoinHandle<()>>,
}

impl Desk {
    /// Starts a thread for each.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(review: Option<Box<dyn Review>>, exports: Option<Box<dyn Exports>>) -> std::io::Result<Self> {
        let (out, reports) = bounded(ANSWERS);
        let cancelled = Arc::new(AtomicBool::new(false));
        let mut desk = Self { remarks: None, exports: None, reports, cancelled, writer: None, exporter: None };
        if let Some(mut review) = review {
            let (sender, inbox) = bounded::<Line>(REMARKS);
            let out = out.clone();
            desk.remarks = Some(sender);
            desk.writer = Some(std::thread::Builder::new().name(format!("{THREADS}-review")).spawn(move || {
                // Nobody may be listening any more; what came in is written all the same.
                drop(out.send(Report::Remarks(caught(|| review.list()))));
                for line in inbox {
                    let result = caught(|| match &line {
                        Line::Keep(remark) => review.append(remark),
                        Line::Undo(remark) => review.undo(remark),
                    });
                    drop(out.try_send(line.report(result)));
                }
            })?);
        }
        if let Some(mut exports) = exports {
            let (sender, inbox) = bounded::<Export>(1);
            let cancelled = Arc::clone(&desk.cancelled);
            desk.exports = Some(sender);
            desk.exporter = Some(std::thread::Builder::new().name(format!("{THREADS}-export")).spawn(move || {
                for export in inbox {
                    let mut progress = |done, whole| {
                        // A report that finds no room is one of many.
                        drop(out.try_send(Report::Progress(done, whole)));
                        !cancelled.load(Ordering::SeqCst)
                    };
                    let result = caught(|| exports.export(export, &mut progress));
                    let result = if cancelled.swap(false, Ordering::SeqCst) && result.is_err() {
                        Err("cancelled".into())
                    } else {
                        result
                    };
                    if out.send(Report::Exported(result)).is_err() {
                        return;
                    }
                }
            })?);
        }
        Ok(desk)
    }

    fn write(&self, line: Line) -> Option<Report> {
        let Some(sender) = &self.remarks else {
            return Some(line.report(Err("there is no place for remarks here".into())));
        };
        let back = sender.try_send(line).err()?;
        Some(back.into_inner().report(Err("the disk does not keep up".into())))
    }

    /// Does what the player asks for; answers at once only when it cannot.
    pub(crate) fn take(&self, command: Command) -> Option<Report> {
        match command {
            Command::Keep(remark) => self.write(Line::Keep(remark)),
            Command::Undo(remark) => self.write(Line::Undo(remark)),
            Command::Export(export) => {
                self.cancelled.store(false, Ordering::SeqCst);
                let Some(sender) = &self.exports else {
                    return Some(Report::Exported(Err("nothing can be exported from here".into())));
                };
                let _back = sender.try_send(export).err()?;
                Some(Report::Exported(Err("another export is not done yet".into())))
            }
            Command::Cancel => {
                self.cancelled.store(true, Ordering::SeqCst);
                None
            }
            Command::Suspend => None,
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        (self.remarks, self.exports) = (None, None);
        self.cancelled.store(true, Ordering::SeqCst);
        // Reports that nobody reads any more must not keep a thread waiting.
        let (_, nobody) = bounded(0);
        self.reports = nobody;
        if let Some(writer) = self.writer.take() {
            drop(writer.join());
        }
        // An export that does not look up is left to end with the process.
        let mut waited = Duration::ZERO;
        while self.exporter.as_ref().is_some_and(|thread| !thread.is_finished()) && waited < EXPORT_END {
            std::thread::park_timeout(EXPORT_POLL);
            waited += EXPORT_POLL;
        }
    }
}

/// The answer, with a panic turned into one, fit to be drawn.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("it failed (it panicked)".into()))
        .map_err(|problem| clean(&problem))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const WAIT: Duration = Duration::from_secs(20);

    struct Book(Arc<Mutex<Vec<Remark>>>);

    impl Review for Book {
        fn list(&mut self) -> Result<Vec<Remark>, String> {
            Ok(self.0.lock().expect("a list").clone())
        }
        fn append(&mut self, remark: &Remark) -> Result<(), String> {
            assert!(remark.note != "panic", "as asked");
            if remark.note == "full" {
                return Err("no \x1b[31mspace".into());
            }
            self.0.lock().expect("a list").push(remark.clone());
            Ok(())
        }
        fn undo(&mut self, remark: &Remark) -> Result<(), String> {
            let mut list = self.0.lock().expect("a list");
            let at = list.iter().rposition(|said| said == remark).ok_or("it is not there")?;
            list.remove(at);
            Ok(())
        }
    }

    struct Slow;

    impl Exports for Slow {
        fn export(&mut self, export: Export, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<String, String> {
            match export {
                Export::Frame(frame) => Ok(format!("frame {frame} is out")),
                Export::Excerpt { .. } => {
                    while progress(1, 100) {
                        std::thread::yield_now();
                    }
                    Err("stopped".into())
                }
            }
        }
    }

    fn remark(note: &str) -> Remark {
        Remark { from_ns: 1, until_ns: 2, verdict: None, note: note.into() }
    }

    #[test]
    fn what_was_handed_over_is_written_before_the_end() {
        let book = Arc::new(Mutex::new(vec![remark("old")]));
        let desk = Desk::start(Some(Box::new(Book(Arc::clone(&book)))), None).expect("a thread");
        assert_eq!(desk.reports.recv_timeout(WAIT), Ok(Report::Remarks(Ok(vec![remark("old")]))));
        for note in ["a", "panic", "full", "b"] {
            assert_eq!(desk.take(Command::Keep(remark(note))), None);
        }
        assert_eq!(desk.reports.recv_timeout(WAIT), Ok(Report::Kept(remark("a"), Ok(()))));
        let panicked = Err("it failed (it panicked)".into());
        assert_eq!(desk.reports.recv_timeout(WAIT), Ok(Report::Kept(remark("panic"), panicked)));
        assert_eq!(desk.reports.recv_timeout(WAIT), Ok(Report::Kept(remark("full"), Err("no space".into()))));
        drop(desk);
        let notes: Vec<String> = book.lock().expect("a list").iter().map(|remark| remark.note.clone()).collect();
        assert_eq!(notes, ["old", "a", "b"]);
        let desk = Desk::start(Some(Box::new(Book(Arc::clone(&book)))), None).expect("a thread");
        assert!(matches!(desk.reports.recv_timeout(WAIT), Ok(Report::Remarks(Ok(_)))));
        for (note, result) in [("b", Ok(())), ("b", Err("it is not there".to_owned()))] {
            assert_eq!(desk.take(Command::Undo(remark(note))), None);
            assert_eq!(desk.reports.recv_timeout(WAIT), Ok(Report::Undone(remark(note), result)));
        }
    }

    #[test]
    fn an_export_is_cancelled_and_the_next_one_runs() {
        let desk = Desk::start(None, Some(Box::new(Slow))).expect("a thread");
        assert_eq!(desk.take(Command::Export(Export::Excerpt { from_ns: 0, until_ns: 1 })), None);
        assert_eq!(desk.reports.recv_timeout(WAIT), Ok(Report::Progress(1, 100)));
        assert_eq!(desk.take(Command::Cancel), None);
        let ended = std::iter::from_fn(|| desk.reports.recv_timeout(WAIT).ok());
        let ended = ended.into_iter().find(|report| !matches!(report, Report::Progress(..)));
        assert_eq!(ended, Some(Report::Exported(Err("cancelled".into()))));
        assert_eq!(desk.take(Command::Export(Export::Frame(7))), None);
        assert_eq!(desk.reports.recv_timeout(WAIT), Ok(Report::Exported(Ok("frame 7 is out".into()))));
        let Some(Report::Kept(_, Err(why))) = desk.take(Command::Keep(remark("x"))) else { panic!("it was kept") };
        assert!(why.contains("no place"));
    }
}
