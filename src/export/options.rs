//! What was asked for, over all formats.

use super::error::ExportError;
use super::keys::Keys;
use super::opt::Opt;
use crate::session::span::Moment;

/// What was asked for. `None` and `false` are what a format does by itself.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options {
    /// Steps per second of a constant-rate grid.
    pub fps: Option<u32>,
    /// Begin of the part.
    pub from: Option<Moment>,
    /// Its end.
    pub to: Option<Moment>,
    /// Leave out steps in which something was redacted.
    pub exclude_redacted: bool,
    /// Only steps that a reviewer accepted; sessions without any are passed over.
    pub only_accepted: bool,
    /// Width and height of the pictures, pixels.
    pub resize: Option<(u32, u32)>,
    /// Shortest length of a clip, seconds.
    pub clip_seconds: Option<u32>,
    /// Largest size of a shard, 1,000,000 bytes.
    pub shard_mb: Option<u32>,
    /// How many sessions of a hundred are for validation.
    pub val_percent: Option<u8>,
    /// Keys that have a number in an action as a vector.
    pub keys: Option<Keys>,
    /// Buttons, wheel and motion have one.
    pub mouse: bool,
    /// Buttons, wheel and the pointer's place have one.
    pub pointer: bool,
    /// The controls of the first gamepad have one.
    pub gamepad: bool,
    /// Keep steps of which not everything is known.
    pub keep_unknown: bool,
    /// Only the file for these readers of MCAP.
    pub mcap_for: Option<McapFor>,
    /// Take the sound along.
    pub sound: bool,
    /// Do not compare the session's files with its seal first.
    pub no_verify: bool,
    /// Replace what an earlier export made with other options, or of another session of the same name.
    pub replace: bool,
    /// Export what was recorded before consent to it was taken back.
    pub include_withdrawn: bool,
}

impl Options {
    /// The options that differ from what a format does by itself.
    fn given(&self) -> impl Iterator<Item = Opt> {
        let all = [
            (Opt::Fps, self.fps.is_some()),
            (Opt::Span, self.from.is_some() || self.to.is_some()),
            (Opt::ExcludeRedacted, self.exclude_redacted),
            (Opt::OnlyAccepted, self.only_accepted),
            (Opt::Resize, self.resize.is_some()),
            (Opt::Clips, self.clip_seconds.is_some()),
            (Opt::Shards, self.shard_mb.is_some()),
            (Opt::Split, self.val_percent.is_some()),
            (Opt::Space, self.keys.is_some() || self.mouse || self.pointer || self.gamepad),
            (Opt::KeepUnknown, self.keep_unknown),
            (Opt::McapFor, self.mcap_for.is_some()),
            (Opt::Sound, self.sound),
        ];
        all.into_iter().filter(|(_, given)| *given).map(|(opt, _)| opt)
    }

    /// Refuses what a format does not take.
    ///
    /// # Errors
    /// [`ExportError::Option`] with the first of these.
    pub fn check(&self, format: &'static str, takes: &'static [Opt]) -> Result<(), ExportError> {
        match self.given().find(|opt| !takes.contains(opt)) {
            None => Ok(()),
            Some(opt) => Err(ExportError::Option { format, opt, takes }),
        }
    }
}

/// Which of the two files is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum McapFor {
    /// The one for OWA's tools.
    Owa,
    /// The one for Foxglove.
    Foxglove,
}

impl McapFor {
    /// Each, in the order of the help text.
    pub const ALL: [Self; 2] = [Self::Owa, Self::Foxglove];

    /// Returns its name on the command line and in manifests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owa => "owa",
            Self::Foxglove => "foxglove",
        }
    }
}
