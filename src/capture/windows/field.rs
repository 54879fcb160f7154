//! Whether what is typed goes into a field for passwords that a program draws itself: what UI Automation answered, and how long that counts.
//!
//! Pure. The answer comes from the program that is typed into, so it may be late or never come; then it is not known, and what is typed is withheld.
//! An answer is about what had the focus when it was asked for, so none from before the focus may have moved (Tab, Enter, a click, the system's word) counts.
//! A window as games have them, without a title bar and over its whole monitor, is not asked: answering would be work for it. Browsers are asked
//! in full screen too.

use std::time::Duration;

use super::roster::WindowFacts;
use crate::base::time::MonoNs;

/// How long an answer counts: some questions are asked in that time.
const COUNTS_FOR: Duration = Duration::from_millis(400);
/// How long a program may take until it has done what a key bade it: what it answers earlier may be about the field before.
pub(super) const SETTLES: Duration = Duration::from_millis(60);
/// How long it is asked more often once the focus may have moved.
const HURRIES_FOR: Duration = Duration::from_millis(200);

/// Browsers, by their program without `.exe`.
const BROWSERS: [&str; 22] = [
    "arc",
    "avastbrowser",
    "brave",
    "browser",
    "chrome",
    "chromium",
    "duckduckgo",
    "firefox",
    "floorp",
    "iexplore",
    "librewolf",
    "msedge",
    "msedgewebview2",
    "opera",
    "palemoon",
    "qutebrowser",
    "seamonkey",
    "thorium",
    "tor",
    "vivaldi",
    "waterfox",
    "zen",
];
/// The classes of windows of their engines, which other programs have too: they show pages as well.
const ENGINES: [&str; 5] =
    ["ApplicationFrameWindow", "Chrome_WidgetWin_0", "Chrome_WidgetWin_1", "IEFrame", "MozillaWindowClass"];

/// Whether a window is as games have them, and is not asked.
pub(super) fn is_as_of_a_game(facts: &WindowFacts) -> bool {
    let is_browser = BROWSERS.iter().any(|name| facts.program.eq_ignore_ascii_case(name))
        || ENGINES.iter().any(|class| facts.class.eq_ignore_ascii_case(class));
    facts.fills && facts.is_popup && !facts.is_zoomed && !is_browser
}

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

/// Follows which window the answers are about, and since when.
#[derive(Default)]
pub(super) struct Fields {
    window: Option<u64>,
    /// No answer to an earlier question counts.
    since: Option<MonoNs>,
    is_asked: bool,
}

impl Fields {
    /// Looks at `now` whether what is typed into a window goes into such a field, by the last answer.
    pub(super) fn look(&mut self, facts: &WindowFacts, answer: Option<Answer>, now: MonoNs) -> Field {
        if self.window != Some(facts.id) {
            (self.window, self.since) = (Some(facts.id), self.since.max(Some(now)));
        }
        self.is_asked = !is_as_of_a_game(facts);
        if !self.is_asked {
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

    /// The focus may have moved at `now`; the program has done so after `settles`.
    pub(super) fn moved(&mut self, now: MonoNs, settles: Duration) {
        self.since = self.since.max(Some(now.plus(settles)));
    }

    /// Whether it is time to ask again, though nothing happened: the focus may have moved a moment ago.
    pub(super) fn hurries(&self, now: MonoNs) -> bool {
        self.is_asked && self.since.is_some_and(|since| now.since(since) < HURRIES_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    fn window(id: u64) -> WindowFacts {
        WindowFacts { id, ..WindowFacts::default() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "nobody may have answered, too")]
    fn answer(asked: i64, is_password: Option<bool>) -> Option<Answer> {
        Some(Answer { asked: ms(asked), is_password })
    }

    #[test]
    fn an_answer_counts_for_the_window_that_was_asked_and_not_for_long() {
        let mut fields = Fields::default();
        let (first, second) = (window(1), window(2));
        assert_eq!(fields.look(&first, None, ms(1_000)), Field::Unknown, "nobody answered yet");
        assert_eq!(fields.look(&first, answer(1_005, Some(false)), ms(1_100)), Field::No);
        assert_eq!(fields.look(&first, answer(1_105, Some(true)), ms(1_110)), Field::Password);
        assert_eq!(fields.look(&first, answer(1_105, Some(true)), ms(1_505)), Field::Unknown, "it hangs");
        assert_eq!(fields.look(&first, answer(1_510, None), ms(1_520)), Field::Unknown, "it does not know");
        // The answer is about the window before.
        assert_eq!(fields.look(&second, answer(1_600, Some(false)), ms(1_610)), Field::Unknown);
        assert_eq!(fields.look(&second, answer(1_615, Some(false)), ms(1_620)), Field::No);
    }

    #[test]
    fn no_answer_from_before_the_focus_may_have_moved_counts() {
        let (mut fields, window) = (Fields::default(), window(1));
        fields.look(&window, None, ms(1_000));
        assert_eq!(fields.look(&window, answer(1_190, Some(false)), ms(1_199)), Field::No);
        fields.moved(ms(1_200), Duration::ZERO);
        assert_eq!(fields.look(&window, answer(1_190, Some(false)), ms(1_201)), Field::Unknown, "a click");
        assert_eq!(fields.look(&window, answer(1_201, Some(false)), ms(1_205)), Field::No);
        fields.moved(ms(1_300), SETTLES);
        assert_eq!(fields.look(&window, answer(1_301, Some(false)), ms(1_310)), Field::Unknown, "Tab is not done yet");
        assert!(fields.hurries(ms(1_310)) && fields.hurries(ms(1_400)));
        // An earlier move takes nothing of that back, nor does another window.
        fields.moved(ms(1_310), Duration::ZERO);
        assert_eq!(fields.look(&window, answer(1_350, Some(false)), ms(1_351)), Field::Unknown);
        assert_eq!(fields.look(&window, answer(1_360, Some(true)), ms(1_362)), Field::Password);
        assert!(!fields.hurries(ms(1_560)));
    }

    #[test]
    fn only_windows_as_games_have_them_are_not_asked() {
        let game = WindowFacts { fills: true, is_popup: true, program: "game".into(), ..window(1) };
        let mut fields = Fields::default();
        assert_eq!(fields.look(&game, None, ms(1)), Field::NotAsked);
        assert!(!fields.hurries(ms(2)));
        for (why, facts) in [
            ("a title bar", WindowFacts { is_popup: false, ..game.clone() }),
            ("maximised", WindowFacts { is_zoomed: true, ..game.clone() }),
            ("not over the monitor", WindowFacts { fills: false, ..game.clone() }),
            ("a browser by F11", WindowFacts { program: "MsEdge".into(), ..game.clone() }),
            ("its engine", WindowFacts { class: "Chrome_WidgetWin_1".into(), ..game.clone() }),
        ] {
            assert_eq!(fields.look(&facts, None, ms(2)), Field::Unknown, "{why}");
        }
        assert_eq!(Field::default(), Field::NotAsked);
        assert!(BROWSERS.is_sorted() && ENGINES.is_sorted());
    }
}
