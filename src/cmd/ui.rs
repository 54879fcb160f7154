//! What every verb shows in the same way: the bar of work that takes a while, and an error with its hint and exit code.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Failure;
use super::held;
use super::text;
use crate::base::progress::Step;
use crate::derive::clip::run::ClipError;
use crate::derive::import::run::ImportError;
use crate::derive::join::error::JoinError;
use crate::derive::migrate::run::MigrateError;
use crate::derive::redact::run::RedactError;
use crate::derive::reseal::ResealError;
use crate::export::ExportError;
use crate::finalize::FinalizeError;
use crate::inspect::catalog::run::CatalogError;
use crate::inspect::qa::run::QaError;
use crate::inspect::report::run::ReportError;
use crate::log::LogError;
use crate::session::refusal::Refusal;
use crate::session::signature::SignatureError;

/// Where progress is drawn: standard error, so many times a second; nowhere with `--quiet`, when that is no terminal, and while the terminal is
/// not ours to write to.
pub(super) fn target(hz: u8) -> ProgressDrawTarget {
    if text::is_quiet() || held::is_closed() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr_with_hz(hz)
    }
}

/// A bar on standard error; silent when that is no terminal, and gone when it is dropped.
pub(super) struct Bar(ProgressBar);

impl Bar {
    /// Makes a bar that says what is being done.
    pub(super) fn new(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), target(10));
        if let Ok(style) = ProgressStyle::with_template("{msg:10} [{bar:40}] {percent:>3} % {eta:>4}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_message(what);
        Self(bar)
    }

    /// Shows how far the work is.
    pub(super) fn step(&self, step: Step) {
        self.0.set_message(step.what);
        self.0.set_length(step.of.max(step.done));
        self.0.set_position(step.done);
    }

    /// Takes the bar away while something is printed.
    pub(super) fn suspend(&self, print: impl FnOnce()) {
        self.0.suspend(print);
    }

    /// Takes the bar away.
    pub(super) fn end(self) {
        drop(self);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// An error that knows what the person can do about it, and whether they asked for something that cannot be meant (exit code 2).
pub(super) trait Explain: std::fmt::Display {
    /// Returns what the person can do about it.
    fn hint(&self) -> Option<String>;

    /// Returns whether the person asked for something that cannot be meant.
    fn is_usage(&self) -> bool {
        false
    }
}

impl Failure {
    /// Makes the failure of an error.
    pub(super) fn of(error: &impl Explain) -> Self {
        let hint = error.hint();
        if error.is_usage() { Self::wrong(error, hint) } else { Self::new(error, hint) }
    }
}

impl<E: Explain> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

/// Says of errors that they have a `hint`; with `usage`, that they know `is_usage`.
macro_rules! explain {
    ($($error:ty),+; usage: $($other:ty),+) => {
        $(impl Explain for $error {
            fn hint(&self) -> Option<String> {
                <$error>::hint(self)
            }
        })+
        $(impl Explain for $other {
            fn hint(&self) -> Option<String> {
                <$other>::hint(self)
            }

            fn is_usage(&self) -> bool {
                <$other>::is_usage(self)
            }
        })+
    };
}

explain!(
    CatalogError, FinalizeError, ImportError, LogError, MigrateError, QaError, ReportError, ResealError, SignatureError;
    usage: ClipError, ExportError, JoinError, RedactError, Refusal
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::layout;

    #[test]
    fn what_cannot_be_meant_ends_with_2_and_all_else_with_1() {
        let wrong = Failure::from(RedactError::Nothing);
        assert_eq!((wrong.code, wrong.hint.is_some()), (2, true));
        let failed = Failure::from(Refusal::NoFolder { path: "x".into() });
        assert_eq!((failed.code, failed.hint.as_deref()), (1, Some(layout::FOLDER_HINT)));
    }
}
