//! What this process takes from who started it, and puts down. pkexec gives it root's rights, and leaves it what every process inherits: limits by which
//! the kernel ends it, a terminal that stops it, a group that can be frozen, a place among those that are ended when memory runs short; and what
//! slows it: a niceness, one processor, a slack by which the kernel lets it sleep longer than it asked for. A process that is ended, stopped or asleep
//! takes no device back, so none of them is kept. Interval timers stay (`setitimer` survives `execve`, and no crate that is here clears them): the
//! first signal of one ends this process as any other does, and those that come behind it interrupt nothing for good (`revoke.rs`).
//!
//! What it keeps: user 0 without a single capability, inside the folder of the devices as its root. The kernel gives that user the devices, since they
//! are its own; `CAP_DAC_READ_SEARCH` would read every file of the machine, and a user of its own would need a group that may read them, which not
//! every system has. Not the user who asked either: who has that number could end this process, or stop it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets, CpuSet};
use signal_hook::consts as signals;

/// Signals that end or stop a process, and that it can catch: of timers, limits and terminals, and those that a person sends.
const CAUGHT: [i32; 15] = [
    signals::SIGHUP,
    signals::SIGINT,
    signals::SIGQUIT,
    signals::SIGTERM,
    signals::SIGUSR1,
    signals::SIGUSR2,
    signals::SIGALRM,
    signals::SIGVTALRM,
    signals::SIGPROF,
    signals::SIGXCPU,
    signals::SIGXFSZ,
    signals::SIGIO,
    signals::SIGTSTP,
    signals::SIGTTIN,
    signals::SIGTTOU,
];
/// Limits by which a process is ended, or is kept from what it does.
const LIFTED: [Resource; 8] = [
    Resource::Cpu,
    Resource::Rttime,
    Resource::Fsize,
    Resource::As,
    Resource::Data,
    Resource::Nproc,
    Resource::Sigpending,
    Resource::Stack,
];
/// Open files: the devices, and some more.
const FILES: u64 = 256;
/// How much longer than it asked for the kernel may let it sleep, nanoseconds: what processes have where nobody says otherwise.
const SLACK_NS: u64 = 50_000;
/// How seldom it is ended when memory runs short, where that may be said.
const SPARED: &[u8] = b"-900";

/// Puts down what was inherited. Returns what is set when a signal asks for the end.
///
/// # Errors
/// What cannot be put down.
pub(crate) fn stand() -> Result<Arc<AtomicBool>, String> {
    let failed = |what: &str, error: &dyn std::fmt::Display| format!("{what}: {error}");
    // No core dump, and nobody looks into its memory.
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|error| failed("its memory", &error))?;
    let ended = Arc::new(AtomicBool::new(false));
    for signal in CAUGHT {
        signal_hook::flag::register(signal, Arc::clone(&ended)).map_err(|error| failed("signals", &error))?;
    }
    rustix::process::set_parent_process_death_signal(None).map_err(|error| failed("signals", &error))?;
    leave_session().map_err(|error| failed("the session that it was started in", &error))?;
    if !rustix::process::geteuid().is_root() || !rustix::process::getuid().is_root() {
        return Err("it has no root's rights".to_owned());
    }
    rustix::thread::set_thread_groups(&[]).map_err(|error| failed("groups", &error))?;
    let (uid, gid) = (Uid::ROOT, Gid::ROOT);
    rustix::thread::set_thread_res_gid(gid, gid, gid).map_err(|error| failed("groups", &error))?;
    rustix::thread::set_thread_res_uid(uid, uid, uid).map_err(|error| failed("user", &error))?;
    for resource in LIFTED {
        lift(resource).map_err(|error| failed("a limit that it was started with", &error))?;
    }
    limit(Resource::Core, 0).and_then(|()| limit(Resource::Nofile, FILES)).map_err(|error| failed("limits", &error))?;
    quicken().map_err(|error| failed("priority", &error))?;
    spare()?;
    super::cgroup::leave()?;
    Ok(ended)
}

