//! Sound, tried: which devices there are, and, where somebody agreed to it, half a second of the usual ones. Nothing of it is kept.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;

use super::check::Check;
use crate::base::time::Clock;
use crate::capture::registry;
use crate::capture::sound::{SoundDevice, SoundItem, SoundPlan, SoundRole, SoundSink, SoundWanted};
use crate::capture::{CaptureError, StopFlag};

const NAME: &str = "sound";
/// How much is listened to.
const LISTENED_MS: u64 = 500;
/// How long that may take: a monitor begins some hundred milliseconds after it was opened.
const MOST: Duration = Duration::from_secs(2);
/// How often it is looked whether that is over.
const LOOK: Duration = Duration::from_millis(20);
/// Blocks that may wait meanwhile: ten times those of a device of 5 ms.
const QUEUE: usize = 1000;
/// Devices that are named.
const NAMED: usize = 4;

/// The devices, and what is heard of them when `consents` says that somebody agreed to sound.
pub(super) fn check(consents: bool, clock: &Arc<dyn Clock>) -> Check {
    let devices: Vec<_> = registry::sound_devices().into_iter().filter(|(backend, _)| backend.is_native()).collect();
    let Some((backend, _)) = devices.first() else {
        let failed = registry::sounds()
            .filter(|backend| backend.is_native())
            .find_map(|backend| backend.ready().err().or_else(|| backend.sounds().err()));
        return match failed {
            Some(error) => Check::no(NAME, &error, error.hint()),
            None => Check::no(NAME, &"no device of sound", None),
        };
    };
    let name = |device: &SoundDevice| {
        let usual = if device.is_default { ", the usual one" } else { "" };
        format!("{} ({}{usual})", device.id, device.role.name())
    };
    let named: Vec<_> = devices.iter().take(NAMED).map(|(_, device)| name(device)).collect();
    let more = if devices.len() > NAMED { format!(" and {} more", devices.len() - NAMED) } else { String::new() };
    let listed = format!("{}: {}{more}", backend.name(), named.join(", "));
    if !consents {
        let detail = format!("{listed}; not listened to, since nobody agreed to it (consent to audio)");
        return Check::ok(NAME, detail);
    }
    let mut said = vec![listed];
    for role in [SoundRole::System, SoundRole::Microphone] {
        if devices.iter().any(|(_, device)| device.role == role) {
            match listen(role, clock) {
                Ok(heard) => said.push(heard),
                Err(error) => return Check::no(NAME, &format!("{}: {error}", role.name()), error.hint()),
            }
        }
    }
    Check::ok(NAME, said.join("; "))
}

/// Listens to the usual device of a kind.
fn listen(role: SoundRole, clock: &Arc<dyn Clock>) -> Result<String, CaptureError> {
    let open = registry::open_sound(&SoundPlan { wanted: SoundWanted::Role(role), clock: Arc::clone(clock) })?;
    let (queue, heard) = crossbeam_channel::bounded(QUEUE);
    let (opened, is_open) = crossbeam_channel::bounded(1);
    let stop = StopFlag::new();
    let of_thread = stop.clone();
    let run = move || -> Result<(), CaptureError> {
        let source = open()?;
        // Whoever waits for it may be gone.
        drop(opened.send(source.describe()));
        source.run(&SoundSink::new(queue), &of_thread)
    };
    let failed =
        |why: &str| CaptureError::Unavailable { backend: "sound", what: "audio".into(), detail: why.to_owned() };
    let thread = std::thread::Builder::new().name("doctor listens".into()).spawn(run);
    let thread = thread.map_err(|error| failed(&error.to_string()))?;
    let what = is_open.recv().ok();
    let (rate, channels) = what.as_ref().map_or((1, 1), |what| (what.rate.max(1), what.channels.max(1)));
    let (mut samples, mut peak) = (0_u64, 0.0_f32);
    let until = clock.now().plus(MOST);
    let ms = |samples: u64| samples * 1000 / u64::from(rate);
    while what.is_some() && ms(samples) < LISTENED_MS && clock.now() < until {
        match heard.recv_timeout(LOOK) {
            Ok(SoundItem::Block(block)) => {
                samples += block.samples.len() as u64 / u64::from(channels);
                peak = block.samples.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
            }
            Ok(SoundItem::Silent { .. }) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    stop.set();
    thread.join().map_err(|_panicked| failed("the source failed"))??;
    let what = what.ok_or_else(|| failed("the source failed"))?;
    let server = what.settings.iter().find(|(key, _)| key == "server").and_then(|(_, server)| server.as_str());
    let server = server.map_or_else(String::new, |server| format!(" by {server}"));
    let loud = if peak > 0.0 { format!("the loudest at {:.0} dB", 20.0 * peak.log10()) } else { "silence".to_owned() };
    Ok(format!("{}{server}: {} ms of {rate} Hz, {loud}", role.name(), ms(samples)))
}
