//! `watchcap profile`: list, show and check profiles; and how `record` finds one.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::text;
use crate::base::event::Area;
use crate::capture::backend::Targets;
use crate::capture::{Target, TargetInfo, registry};
use crate::cli::{ProfileArgs, ProfileVerb};
use crate::config;
use crate::privacy::names;
use crate::privacy::profile::{BUILT_IN, MAX_BYTES, Profile};

pub(super) fn run(args: &ProfileArgs) -> Result<Outcome, Failure> {
    match &args.verb {
        ProfileVerb::List { json } => list(*json),
        ProfileVerb::Show { name, size, hud_scale } => show(name, *size, *hud_scale),
        ProfileVerb::Check { file } => {
            let content =
                crate::base::files::read_text_at_most(file, MAX_BYTES).map_err(|error| unreadable(file, &error))?;
            let profile = parse(file, &content)?;
            let masks = text::counted(profile.masks(None).len() as u64, "mask");
            text::say(&format!("{} is a profile: {}, {masks}", file.display(), text::printable(&profile.title)));
            Ok(Outcome::Clean)
        }
    }
}

/// Reads a profile of the person's own: it decides what is kept out, so nobody else may have written it.
fn read(path: &Path) -> Result<String, Failure> {
    crate::base::files::read_own_text(path, MAX_BYTES).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::FileTooLarge => {
            Failure::usage(format!("{} is too large for a profile", path.display()), "256 KiB at most")
        }
        kind => {
            let hint = (kind == std::io::ErrorKind::Other)
                .then(|| "make it your own (chown, chmod go-w), or take it out of that folder".to_owned());
            Failure::new(&format!("cannot read {}: {error}", path.display()), hint)
        }
    }
}

fn parse(path: &Path, content: &str) -> Result<Profile, Failure> {
    Profile::parse(content).map_err(|error| {
        Failure::usage(
            format!("{} is no profile: {error}", path.display()),
            "`watchcap profile show desktop` prints one; src/privacy/profile.rs describes every key",
        )
    })
}

/// The person's own profiles, by name.
fn own() -> Vec<(String, PathBuf)> {
    let Some(Ok(entries)) = config::profile_dir().map(std::fs::read_dir) else { return Vec::new() };
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_toml = path.extension().is_some_and(|extension| extension == "toml");
            is_toml.then(|| Some((path.file_stem()?.to_str()?.to_owned(), path.clone())))?
        })
        .collect();
    found.sort();
    found
}

/// The text of a profile: the person's own of that name, else the one that is built in.
fn text_of(name: &str) -> Result<(PathBuf, String), Failure> {
    if let Some((_, path)) = own().into_iter().find(|(own, _)| own == name) {
        return read(&path).map(|content| (path, content));
    }
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
    built_in.map(|(name, content)| (PathBuf::from(format!("{name}.toml")), (*content).to_owned())).ok_or_else(|| {
        Failure::usage(format!("there is no profile '{name}'"), "`watchcap profile list` names those that there are")
    })
}

/// The profile of a name.
pub(super) fn find(name: &str) -> Result<Profile, Failure> {
    let (path, content) = text_of(name)?;
    parse(&path, &content)
}

/// Every profile that says which windows it is for, the person's own first. One of the person's own that has the name of a built-in one stands
/// in its place.
pub(super) fn for_windows() -> Result<Vec<Profile>, Failure> {
    let mut names: Vec<String> = own().into_iter().map(|(name, _)| name).collect();
    let built_in: Vec<String> =
        BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).filter(|name| !names.contains(name)).collect();
    names.extend(built_in);
    let profiles: Vec<Profile> = names.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
    Ok(profiles.into_iter().filter(|profile| !profile.windows.is_empty()).collect())
}

/// The window that is recorded, or else every one that is open. None where windows cannot be listed: what keeps them from being listed keeps
/// from recording them, too.
pub(super) fn windows(target: &Target) -> Vec<TargetInfo> {
    let Ok(Targets::List(windows)) = registry::targets() else { return Vec::new() };
    let recorded = |window: &TargetInfo| {
        window.kind == "window"
            && match target {
                Target::WindowId(id) => window.id == *id,
                Target::WindowTitle(part) => names::title_fits(part, &window.title.0),
                Target::WindowApp(app) => names::app_fits(app, &window.app, &window.instance),
                _ => true,
            }
    };
    let windows = windows.into_iter().filter(recorded);
    match target {
        Target::WindowId(_) | Target::WindowTitle(_) | Target::WindowApp(_) => windows.take(1).collect(),
        _ => windows.collect(),
    }
}

/// The first of these profiles that is for the recorded window, or else for any that is open.
pub(super) fn fitting<'a>(profiles: &'a [Profile], target: &Target) -> Option<&'a Profile> {
    let windows = windows(target);
    let fits = |profile: &&Profile| {
        windows.iter().any(|window| profile.windows.fits(&window.app, &window.instance, &window.title.0))
    };
    profiles.iter().find(fits)
}

fn list(as_json: bool) -> Result<Outcome, Failure> {
    let own = own();
    let mut rows = Vec::new();
    for (name, path) in &own {
        let profile = parse(path, &read(path)?)?;
        rows.push((name.clone(), path.display().to_string(), profile.title));
    }
    for (name, content) in BUILT_IN {
        if !own.iter().any(|(own, _)| own == name) {
            rows.push((name.to_owned(), "built in".into(), parse(Path::new(name), content)?.title));
        }
    }
    if as_json {
        let list: Vec<_> =
            rows.iter().map(|(name, from, title)| json!({ "name": name, "from": from, "title": title })).collect();
        text::json(&json!(list));
        return Ok(Outcome::Clean);
    }
    let heading = ["NAME", "FROM", "TITLE"].map(str::to_owned).to_vec();
    let lines = rows.into_iter().map(|(name, from, title)| vec![name, from, text::cell(&title)]);
    for line in text::table(&std::iter::once(heading).chain(lines).collect::<Vec<_>>()) {
        text::out(&line);
    }
    if let Some(folder) = config::profile_dir() {
        text::say(&format!("your own go to {}", folder.display()));
    }
    Ok(Outcome::Clean)
}

fn show(name: &str, size: Option<(u32, u32)>, hud_scale: Option<u8>) -> Result<Outcome, Failure> {
    let (path, content) = text_of(name)?;
    let profile = parse(&path, &content)?;
    let Some(size) = size else {
        text::out(content.trim_end());
        return Ok(Outcome::Clean);
    };
    let masks = profile.masks(hud_scale);
    let areas: Vec<(Area, &str)> =
        masks.iter().filter_map(|mask| Some((mask.place.resolve(size)?, mask.reason.as_str()))).collect();
    for (Area { x, y, width, height }, reason) in &areas {
        text::out(&format!("{x},{y},{width},{height}  {reason}"));
    }
    if areas.is_empty() {
        text::say(&format!("it masks no part of a picture of {}x{} pixels", size.0, size.1));
    }
    Ok(Outcome::Clean)
}