/// Begins a session of its own, without a terminal.
fn leave_session() -> rustix::io::Result<()> {
    match rustix::process::setsid() {
        // Who leads a group may begin none, and gets out of it into that of who started it.
        Err(rustix::io::Errno::PERM) => {
            let parents = rustix::process::getpgid(rustix::process::getppid())?;
            rustix::process::setpgid(None, Some(parents))?;
            rustix::process::setsid().map(drop)
        }
        other => other.map(drop),
    }
}

/// Is as quick as any process, whatever who started it was. Threads that are begun behind this are so, too.
fn quicken() -> rustix::io::Result<()> {
    rustix::process::setpriority_process(None, 0)?;
    // Somebody could have given it an hour, and a lock would be noticed so much later.
    rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(SLACK_NS))?;
    // Not on one processor alone, which others may keep busy. What the system keeps from it it keeps.
    let mut all = CpuSet::new();
    for processor in 0..CpuSet::MAX_CPU {
        all.set(processor);
    }
    rustix::thread::sched_setaffinity(None, &all)
}

fn lift(resource: Resource) -> rustix::io::Result<()> {
    let is = rustix::process::getrlimit(resource);
    // A hard limit that is there and cannot be lifted bounds what root does on this machine; one that would end this process is none that it stands with.
    let may_stay = matches!(resource, Resource::Nproc | Resource::Sigpending | Resource::Stack);
    match rustix::process::setrlimit(resource, Rlimit { current: None, maximum: None }) {
        Err(_) if is.current.is_none() || may_stay => Ok(()),
        other => other,
    }
}

fn limit(resource: Resource, most: u64) -> rustix::io::Result<()> {
    let hard = rustix::process::getrlimit(resource).maximum;
    let most = Some(hard.map_or(most, |hard| hard.min(most)));
    rustix::process::setrlimit(resource, Rlimit { current: most, maximum: most })
}

/// Is not the first that is ended when memory runs short, as who started it may have wanted.
fn spare() -> Result<(), String> {
    const FILE: &str = "/proc/self/oom_score_adj";
    let told = rustix::fs::open(FILE, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|file| rustix::io::write(file, SPARED));
    let is = std::fs::read_to_string(FILE).ok().and_then(|text| text.trim().parse::<i32>().ok());
    match (told, is) {
        (Err(error), Some(1..) | None) => Err(format!("{FILE}: {error}")),
        _ => Ok(()),
    }
}

/// Shuts itself into a folder, and puts down every capability; neither comes back. For the thread that calls it and those that it starts.
///
/// # Errors
/// What the system refused.
pub(crate) fn shut_in(folder: &Path) -> Result<(), String> {
    let failed = |what: &str, error: rustix::io::Errno| format!("{what}: {error}");
    rustix::process::chroot(folder).map_err(|error| failed("the folder of the devices", error))?;
    rustix::process::chdir("/").map_err(|error| failed("the folder of the devices", error))?;
    rustix::thread::set_no_new_privs(true).map_err(|error| failed("rights", error))?;
    rustix::thread::clear_ambient_capability_set().map_err(|error| failed("rights", error))?;
    for bit in 0..u64::BITS {
        // Behind the last one that this kernel knows there is nothing to put down.
        if rustix::thread::remove_capability_from_bounding_set(CapabilitySet::from_bits_retain(1 << bit)).is_err() {
            break;
        }
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).map_err(|error| failed("rights", error))?;
    let bounding = rustix::thread::capability_is_in_bounding_set(CapabilitySet::DAC_READ_SEARCH);
    let left = rustix::thread::capabilities(None).map_err(|error| failed("rights", error))?;
    if left == none && bounding == Ok(false) { Ok(()) } else { Err("it cannot put its rights down".to_owned()) }
}
