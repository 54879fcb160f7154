//! Power cuts: records on a disk that remembers every write and flush, and looks at what is left after cuts at any time.
//!
//! ```text
//! power_cuts [--cuts 200] [--traces 2] [--seed 1] [--parallel 2] [--kind seal|later|killed|screen]
//!            [--mount OPTIONS|nojournal] [--limits 100,250,250] [--decode-every 10] [--keep DIR] [--nice -10] [--kernel first] [--behind 0]
//!            [--audio synthetic] [--encoder NAME]
//! power_cuts --again DIR [--cuts 200] [--seed 1] [--cut SEED]
//! ```
//! Takes root, /dev/fuse and loop devices; exit code 77 where they are not there. Runs in a mount namespace of its own, so that nothing
//! stays mounted. For each cut the disk's image is made ([`trace`]), mounted (ext4 plays its journal back), sealed by `finalize`, and
//! what comes of it is judged ([`judge`]). The last line of the output is the account as JSON; exit code 1 when a promise was broken.
//! On a machine on which much else runs, `--kernel first` puts the kernel's threads that carry blocks before all of that while a trace is
//! recorded. `--behind MS` makes the disk lie about its flushes, so that a promise is broken. `--audio` and `--encoder` are those of `record`. With `--keep`, traces with broken promises are kept, to be tried again with `--again`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]
#![expect(clippy::disallowed_methods, reason = "it waits for real programs")]

#[path = "../args.rs"]
mod args;
mod disk;
mod judge;
mod stage;
mod trace;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use args::{Args, Failure, Random};
use judge::{Content, Limits, Verdict, judge};
use serde_json::{Value, json};
use stage::{Mounted, Programs, SESSION};
use trace::{Cut, Trace};
use watchcap::finalize::{self, FinalizeError};
use watchcap::session::layout;
use watchcap::session::metadata::Recovery;

/// Exit code of a program whose parts are not there.
const SKIPPED: u8 = 77;

pub(crate) fn say(text: &str) {
    eprintln!("power: {text}");
}

/// A place in which cuts are tried, one after the other.
struct Bench {
    image: PathBuf,
    mnt: PathBuf,
}

impl Bench {
    fn new(dir: &Path, name: &str) -> Result<Self, Failure> {
        let (image, mnt) = (dir.join(format!("{name}.img")), dir.join(name));
        std::fs::create_dir_all(&mnt)?;
        Ok(Self { image, mnt })
    }

    /// Has `e2fsck` mend the file system by the superblock at this block, or the first one, whatever that takes: what is left is looked at
    /// afterwards. What it said, on one line.
    fn mend(&self, superblock: Option<u32>) -> Result<String, Failure> {
        let mut command = Command::new("e2fsck");
        command.args(["-f", "-y"]);
        if let Some(block) = superblock {
            command.args(["-b", &block.to_string(), "-B", "4096"]);
        }
        let done = command.arg(&self.image).output()?;
        Ok((String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr)).replace('\n', " / "))
    }

    /// Seals what the cut left and judges it.
    fn cut(&self, trace: &Trace, whole: &Content, cut: &Cut, of: &Campaign, decode: bool) -> Result<Verdict, Failure> {
        let limits = of.limits;
        let file = File::options().read(true).write(true).create(true).truncate(true).open(&self.image)?;
        cut.image(trace, &file, of.behind)?;
        drop(file);
        let options = format!("loop,{}", trace.recipe.mount);
        let mut mended = String::new();
        if trace.recipe.mount == stage::NO_JOURNAL {
            mended = self.mend(None)?;
        }
        let mut mounted = Mounted::new(&self.image, &self.mnt, &options);
        // What the file system writes without its journal can be torn as well (its superblock, say): a start of the system runs e2fsck then.
        let torn = mounted.is_err() && mended.is_empty();
        if torn {
            mended = self.mend(Some(stage::BACKUP_SUPERBLOCK))?;
            mounted = Mounted::new(&self.image, &self.mnt, &options);
        }
        let mounted = match mounted {
            Ok(mounted) => mounted,
            Err(error) => {
                let why = format!("{error} (e2fsck: {mended})");
                return Ok(judge(trace, whole, cut, Err(("mount", why)), limits));
            }
        };
        let session = self.mnt.join(SESSION);
        let sealed = seal(&session);
        let content = match &sealed {
            Ok(_) => Content::read(&session).map_err(|why| ("unreadable", why)),
            Err((kind, why)) => Err((*kind, why.clone())),
        };
        let mut verdict = judge(trace, whole, cut, content.as_ref().map_err(Clone::clone), limits);
        if let Ok(Some(recovery)) = sealed {
            verdict.met = [
                ("chunks_damaged", recovery.damaged_chunks),
                ("tail_cut_behind_a_hole", recovery.cut_records),
                ("frames_found_by_sei", recovery.found_frames),
                ("frames_torn", recovery.torn_frames),
            ]
            .into_iter()
            .filter_map(|(what, count)| (count > 0).then_some(what))
            .collect();
        }
        if torn {
            verdict.met.push("file_system_torn");
        }
        if content.is_ok()
            && let Err(why) = judge::verifies(&session, decode)
        {
            verdict.broken.push(("verify", why));
        }
        if !mended.is_empty() {
            verdict.broken.iter_mut().for_each(|(_, why)| *why = format!("{why} (e2fsck: {mended})"));
        }
        mounted.unmount()?;
        Ok(verdict)
    }
}

