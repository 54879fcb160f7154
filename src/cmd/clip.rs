//! `watchcap export clip`: sessions of a span of other ones.

use std::path::Path;

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::sessions::Named;
use super::ui::Bar;
use super::{many, text};
use crate::base::event::Stream;
use crate::cli::ExportArgs;
use crate::derive::clip::cut::Source;
use crate::derive::clip::run::outside;
use crate::derive::clip::session;
use crate::export::{Opt, Options};
use crate::session::layout::{self, DirState};
use crate::session::metadata::Metadata;
use crate::session::refusal::Refusal;
use crate::session::sealed;

/// The options that it takes; others are refused, as by the other formats.
const TAKES: &[Opt] = &[Opt::Span];

pub(super) fn run(args: &ExportArgs, named: &Named) -> Result<Outcome, Failure> {
    let options = many::options(args)?;
    options.check("clip", TAKES)?;
    if options.from.is_none() && options.to.is_none() {
        return Err(Failure::usage("clip needs a span", "for example --from 12.5 --to 1:20, or --from f370"));
    }
    outside(&args.out)?;
    let (mut good, mut failures) = (Vec::new(), Vec::new());
    let is_one = named.sessions.len() == 1;
    let mut failed = |dir: &Path, failure: Failure| {
        if !is_one {
            many::tell_failure(dir, "clip", &failure, args.json);
        }
        failures.push(failure);
    };
    for dir in &named.sessions {
        match Refusal::unless_sealed(dir) {
            Ok(()) => good.push(dir),
            Err(error) => failed(dir, error.into()),
        }
    }
    let is_new = !args.out.is_dir();
    if is_new && !good.is_empty() {
        let failed = |error| Failure::new(&format!("cannot create {}: {error}", args.out.display()), None);
        crate::base::files::create_private_dir(&args.out).map_err(failed)?;
    }
    let mut made = 0;
    for dir in good {
        match one(dir, args, &options) {
            Ok(()) => made += 1,
            Err(failure) => failed(dir, failure),
        }
    }
    if made == 0 && is_new {
        // It stays when something is in it.
        drop(crate::base::files::remove_empty_dir(&args.out));
    }
    if is_one && let Some(failure) = failures.pop() {
        return Err(failure);
    }
    if !failures.is_empty() {
        text::warn(&format!("made {}; {} failed", text::counted(made as u64, "clip"), failures.len()));
    }
    many::outcome(made, &failures, named.unreadable.len())
}

fn one(dir: &Path, args: &ExportArgs, options: &Options) -> Result<(), Failure> {
    let bar = Bar::new("clip");
    if !options.no_verify {
        sealed::verify(dir, &mut |step| bar.step(step))?;
    }
    let source = Source::open(dir)?;
    source.check_consent()?;
    if !options.include_withdrawn {
        source.check_withdrawn(&[Stream::Screen, Stream::Input, Stream::Audio])?;
    }
    let (from_ns, until_ns) = source.instants(options.from, options.to)?;
    let cut = source.cut(from_ns, until_ns)?;
    let out = args.out.join(source.part_name("clip", &cut));
    let there = Metadata::read(&layout::metadata_path(&out)).ok();
    let id = session::id_of(&source, &cut);
    if layout::state_of(&out) == DirState::Sealed && there.is_some_and(|metadata| metadata.session_id == id) {
        bar.end();
        if args.json {
            let value = json!({"session": out.display().to_string(), "format": "clip", "session_id": id, "kept": true});
            text::out(&value.to_string());
        } else {
            text::out(&text::printable(&out.display().to_string()));
        }
        text::say(&text::printable(&format!("{} is there already", out.display())));
        return Ok(());
    }
    let made = session::session(dir, from_ns, until_ns, &out, &mut |step| {
        bar.step(step);
        true
    });
    bar.end();
    let made = made?;
    let sound = (!made.sound.is_empty()).then(|| made.sound.iter().map(|(_, sound)| sound.packets).sum::<u64>());
    if args.json {
        let value = json!({
            "session": out.display().to_string(), "source": dir.display().to_string(), "format": "clip",
            "session_id": made.session_id, "from_ns": made.cut.start_ns, "until_ns": made.cut.until_ns,
            "frames": made.frames, "rows": made.rows, "sound_packets": sound, "png_pictures": made.pictures, "kept": false,
        });
        text::out(&value.to_string());
    } else {
        text::out(&text::printable(&out.display().to_string()));
    }
    let earlier = (made.cut.asked_ns.0 - made.cut.start_ns).max(0) as f64 / 1e9;
    let sound = match sound {
        None => "",
        Some(1..) => ", its sound",
        Some(0) => ", no sound in it",
    };
    text::say(&text::printable(&format!(
        "sealed {}: {} rows, {} frames{sound}; it begins {earlier:.3} s earlier, with a keyframe",
        out.display(),
        made.rows,
        made.frames
    )));
    Ok(())
}
