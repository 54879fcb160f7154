//! The options that some formats take, by name.

/// An option that some formats take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opt {
    /// A constant rate.
    Fps,
    /// A part of the time.
    Span,
    /// Leave out what was redacted.
    ExcludeRedacted,
    /// Only what a reviewer accepted.
    OnlyAccepted,
    /// Smaller pictures.
    Resize,
    /// Length of a clip.
    Clips,
    /// Size of a shard.
    Shards,
    /// Share of the sessions that is for validation.
    Split,
    /// What an action as a vector has a number for.
    Space,
    /// Keep steps of which not everything is known.
    KeepUnknown,
    /// One of the files for readers of MCAP.
    McapFor,
    /// The sound, too.
    Sound,
}

impl Opt {
    /// How it is written on the command line.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Fps => "--fps",
            Self::Span => "--from and --to",
            Self::ExcludeRedacted => "--exclude-redacted",
            Self::OnlyAccepted => "--only-accepted",
            Self::Resize => "--resize",
            Self::Clips => "--clip-seconds",
            Self::Shards => "--shard-mb",
            Self::Split => "--val-percent",
            Self::Space => "--keys, --mouse, --pointer and --gamepad",
            Self::KeepUnknown => "--keep-unknown",
            Self::McapFor => "--mcap-for",
            Self::Sound => "--sound",
        }
    }
}
