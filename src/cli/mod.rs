//! The command line's types, and nothing else: what each verb takes and how values are read.

mod annotate;
mod config;
mod examples;
mod install;
mod record;
mod replay;
mod report;
mod sync_test;
mod values;
mod verbs;

#[cfg(test)]
#[path = "hint_tests.rs"]
mod hint_tests;
#[cfg(all(test, target_os = "linux", feature = "x11", feature = "capture-xcap"))]
#[path = "reference_tests.rs"]
mod reference_tests;

pub use annotate::AnnotateArgs;
pub use config::{ConfigArgs, ConfigVerb};
pub use install::{CompletionsArgs, ManArgs};
pub use record::{
    ChromaArg, CodecArg, GamepadsArg, KeysArg, OnOff, PngOnArg, QualityArg, RecordArgs, SignArg, SourceArg,
    UnchangedArg,
};
pub use replay::{LimitArgs, PicturesArg, ReplayArgs, ThemeArg};
pub use report::{EmbedArg, ReportArgs};
pub use sync_test::SyncTestArgs;
pub use values::Burst;
pub(crate) use values::parse_burst;
pub use verbs::{
    CatalogArgs, Cli, ConsentArgs, ConsentVerb, DeleteArgs, DemoArgs, DoctorArgs, ExportArgs, FinalizeArgs, InfoArgs,
    JoinArgs, MarkArgs, MigrateArgs, ProfileArgs, ProfileVerb, RecoverArgs, RedactArgs, ResealArgs, SignArgs,
    StatusArgs, StopArgs, TargetsArgs, Verb, VerifyArgs, WhichArgs,
};