/// Seals what is there; answers with what was found in a log that is not whole.
fn seal(session: &Path) -> Result<Option<Recovery>, (&'static str, String)> {
    if !session.is_dir() {
        return Err(("missing", "the session's folder is not there".into()));
    }
    match catch_unwind(AssertUnwindSafe(|| finalize::finalize(session, false, &mut |_| {}))) {
        Ok(Ok(done)) => Ok(done.metadata.recovery),
        Ok(Err(error @ FinalizeError::Nothing { .. })) => Err(("empty", error.to_string())),
        Ok(Err(error)) if layout::state_of(session) == layout::DirState::Nothing => Err(("missing", error.to_string())),
        Ok(Err(error)) => Err(("finalize", error.to_string())),
        Err(_) => Err(("panic", "finalize panicked".into())),
    }
}

/// The account of a campaign.
#[derive(Default)]
struct Account {
    traces: u64,
    cuts: u64,
    while_recording: u64,
    nothing_yet: u64,
    /// What the cuts did to the logs: cuts by kind of damage.
    met: BTreeMap<&'static str, u64>,
    broken_cuts: u64,
    broken: BTreeMap<&'static str, u64>,
    /// Cuts at which more was lost than is promised while the machine stood still.
    stalled: u64,
    /// Ages of the oldest loss at cuts while recording, ns, by the time of a flush in microseconds: inputs, frames and sound, by the clock, and
    /// without the time in which the machine stood still.
    lost: BTreeMap<u64, [Vec<i64>; 6]>,
    failures: Vec<String>,
}

fn at(sorted: &[i64], share: f64) -> f64 {
    let index = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len().max(1)) - 1;
    sorted.get(index).map_or(0.0, |ns| (*ns as f64 / 1e5).round() / 10.0)
}

impl Account {
    fn add(&mut self, trace: &Trace, seed: u64, cut: &Cut, verdict: Verdict, limits: Limits) {
        self.cuts += 1;
        self.nothing_yet += u64::from(verdict.nothing);
        for what in &verdict.met {
            *self.met.entry(what).or_default() += 1;
        }
        if verdict.recording {
            self.while_recording += 1;
            let lost = self.lost.entry(trace.recipe.flush_us).or_default();
            for (list, ns) in lost.iter_mut().zip(verdict.lost.into_iter().chain(verdict.net)) {
                list.push(ns);
            }
        }
        let late =
            verdict.lost.iter().zip(verdict.net).zip(limits).any(|((lost, net), limit)| *lost > limit && net <= limit);
        self.stalled += u64::from(late);
        self.broken_cuts += u64::from(!verdict.broken.is_empty());
        for (kind, why) in verdict.broken {
            *self.broken.entry(kind).or_default() += 1;
            let after = (cut.t - trace.moments.start) as f64 / 1e6;
            let text = format!("{} cut {seed} at {after:.1} ms: {kind}: {why} {cut:?}", trace.recipe.kind);
            if self.failures.len() < 40 {
                say(&text);
            }
            self.failures.push(text);
        }
    }

