//! `watchcap targets`: what can be recorded.

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use crate::capture::backend::Targets;
use crate::capture::sound::SoundDevice;
use crate::capture::{TargetInfo, registry, wayland};
use crate::cli::TargetsArgs;

/// The kind of devices of sound.
const AUDIO: &str = "audio";

const HEADING: [&str; 8] = ["", "KIND", "ID", "POSITION", "SIZE", "HZ", "APP", "TITLE"];

pub(super) fn run(args: &TargetsArgs) -> Result<Outcome, Failure> {
    let targets = registry::targets().map_err(|error| Failure::new(&error, error.hint()))?;
    let Targets::List(targets) = targets else {
        if args.json {
            text::json(&json!(sounds().iter().map(sound_to_json).collect::<Vec<_>>()));
            return Ok(Outcome::Clean);
        }
        let rows: Vec<_> =
            std::iter::once(HEADING.map(str::to_owned).to_vec()).chain(sounds().iter().map(sound_row)).collect();
        if rows.len() > 1 {
            for line in text::table(&rows) {
                text::out(&line);
            }
        }
        let offers = registry::screens().find_map(|backend| Some((backend.name(), backend.offers().ok()??)));
        let (name, told) =
            offers.unwrap_or_else(|| ("it", "the system asks what is recorded when recording starts".into()));
        text::say(&text::printable(&format!("{name}: {told}, and lists nothing before")));
        return Ok(Outcome::Clean);
    };
    let server = registry::server().map_err(|error| Failure::new(&error, error.hint()))?;
    if args.json {
        let mut list: Vec<_> = targets.iter().map(|target| to_json(target, server)).collect();
        list.extend(sounds().iter().map(sound_to_json));
        text::json(&json!(list));
        return Ok(Outcome::Clean);
    }
    let mut rows = vec![HEADING.map(str::to_owned).to_vec()];
    for target in &targets {
        let surface = target.surface;
        rows.push(vec![
            if target.primary { "*" } else { "" }.to_owned(),
            target.kind.to_owned(),
            text::cell(&target.id),
            surface.map_or_else(String::new, |surface| format!("{},{}", surface.x, surface.y)),
            surface.map_or_else(String::new, |surface| format!("{}x{}", surface.width, surface.height)),
            target.refresh_hz.map_or_else(String::new, |hz| format!("{hz:.2}")),
            text::cell(&target.app),
            text::cell(&target.title.0),
        ]);
    }
    let sounds = sounds();
    rows.extend(sounds.iter().map(sound_row));
    for line in text::table(&rows) {
        text::out(&line);
    }
    if server == Some("xwayland") {
        text::warn(
            "this X server is Xwayland, the part of a Wayland desktop that X11 programs see: none of these can be recorded",
        );
        text::warn(&format!("hint: {}", wayland::OTHER_SERVER));
        return Ok(Outcome::Clean);
    }
    if let Some(said) = wayland::session().filter(|_| server == Some("x11")) {
        text::say(&text::printable(&format!(
            "{said}: these are of the X server, and nothing of the Wayland desktop is"
        )));
    }
    text::say(&legend(&targets));
    if !sounds.is_empty() {
        text::say("record sound with --audio ID; * is what --audio mic and --audio system take");
    }
    Ok(Outcome::Clean)
}

/// The devices of sound of this machine; the built-in clicks are none.
fn sounds() -> Vec<SoundDevice> {
    registry::sound_devices().into_iter().filter(|(backend, _)| backend.is_native()).map(|(_, device)| device).collect()
}

fn sound_row(device: &SoundDevice) -> Vec<String> {
    let mut row = vec![String::new(); HEADING.len()];
    if device.is_default {
        row[0].push('*');
    }
    (row[1], row[2]) = (AUDIO.to_owned(), text::cell(&device.id));
    (row[6], row[7]) = (device.role.name().to_owned(), text::cell(&device.title));
    row
}

fn sound_to_json(device: &SoundDevice) -> serde_json::Value {
    json!({
        "kind": AUDIO, "id": device.id, "title": device.title, "role": device.role.name(), "default": device.is_default,
        "rate_hz": device.rate, "channels": device.channels,
    })
}

/// What the star means, as far as there is one, and how to record what is listed.
fn legend(targets: &[TargetInfo]) -> String {
    let starred = |kind: &str| targets.iter().any(|target| target.primary && target.kind == kind);
    let star = match (starred("monitor"), starred("window")) {
        (true, true) => "* is the primary monitor and the active window; ",
        (true, false) => "* is the primary monitor; ",
        (false, true) => "* is the active window; ",
        (false, false) => "",
    };
    format!("{star}record one with --monitor ID or --window ID")
}

fn to_json(target: &TargetInfo, server: Option<&str>) -> serde_json::Value {
    let surface = target.surface;
    json!({
        "kind": target.kind, "id": target.id, "title": target.title.0, "app": target.app,
        "instance": target.instance, "pid": target.pid,
        "x": surface.map(|surface| surface.x), "y": surface.map(|surface| surface.y),
        "width": surface.map(|surface| surface.width), "height": surface.map(|surface| surface.height),
        "scale": surface.and_then(|surface| surface.scale),
        "refresh_hz": target.refresh_hz, "primary": target.primary, "server": server,
    })
}
