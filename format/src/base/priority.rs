//! The priority of threads.

/// Steps of `nice` below the others: a third of their share where there is not enough for all, which is little and not nothing.
#[cfg(target_os = "linux")]
const LATER: i32 = 5;

/// Lets the other threads go first: what the calling one does can wait. Where the system has priorities of processes alone, nothing is done.
pub fn lower() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, LATER) {
        // Of the thread that calls, here: elsewhere it would be of the process.
        tracing::debug!(%error, "the priority of a thread cannot be lowered");
    }
}