    fn report(&mut self) -> Value {
        let mut by_flush = Vec::new();
        let mut all: [Vec<i64>; 6] = Default::default();
        let figures = |sorted: &mut Vec<i64>| {
            sorted.sort_unstable();
            json!({ "p50": at(sorted, 0.5), "p90": at(sorted, 0.9), "p99": at(sorted, 0.99), "worst": at(sorted, 1.0) })
        };
        for (flush_us, lost) in &mut self.lost {
            for (all, lost) in all.iter_mut().zip(lost.iter()) {
                all.extend(lost);
            }
            by_flush.push(json!({
                "flush_ms": *flush_us as f64 / 1e3, "cuts": lost[0].len(),
                "events_lost_ms": figures(&mut lost[3]), "frames_lost_ms": figures(&mut lost[4]), "sound_lost_ms": figures(&mut lost[5]),
                "by_the_clock": { "events_lost_ms": figures(&mut lost[0]), "frames_lost_ms": figures(&mut lost[1]), "sound_lost_ms": figures(&mut lost[2]) },
            }));
        }
        json!({
            "traces": self.traces, "cuts": self.cuts, "while_recording": self.while_recording,
            "nothing_yet": self.nothing_yet, "met": self.met,
            "cuts_with_broken_promises": self.broken_cuts, "broken": self.broken,
            "machine_stood_still": self.stalled,
            "events_lost_ms": figures(&mut all[3]), "frames_lost_ms": figures(&mut all[4]), "sound_lost_ms": figures(&mut all[5]),
            "by_the_clock": { "events_lost_ms": figures(&mut all[0]), "frames_lost_ms": figures(&mut all[1]), "sound_lost_ms": figures(&mut all[2]) },
            "by_flush": by_flush,
        })
    }
}

/// Tries cuts of one trace.
struct Campaign {
    parallel: u64,
    limits: Limits,
    /// How far behind its word the disk is, ns.
    behind: i64,
    decode_every: u64,
    account: Mutex<Account>,
}

impl Campaign {
    fn cuts(&self, dir: &Path, trace: &Trace, whole: &Content, seeds: &[u64]) -> Result<u64, Failure> {
        let next = AtomicU64::new(0);
        let before = self.account.lock().unwrap_or_else(PoisonError::into_inner).broken_cuts;
        let work = |name: String| -> Result<(), String> {
            let bench = Bench::new(dir, &name).map_err(|error| error.to_string())?;
            while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                let cut = Cut::of(trace, *seed);
                let decode = seed.is_multiple_of(self.decode_every);
                let verdict = bench.cut(trace, whole, &cut, self, decode).map_err(|error| error.to_string())?;
                self.account.lock().unwrap_or_else(PoisonError::into_inner).add(
                    trace,
                    *seed,
                    &cut,
                    verdict,
                    self.limits,
                );
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let work = &work;
            let running: Vec<_> = (0..self.parallel).map(|n| scope.spawn(move || work(format!("bench{n}")))).collect();
            for worker in running {
                worker.join().map_err(|_panic| "a worker panicked")??;
            }
            Ok::<_, Failure>(())
        })?;
        Ok(self.account.lock().unwrap_or_else(PoisonError::into_inner).broken_cuts - before)
    }
}

/// Whether the parts are there; what is missing.
fn missing() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("it takes root".into());
    }
    if File::options().read(true).write(true).open("/dev/fuse").is_err() {
        return Some("/dev/fuse cannot be opened".into());
    }
    if File::options().read(true).write(true).open("/dev/loop-control").is_err() {
        return Some("there are no loop devices".into());
    }
    let there = |program: &str| Command::new(program).arg("-V").output().is_ok();
    ["mkfs.ext4", "losetup", "unshare"].into_iter().find(|name| !there(name)).map(|name| format!("{name} is missing"))
}

