//! The machine: its disk, clocks and terminal, measured.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::text;
use super::check::Check;
use crate::base::files;
use crate::base::time::Clock;
use watchcap_replay as player;

/// Least room that is called enough, bytes.
const ENOUGH: u64 = 1 << 30;
/// How long syncing is measured, and how often at the most.
const SYNCED: Duration = Duration::from_millis(700);
const MOST_SYNCS: usize = 200;
/// What is written before each: as a chunk of the log.
const CHUNK: [u8; 4096] = [0x5a; 4096];
/// The log is brought to the disk at least this often: what takes longer is late.
const SYNC_EVERY_MS: f64 = 50.0;
/// What inputs take at a hundred a second, bytes a second (124 bytes each, measured).
const INPUTS: u64 = 12_400;
/// Readings of the clock by which its step is measured.
const READINGS: usize = 2000;

/// The folder of recordings, or the nearest one above it that is there.
pub(super) fn there(folder: &Path) -> PathBuf {
    // From the top, so that a name of a megabyte is left at its first part that is not there.
    let mut found = PathBuf::new();
    for part in folder.components() {
        let below = found.join(part);
        if !below.is_dir() {
            break;
        }
        found = below;
    }
    if found.as_os_str().is_empty() { PathBuf::from(".") } else { found }
}

/// Room and speed of the disk that is recorded to, and the time that fits.
pub(super) fn disk(folder: &Path, bitrate_kbps: u32, clock: &dyn Clock) -> Check {
    let name = format!("disk ({})", folder.display());
    let free = match fs4::available_space(folder) {
        Ok(free) => free,
        Err(error) => return Check::no(name, &error, None),
    };
    let rate = u64::from(bitrate_kbps) * 125 + INPUTS;
    let fits = crate::base::shown::clock(Duration::from_secs(free / rate.max(1)));
    let room = format!("{} free, {fits} at {bitrate_kbps} kbit/s", text::size(free));
    if free <= ENOUGH {
        return Check::no(name, &room, Some("free some of it, or record elsewhere with --out".into()));
    }
    match syncs(folder, clock) {
        Ok((median, most)) => {
            let late =
                if most > SYNC_EVERY_MS { ", which is late: a power cut loses more than 100 ms of inputs" } else { "" };
            Check::ok(name, format!("{room}; a sync takes {median:.1} ms, the slowest {most:.1} ms{late}"))
        }
        Err(error) => {
            Check::no(name, &format!("{room}; cannot be written: {error}"), Some("record elsewhere with --out".into()))
        }
    }
}

/// Median and longest time of `fdatasync` behind a small write, milliseconds.
fn syncs(folder: &Path, clock: &dyn Clock) -> std::io::Result<(f64, f64)> {
    let path = folder.join(format!(".watchcap-doctor-{}.tmp", std::process::id()));
    let mut file = files::create_private_file(&path)?;
    let mut took = Vec::new();
    let begin = clock.now();
    let mut measure = || {
        while took.len() < MOST_SYNCS && clock.now().since(begin) < SYNCED {
            let before = clock.now();
            file.write_all(&CHUNK)?;
            file.sync_data()?;
            took.push(clock.now().since(before).as_secs_f64() * 1e3);
        }
        Ok(())
    };
    let measured = measure();
    files::remove_file(&path)?;
    measured.map(|()| {
        took.sort_by(f64::total_cmp);
        let at = |index: usize| took.get(index).copied().unwrap_or_default();
        (at(took.len() / 2), at(took.len().saturating_sub(1)))
    })
}

/// The clock of the recording: its step, how long all clocks take to be read, and what the kernel makes it of.
pub(super) fn clocks(clock: &dyn Clock) -> Check {
    let readings: Vec<i64> = (0..READINGS).map(|_| clock.now().0).collect();
    let step = readings.windows(2).map(|two| two[1] - two[0]).filter(|step| *step > 0).min();
    let is_even = readings.windows(2).all(|two| two[1] >= two[0]);
    let before = clock.now();
    clock.anchor();
    let all = clock.now().since(before).as_secs_f64() * 1e6;
    let source =
        files::read_text_at_most(Path::new("/sys/devices/system/clocksource/clocksource0/current_clocksource"), 64)
            .ok();
    let of = source.map_or_else(String::new, |source| format!(", of {}", source.trim()));
    let step = step.map_or_else(|| "no step was seen".to_owned(), |step| format!("steps of {step} ns"));
    let detail = format!("{}{of}: {step}; all clocks are read in {all:.1} us", clock.name());
    if is_even {
        Check::ok("clocks", detail)
    } else {
        Check::no("clocks", &format!("{detail}; it went back"), Some("look at the kernel's log for clocksource".into()))
    }
}

/// What the player can draw in this terminal.
pub(super) fn terminal() -> Check {
    let Some(player::Abilities { colours, pictures }) = player::abilities() else {
        return Check::ok("terminal", "none: input or output is no terminal, and `watchcap replay` needs one".into());
    };
    Check::ok("terminal", format!("pictures by {pictures}, {colours}"))
}
