//! What sound is recorded: which devices, and by which encoder.

use std::sync::Arc;

use super::super::failure::Failure;
use crate::base::time::Clock;
use crate::capture::registry;
use crate::capture::sound::{OpenSound, SoundPlan, SoundRole, SoundWanted};
use crate::capture::synthetic::{CLICKS, open_clicks};
use crate::cli::{RecordArgs, SourceArg};
use crate::config::RecordConfig;
use crate::encode::sound::{SOUND_ENCODERS, sound_kind};
use crate::recorder::SoundOptions;

/// Longest name of a device, bytes.
const MAX_NAME: usize = 256;
/// The value that records none.
const OFF: &str = "off";

/// Returns the devices that are asked for, in the order of their tracks; none when no sound is.
pub(super) fn wanted(args: &RecordArgs, config: &RecordConfig) -> Result<Vec<SoundWanted>, Failure> {
    let asked = args.audio.as_deref().or(config.audio.as_deref()).unwrap_or(OFF).trim();
    let role = SoundWanted::Role;
    match asked {
        OFF => Ok(Vec::new()),
        "system" => Ok(vec![role(SoundRole::System)]),
        "mic" => Ok(vec![role(SoundRole::Microphone)]),
        "both" => Ok(vec![role(SoundRole::System), role(SoundRole::Microphone)]),
        "" => Err(Failure::usage("--audio names nothing", "use --audio mic, system, both, off or a device")),
        device if device.len() > MAX_NAME => {
            Err(Failure::usage("the name of the device is too long", format!("at most {MAX_NAME} bytes")))
        }
        device if args.source == SourceArg::Synthetic && device != CLICKS => Err(Failure::usage(
            format!("the synthetic desktop has no device {device}"),
            "use --audio synthetic, mic, system or both",
        )),
        device => Ok(vec![SoundWanted::Device(device.to_owned())]),
    }
}

/// Returns how sound is encoded.
pub(super) fn options(args: &RecordArgs, config: &RecordConfig) -> Result<SoundOptions, Failure> {
    let usual = SoundOptions::default();
    let Some(name) = args.audio_codec.as_deref().or(config.audio_codec.as_deref()) else { return Ok(usual) };
    let encoder = sound_kind(name).ok_or_else(|| {
        let names: Vec<_> = SOUND_ENCODERS.iter().map(|kind| kind.name()).collect();
        Failure::usage(format!("there is no codec '{name}' for sound"), names.join(", "))
    })?;
    Ok(SoundOptions { encoder, ..usual })
}

/// Prepares the devices.
pub(super) fn sources(
    wanted: &[SoundWanted],
    source: SourceArg,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<OpenSound>, Failure> {
    let open = |wanted: &SoundWanted| {
        let plan = SoundPlan { wanted: wanted.clone(), clock: Arc::clone(clock) };
        match source {
            SourceArg::Synthetic => Ok(open_clicks(&plan)),
            SourceArg::Desktop => registry::open_sound(&plan),
        }
    };
    wanted.iter().map(open).collect::<Result<_, _>>().map_err(|error| Failure::new(&error, error.hint()))
}