fn run(args: &Args) -> Result<bool, Failure> {
    let number = |name: &str, default: u64| args.number(name, default);
    let (cuts, seed) = (number("cuts", 200)?, number("seed", 1)?);
    let limits: Vec<i64> =
        args.get("limits").unwrap_or("100,250,250").split(',').map(str::parse).collect::<Result<_, _>>()?;
    let [events, frames, sound] = limits[..] else { return Err("--limits takes three numbers of milliseconds".into()) };
    let campaign = Campaign {
        parallel: number("parallel", 2)?.max(1),
        limits: [events, frames, sound].map(|ms| ms * 1_000_000),
        behind: args.number("behind", 0i64)? * 1_000_000,
        decode_every: number("decode-every", 10)?.max(1),
        account: Mutex::default(),
    };
    // In memory: a cut writes and reads some megabytes.
    let shm = Path::new("/dev/shm");
    let dir = if shm.is_dir() { tempfile::tempdir_in(shm)? } else { tempfile::tempdir()? };
    let mut random = Random(seed);
    let mut seeds = |count: u64| -> Vec<u64> { (0..count).map(|_| random.below(u64::MAX)).collect() };

    if let Some(again) = args.get("again").map(Path::new) {
        let trace = Trace::load(&again.join("trace"))?;
        let whole = Content::read(&again.join("session"))?;
        let seeds = match args.get("cut") {
            Some(seed) => vec![seed.parse()?],
            None => seeds(cuts),
        };
        campaign.cuts(dir.path(), &trace, &whole, &seeds)?;
    } else {
        let exe = std::env::current_exe()?;
        let examples = exe.parent().ok_or("no folder")?.to_path_buf();
        let watchcap = examples.parent().ok_or("no folder")?.join("watchcap");
        let given = |name: &str| args.get(name).map(str::to_owned);
        let programs = Programs { watchcap, examples, audio: given("audio"), encoder: given("encoder") };
        let traces = number("traces", cuts.div_ceil(250))?.max(1);
        for index in 0..traces {
            let recipe = stage::recipe(index, seed, args.get("kind"), args.get("mount"));
            let place = dir.path().join(format!("trace{index}"));
            std::fs::create_dir_all(&place)?;
            // The recorder is measured, not what else runs on this machine: what this thread starts goes before that.
            let usual = rustix::process::getpriority_process(None)?;
            rustix::process::setpriority_process(None, args.number("nice", -10)?)?;
            let recorded =
                stage::record(&recipe, &programs, &place, &place.join("session"), args.get("kernel").is_some());
            rustix::process::setpriority_process(None, usual)?;
            let (trace, injected) = recorded?;
            let whole = Content::read(&place.join("session"))?;
            println!(
                "trace {index}: {} {}x{} {} fps {} kbit/s, ext4 {}, flush {} ms, seed {}: {} inputs{}, {} frames, {} packets of sound, {} writes ({} KiB), {} flushes; stood still for {} of {} ms",
                recipe.kind,
                recipe.size.0,
                recipe.size.1,
                recipe.fps,
                recipe.kbps,
                recipe.mount,
                recipe.flush_us as f64 / 1e3,
                recipe.seed,
                whole.events.len(),
                injected.map_or_else(String::new, |of| format!(" of {of} injected")),
                whole.frames.len(),
                whole.sound.len(),
                trace.writes.len(),
                trace.bytes() >> 10,
                trace.flushes.len(),
                trace.stalled(trace.moments.start, trace.moments.stop) / 1_000_000,
                (trace.moments.stop - trace.moments.start) / 1_000_000,
            );
            campaign.account.lock().unwrap_or_else(PoisonError::into_inner).traces += 1;
            let broken =
                campaign.cuts(&place, &trace, &whole, &seeds(cuts / traces + u64::from(index < cuts % traces)))?;
            if broken > 0
                && let Some(keep) = args.get("keep")
            {
                let kept = Path::new(keep).join(format!("seed{seed}-trace{index}"));
                std::fs::create_dir_all(kept.join("session"))?;
                trace.save(&kept.join("trace"))?;
                for entry in std::fs::read_dir(place.join("session"))?.flatten() {
                    std::fs::copy(entry.path(), kept.join("session").join(entry.file_name()))?;
                }
                say(&format!("kept: power_cuts --again {}", kept.display()));
            }
            std::fs::remove_dir_all(&place)?;
        }
    }
    let mut account = campaign.account.into_inner().unwrap_or_else(PoisonError::into_inner);
    let report = account.report();
    let lost = |name: &str| format!("{} lost: {}", name, report[format!("{name}_lost_ms")]);
    println!(
        "seed {seed}: {} traces, {} cuts, {} of them while recording",
        report["traces"], account.cuts, account.while_recording
    );
    println!("oldest {} ms; oldest {} ms; oldest {} ms", lost("events"), lost("frames"), lost("sound"));
    println!(
        "by the clock, with the time in which the machine stood still: {}; more than promised by that only: {} cuts",
        report["by_the_clock"], account.stalled
    );
    println!("cuts with broken promises: {} {}", account.broken_cuts, report["broken"]);
    println!("{report}");
    Ok(account.broken_cuts == 0)
}

fn main() -> Result<ExitCode, Failure> {
    if let Some(why) = missing() {
        say(&format!("SKIPPED: {why}"));
        return Ok(ExitCode::from(SKIPPED));
    }
    if std::env::var_os("POWER_CUTS_APART").is_none() {
        let mut apart = Command::new("unshare");
        apart.args(["--mount", "--propagation", "private", "--"]).arg(std::env::current_exe()?);
        apart.args(std::env::args_os().skip(1)).env("POWER_CUTS_APART", "1");
        return Err(apart.exec().into());
    }
    Ok(if run(&Args::new())? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
