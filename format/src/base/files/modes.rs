//! Modes of files and folders, and limits of the process.

use std::fs::File;
use std::io;
#[cfg(unix)]
use std::path::Path;

/// Mode of every folder of a session.
pub const DIR_MODE: u32 = 0o700;

/// Mode of every file of a session.
pub const FILE_MODE: u32 = 0o600;

/// Makes every file that this process creates from now on private, also those that a library makes on its own. On Windows these have the rights that
/// their folder hands down.
///
/// Called once, before other threads exist.
pub fn private_umask() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::from_bits_truncate(0o077));
}

/// Keeps pictures and keys in memory out of core dumps: the process leaves none, and no other process of the same person can read its
/// memory. On Linux a limit of zero does not hold for dumps that are piped to a program (systemd-coredump, apport), so the process is
/// marked as not dumpable as well; other systems have the limit only. On Windows no report is made of a fault, and one of a process that ended itself
/// has no heap in it; whoever has the same rights can still read its memory.
///
/// Called once, before anything is captured or decoded.
pub fn no_core_dumps() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "a crash may leave a core dump");
    }
    #[cfg(unix)]
    {
        let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
        if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
            tracing::warn!(%error, "a crash may leave a core dump");
        }
    }
    #[cfg(windows)]
    super::windows::no_crash_reports();
}

/// Lets other programs of the same user look at this process as long as `act` runs: by what keeps it from leaving core dumps it is also nobody's in
/// `/proc`, where the desktop portal looks who asks. They can read its memory so long, and a crash may leave a dump on systems that pipe them.
/// It ends with `act`, also by a panic; of two calls the second waits.
#[cfg(target_os = "linux")]
pub fn looked_at<T>(act: impl FnOnce() -> T) -> T {
    use std::sync::{Mutex, PoisonError};

    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    /// Closes it again.
    struct Closes;

    impl Drop for Closes {
        fn drop(&mut self) {
            if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
                tracing::warn!(%error, "a crash may leave a core dump");
            }
        }
    }

    static ONE: Mutex<()> = Mutex::new(());
    // Before the guard, so that it is let go of after that.
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let is_closed = dumpable_behavior().is_ok_and(|before| before == DumpableBehavior::NotDumpable);
    // Made only where it is to be closed: one that is made and not kept closes at once.
    let _closes = is_closed.then(|| Closes);
    if is_closed && let Err(error) = set_dumpable_behavior(DumpableBehavior::Dumpable) {
        tracing::debug!(%error, "nobody may look at this process");
    }
    act()
}

/// Largest file that this process may write, bytes (`ulimit -f`); none where nothing is said.
pub fn max_file_bytes() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    #[cfg(not(unix))]
    None
}

/// Gives an open file the private mode, whatever the umask left of it; on Windows, its owner alone.
///
/// # Errors
/// When the system refuses.
pub fn restrict(file: &File) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(FILE_MODE))?;
    }
    #[cfg(windows)]
    super::windows::restrict(file)?;
    #[cfg(not(any(unix, windows)))]
    let _ = file;
    Ok(())
}

/// Gives a socket the private mode; it lies in a folder that only its owner can enter.
///
/// # Errors
/// When the system refuses.
#[cfg(unix)]
pub fn restrict_socket(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(FILE_MODE))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    use super::*;

    #[test]
    fn nobody_looks_at_the_process_after_a_panic() {
        let before = dumpable_behavior().expect("it is told");
        set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("it may");
        let during = looked_at(dumpable_behavior).expect("it is told");
        set_dumpable_behavior(DumpableBehavior::Dumpable).expect("it may");
        let open = (looked_at(dumpable_behavior).expect("it is told"), dumpable_behavior().expect("it is told"));
        assert_eq!(open, (DumpableBehavior::Dumpable, DumpableBehavior::Dumpable), "one that is open stays so");
        set_dumpable_behavior(DumpableBehavior::NotDumpable).expect("it may");
        let panicked = std::panic::catch_unwind(|| looked_at(|| panic!("while it is looked at")));
        let after = dumpable_behavior().expect("it is told");
        set_dumpable_behavior(before).expect("it may");
        assert!(panicked.is_err());
        assert_eq!((during, after), (DumpableBehavior::Dumpable, DumpableBehavior::NotDumpable));
    }
}
