//! Which windows must not be seen, and whose input must not be known: by application, title and kind of window.
//!
//! Pure decisions over what a window says of itself. A window that says nothing cannot be recognised: a screen locker without
//! a class is one of them. Names compare without case; they are rules of ours or the person's, never captured content.

/// Password managers, and what asks for passwords: the class or instance of their windows; `*` at the end stands for any rest.
const SECRET_APPS: [&str; 41] = [
    "1password*",
    "bitwarden*",
    "buttercup*",
    "com.bitwarden.*",
    "dashlane*",
    "enpass*",
    "gcr-prompter*",
    "gnome-keyring*",
    "gnome-passwordsafe*",
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
    "pass-it-on*",
    "pinentry*",
    "polkit-gnome*",
    "polkit-kde*",
    "polkit-mate*",
    "proton pass*",
    "proton-pass*",
    "qtpass*",
    "roboform*",
    "seahorse*",
    "secrets",
    "ssh-askpass*",
    "x11-ssh-askpass*",
];
/// Titles of password managers in a browser or with another class: a part of the title.
const SECRET_TITLES: [&str; 6] = ["1password", "bitwarden", "dashlane", "keepass", "lastpass", "proton pass"];
/// Screen lockers. They take the keyboard without taking the focus, so their being there is enough.
const LOCKERS: [&str; 17] = [
    "betterlockscreen*",
    "cinnamon-screensaver*",
    "gnome-screensaver*",
    "gtklock*",
    "i3lock*",
    "kscreenlocker*",
    "light-locker*",
    "lxlock*",
    "mate-screensaver*",
    "physlock*",
    "slock*",
    "swaylock*",
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
        }
    }

    /// Whether what is typed while such a window has the focus is withheld.
    pub fn hides_keys(self) -> bool {
        matches!(self, Self::Excluded | Self::LockScreen)
    }
}

/// What a window says of itself.
#[derive(Clone, Copy, Default)]
pub struct WindowFacts<'a> {
    /// Its application: the class.
    pub app: &'a str,
    /// The other name of its application, where there is one.
    pub instance: &'a str,
    /// Its title.
    pub title: &'a str,
    /// The system says that it is a notification.
    pub is_notification: bool,
    /// No window manager places it.
    pub unmanaged: bool,
}

/// What is kept out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exclusions {
    /// Notification windows are.
    pub notifications: bool,
    /// Applications, in lower case; `*` at the end stands for any rest.
    apps: Vec<String>,
    /// Parts of titles, in lower case.
    titles: Vec<String>,
    /// Screen lockers are, and are told from other applications.
    lockers: bool,
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(begin) => name.starts_with(begin),
        None => name == pattern,
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
        }
    }

    /// Adds an application (its class; `*` at the end stands for any rest).
    pub fn add_app(&mut self, name: &str) {
        self.apps.push(name.trim().to_lowercase());
    }

    /// Adds a part of titles.
    pub fn add_title(&mut self, part: &str) {
        self.titles.push(part.trim().to_lowercase());
    }

    /// Nothing is kept out.
    pub fn is_empty(&self) -> bool {
        !self.notifications && !self.lockers && self.apps.is_empty() && self.titles.is_empty()
    }

    /// The applications and parts of titles (in quotes), as the metadata lists them.
    pub fn names(&self) -> Vec<String> {
        let lockers = LOCKERS.iter().filter(|_| self.lockers).map(|name| (*name).to_owned());
        let titles = self.titles.iter().map(|part| format!("title \"{part}\""));
        self.apps.iter().cloned().chain(lockers).chain(titles).collect()
    }

    /// Why a window is kept out; `None`: it is not.
    pub fn verdict(&self, window: WindowFacts<'_>) -> Option<Reason> {
        let names = [window.app.to_lowercase(), window.instance.to_lowercase()];
        let is_of = |pattern: &str| names.iter().any(|name| !name.is_empty() && fits(pattern, name));
        if self.lockers && LOCKERS.iter().any(|pattern| is_of(pattern)) {
            return Some(Reason::LockScreen);
        }
        let title = window.title.to_lowercase();
        let is_secret = self.apps.iter().any(|pattern| is_of(pattern))
            || self.titles.iter().any(|part| !part.is_empty() && title.contains(part.as_str()));
        if is_secret {
            return Some(Reason::Excluded);
        }
        let notifies = window.is_notification || (window.unmanaged && NOTIFIERS.iter().any(|pattern| is_of(pattern)));
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
        for app in ["i3lock", "XScreenSaver", "kscreenlocker_greet"] {
            assert_eq!(usual.verdict(window(app, "")), Some(Reason::LockScreen), "{app}");
        }
        assert_eq!(usual.verdict(window("Firefox", "My vault | Bitwarden Web")), Some(Reason::Excluded));
        for app in ["Firefox", "XTerm", "secrets-of-the-game", ""] {
            assert_eq!(usual.verdict(window(app, "a title")), None, "{app}");
        }
        assert_eq!(Exclusions::none().verdict(window("KeePassXC", "")), None);
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
        assert_eq!(rules.names(), ["mybank*", "title \"payslip\""]);
    }
}
