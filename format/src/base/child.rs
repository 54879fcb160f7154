//! Another program as a child process that is written to and read from: started out of reach of the terminal's signals, ended with its
//! handle, and what it says on its standard error kept for messages.
//!
//! Invariant: no child outlives its handle, and no more than [`SAID_BYTES`] of what it says are kept.

pub mod beside;
pub mod shared;

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::time::{Clock as _, SystemClock};

/// Bytes kept of what a child says, the last ones.
const SAID_BYTES: usize = 4096;
/// How long what a child said is waited for after it ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A child process.
pub struct Helper {
    process: Child,
    said: Arc<Mutex<Vec<u8>>>,
    listening: Option<JoinHandle<()>>,
}

/// Its ends of the pipes.
pub struct Pipes {
    /// What it reads.
    pub stdin: ChildStdin,
    /// What it writes.
    pub stdout: ChildStdout,
}

impl Helper {
    /// Starts a program.
    ///
    /// # Errors
    /// When it is not there or cannot be started.
    pub fn start(program: &OsStr, args: &[OsString]) -> std::io::Result<(Self, Pipes)> {
        let mut helper = Self::spawn(program, args, Stdio::piped(), Stdio::piped())?;
        match (helper.process.stdin.take(), helper.process.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((helper, Pipes { stdin, stdout })),
            _ => Err(std::io::Error::other("a pipe is missing")),
        }
    }

    /// Starts a program on these, out of reach of the terminal's signals, and listens to what it says.
    fn spawn(program: &OsStr, args: &[OsString], stdin: Stdio, stdout: Stdio) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        command.args(args).stdin(stdin).stdout(stdout);
        apart(&mut command);
        Self::listened_to(command)
    }

    /// Starts a program, and listens to what it says.
    fn listened_to(mut command: Command) -> std::io::Result<Self> {
        command.stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let Some(stderr) = process.stderr.take() else { return Err(std::io::Error::other("a pipe is missing")) };
        let said = Arc::new(Mutex::new(Vec::new()));
        let listening = std::thread::Builder::new().name("child says".into()).spawn({
            let said = Arc::clone(&said);
            move || listen(stderr, &said)
        })?;
        Ok(Self { process, said, listening: Some(listening) })
    }

    /// Ends the program, and returns its last line; what it said before it ended by itself is waited for shortly.
    pub fn end(&mut self) -> String {
        self.kill();
        if let Some(listening) = self.listening.take() {
            let until = SystemClock.now().plus(LAST_WORDS);
            while !listening.is_finished() && SystemClock.now() < until {
                SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(5)));
            }
        }
        self.said()
    }

    /// Kills it. One that has other rights cannot be killed, and ends by itself, since what it reads was closed: it is waited for shortly.
    fn kill(&mut self) {
        if self.process.kill().is_ok() {
            drop(self.process.wait());
        } else {
            let _late = self.finish(LAST_WORDS);
        }
    }

    /// Returns the last line that the program said so far.
    pub fn said(&self) -> String {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&said);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }

    /// Lets the program end by itself, which closing its input asks for. Returns its exit code (`None` when a signal ended it), or nothing
    /// when it still runs after this time.
    pub fn finish(&mut self, within: Duration) -> Option<Option<i32>> {
        let until = SystemClock.now().plus(within);
        loop {
            match self.process.try_wait() {
                Ok(Some(status)) => return Some(status.code()),
                Ok(None) if SystemClock.now() < until => {
                    SystemClock.sleep_until(SystemClock.now().plus(Duration::from_millis(2)));
                }
                _ => return None,
            }
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listen(mut stderr: ChildStderr, said: &Mutex<Vec<u8>>) {
    let mut bytes = [0; 1024];
    while let Ok(read @ 1..) = stderr.read(&mut bytes) {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&bytes[..read]);
        let over = said.len().saturating_sub(SAID_BYTES);
        said.drain(..over);
    }
}

/// Keeps the signals of a terminal from the child: a recording that is ended by Ctrl-C still needs what its encoder owes.
#[cfg(unix)]
fn apart(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn apart(_command: &mut Command) {}

/// Lets everything else on the machine go first.
#[cfg(unix)]
fn last(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Err(error) = rustix::process::setpriority_process(pid, 10) {
        tracing::debug!(%error, "a child has an ordinary priority");
    }
}

#[cfg(not(unix))]
fn last(_child: &Child) {}

/// Runs a program to its end, out of reach of the terminal's signals and after everything else that the machine has to do. Returns how it ended,
/// and all that it wrote: for programs that write little.
///
/// # Errors
/// When it is not there or cannot be started.
pub fn run_last(command: &mut Command) -> std::io::Result<Output> {
    apart(command);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    last(&child);
    child.wait_with_output()
}

/// Returns the program that runs, also where its file was replaced by a newer one meanwhile.
///
/// # Errors
/// When the system does not tell.
pub fn own_program() -> std::io::Result<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() { Ok(link) } else { std::env::current_exe() }
}

/// Names the program that the environment has in the place of `ffmpeg`.
pub const FFMPEG_ENV: &str = "WATCHCAP_FFMPEG";

/// Returns the program that is run as ffmpeg.
pub fn ffmpeg() -> OsString {
    std::env::var_os(FFMPEG_ENV).filter(|program| !program.is_empty()).unwrap_or_else(|| "ffmpeg".into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_says_last_is_kept_and_it_ends_with_its_handle() {
        let script = |text: &str| Helper::start(OsStr::new("sh"), &["-c".into(), text.into()]).expect("a shell");
        let (mut child, _pipes) = script("for n in $(seq 3000); do echo line $n >&2; done; exit 3");
        assert_eq!(child.finish(Duration::from_secs(10)), Some(Some(3)));
        assert_eq!(child.end(), "line 3000");
        assert!(child.said.lock().expect("no panic").len() <= SAID_BYTES);
        // In its place, and not as a child of its own, which would live on.
        let (child, pipes) = script("exec cat");
        drop(child);
        assert_eq!(std::io::read_to_string(pipes.stdout).expect("closed"), "");
        assert!(Helper::start(OsStr::new("/nonexistent/ffmpeg"), &[]).is_err());
    }

    #[test]
    fn what_is_run_to_its_end_has_a_low_priority_and_a_group_of_its_own() {
        let mut command = Command::new("sh");
        // Once its priority was set, which is behind its start.
        command.args(["-c", "sleep 0.2; ps -o ni=,pgid=,pid= -p $$; echo said >&2; exit 3"]);
        let output = run_last(&mut command).expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let [nice, group, pid] = text.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert_eq!((nice, group == pid), ("10", true), "{text}");
        assert_eq!((output.status.code(), &output.stderr[..]), (Some(3), &b"said\n"[..]));
        assert!(run_last(&mut Command::new("/nonexistent/program")).is_err());
        assert!(own_program().expect("this program").exists());
    }
}
