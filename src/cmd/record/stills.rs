//! When PNG pictures are taken, by flags over configuration.

use super::super::failure::Failure;
use crate::base::event::Stream;
use crate::cli::{PngOnArg, RecordArgs, parse_burst};
use crate::config::RecordConfig;
use crate::privacy::consent::Consent;
use crate::privacy::keys::KeyPolicy;
use crate::recorder::StillOptions;

/// Returns what is asked for.
pub(super) fn options(args: &RecordArgs, config: &RecordConfig) -> Result<StillOptions, Failure> {
    let hint = "use --png-burst every=60s,frames=5 or --png-burst frames=5";
    let mut options = StillOptions::default();
    let configured = config.png_burst.as_deref().map(parse_burst).transpose();
    let configured = configured.map_err(|why| Failure::usage(format!("record.png_burst: {why}"), hint))?;
    if let Some(burst) = args.png_burst.or(configured) {
        (options.every, options.frames) = (burst.every, burst.frames);
    }
    let on = if args.png_on.is_empty() {
        let named = |name: &String| match name.as_str() {
            "click" => Ok(PngOnArg::Click),
            "key" => Ok(PngOnArg::Key),
            other => Err(Failure::usage(format!("record.png_on: unknown input '{other}'"), "click, key")),
        };
        config.png_on.iter().map(named).collect::<Result<_, _>>()?
    } else {
        args.png_on.clone()
    };
    (options.on_key, options.on_click) = (on.contains(&PngOnArg::Key), on.contains(&PngOnArg::Click));
    Ok(options)
}

/// Refuses pictures on inputs that are not recorded: none would be taken.
pub(super) fn check(args: &RecordArgs, consent: &Consent, keys: KeyPolicy) -> Result<(), Failure> {
    if args.png_on.is_empty() {
        return Ok(());
    }
    if !consent.covers(Stream::Input) {
        let said = "--png-on takes pictures on inputs, and no input is recorded";
        return Err(Failure::usage(
            said,
            "add input to the streams that are agreed to, or take pictures by --png-burst",
        ));
    }
    if args.png_on.contains(&PngOnArg::Key) && keys == KeyPolicy::None {
        let said = "--png-on key takes pictures on keys, and no key is recorded";
        return Err(Failure::usage(said, "use --keys no-text, or --png-on click"));
    }
    Ok(())
}
