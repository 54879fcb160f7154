//! How requests reach a recording on Windows: a named pipe that only its owner can open, and no other machine. A file in a folder of the owner's says its
//! name, which has a random part, so that nobody else can have made the pipe that is asked.
//!
//! [`INSTANCES`] connections are answered side by side, each waited for [`PATIENCE`] and one line; more wait until one of these is done. The kernel
//! keeps other users out, by the rights of the pipe.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::ffi::{self, Instance};
use crate::base::files;
use crate::base::id::SessionId;
use crate::base::time::{Clock as _, MonoNs, SystemClock};
use crate::control::error::{ControlError, FOLDER_VARIABLE};
use crate::control::protocol::{MAX_LINE, Refusal, Request, Snapshot, read_request, write_reply};

/// Connections that are answered side by side.
const INSTANCES: u32 = 8;
/// Time that one connection gets to say its request, and to take the answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long an answer may take.
const ASKING: Duration = Duration::from_secs(3);
/// Between two tries to connect while all instances are taken.
const BETWEEN: Duration = Duration::from_millis(20);
/// What pipes of ours are called; behind it the process and a random part.
const PREFIX: &str = r"\\.\pipe\watchcap-";
/// Longest name of a pipe in a file.
const MAX_NAME: u64 = 256;
/// Most entries of a folder that are looked at: far more recordings than a machine runs.
const MAX_ENTRIES: usize = 1024;
/// All instances are taken.
const ERROR_PIPE_BUSY: i32 = 231;

/// Folders in which the names of pipes may be. With `FOLDER_VARIABLE` only that one.
pub(in crate::control) fn folders() -> Vec<PathBuf> {
    if let Some(named) = named() {
        return vec![named];
    }
    let own = directories::BaseDirs::new().map(|folders| folders.data_local_dir().join("watchcap").join("run"));
    own.into_iter().collect()
}

