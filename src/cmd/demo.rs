//! `watchcap demo`: the whole road once, with no display needed.

use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use clap::Parser;

use super::failure::{Failure, Outcome};
use super::{info, record, replay, text, verify};
use crate::base::shown::shell;
use crate::base::time::{Clock, SystemClock};
use crate::cli::{Cli, DemoArgs, InfoArgs, LimitArgs, PicturesArg, ReplayArgs, ThemeArg, Verb, VerifyArgs};
use crate::config::Config;

pub(super) fn run(args: &DemoArgs, config: Option<&Path>) -> Result<Outcome, Failure> {
    if let Err(error) = crate::base::files::create_private_dir(&args.out)
        && error.kind() != std::io::ErrorKind::AlreadyExists
    {
        let hint = "choose a folder that can be written with --out".to_owned();
        return Err(Failure::new(&format!("cannot create {}: {error}", args.out.display()), Some(hint)));
    }
    text::say("1. record the built-in synthetic desktop (the same as: watchcap record --source synthetic)");
    // The defaults of `record` stand in one place: its command line.
    let cli = Cli::try_parse_from(["watchcap", "record", "--source", "synthetic", "--game", "watchcap demo"]);
    let Ok(Cli { verb: Verb::Record(mut record_args), .. }) = cli else {
        return Err(Failure::usage("the demo's command line is broken", "this is a defect"));
    };
    record_args.duration = Some(args.duration);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // A demonstration shows the defaults, unless a file was named.
    let config = config.map(Config::of_file).transpose()?.unwrap_or_default();
    // Nobody is asked for consent to the synthetic desktop.
    let Some((session, outcome)) = record::run_into(&args.out, &record_args, &config, &clock)? else {
        return Ok(Outcome::Clean);
    };
    text::say("2. verify what was sealed");
    verify::run(&VerifyArgs {
        sessions: vec![session.clone()],
        no_decode: false,
        expect: None,
        signed_by: None,
        json: false,
    })?;
    text::say("3. look at it");
    info::run(&InfoArgs { session: session.clone(), json: false })?;
    let again = format!("watchcap replay {}", shell(&session));
    if args.no_replay || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        text::say(&format!("play it in a terminal with: {again}"));
    } else {
        replay::run(&ReplayArgs {
            session,
            pictures: PicturesArg::Auto,
            theme: ThemeArg::Dark,
            export_dir: ".".into(),
            alone: true,
            reviewer: None,
            check: false,
            json: false,
            limits: LimitArgs::default(),
        })?;
        text::say(&format!("play it again with: {again}"));
    }
    Ok(outcome)
}
