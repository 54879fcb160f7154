//! Records on a disk that remembers, and hands over what came to it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::args::{Failure, Random, now, sleep_until};
use super::disk::{Blocks, Disk, system};
use super::trace::{Moments, Recipe, Trace};

/// Size of the disk: a short recording, a journal, and room, so that the recorder sees no full disk.
const DISK_BYTES: u64 = 64 << 20;
/// The session's name.
pub(crate) const SESSION: &str = "s";

/// A program that ends with the stage.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A file system, mounted until it is dropped.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// Mounts a device or an image as ext4.
    pub(crate) fn new(what: &Path, at: &Path, options: &str) -> Result<Self, Failure> {
        let options = options.replace(NO_JOURNAL, "defaults");
        system(Command::new("mount").args(["-t", "ext4", "-o", &options]).arg(what).arg(at))?;
        Ok(Self(at.to_path_buf()))
    }

    /// Unmounts it. A program that another thread just starts has our open files for a moment: it is tried again then.
    pub(crate) fn unmount(self) -> Result<(), Failure> {
        let at = self.0.clone();
        std::mem::forget(self);
        let mut tries = 0;
        loop {
            match system(Command::new("umount").arg(&at)) {
                Err(error) if tries < 100 && error.to_string().contains("busy") => tries += 1,
                other => return other.map(drop),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Err(error) = system(Command::new("umount").arg("-l").arg(&self.0)) {
            super::say(&error.to_string());
        }
    }
}

/// Blocks of a group, and so the block of the second superblock.
pub(crate) const BACKUP_SUPERBLOCK: u32 = 8192;
/// The file system whose own order is the least: without a journal, and mended by `e2fsck` after a cut, as at a start of the system.
pub(crate) const NO_JOURNAL: &str = "nojournal";
/// How the file system is mounted: as it is by default, or so that a file may have its new length and not yet its data, as on file systems
/// that keep less order.
const MOUNTS: [&str; 2] = ["defaults", "data=writeback,nodelalloc"];

/// A recipe of the campaign: kinds in turn, the rest by the seed.
pub(crate) fn recipe(index: u64, seed: u64, kind: Option<&str>, mount: Option<&str>) -> Recipe {
    let mut random = Random(seed ^ (index + 1).wrapping_mul(0x5851_f42d_4c95_7f2d));
    let mut pick = |from: &[u64]| from[random.below(from.len() as u64) as usize];
    let kind = kind.unwrap_or(["seal", "later", "killed", "seal", "screen"][index as usize % 5]);
    Recipe {
        kind: kind.to_owned(),
        mount: mount.map_or_else(|| MOUNTS[usize::from(index % 3 == 2)].to_owned(), str::to_owned),
        fps: pick(&[30, 60]) as u32,
        kbps: pick(&[400, 1500, 4000]) as u32,
        size: [(320, 180), (320, 180), (480, 270)][pick(&[0, 1, 2]) as usize],
        millis: pick(&[1500, 2000, 2500]),
        flush_us: pick(&[0, 2000, 5000, 5000, 10_000]),
        seed: seed.wrapping_add(index),
    }
}

/// The programs of the build.
pub(crate) struct Programs {
    pub(crate) watchcap: PathBuf,
    pub(crate) examples: PathBuf,
    /// The sound that is recorded, and the encoder, where they are not the usual ones.
    pub(crate) audio: Option<String>,
    pub(crate) encoder: Option<String>,
}

impl Programs {
    fn watchcap(&self) -> Command {
        let mut command = Command::new(&self.watchcap);
        command.env("XDG_CONFIG_HOME", "/nonexistent").stdin(Stdio::null()).stderr(Stdio::null());
        command
    }
}

/// A screen with something on it, and somebody at the keyboard.
struct Screen {
    display: String,
    _server: Running,
    _client: Running,
}

impl Screen {
    fn start(programs: &Programs, size: (u32, u32)) -> Result<Self, Failure> {
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", &format!("{}x{}x24", size.0, size.1)]);
        server.args(["-nolisten", "tcp", "-noreset"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = Running(server.spawn()?);
        let mut number = String::new();
        BufReader::new(server.0.stdout.take().ok_or("no output")?).read_line(&mut number)?;
        let display = format!(":{}", number.trim());
        let mut client = Command::new(programs.examples.join("barcode_client"));
        client.args(["--display", &display, "--override", "true", "--rate", "50"]);
        client.args(["--width", &size.0.to_string(), "--height", &size.1.to_string()]);
        let client = Running(client.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
        std::thread::sleep(Duration::from_millis(400));
        Ok(Self { display, _server: server, _client: client })
    }

    /// Types and moves for a while; how many inputs were injected.
    fn hand(&self, programs: &Programs, recipe: &Recipe, log: &Path) -> Result<usize, Failure> {
        let mut hand = Command::new(programs.examples.join("xtest_script"));
        hand.args(["--display", &self.display, "--seed", &recipe.seed.to_string(), "--log"]).arg(log);
        hand.args(["--seconds", &recipe.millis.div_ceil(1000).to_string()]);
        system(&mut hand)?;
        Ok(std::fs::read_to_string(log)?.lines().filter(|line| line.contains("\"before\"")).count())
    }
}

/// Lines of a program's output with the time at which they came.
fn lines(child: &mut Child) -> Result<std::sync::mpsc::Receiver<(i64, String)>, Failure> {
    let out = child.stdout.take().ok_or("no output")?;
    let (send, lines) = std::sync::mpsc::sync_channel(64);
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if send.send((now(), line)).is_err() {
                return;
            }
        }
    });
    Ok(lines)
}

/// Waits for the line of an event.
fn event(lines: &std::sync::mpsc::Receiver<(i64, String)>, name: &str) -> Result<i64, Failure> {
    loop {
        let (t, line) =
            lines.recv_timeout(Duration::from_secs(30)).map_err(|_timeout| format!("no event '{name}' came"))?;
        if line.contains(&format!("\"event\":\"{name}\"")) {
            return Ok(t);
        }
    }
}

fn ended(child: &mut Child) -> Result<(), Failure> {
    let code = child.wait()?.code();
    if matches!(code, Some(0 | 3)) { Ok(()) } else { Err(format!("a program ended with {code:?}").into()) }
}

/// The kernel's own threads that carry blocks, put before everything else that runs on the machine until this is dropped.
pub(crate) struct KernelFirst(Vec<rustix::process::Pid>);

impl KernelFirst {
    /// Puts them first: only those that have their ordinary priority.
    pub(crate) fn new() -> Result<Self, Failure> {
        let mut raised = Vec::new();
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let pid = entry.file_name().to_string_lossy().parse().ok().and_then(rustix::process::Pid::from_raw);
            let (Some(pid), Ok(name)) = (pid, std::fs::read_to_string(entry.path().join("comm"))) else { continue };
            let carries = name.starts_with("kworker/u") || name.starts_with("jbd2/loop");
            if carries && rustix::process::getpriority_process(Some(pid)) == Ok(0) {
                // One that has just ended is no loss.
                if rustix::process::setpriority_process(Some(pid), -15).is_ok() {
                    raised.push(pid);
                }
            }
        }
        Ok(Self(raised))
    }
}

