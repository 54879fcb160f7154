//! Which windows must not be seen, and whose input must not be known: by application, title and kind of window.
//!
//! Pure decisions over what a window says of itself, and over the name of its program where that is known. How names compare is in
//! [`names`]; the rules are ours or the person's, never captured content.

use super::games::Games;
use super::names;
pub use super::reason::Reason;

/// Password managers, and what asks for passwords: the class or instance of their windows, or their bundle on macOS; `*` at the end stands for any rest.
const SECRET_APPS: [&str; 49] = [
    "1password*",
    "bitwarden*",
    "buttercup*",
    "com.apple.keychainaccess",
    "com.apple.localauthentication*",
    "com.apple.passwords*",
    "com.apple.securityagent*",
    "com.bitwarden.*",
    "consent",
    "credentialuibroker",
    "dashlane*",
    "enpass*",
    "gcr-prompter*",
    "gnome-ssh-askpass*",
    "gorilla",
    "io.github.keepassxc*",
    "kdesu*",
    "keepass*",
    "keeper*",
    "ksshaskpass*",
    "kwalletd*",
    "kwalletmanager*",
    "lastpass*",
    "lxqt-openssh-askpass*",
    "lxqt-policykit*",
    "lxpolkit*",
    "mate-polkit*",
    "nordpass*",
    "org.gnome.seahorse*",
    "org.gnome.secrets*",
    "org.gnome.world.secrets*",
    "org.kde.kwallet*",
    "org.kde.polkit*",
    "org.keepassxc.*",
    "passwordsafe*",
    "pinentry*",
    "polkit-gnome*",
    "polkit-kde*",
    "polkit-mate*",
    "proton pass*",
    "proton-pass*",
    "pwsafe*",
    "qtpass*",
    "revelation*",
    "roboform*",
    "seahorse*",
    "secrets",
    "ssh-askpass*",
    "x11-ssh-askpass*",
];
/// Titles of password managers in a browser or with another class: a part of the title.
const SECRET_TITLES: [&str; 6] = ["1password", "bitwarden", "dashlane", "keepass", "lastpass", "proton pass"];
/// Screen lockers. They take the keyboard without taking the focus, so their being there is enough.
const LOCKERS: [&str; 13] = [
    "cinnamon-screensaver*",
    "com.apple.loginwindow",
    "gnome-screensaver*",
    "i3lock*",
    "kscreenlocker*",
    "light-locker*",
    "mate-screensaver*",
    "slock*",
    "xfce4-screensaver*",
    "xlock*",
    "xscreensaver*",
    "xsecurelock*",
    "xtrlock*",
];
/// Notification daemons whose windows do not always carry the type. Only windows that no window manager places count.
const NOTIFIERS: [&str; 12] = [
    "awesome-notification*",
    "deadd-notification-center*",
    "dunst*",
    "lxqt-notificationd*",
    "mate-notification-daemon*",
    "notification-daemon*",
    "notify-osd*",
    "twmn*",
    "wired*",
    "xfce4-notifyd*",
    "xfce4-notifyd-*",
    "xfnotifyd*",
];

/// Terminals that grab the keyboard for one purpose only: so that nobody else sees what is typed (xterm's "Secure Keyboard").
const SECURE_KEYBOARD: [&str; 2] = ["uxterm", "xterm"];
/// The kernel keeps this many bytes of a process's name: a name of that length may go on.
const COMM_BYTES: usize = 15;
/// How the rule for lockers without a name stands in the metadata.
const NAMELESS_LOCKER: &str = "nameless windows over the screen that hold the keyboard";
/// How it stands there that windows are told by their program, too.
const BY_PROGRAM: &str = "windows whose program has one of these names";

/// What a window says of itself.
#[derive(Clone, Copy, Default)]
pub struct WindowFacts<'a> {
    /// Its application: the class.
    pub app: &'a str,
    /// The other name of its application, where there is one.
    pub instance: &'a str,
    /// Its title.
    pub title: &'a str,
    /// The names of its program, where the system tells: the first may be cut after [`COMM_BYTES`].
    pub programs: &'a [String],
    /// The system says that it is a notification.
    pub is_notification: bool,
    /// No window manager places it.
    pub unmanaged: bool,
}

