//! Which verb does what was asked for.

use super::failure::{Failure, Outcome};
use super::{
    annotate, catalog, config, consent, control, delete, demo, doctor, export, finalize, given, info, install, join,
    logging, migrate, profile, record, recover, redact, replay, report, reseal, sign, sync_test, targets, verify,
};
use crate::cli::{Cli, Verb};
use crate::config::layers::Layers;
use crate::config::name_file;

/// Runs a verb, and says why it failed. Returns the exit code.
pub fn main(cli: Cli) -> u8 {
    match logging::start(&cli).and_then(|()| run(cli)) {
        Ok(Outcome::Clean) => 0,
        Ok(Outcome::Lossy) => 3,
        Err(failure) => {
            logging::failed(&failure);
            failure.code
        }
    }
}

/// Runs a verb.
fn run(cli: Cli) -> Result<Outcome, Failure> {
    if cli.allow_shared_folder {
        crate::base::files::trust::allow_shared_folders();
    }
    // A file that was named is to be used: when it cannot be, every verb says so, and not only those that take something from it.
    // `consent` and `config` may make it, and they and `doctor` say more about it.
    if cli.config.is_some() && !matches!(cli.verb, Verb::Consent(_) | Verb::Config(_) | Verb::Doctor(_)) {
        Layers::load(cli.config.as_deref())?;
    }
    if let Some(path) = &cli.config {
        name_file(path);
    }
    match cli.verb {
        Verb::Record(mut args) => {
            given::names(&mut args)?;
            record::run(&args, &Layers::load(cli.config.as_deref())?)
        }
        Verb::Finalize(args) => finalize::run(&args),
        Verb::Recover(args) => recover::run(&args),
        Verb::Verify(args) => verify::run(&args),
        Verb::Reseal(args) => reseal::run(&args),
        Verb::Sign(args) => sign::run(&args),
        Verb::Join(args) => join::run(&args),
        Verb::Replay(args) => replay::run(&args),
        Verb::Report(args) => report::run(&args),
        Verb::SyncTest(args) => sync_test::run(&args, &Layers::load(cli.config.as_deref())?),
        Verb::Export(args) => export::run(&args),
        Verb::Info(args) => info::run(&args),
        Verb::Targets(args) => targets::run(&args),
        Verb::Doctor(args) => doctor::run(&args, cli.config.as_deref()),
        Verb::Consent(args) => consent::run(&args, cli.config.as_deref()),
        Verb::Config(args) => config::run(&args, cli.config.as_deref()),
        Verb::Profile(args) => profile::run(&args),
        Verb::Completions(args) => Ok(install::completions(&args)),
        Verb::Man(args) => install::man(&args),
        Verb::Demo(args) => demo::run(&args, cli.config.as_deref()),
        Verb::Pause(which) => control::pause(&which),
        Verb::Resume(which) => control::resume(&which),
        Verb::Mark(args) => control::mark(&args),
        Verb::Stop(args) => control::stop(&args),
        Verb::Status(args) => control::status(&args),
        Verb::Redact(args) => redact::run(&args),
        Verb::Annotate(args) => annotate::run(&args),
        Verb::Migrate(args) => migrate::run(&args),
        Verb::Catalog(args) => catalog::run(&args),
        Verb::Delete(args) => delete::run(&args),
    }
}
