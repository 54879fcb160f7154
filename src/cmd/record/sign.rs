//! Whether a sign on the screen says that it is recorded, and where: by flag over configuration, and by itself where somebody takes part in a study.

use std::sync::Arc;

use super::super::failure::Failure;
use crate::base::time::Clock;
use crate::capture::recording_sign::{Corner, SignPlan, WantedSign};
use crate::capture::registry;
use crate::cli::{RecordArgs, SignArg, SourceArg};
use crate::config::{Config, ConsentConfig};
use crate::log::setup::StudyFact;

/// What the configuration may say.
const WORDS: &str = "auto, on, off, top-left, top-right, bottom-left or bottom-right";

/// A sign that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sign {
    /// In this corner.
    corner: Option<Corner>,
    /// A person asked for it: without it nothing is recorded.
    required: bool,
}

/// Returns the sign that is wanted; `None` for none.
pub(super) fn wanted(args: &RecordArgs, config: &Config, study: &StudyFact) -> Result<Option<Sign>, Failure> {
    let configured = config.record.sign.as_deref().map(|word| {
        SignArg::of(word).ok_or_else(|| Failure::usage(format!("record.sign: unknown value '{word}'"), WORDS))
    });
    let asked = args.sign.map_or_else(|| configured.transpose(), |flag| Ok(Some(flag)))?.unwrap_or(SignArg::Auto);
    let is_of_somebody = study.participant.is_some() || has_text(&config.consent);
    let corner = match asked {
        SignArg::Off => return Ok(None),
        // The built-in picture is on no screen.
        SignArg::Auto => {
            let shown = is_of_somebody && args.source == SourceArg::Desktop;
            return Ok(shown.then_some(Sign { corner: None, required: false }));
        }
        SignArg::On => None,
        SignArg::TopLeft => Some(Corner::TopLeft),
        SignArg::TopRight => Some(Corner::TopRight),
        SignArg::BottomLeft => Some(Corner::BottomLeft),
        SignArg::BottomRight => Some(Corner::BottomRight),
    };
    // Of a configuration that other recordings share it is no demand on one that has no screen.
    if args.source == SourceArg::Synthetic && args.sign.is_none() {
        return Ok(None);
    }
    if args.source == SourceArg::Synthetic {
        let said = "no sign can be shown: the built-in picture is on no screen";
        return Err(Failure::usage(said, "leave out --sign, or record the desktop"));
    }
    Ok(Some(Sign { corner, required: true }))
}

/// Whether the configuration has a study's own text of consent.
fn has_text(config: &ConsentConfig) -> bool {
    config.text.is_some() || config.text_file.is_some()
}

impl Sign {
    /// Prepares it.
    pub(super) fn prepare(self, clock: &Arc<dyn Clock>) -> WantedSign {
        let plan = SignPlan { corner: self.corner, clock: Arc::clone(clock) };
        WantedSign { open: registry::sign(&plan), required: self.required }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Verb};

    fn of(words: &[&str], config: &str, participant: bool) -> Result<Option<Sign>, Failure> {
        let words = [&["watchcap", "record"], words].concat();
        let Ok(Cli { verb: Verb::Record(args), .. }) = Cli::try_parse_from(words) else { panic!("no command line") };
        let study = StudyFact { participant: participant.then(|| "P-1".into()), ..StudyFact::default() };
        wanted(&args, &Config::parse(config).expect("a configuration"), &study)
    }

    #[test]
    fn it_is_on_by_itself_where_somebody_takes_part_and_the_flag_stands_over_all() {
        let by_itself = Some(Sign { corner: None, required: false });
        let demanded = |corner| Some(Sign { corner, required: true });
        let text = "[consent]\ntext = \"We look.\"\nversion = \"1\"\n";
        let off = "[record]\nsign = \"off\"\n";
        let corner = "[record]\nsign = \"top-left\"\n";
        for (words, config, participant, sign) in [
            (&[][..], "", false, None),
            (&[], "", true, by_itself),
            (&[], text, false, by_itself),
            (&["--sign", "off"], text, true, None),
            (&[], off, true, None),
            (&["--sign", "auto"], off, true, by_itself),
            (&["--sign", "on"], "", false, demanded(None)),
            (&["--sign", "top-right"], off, false, demanded(Some(Corner::TopRight))),
            (&[], corner, false, demanded(Some(Corner::TopLeft))),
            (&["--source", "synthetic"], text, true, None),
            (&["--source", "synthetic"], corner, false, None),
        ] {
            let found = of(words, config, participant);
            assert!(found.is_ok_and(|found| found == sign), "{words:?} {config:?} {participant}");
        }
        assert!(of(&["--source", "synthetic", "--sign", "on"], "", false).is_err());
        assert!(of(&[], "[record]\nsign = \"left\"\n", false).is_err());
    }
}
