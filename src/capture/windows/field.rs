//! Whether what is typed goes into a field for passwords that a program draws itself: what UI Automation answered, and how long that counts.
//!
//! Pure. The answer comes from the program that is typed into, so it may be late or never come; then it is not known, and what is typed is withheld.
//! A window that fills its monitor is not asked: games are such windows, and answering would be work for them.

use std::time::Duration;

use crate::base::time::MonoNs;

/// How long an answer counts: some questions are asked in that time.
const COUNTS_FOR: Duration = Duration::from_millis(400);

/// Whether it is such a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Field {
    /// Nobody was asked: by the system's own fields alone.
    #[default]
    NotAsked,
    No,
    Password,
    /// The program does not answer.
    Unknown,
}

/// An answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    /// When the question was asked: it holds for what had the focus then or later.
    pub(super) asked: MonoNs,
    /// `None`: the program gave no answer.
    pub(super) is_password: Option<bool>,
}

/// Follows which window the answers are about.
#[derive(Default)]
pub(super) struct Fields {
    window: Option<u64>,
    since: Option<MonoNs>,
}

impl Fields {
    /// Looks at `now` whether what is typed into a window goes into such a field, by the last answer.
    pub(super) fn look(&mut self, window: u64, fills: bool, answer: Option<Answer>, now: MonoNs) -> Field {
        if self.window != Some(window) {
            (self.window, self.since) = (Some(window), Some(now));
        }
        if fills {
            return Field::NotAsked;
        }
        let since = self.since.unwrap_or(now);
        let current = answer.filter(|answer| answer.asked >= since && now.since(answer.asked) < COUNTS_FOR);
        match current.and_then(|answer| answer.is_password) {
            Some(true) => Field::Password,
            Some(false) => Field::No,
            None => Field::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn an_answer_counts_for_the_window_that_was_asked_and_not_for_long() {
        let answer = |asked, is_password| Some(Answer { asked: ms(asked), is_password });
        let mut fields = Fields::default();
        assert_eq!(fields.look(1, false, None, ms(1_000)), Field::Unknown, "nobody answered yet");
        assert_eq!(fields.look(1, false, answer(1_005, Some(false)), ms(1_100)), Field::No);
        assert_eq!(fields.look(1, false, answer(1_105, Some(true)), ms(1_110)), Field::Password);
        assert_eq!(fields.look(1, false, answer(1_105, Some(true)), ms(1_505)), Field::Unknown, "it hangs");
        assert_eq!(fields.look(1, false, answer(1_510, None), ms(1_520)), Field::Unknown, "it does not know");
        // The answer is about the window before.
        assert_eq!(fields.look(2, false, answer(1_600, Some(false)), ms(1_610)), Field::Unknown);
        assert_eq!(fields.look(2, false, answer(1_615, Some(false)), ms(1_620)), Field::No);
    }

    #[test]
    fn a_window_that_fills_its_monitor_is_not_asked() {
        let mut fields = Fields::default();
        assert_eq!(fields.look(1, true, None, ms(1)), Field::NotAsked);
        assert_eq!(fields.look(1, false, None, ms(2)), Field::Unknown);
        assert_eq!(Field::default(), Field::NotAsked);
    }
}
