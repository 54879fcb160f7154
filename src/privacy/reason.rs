//! Why something is kept out of a recording: the words of `redact` rows.

/// Why a window is kept out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// A notification of the system or of a program.
    Notification,
    /// It is on the list of excluded applications and titles.
    Excluded,
    /// It locks the screen.
    LockScreen,
    /// It is there, and could not be asked yet what it is.
    Unclassified,
    /// It is not known which window gets what is typed.
    FocusUnclear,
    /// A part of a game's window, by the word of its profile (`chat`).
    Profile(&'static str),
    /// A terminal has taken the keyboard for itself ("Secure Keyboard").
    SecureKeyboard,
    /// What is typed goes into a field for passwords.
    PasswordField,
    /// The program's own sign on the screen: nobody's secret, and no part of what is recorded.
    RecordingSign,
}

impl Reason {
    /// The word in `redact` rows.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notification => "notification",
            Self::Excluded => "excluded_app",
            Self::LockScreen => "lock_screen",
            Self::Unclassified => "unclassified_window",
            Self::FocusUnclear => "focus_unclear",
            Self::Profile(word) => word,
            Self::SecureKeyboard => "secure_keyboard",
            Self::PasswordField => "password_field",
            Self::RecordingSign => "recording_sign",
        }
    }

    /// The reason for which a profile masks something. Other words than the usual one are kept for as long as the program runs: a
    /// recording reads each profile once.
    pub(super) fn of_profile(word: &str) -> Self {
        Self::Profile(if word == "chat" { "chat" } else { Box::leak(word.to_owned().into_boxed_str()) })
    }

    /// Whether what is typed while such a window has the focus is withheld.
    pub fn hides_keys(self) -> bool {
        matches!(self, Self::Excluded | Self::LockScreen)
    }
}
