//! The facts that a log begins with, and how one is appended: what the sources, the encoder and the options say of themselves.

use serde_json::{Value, json};

use super::inputs::Inputs;
use super::opening::OpenedInputs;
use super::sound::OpenedSound;
use super::stills::StillOptions;
use crate::base::event::{HidUsage, Source, Surface};
use crate::base::hid;
use crate::base::time::MonoNs;
use crate::capture::sound::SoundRole;
use crate::capture::{Facet, FacetSet, InitialState, ScreenDescription};
use crate::encode::driver::Driver;
use crate::encode::settings::EncodeSettings;
use crate::log::setup::{
    CLOCK_KEY, EncoderFact, Fact as _, HeldKeyFact, InitialStateFact, InputFact, ScreenFact, SoundFact, StillsFact,
};
use crate::log::writer::LogWriter;
use crate::log::{Body, LogError, Record, codec};
use crate::session::sound::MICROPHONE;

/// The most devices that the log lists.
const MAX_DEVICES: usize = 32;

/// Appends a fact; one that is too long for a record is cut to null, and that is logged.
pub(super) fn append_fact(log: &mut LogWriter, t: MonoNs, key: &str, value: &Value) -> Result<(), LogError> {
    let mut json = value.to_string();
    if json.len() > codec::MAX_FACT {
        tracing::warn!(key, bytes = json.len(), "a fact is too long for the log and is left out");
        json = "null".into();
    }
    log.append(&Record { t, source: Source::Recorder, body: Body::Setup { key: key.into(), json } }).map(drop)
}

/// The facts that are known once sources and encoder are open.
pub(super) fn start_facts(
    screen: &ScreenDescription,
    input: Option<&OpenedInputs>,
    inputs: &Inputs,
    encoder: &Driver,
    settings: &EncodeSettings,
    clock: &str,
) -> Vec<(String, Value)> {
    let surface = screen.surface;
    let mut coder = encoder.describe();
    if coder.delay > 0 {
        coder.settings.push(("delay".into(), coder.delay.to_string()));
    }
    let screen = ScreenFact {
        backend: Some(screen.backend.clone()),
        target: Some(screen.target.clone()),
        window_id: screen.window_id.clone(),
        refresh_hz: screen.refresh_hz,
        x: Some(surface.x),
        y: Some(surface.y),
        width: Some(surface.width),
        height: Some(surface.height),
        scale: surface.scale.map(f64::from),
        display_server: screen.display_server.clone(),
        settings: screen_settings(screen),
    };
    let encoder = EncoderFact {
        name: Some(coder.name),
        codec_string: Some(coder.codec_string),
        settings: Some(coder.settings.into_iter().map(|(key, value)| (key, json!(value))).collect()),
        width: Some(settings.width),
        height: Some(settings.height),
        fps: Some(settings.fps),
        bitrate_kbps: (!settings.is_lossless()).then_some(settings.bitrate_kbps),
        gop_ns: Some(settings.gop_ns),
        ..EncoderFact::default()
    };
    let mut facts = vec![(CLOCK_KEY.to_owned(), json!(clock)), screen.entry(), encoder.entry()];
    if let Some(opened) = input {
        facts.push(input_fact(opened).entry());
        let initial = &opened.initial;
        if inputs.may_tell_initial(initial) {
            facts.push(initial_state(initial, surface, inputs).entry());
        }
    }
    facts
}

fn screen_settings(screen: &ScreenDescription) -> serde_json::Map<String, Value> {
    let mut settings = object(json!({
        "cursor": screen.cursor, "sees_changes": screen.sees_changes, "masks_windows": screen.masks_windows,
    }));
    settings.extend(screen.settings.iter().cloned());
    settings
}

/// The inputs: as one, and with several sources each of them with what is taken of it.
pub(super) fn input_fact(opened: &OpenedInputs) -> InputFact {
    let facets = |set: FacetSet| Facet::ALL.map(|facet| (facet.key().to_owned(), json!(set.has(facet))));
    let sources = || opened.open().map(|(what, _)| what);
    let devices: Vec<&String> = sources().flat_map(|what| &what.devices).take(MAX_DEVICES).collect();
    let (warps, poll_us) = (sources().find_map(|what| what.warps), sources().find_map(|what| what.poll_us));
    let mut settings = object(json!({ "devices": devices, "warps": warps, "poll_us": poll_us }));
    settings.extend(facets(opened.facets()));
    if opened.open().count() > 1 {
        let each = opened.open().map(|(what, own)| {
            let mut each = object(json!({ "backend": what.backend }));
            each.extend(facets(*own));
            Value::Object(each)
        });
        settings.insert("sources".into(), each.collect());
    }
    InputFact {
        backend: Some(opened.backend()),
        keyboard_layout: sources().find_map(|what| what.keyboard_layout.clone()),
        keyboard_group: opened.initial.layout.group.map(i64::from),
        settings,
    }
}

/// The sources of sound: the first one, and the microphone beside it where there are two.
pub(super) fn sound_facts(sounds: &[OpenedSound]) -> Option<(String, Value)> {
    let said = |sound: &OpenedSound| {
        let what = &sound.what;
        let mut said = object(json!({
            "device": what.device, "role": what.role.map(SoundRole::name), "rate_hz": what.rate, "channels": what.channels,
            "encoder": sound.encoder.describe(),
        }));
        said.extend(what.settings.iter().cloned());
        said
    };
    let (first, further) = sounds.split_first()?;
    let mut settings = said(first);
    settings.extend(further.first().map(|second| (MICROPHONE.to_owned(), Value::Object(said(second)))));
    Some(SoundFact { backend: Some(first.what.backend.clone()), settings }.entry())
}

/// When PNG pictures are taken, where they are taken by themselves.
pub(super) fn stills_fact(options: StillOptions) -> Option<(String, Value)> {
    let StillOptions { every, frames, on_key, on_click } = options;
    let on: Vec<String> =
        [("key", on_key), ("click", on_click)].into_iter().filter(|(_, on)| *on).map(|(name, _)| name.into()).collect();
    let fact = StillsFact { every_s: every.map(|every| every.as_secs_f64()), frames: Some(frames), on: Some(on) };
    (options != StillOptions::default()).then(|| fact.entry())
}

/// What was held and where the pointer was; of the keys those whose codes may be known.
pub(super) fn initial_state(initial: &InitialState, surface: Surface, inputs: &Inputs) -> InitialStateFact {
    let position = initial.pointer.map(|at| surface.relative(at));
    let known = initial.keys.iter().filter(|(usage, _)| inputs.may_tell(*usage));
    let key = |(usage, native): &(Option<HidUsage>, u32)| HeldKeyFact {
        key_code: usage.map(|usage| i32::from(usage.0)),
        code: usage.and_then(hid::code_of_usage).map(str::to_owned),
        native: Some(*native),
    };
    InitialStateFact {
        keys: Some(known.map(key).collect()),
        buttons: Some(initial.buttons.iter().map(|button| button.name().to_owned()).collect()),
        mouse_x: position.map(|at| f64::from(at.x)),
        mouse_y: position.map(|at| f64::from(at.y)),
        ..InitialStateFact::default()
    }
}

/// What of a source has no place of its own in the metadata.
fn object(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}
