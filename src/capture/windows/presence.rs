//! Whether inputs go to the person's desktop: since when they do not, and why.
//!
//! Pure. The system shows another desktop while it is locked, and while it asks for consent (UAC) or for a password (Ctrl-Alt-Del); it shows
//! none to a session whose connection was taken away (Remote Desktop, another person at the console). Of what is typed there nothing is heard, nor is a
//! release of what was held before.

use std::time::Duration;

use crate::base::time::MonoNs;

/// What the system tells of the session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SessionNews {
    Locked,
    Unlocked,
    Disconnected,
    Connected,
}

impl SessionNews {
    /// Returns the news of a message's parameter (`WM_WTSSESSION_CHANGE`).
    pub(super) fn of(number: usize) -> Option<Self> {
        Some(match number {
            // At the console, and by Remote Desktop.
            1 | 3 => Self::Connected,
            2 | 4 => Self::Disconnected,
            7 => Self::Locked,
            8 => Self::Unlocked,
            _ => return None,
        })
    }
}

/// What is told of the session and of this process: whether it runs as administrator, whether the session is shown on another machine, and whether
/// UI Automation is there.
pub(super) fn told(is_elevated: Option<bool>, is_remote: bool, has_automation: Option<bool>) -> String {
    let rights = match is_elevated {
        Some(true) => "runs as administrator: inputs of every window are heard",
        Some(false) => "does not run as administrator: inputs of windows that do may be kept from it",
        None => "it is not known whether this runs as administrator",
    };
    let place = if is_remote {
        "by Remote Desktop: the mouse is told by places and has no motion of its own"
    } else {
        "at this machine"
    };
    let fields = match has_automation {
        Some(true) => "UI Automation tells of fields for passwords",
        Some(false) => {
            "there is no UI Automation: of fields for passwords only the system's own are recognised, and record needs --allow-missing redaction"
        }
        None => "UI Automation does not answer yet: until it does, what is typed is withheld",
    };
    format!("{rights}; {place}; {fields}")
}

/// Why inputs do not go to the person's desktop; a later one says more than an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Elsewhere {
    /// The system shows another desktop.
    SecureDesktop,
    Locked,
    Disconnected,
}

impl Elsewhere {
    /// The word in `gap` rows.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::SecureDesktop => "secure_desktop",
            Self::Locked => "session_locked",
            Self::Disconnected => "session_disconnected",
        }
    }
}

/// What a look changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    Nothing,
    /// From here on nothing is heard: what is held counts as released.
    Left,
    /// Inputs are heard again: since when they were not, and why.
    Back(MonoNs, Elsewhere),
}

/// How long the word of a lock counts while the person's desktop is shown: it is told before the desktop changes, and its end may be missed.
const BELIEVED: Duration = Duration::from_secs(2);

/// Follows it.
#[derive(Default)]
pub(super) struct Presence {
    /// When a lock was told of.
    locked: Option<MonoNs>,
    is_disconnected: bool,
    away: Option<(MonoNs, Elsewhere)>,
}

impl Presence {
    /// The system tells of the session.
    pub(super) fn hear(&mut self, news: SessionNews, t: MonoNs) {
        match news {
            SessionNews::Locked => self.locked = Some(t),
            SessionNews::Unlocked => self.locked = None,
            SessionNews::Disconnected => self.is_disconnected = true,
            SessionNews::Connected => self.is_disconnected = false,
        }
    }

    /// An input was heard: a session that is disconnected has none, so its end was missed.
    pub(super) fn heard(&mut self) {
        self.is_disconnected = false;
    }

    /// Whether inputs go elsewhere.
    pub(super) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Looks whether the desktop that is shown is the own one.
    pub(super) fn look(&mut self, is_own: bool, t: MonoNs) -> Turn {
        if is_own && self.locked.is_some_and(|told| t.since(told) >= BELIEVED) {
            self.locked = None;
        }
        let why = if self.is_disconnected {
            Some(Elsewhere::Disconnected)
        } else if self.locked.is_some() {
            Some(Elsewhere::Locked)
        } else {
            (!is_own).then_some(Elsewhere::SecureDesktop)
        };
        match (why, &mut self.away) {
            (None, None) => Turn::Nothing,
            (Some(why), None) => {
                self.away = Some((t, why));
                Turn::Left
            }
            // That it is locked is told a moment later than the desktop changes.
            (Some(why), Some((_, before))) => {
                *before = (*before).max(why);
                Turn::Nothing
            }
            (None, Some((since, why))) => {
                let back = Turn::Back(*since, *why);
                self.away = None;
                back
            }
        }
    }

