//! What follows from the words of a window and of those inside it. A frame of a window manager says nothing itself, its client does.

use std::sync::Arc;

use super::super::exclude::{Exclusions, WindowFacts};
use super::super::reason::Reason;

/// What one window says of itself.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Said {
    /// Its application: the class.
    pub app: String,
    /// The other name of its application, where there is one.
    pub instance: String,
    /// Its title, and an older form of it, where there is one: either can tell.
    pub titles: [String; 2],
    /// The names of its program, where the system tells ([`WindowFacts::programs`]).
    pub programs: Vec<String>,
    /// The system says that it is a notification.
    pub is_notification: bool,
}

/// Hears a window and those inside it, the outermost first; keeps what follows and none of the words.
#[derive(Clone, PartialEq, Debug)]
pub struct Judged {
    rules: Arc<Exclusions>,
    unmanaged: bool,
    pub(super) verdict: Option<Reason>,
    /// Without the names of programs.
    by_class: Option<Reason>,
    /// Nothing has a class or a title.
    pub(super) nameless: bool,
    /// The program is known.
    pub(super) has_program: bool,
    /// It grabs the keyboard only to keep what is typed for itself.
    pub(super) secure_keyboard: bool,
    /// Its place in the list of games.
    pub(super) game: Option<usize>,
}

impl Judged {
    pub(super) fn new(rules: &Arc<Exclusions>, unmanaged: bool) -> Self {
        Self {
            rules: Arc::clone(rules),
            unmanaged,
            verdict: None,
            by_class: None,
            nameless: true,
            has_program: false,
            secure_keyboard: false,
            game: None,
        }
    }

    /// Takes in that the window was gone before it could be asked: nobody can say what it was.
    pub fn gone(&mut self) {
        self.verdict = self.verdict.or(Some(Reason::Unclassified));
    }

    /// Takes in what the window, or one inside it, says. Returns whether that makes it a game's: then its place is of interest ([`super::Told::inset`]).
    pub fn hear(&mut self, said: &Said) -> bool {
        let Said { app, instance, titles, programs, is_notification } = said;
        let is_known_game = self.game.is_some();
        for title in titles {
            let facts = WindowFacts {
                app,
                instance,
                title,
                programs,
                is_notification: *is_notification,
                unmanaged: self.unmanaged,
            };
            self.by_class = self.by_class.or(self.rules.verdict(WindowFacts { programs: &[], ..facts }));
            self.verdict = self.verdict.or_else(|| self.rules.verdict(facts));
            self.game = self.game.or_else(|| self.rules.games.of([app, instance], title));
            self.secure_keyboard |= self.rules.is_secure_keyboard(facts);
        }
        self.nameless &= [app, instance].into_iter().chain(titles).all(String::is_empty);
        self.has_program |= !programs.is_empty();
        self.game.is_some() && !is_known_game
    }

    /// Only the program's name says why it is kept out.
    pub(super) fn is_by_program(&self) -> bool {
        self.verdict != self.by_class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_what_is_inside_it() {
        let rules = Arc::new(Exclusions::usual());
        let mut judged = Judged::new(&rules, false);
        assert!(!judged.hear(&Said::default()) && judged.nameless && judged.verdict.is_none());
        let vault = Said { app: "KeePassXC".into(), ..Said::default() };
        judged.hear(&vault);
        judged.hear(&Said { app: "i3lock".into(), ..Said::default() });
        assert_eq!((judged.verdict, judged.nameless), (Some(Reason::Excluded), false), "the outermost word counts");
        assert!(!judged.is_by_program());
        let mut by_old_title = Judged::new(&rules, false);
        by_old_title.hear(&Said { titles: [String::new(), "My vault | Bitwarden".into()], ..Said::default() });
        assert_eq!(by_old_title.verdict, Some(Reason::Excluded));
        let mut by_program = Judged::new(&rules, true);
        by_program.hear(&Said { programs: vec!["slock".into()], ..Said::default() });
        assert_eq!((by_program.verdict, by_program.is_by_program()), (Some(Reason::LockScreen), true));
        assert!(by_program.nameless && by_program.has_program);
        let mut gone = Judged::new(&rules, false);
        gone.gone();
        gone.hear(&vault);
        assert_eq!(gone.verdict, Some(Reason::Unclassified));
    }
}