/// What is kept out.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Exclusions {
    /// Notification windows are.
    pub notifications: bool,
    /// Applications, in lower case.
    apps: Vec<String>,
    /// Parts of titles, in lower case.
    titles: Vec<String>,
    /// Screen lockers are, and are told from other applications.
    lockers: bool,
    /// Games, parts of whose windows are.
    pub games: Games,
}

impl WindowFacts<'_> {
    /// Whether one of its names fits a pattern: those that it gives itself, or those of its program. The latter count beside a class,
    /// too, since toolkits give all programs the same (FLTK).
    fn is_of(&self, pattern: &str) -> bool {
        let own = [self.app, self.instance];
        own.iter().any(|name| !name.is_empty() && names::is_whole(pattern, &name.to_lowercase()))
            || self.is_of_program(pattern)
    }

    fn is_of_program(&self, pattern: &str) -> bool {
        self.programs.iter().map(|name| name.to_lowercase()).any(|name| {
            let bare = pattern.trim_end_matches('*');
            names::is_whole(pattern, &name) || (name.len() == COMM_BYTES && bare.starts_with(&name))
        })
    }
}

impl Exclusions {
    /// Nothing is.
    pub fn none() -> Self {
        Self::default()
    }

    /// What is kept out unless the person says otherwise: notifications, password managers, the lock screen.
    pub fn usual() -> Self {
        Self {
            notifications: true,
            apps: SECRET_APPS.map(str::to_owned).to_vec(),
            titles: SECRET_TITLES.map(str::to_owned).to_vec(),
            lockers: true,
            games: Games::default(),
        }
    }

    /// Adds an application ([`names::app_fits`]).
    pub fn add_app(&mut self, name: &str) {
        self.apps.push(name.trim().to_lowercase());
    }

    /// Adds a part of titles ([`names::title_fits`]).
    pub fn add_title(&mut self, part: &str) {
        self.titles.push(part.trim().to_lowercase());
    }

    /// Nothing is kept out, so nobody need follow windows.
    pub fn is_empty(&self) -> bool {
        !self.has_rules() && self.games.is_empty()
    }

    /// Whole windows are kept out.
    pub fn has_rules(&self) -> bool {
        self.notifications || self.lockers || !self.apps.is_empty() || !self.titles.is_empty()
    }

    /// Some windows are told by their titles.
    pub fn asks_for_titles(&self) -> bool {
        !self.titles.is_empty()
    }

    /// The same without the games: what is of interest to who only asks where the keyboard goes.
    #[must_use]
    pub fn without_games(&self) -> Self {
        Self { games: Games::default(), ..self.clone() }
    }

    /// The applications and parts of titles (in quotes), as the metadata lists them, and what else windows are told by: their program,
    /// where the backend knows that.
    pub fn names(&self, by_program: bool) -> Vec<String> {
        let lockers = LOCKERS.into_iter().chain([NAMELESS_LOCKER]).filter(|_| self.lockers).map(str::to_owned);
        let titles = self.titles.iter().map(|part| format!("title \"{part}\""));
        let programs = (by_program && !self.is_empty()).then(|| BY_PROGRAM.to_owned());
        self.apps.iter().cloned().chain(lockers).chain(titles).chain(programs).collect()
    }

    /// Screen lockers are kept out, also those that are told by what they do.
    pub fn lockers(&self) -> bool {
        self.lockers
    }

    /// Whether a window that grabs the keyboard does so to keep what is typed for itself.
    pub fn is_secure_keyboard(&self, window: WindowFacts<'_>) -> bool {
        self.lockers && SECURE_KEYBOARD.iter().any(|name| window.is_of(name))
    }