    /// At the end: since when inputs go elsewhere, and why.
    pub(super) fn end(&mut self) -> Option<(MonoNs, Elsewhere)> {
        self.away.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: i64) -> MonoNs {
        MonoNs(ms * 1_000_000)
    }

    #[test]
    fn a_lock_is_told_before_or_behind_the_change_of_the_desktop() {
        for locked_at in [95, 120] {
            let mut presence = Presence::default();
            assert_eq!(presence.look(true, ms(0)), Turn::Nothing);
            if locked_at < 100 {
                presence.hear(SessionNews::Locked, ms(locked_at));
            }
            assert_eq!(presence.look(false, ms(100)), Turn::Left);
            presence.hear(SessionNews::Locked, ms(locked_at));
            assert_eq!(presence.look(false, ms(200)), Turn::Nothing);
            assert!(presence.is_away());
            presence.hear(SessionNews::Unlocked, ms(5_000));
            assert_eq!(presence.look(false, ms(5_001)), Turn::Nothing, "the desktop is not shown yet");
            assert_eq!(presence.look(true, ms(5_100)), Turn::Back(ms(100), Elsewhere::Locked));
            assert_eq!((presence.look(true, ms(5_200)), presence.end()), (Turn::Nothing, None));
        }
    }

    #[test]
    fn another_desktop_without_a_lock_asks_for_consent() {
        let mut presence = Presence::default();
        assert_eq!(presence.look(false, ms(10)), Turn::Left);
        assert_eq!(presence.look(true, ms(30)), Turn::Back(ms(10), Elsewhere::SecureDesktop));
    }

    #[test]
    fn a_session_that_is_disconnected_hears_nothing_whatever_it_shows() {
        let mut presence = Presence::default();
        presence.hear(SessionNews::Disconnected, ms(10));
        assert_eq!((presence.look(true, ms(11)), presence.look(true, ms(60_000))), (Turn::Left, Turn::Nothing));
        assert_eq!(presence.end(), Some((ms(11), Elsewhere::Disconnected)));
        presence.hear(SessionNews::Connected, ms(60_001));
        assert_eq!(presence.look(true, ms(60_002)), Turn::Nothing);
        presence.hear(SessionNews::Disconnected, ms(70_000));
        assert_eq!(presence.look(true, ms(70_001)), Turn::Left);
        presence.heard();
        assert_eq!(presence.look(true, ms(70_002)), Turn::Back(ms(70_001), Elsewhere::Disconnected));
    }

    #[test]
    fn a_lock_whose_end_was_missed_ends_with_the_own_desktop() {
        let mut presence = Presence::default();
        presence.hear(SessionNews::Locked, ms(0));
        assert_eq!(presence.look(true, ms(100)), Turn::Left);
        assert_eq!(presence.look(true, ms(2_000)), Turn::Back(ms(100), Elsewhere::Locked));
    }

    #[test]
    fn the_session_is_told() {
        assert!(told(Some(false), false, Some(true)).contains("kept from it; at this machine; UI Automation tells"));
        assert!(
            told(Some(true), true, None).starts_with("runs as administrator")
                && told(None, true, None).contains("Remote")
        );
        assert!(told(None, false, Some(false)).ends_with("--allow-missing redaction"));
    }

    #[test]
    fn messages_and_reasons_have_their_words() {
        use SessionNews::{Connected, Disconnected, Locked, Unlocked};
        let told = [1, 2, 3, 4, 5, 7, 8, 9].map(SessionNews::of);
        let known = [Connected, Disconnected, Connected, Disconnected, Locked, Unlocked];
        assert_eq!(told.into_iter().flatten().collect::<Vec<_>>(), known);
        let words = [Elsewhere::SecureDesktop, Elsewhere::Locked, Elsewhere::Disconnected].map(Elsewhere::reason);
        assert_eq!(words, ["secure_desktop", "session_locked", "session_disconnected"]);
    }
}