impl Drop for KernelFirst {
    fn drop(&mut self) {
        for pid in &self.0 {
            // It may have ended.
            if rustix::process::setpriority_process(Some(*pid), 0).is_err() {}
        }
    }
}

/// Notes when a thread does not get a processor: what the machine does then, no recorder can make good.
struct Heartbeat {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<(i64, i64)>>,
}

impl Heartbeat {
    /// Beats with this priority.
    fn start(nice: i32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                let mut stalls = Vec::new();
                if let Err(error) = rustix::process::setpriority_process(None, nice) {
                    super::say(&format!("the heartbeat has another priority: {error}"));
                }
                while !stop.load(Ordering::Relaxed) {
                    let due = now() + 2_000_000;
                    sleep_until(due);
                    let woke = now();
                    if woke - due > 1_000_000 {
                        stalls.push((due, woke));
                    }
                }
                stalls
            }
        });
        Self { stop, thread }
    }

    fn stop(self) -> Vec<(i64, i64)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Records by the recipe; the sealed session is copied to `keep`. Answers also with how many inputs were injected, where it is known.
pub(crate) fn record(
    recipe: &Recipe,
    programs: &Programs,
    dir: &Path,
    keep: &Path,
    kernel_first: bool,
) -> Result<(Trace, Option<usize>), Failure> {
    let (file, image, mnt) = (dir.join("disk"), dir.join("base"), dir.join("mnt"));
    std::fs::create_dir_all(&mnt)?;
    std::fs::write(&file, b"")?;
    std::fs::File::create(&image)?.set_len(DISK_BYTES)?;
    let mut mkfs = Command::new("mkfs.ext4");
    // Small groups, so that so small a disk has a second superblock, as every real one.
    mkfs.args(["-q", "-b", "4096", "-m", "0", "-g", &BACKUP_SUPERBLOCK.to_string()]);
    mkfs.args(if recipe.mount == NO_JOURNAL { ["-O", "^has_journal"] } else { ["-J", "size=4"] });
    mkfs.args(["-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"]).arg(&image);
    system(&mut mkfs)?;
    let blocks = Blocks::of_file(&image)?;
    std::fs::remove_file(&image)?;
    let base = blocks.pieces();
    let disk = Disk::serve(blocks, &file, Duration::from_micros(recipe.flush_us))?;
    let mounted = Mounted::new(Path::new(&disk.device), &mnt, &recipe.mount)?;
    let screen = (recipe.kind == "screen").then(|| Screen::start(programs, recipe.size)).transpose()?;

    let first = kernel_first.then(KernelFirst::new).transpose()?;
    // As the slowest on the way of a block: the kernel's threads, or, with those first, the recorder and the disk.
    let nice = if kernel_first { rustix::process::getpriority_process(None)? } else { 0 };
    let heartbeat = Heartbeat::start(nice);
    let mut moments = Moments { start: now(), ..Moments::default() };
    let mut command = programs.watchcap();
    command.args(["record", "--session", SESSION, "--json", "--out"]).arg(&mnt);
    command.args(["--fps", &recipe.fps.to_string(), "--bitrate-kbps", &recipe.kbps.to_string()]);
    match &screen {
        Some(screen) => {
            let consent = if programs.audio.is_some() { "screen,input,audio" } else { "screen,input" };
            command.args(["--consent", consent]).env("DISPLAY", &screen.display)
        }
        None => command.args(["--source", "synthetic", "--size", &format!("{}x{}", recipe.size.0, recipe.size.1)]),
    };
    if let Some(audio) = &programs.audio {
        command.args(["--audio", audio]);
    }
    if let Some(encoder) = &programs.encoder {
        command.args(["--encoder", encoder, "--no-encoder-check"]);
    }
    if matches!(recipe.kind.as_str(), "seal" | "later") {
        command.args(["--duration", &format!("{}ms", recipe.millis)]);
    }
    if recipe.kind == "later" {
        command.arg("--no-finalize");
    }
    let mut recorder = Running(command.stdout(Stdio::piped()).spawn()?);
    let lines = lines(&mut recorder.0)?;
    moments.ready = event(&lines, "recording")?;
    let mut injected = None;
    if let Some(screen) = &screen {
        injected = Some(screen.hand(programs, recipe, &dir.join("hand.jsonl"))?);
        std::thread::sleep(Duration::from_millis(100));
        system(Command::new("kill").args(["-INT", &recorder.0.id().to_string()]))?;
    }
    if recipe.kind == "killed" {
        std::thread::sleep(Duration::from_millis(recipe.millis));
        recorder.0.kill()?;
        moments.killed = Some(now());
        recorder.0.wait()?;
    } else {
        moments.closed = Some(event(&lines, "recorded")?);
        ended(&mut recorder.0)?;
    }
    if matches!(recipe.kind.as_str(), "later" | "killed") {
        let mut seal =
            Running(programs.watchcap().arg("finalize").arg(mnt.join(SESSION)).stdout(Stdio::null()).spawn()?);
        ended(&mut seal.0)?;
    }
    moments.sealed = now();
    std::thread::sleep(Duration::from_millis(150));
    moments.stop = now();
    let (writes, flushes) = disk.stop();
    let stalls = heartbeat.stop();
    drop(first);
    std::fs::create_dir_all(keep)?;
    for entry in std::fs::read_dir(mnt.join(SESSION))? {
        let entry = entry?;
        std::fs::copy(entry.path(), keep.join(entry.file_name()))?;
    }
    mounted.unmount()?;
    drop(disk);
    Ok((Trace { recipe: recipe.clone(), moments, size: DISK_BYTES, base, writes, flushes, stalls }, injected))
}