    /// Why a window is kept out; `None`: it is not.
    pub fn verdict(&self, window: WindowFacts<'_>) -> Option<Reason> {
        if self.lockers && LOCKERS.iter().any(|pattern| window.is_of(pattern)) {
            return Some(Reason::LockScreen);
        }
        let title = window.title.to_lowercase();
        let is_secret = self.apps.iter().any(|pattern| window.is_of(pattern))
            || self.titles.iter().any(|part| !part.is_empty() && names::is_part(part, &title));
        if is_secret {
            return Some(Reason::Excluded);
        }
        let notifies =
            window.is_notification || (window.unmanaged && NOTIFIERS.iter().any(|pattern| window.is_of(pattern)));
        (self.notifications && notifies).then_some(Reason::Notification)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window<'a>(app: &'a str, title: &'a str) -> WindowFacts<'a> {
        WindowFacts { app, title, ..WindowFacts::default() }
    }

    #[test]
    fn password_managers_and_lockers_are_excluded_by_default() {
        let usual = Exclusions::usual();
        for app in ["KeePassXC", "Bitwarden", "1Password", "Pinentry-gtk-2", "Gcr-prompter", "seahorse", "Secrets"] {
            assert_eq!(usual.verdict(window(app, "")), Some(Reason::Excluded), "{app}");
        }
        // Windows' own, by their programs.
        for app in ["CredentialUIBroker", "consent"] {
            assert_eq!(usual.verdict(window(app, "")), Some(Reason::Excluded), "{app}");
        }
        for app in ["i3lock", "XScreenSaver", "kscreenlocker_greet"] {
            assert_eq!(usual.verdict(window(app, "")), Some(Reason::LockScreen), "{app}");
        }
        assert_eq!(usual.verdict(window("Firefox", "My vault | Bitwarden Web")), Some(Reason::Excluded));
        for app in ["Firefox", "XTerm", "secrets-of-the-game", ""] {
            assert_eq!(usual.verdict(window(app, "a title")), None, "{app}");
        }
        assert_eq!(Exclusions::none().verdict(window("KeePassXC", "")), None);
        assert!(usual.asks_for_titles() && !Exclusions::none().asks_for_titles());
    }

    #[test]
    fn notifications_are_told_by_type_and_by_daemon() {
        let mut rules = Exclusions::usual();
        let by_type = WindowFacts { app: "anything", is_notification: true, ..WindowFacts::default() };
        assert_eq!(rules.verdict(by_type), Some(Reason::Notification));
        let daemon = WindowFacts { app: "Dunst", unmanaged: true, ..WindowFacts::default() };
        assert_eq!(rules.verdict(daemon), Some(Reason::Notification));
        assert_eq!(rules.verdict(WindowFacts { unmanaged: false, ..daemon }), None, "its settings are no notification");
        rules.notifications = false;
        assert_eq!(rules.verdict(by_type), None);
    }

    #[test]
    fn the_person_can_add_to_the_list() {
        let mut rules = Exclusions::none();
        rules.add_app("MyBank*");
        rules.add_title("Payslip");
        assert_eq!(rules.verdict(window("mybank-app", "")), Some(Reason::Excluded));
        assert_eq!(rules.verdict(window("evince", "payslip june.pdf")), Some(Reason::Excluded));
        assert_eq!(rules.verdict(window("yourbank", "")), None);
        assert_eq!(rules.names(false), ["mybank*", "title \"payslip\""]);
        assert_eq!(rules.names(true).len(), 3);
    }

    #[test]
    fn a_window_is_told_by_its_program_too() {
        let usual = Exclusions::usual();
        let of = |app, programs: &[&str]| {
            let programs: Vec<String> = programs.iter().map(|name| (*name).to_owned()).collect();
            usual.verdict(WindowFacts { app, programs: &programs, ..WindowFacts::default() })
        };
        assert_eq!(of("", &["slock"]), Some(Reason::LockScreen));
        assert_eq!(of("", &["Pinentry-Curses"]), Some(Reason::Excluded));
        assert_eq!(of("", &["cinnamon-screen", "python3.11"]), Some(Reason::LockScreen), "the kernel cuts names");
        assert_eq!((of("", &["cinnamon", "slo"]), of("", &[])), (None, None));
        assert_eq!(of("FLTK", &["pinentry-fltk"]), Some(Reason::Excluded), "all programs of FLTK have this class");
    }
}