fn named() -> Option<PathBuf> {
    std::env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Whether a folder is one, no link, and this user's alone.
fn is_private(folder: &Path) -> io::Result<bool> {
    Ok(files::look(folder)?.is_dir() && !files::is_open_to_others(folder)?)
}

fn make_folder() -> Result<PathBuf, ControlError> {
    let mut refused = Vec::new();
    for folder in folders() {
        if let Err(error) = files::create_private_dirs(&folder, &mut Vec::new()) {
            refused.push(format!("{}: {error}", folder.display()));
            continue;
        }
        match is_private(&folder) {
            Ok(true) => return Ok(folder),
            Ok(false) => refused.push(format!("{} is not yours alone", folder.display())),
            Err(error) => refused.push(format!("{}: {error}", folder.display())),
        }
    }
    Err(ControlError::NoFolder { detail: refused.join("; ") })
}

/// The file of every recording in the folders of this user, by number of process. Some may be left by recorders that were killed.
///
/// # Errors
/// [`ControlError::NotPrivate`] when others may enter the folder that was named.
pub(in crate::control) fn endpoints() -> Result<Vec<PathBuf>, ControlError> {
    let mut found = Vec::new();
    for folder in folders() {
        match is_private(&folder) {
            Ok(true) => {}
            Ok(false) if named().is_some() => {
                let shown = folder.display();
                // Named, since PowerShell does not replace what cmd does.
                let user = std::env::var("USERNAME").unwrap_or_else(|_| "%USERNAME%".to_owned());
                let close = format!("icacls \"{shown}\" /inheritance:r /grant:r \"{user}:(OI)(CI)F\"");
                return Err(ControlError::NotPrivate { path: folder, close });
            }
            _ => continue,
        }
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.take(MAX_ENTRIES).flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.strip_suffix(".pipe")?.parse::<u32>().ok());
            found.extend(pid.map(|pid| (pid, entry.path())));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// Asks the recording whose pipe a file names; what it answers.
///
/// # Errors
/// [`ControlError::Io`]: `NotFound` when the file is gone, `ConnectionRefused` when its recorder is.
pub(in crate::control) fn exchange(endpoint: &Path, line: &[u8]) -> Result<Vec<u8>, ControlError> {
    let io = |action| move |source| ControlError::Io { action, path: endpoint.to_path_buf(), source };
    let name = files::read_text_at_most(endpoint, MAX_NAME).map_err(io("read"))?;
    if !name.starts_with(PREFIX) {
        return Err(ControlError::Garbled { detail: format!("{} names no pipe", endpoint.display()) });
    }
    let (line, (answer, answered)) = (line.to_vec(), crossbeam_channel::bounded(1));
    // A pipe that is read cannot be waited for with a limit; a thread can. One that waits for ever ends with the process.
    let asking = move || drop(answer.send(talk(&name, &line)));
    std::thread::Builder::new().name("asking".into()).spawn(asking).map_err(io("start a thread for"))?;
    match answered.recv_timeout(ASKING) {
        Ok(said) => said.map_err(io("ask")),
        Err(_) => Err(io("ask")(ErrorKind::TimedOut.into())),
    }
}

fn talk(name: &str, line: &[u8]) -> io::Result<Vec<u8>> {
    let until = SystemClock.now().plus(ASKING);
    let mut pipe = loop {
        match ffi::open(name) {
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) && SystemClock.now() < until => {
                SystemClock.sleep_until(SystemClock.now().plus(BETWEEN));
            }
            // A pipe is gone with its process.
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(ErrorKind::ConnectionRefused.into()),
            opened => break opened?,
        }
    };
    pipe.write_all(line)?;
    let (mut said, mut room) = (Vec::new(), [0; 1024]);
    while said.len() < MAX_LINE && !said.ends_with(b"\n") {
        match pipe.read(&mut room)? {
            0 => break,
            read => said.extend_from_slice(&room[..read]),
        }
    }
    Ok(said)
}

/// What one instance waits for, and until when.
enum Doing {
    /// Somebody who connects.
    Waiting,
    /// The request, with what there is of it.
    Hearing(Vec<u8>, MonoNs),
    /// The answer to be taken by the system.
    Saying(MonoNs),
    /// The peer to hang up: whoever hangs up first takes away what is not read.
    Leaving(MonoNs),
    /// Nothing, since the system refuses.
    Broken,
}

/// The pipe of a recording.
pub(in crate::control) struct Listener {
    path: PathBuf,
    all: Vec<(Instance, Doing)>,
}

impl Listener {
    /// Makes the pipe, and the file that names it.
    ///
    /// # Errors
    /// [`ControlError`] when there is no private folder for the file, or either cannot be made.
    pub(in crate::control) fn open() -> Result<Self, ControlError> {
        let pid = std::process::id();
        let path = make_folder()?.join(format!("{pid}.pipe"));
        let io = |action| {
            let path = path.clone();
            move |source| ControlError::Io { action, path, source }
        };
        let name = format!("{PREFIX}{pid}-{}", SessionId::new());
        let mut all = Vec::new();
        for index in 0..INSTANCES {
            let mut instance = Instance::new(&name, index == 0, INSTANCES).map_err(io("make the pipe of"))?;
            instance.connect().map_err(io("listen to the pipe of"))?;
            all.push((instance, Doing::Waiting));
        }
        // Last, so that whoever reads it finds the pipe. What has our number and is there already was left by a process that is gone.
        files::write_new(&path, name.as_bytes()).map_err(io("write"))?;
        Ok(Self { path, all })
    }

    /// The file by which it is found.
    pub(in crate::control) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for something to happen, `longest` at the most, and answers those that have said their request.
    pub(in crate::control) fn turn(&mut self, longest: Duration, obey: &dyn Fn(Request) -> Result<Snapshot, Refusal>) {
        let now = SystemClock.now();
        let ends = self.all.iter().filter_map(|(_, doing)| match doing {
            Doing::Hearing(_, until) | Doing::Saying(until) | Doing::Leaving(until) => Some(until.since(now)),
            Doing::Waiting | Doing::Broken => None,
        });
        let wait = ends.min().map_or(longest, |first| first.min(longest));
        ffi::wait(self.all.iter().map(|(instance, _)| instance), wait.as_millis() as u32 + 1);
        for (instance, doing) in &mut self.all {
            // Each step begins the next thing, which may be finished as well.
            while step(instance, doing, obey) {}
        }
    }
}

/// Goes on with one instance; whether there may be more to do.
fn step(instance: &mut Instance, doing: &mut Doing, obey: &dyn Fn(Request) -> Result<Snapshot, Refusal>) -> bool {
    let now = SystemClock.now();
    let finished = instance.finished().map(|done| done.map(<[u8]>::to_vec));
    let is_late = match doing {
        Doing::Hearing(_, until) | Doing::Saying(until) | Doing::Leaving(until) => now >= *until,
        Doing::Waiting | Doing::Broken => false,
    };
    let until = now.plus(PATIENCE);
    let next = match (std::mem::replace(doing, Doing::Broken), finished) {
        (Doing::Broken, _) => return false,
        (Doing::Waiting, Some(Ok(_))) => instance.read().map(|()| Doing::Hearing(Vec::new(), until)),
        (Doing::Hearing(mut line, heard_until), Some(Ok(bytes))) => {
            line.extend_from_slice(&bytes);
            let end = line.iter().position(|byte| *byte == b'\n');
            match end {
                Some(end) => {
                    let reply = read_request(&line[..end]).and_then(obey);
                    instance.write(write_reply(&reply).as_bytes()).map(|()| Doing::Saying(until))
                }
                None if line.len() > MAX_LINE => {
                    let reply = Err(Refusal::new("too_long", "the request is too long"));
                    instance.write(write_reply(&reply).as_bytes()).map(|()| Doing::Saying(until))
                }
                None => instance.read().map(|()| Doing::Hearing(line, heard_until)),
            }
        }
        (Doing::Saying(_), Some(Ok(_))) => instance.read().map(|()| Doing::Leaving(until)),
        // What it says behind its request is read, and not heard.
        (Doing::Leaving(until), Some(Ok(_))) if !is_late => instance.read().map(|()| Doing::Leaving(until)),
        (Doing::Leaving(_), Some(Ok(_))) => Err(ErrorKind::TimedOut.into()),
        (_, Some(Err(error))) => Err(error),
        (Doing::Hearing(..), None) if is_late => {
            instance.give_up();
            let reply = Err(Refusal::new("too_slow", "the request did not arrive in time"));
            instance.write(write_reply(&reply).as_bytes()).map(|()| Doing::Saying(until))
        }
        (_, None) if is_late => Err(ErrorKind::TimedOut.into()),
        (still, None) => {
            *doing = still;
            return false;
        }
    };
    *doing = next.unwrap_or_else(|error| {
        tracing::trace!(%error, "a control connection ended");
        instance.hang_up();
        match instance.connect() {
            Ok(()) => Doing::Waiting,
            Err(error) => {
                tracing::warn!(%error, "one of the connections by which the recording is controlled is lost");
                Doing::Broken
            }
        }
    });
    true
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::base::event::Content;
    use crate::control::protocol::{Reply, read_reply, write_request};

    /// A listener of the test's own that answers each mark with its length, and what is said to it.
    fn with_listener(test: impl FnOnce(&str)) {
        let name = format!("{PREFIX}test-{}", SessionId::new());
        let instance = |index| {
            let mut instance = Instance::new(&name, index == 0, INSTANCES).expect("an instance");
            instance.connect().expect("it listens");
            (instance, Doing::Waiting)
        };
        let mut listener = Listener { path: PathBuf::new(), all: (0..INSTANCES).map(instance).collect() };
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    listener.turn(Duration::from_millis(50), &|request| match request {
                        Request::Mark { text, .. } => {
                            Ok(Snapshot { frames: text.0.len() as u64, ..Snapshot::default() })
                        }
                        _ => Err(Refusal::new("busy", "later")),
                    });
                }
            });
            test(&name);
            ended.store(true, Ordering::Relaxed);
        });
    }

    fn asked(name: &str, request: &Request) -> Reply {
        read_reply(&talk(name, write_request(request).as_bytes()).expect("an answer")).expect("a reply")
    }

    #[test]
    fn requests_are_answered_one_after_the_other_and_side_by_side() {
        with_listener(|name| {
            let mark = |length: usize| Request::Mark { text: Content("x".repeat(length)), png: false };
            for length in [0, 1, 700] {
                assert_eq!(asked(name, &mark(length)).expect("a snapshot").frames, length as u64);
            }
            assert_eq!(asked(name, &Request::Pause), Err(("busy".into(), "later".into())));
            std::thread::scope(|scope| {
                for length in 0..30 {
                    scope.spawn(move || assert_eq!(asked(name, &mark(length)).expect("one").frames, length as u64));
                }
            });
        });
    }

    #[test]
    fn who_says_nothing_or_too_much_keeps_nobody_waiting() {
        with_listener(|name| {
            let silent: Vec<_> = (0..INSTANCES).map(|_| ffi::open(name).expect("a connection")).collect();
            // All instances are taken: the next one waits until those are given up.
            assert_eq!(asked(name, &Request::Pause), Err(("busy".into(), "later".into())));
            drop(silent);
            let slow = read_reply(&talk(name, b"no end").expect("an answer")).expect("a reply");
            assert!(slow.is_err_and(|(code, _)| code == "too_slow"));
            let said = talk(name, &vec![b'x'; MAX_LINE + 2000]).expect("an answer");
            assert!(read_reply(&said).expect("a reply").is_err_and(|(code, _)| code == "too_long"));
            assert!(read_reply(&talk(name, b"pause\n").expect("an answer")).expect("a reply").is_err());
        });
        let gone = talk(&format!("{PREFIX}none"), b"x\n").expect_err("there is no such pipe");
        assert_eq!(gone.kind(), ErrorKind::ConnectionRefused);
    }
}
