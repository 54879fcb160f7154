//! Which application needs the right to record or to listen, and where a person gives it.
//!
//! Pure. The system gives rights to applications that were opened from its desktop, and programs of a terminal act in the name of that terminal: it is
//! the terminal that has to be let.

use super::window::WindowFacts;
use crate::capture::CaptureError;
use crate::privacy::exclude::Exclusions;

/// A right that macOS gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Right {
    /// Pictures, and titles of windows.
    Record,
    /// Keys, and what is clicked in other applications.
    Listen,
}

impl Right {
    /// As a page of System Settings is called.
    fn page(self) -> &'static str {
        match self {
            Self::Record => "Screen & System Audio Recording (before macOS 15: Screen Recording)",
            Self::Listen => "Input Monitoring",
        }
    }

    /// What opens that page.
    fn link(self) -> &'static str {
        match self {
            Self::Record => "x-apple.systempreferences:com.apple.preference.security?Privacy_ScreenCapture",
            Self::Listen => "x-apple.systempreferences:com.apple.preference.security?Privacy_ListenEvent",
        }
    }

    /// What it lets do.
    fn what(self) -> &'static str {
        match self {
            Self::Record => "record the screen",
            Self::Listen => "listen to keyboard and mouse",
        }
    }
}

/// Names of terminals, by what they call themselves in `TERM_PROGRAM`.
const TERMINALS: [(&str, &str); 6] = [
    ("Apple_Terminal", "Terminal"),
    ("iTerm.app", "iTerm"),
    ("vscode", "Visual Studio Code"),
    ("WezTerm", "WezTerm"),
    ("ghostty", "Ghostty"),
    ("WarpTerminal", "Warp"),
];

/// The application in whose name this program acts, by its environment.
pub(super) fn application(variable: impl Fn(&str) -> Option<String>) -> String {
    if variable("SSH_CONNECTION").is_some_and(|value| !value.is_empty()) {
        return "sshd-keygen-wrapper, which stands for remote logins,".into();
    }
    let terminal = variable("TERM_PROGRAM").filter(|name| !name.is_empty());
    if let Some(name) = terminal {
        let known = TERMINALS.iter().find(|(own, _)| *own == name);
        return known.map_or(name, |(_, name)| (*name).to_owned());
    }
    let bundle = variable("__CFBundleIdentifier").filter(|name| !name.is_empty());
    bundle.unwrap_or_else(|| "the application that you started watchcap from".into())
}

/// A right was not given.
pub(super) fn missing(right: Right, application: &str) -> CaptureError {
    CaptureError::NotAllowed {
        detail: format!("{application} may not {}", right.what()),
        hint: format!(
            "`watchcap doctor --ask` has macOS ask for it, once; or switch {application} on in System Settings, Privacy & Security, {}, and start it \
             again (the page opens by: open \"{}\")",
            right.page(),
            right.link()
        ),
    }
}

/// Looks whether the system tells the titles that the rules ask for: to those who may record the screen, and to nobody else. What it says of the right
/// may be out of date, so a title of another program's window is proof too.
///
/// # Errors
/// [`CaptureError::NotAllowed`] when it does not: keys typed into a window with an excluded title would be known.
pub(super) fn titles_are_told(
    rules: &Exclusions,
    may_record: bool,
    (list, own): (&[WindowFacts], u32),
    application: &str,
) -> Result<(), CaptureError> {
    let is_told = |facts: &WindowFacts| facts.layer == 0 && facts.pid != own && !facts.title.is_empty();
    if may_record || !rules.asks_for_titles() || list.iter().any(is_told) {
        return Ok(());
    }
    match missing(Right::Record, application) {
        CaptureError::NotAllowed { detail, hint } => Err(CaptureError::NotAllowed {
            detail: format!(
                "{detail}, so macOS tells no titles of windows, and what is typed into those with an excluded title could not be withheld"
            ),
            hint,
        }),
        other => Err(other),
    }
}

/// What is said after the system was made to ask.
pub(super) fn asked(right: Right, application: &str, is_given: bool) -> String {
    if is_given {
        return format!("{application} may {}", right.what());
    }
    format!(
        "{application} may not {} yet: answer the system's dialog, or, where none was shown, switch it on in System Settings, Privacy & Security, {} \
         (open \"{}\"); then start it again",
        right.what(),
        right.page(),
        right.link()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> String {
        application(|name| variables.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_application_is_the_terminal() {
        let terminal = [("TERM_PROGRAM", "Apple_Terminal"), ("__CFBundleIdentifier", "com.apple.Terminal")];
        assert_eq!(of(&terminal), "Terminal");
        assert_eq!(of(&[("TERM_PROGRAM", "rio")]), "rio");
        assert_eq!(
            of(&[("TERM_PROGRAM", ""), ("__CFBundleIdentifier", "net.kovidgoyal.kitty")]),
            "net.kovidgoyal.kitty"
        );
        assert!(of(&[("TERM_PROGRAM", "vscode"), ("SSH_CONNECTION", "1 2 3 4")]).starts_with("sshd-keygen-wrapper"));
        assert_eq!(of(&[]), "the application that you started watchcap from");
    }

    #[test]
    fn without_titles_what_is_excluded_by_its_title_is_not_found() {
        let of = |pid, layer, title: &str| WindowFacts { pid, layer, title: title.into(), ..WindowFacts::default() };
        let told = |rules: &Exclusions, may_record, list: &[WindowFacts]| {
            titles_are_told(rules, may_record, (list, 7), "Terminal").map_err(|error| error.to_string())
        };
        let usual = Exclusions::usual();
        let refused = told(&usual, false, &[of(1, 0, ""), of(7, 0, "of our own"), of(2, 25, "Item-0")]);
        assert!(refused.as_ref().is_err_and(|said| said.contains("may not record the screen, so")), "{refused:?}");
        assert_eq!(told(&usual, true, &[]), Ok(()));
        assert_eq!(
            told(&usual, false, &[of(1, 0, "News")]),
            Ok(()),
            "the system tells them, whatever it says of the right"
        );
        assert_eq!(told(&Exclusions::none(), false, &[]), Ok(()), "nobody asks for titles");
    }

    #[test]
    fn each_right_names_its_page_and_the_verb_that_asks() {
        for (right, page, link) in [
            (Right::Record, "Screen Recording", "Privacy_ScreenCapture"),
            (Right::Listen, "Input Monitoring", "Privacy_ListenEvent"),
        ] {
            let error = missing(right, "Terminal");
            let hint = error.hint().expect("a hint");
            assert!(error.to_string().contains("Terminal may not"), "{error}");
            assert!(hint.contains("watchcap doctor --ask") && hint.contains(page) && hint.contains(link), "{hint}");
            let (given, not) = (asked(right, "Terminal", true), asked(right, "Terminal", false));
            assert!(given.starts_with("Terminal may ") && not.contains(page) && not.contains(link), "{given} / {not}");
        }
    }
}
