//! Plays the sound of a sealed session through the system, in step with the player: [`Voice`].
//!
//! Invariant: the sample that is handed over is the one of the instant at which it will be heard, by the player's own clock ([`crate::capture::sound::SoundOutput`]
//! says when that is), to a hundredth of a second; so what the output's buffers take, and what two clocks run apart, needs no other care. Each file of a session is a thread and a
//! stream of its own; nothing is opened before something is to be heard.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use watchcap_replay::Sound;

use super::track::Track;
use crate::base::time::{Clock, MonoNs, SystemClock};
use crate::capture::registry;
use crate::capture::sound::OutputPlan;
use crate::session::metadata::Metadata;
use crate::session::sound;

/// A playhead that is farther than this from where it would be has jumped, nanoseconds: ticks of the player are 17 ms apart, and a busy machine holds one up.
const JUMP_NS: i64 = 40_000_000;

/// What is to be heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Want {
    /// Nothing.
    Silence,
    /// The recording: at this moment of the clock it stands at that instant.
    Follow(MonoNs, i64),
    /// Nothing any more.
    End,
}

/// What the player and the threads share.
struct Shared {
    want: Mutex<(Want, Option<String>)>,
    changed: Condvar,
}

impl Shared {
    fn look<T>(&self, look: impl FnOnce(&mut (Want, Option<String>)) -> T) -> T {
        look(&mut self.want.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn want(&self) -> Want {
        self.look(|shared| shared.0)
    }
}

/// The sound of a session.
pub struct Voice {
    files: Vec<(PathBuf, i64)>,
    server: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
}

impl Voice {
    /// Returns the sound of the session in a folder; `None` where it has none. `server` is the socket of a sound server, instead of that of this login.
    pub fn of(dir: &Path, metadata: &Metadata, server: Option<PathBuf>) -> Option<Self> {
        let files: Vec<_> = sound::placed(metadata).into_iter().map(|(file, t0_ns)| (dir.join(file), t0_ns)).collect();
        let shared = Shared { want: Mutex::new((Want::Silence, None)), changed: Condvar::new() };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        (!files.is_empty()).then(|| Self { files, server, clock, shared: Arc::new(shared) })
    }

    /// Begins, the first time.
    fn begin(&mut self) {
        for (path, t0_ns) in std::mem::take(&mut self.files) {
            let (shared, clock, server) = (Arc::clone(&self.shared), Arc::clone(&self.clock), self.server.clone());
            let work = move || run(&shared, &clock, (&path, t0_ns), server.as_ref());
            if let Err(error) = std::thread::Builder::new().name("sound".into()).spawn(work) {
                self.shared.look(|shared| shared.1 = Some(error.to_string()));
            }
        }
    }
}

impl Sound for Voice {
    fn play(&mut self, at_ns: i64) {
        self.begin();
        let now = self.clock.now();
        let changed = self.shared.look(|(want, _)| {
            let goes_on = matches!(want, Want::Follow(at, from)
                if (from.saturating_add(now.0.saturating_sub(at.0)) - at_ns).abs() <= JUMP_NS);
            if !goes_on {
                *want = Want::Follow(now, at_ns);
            }
            !goes_on
        });
        if changed {
            self.shared.changed.notify_all();
        }
    }

    fn stop(&mut self) {
        self.shared.look(|(want, _)| *want = Want::Silence);
    }

    fn trouble(&mut self) -> Option<String> {
        self.shared.look(|(_, trouble)| trouble.take())
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.shared.look(|(want, _)| *want = Want::End);
        self.shared.changed.notify_all();
    }
}

/// Plays one file whenever something is to be heard.
fn run(shared: &Shared, clock: &Arc<dyn Clock>, (path, t0_ns): (&Path, i64), server: Option<&PathBuf>) {
    loop {
        let mut held = shared.want.lock().unwrap_or_else(PoisonError::into_inner);
        while held.0 == Want::Silence {
            held = shared.changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        if held.0 == Want::End {
            return;
        }
        drop(held);
        if let Err(why) = play(shared, clock, (path, t0_ns), server) {
            tracing::debug!(why, "no sound is heard");
            shared.look(|(want, trouble)| {
                if matches!(want, Want::Follow(..)) {
                    (*want, *trouble) = (Want::Silence, Some(why));
                }
            });
        }
    }
}

/// Plays until nothing is to be heard.
fn play(
    shared: &Shared,
    clock: &Arc<dyn Clock>,
    (path, t0_ns): (&Path, i64),
    server: Option<&PathBuf>,
) -> Result<(), String> {
    let mut track = Track::open(path, t0_ns).map_err(|error| error.to_string())?;
    let plan = OutputPlan {
        rate: track.rate(),
        channels: track.channels(),
        server: server.cloned(),
        clock: Arc::clone(clock),
    };
    let mut output = registry::sound_output(&plan).map_err(|error| error.to_string())?;
    let mut failed = Ok(());
    while let (Want::Follow(at, from_ns), true) = (shared.want(), failed.is_ok()) {
        let mut fill = |heard: MonoNs, count: usize, out: &mut Vec<i16>| {
            let t_ns = from_ns.saturating_add(heard.0.saturating_sub(at.0));
            if let Err(error) = track.read(t_ns, count, out) {
                failed = Err(error);
            }
        };
        output.step(&mut fill).map_err(|error| error.to_string())?;
    }
    failed
}
