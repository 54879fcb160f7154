//! The window that gets what is typed: what is told of it, and when what is typed must not be known.
//!
//! Pure. The system does not say in which order keys and changes of the active window happened, so a change between two looks holds for the inputs between
//! them in both directions: they are withheld when either wants that.
//!
//! Which window has the keyboard the system does not tell a program without a main run loop. The uppermost usual window is taken for it; a panel above that one
//! can have the keyboard as well, so what is typed is withheld, too, while one is shown that wants it.

use std::sync::Arc;

use super::places::Desktop;
use super::window::WindowFacts;
use crate::base::event::Content;
use crate::capture::RawInput;
use crate::privacy::exclude::{Exclusions, Reason};

/// What a look found.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Front {
    /// The uppermost usual window; `None` where there is none.
    pub(super) facts: Option<WindowFacts>,
    /// The windows above it that can have the keyboard: panels, popovers, prompts.
    pub(super) panels: Vec<WindowFacts>,
    /// A program has the keyboard for itself: a field for passwords, or a terminal that was told to.
    pub(super) secure: bool,
}

impl Front {
    /// Of a list from the top to the bottom.
    pub(super) fn of(list: &[WindowFacts], desktop: &Desktop, secure: bool) -> Self {
        let mut shown = list.iter().filter(|facts| facts.on_screen);
        let mut panels = Vec::new();
        let facts = shown.find(|facts| {
            if facts.layer > 0 && !desktop.is_menu_extra(facts) {
                panels.push((*facts).clone());
            }
            facts.layer == 0
        });
        Self { facts: facts.cloned(), panels, secure }
    }
}

/// What is told around the inputs that were read at one look.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) before: Vec<RawInput>,
    pub(super) behind: Vec<RawInput>,
}

/// Follows the active window.
pub(super) struct Fronts {
    rules: Arc<Exclusions>,
    front: Front,
    /// What was told last.
    secret: Option<Reason>,
    is_first: bool,
}

impl Fronts {
    /// Begins with what was found, whose secret is told elsewhere.
    pub(super) fn new(rules: Arc<Exclusions>, front: &Front) -> Self {
        let mut fronts = Self { rules, front: Front::default(), secret: None, is_first: true };
        fronts.secret = fronts.secret(front);
        fronts
    }

    /// Why what is typed must not be known. The system itself withholds it from the recorder while a program has the keyboard for itself.
    pub(super) fn secret(&self, front: &Front) -> Option<Reason> {
        let of_window = front.facts.as_ref().and_then(|facts| facts.hides_keys(&self.rules));
        // That the screen is locked is told by the session; what belongs to the lock screen may have windows at any time.
        let of_panel = || {
            let mut wanted = front.panels.iter().filter_map(|facts| facts.hides_keys(&self.rules));
            wanted.find(|reason| *reason != Reason::LockScreen)
        };
        of_window.or_else(of_panel).or(front.secure.then_some(Reason::SecureKeyboard))
    }

    /// Takes in a look, which came behind the inputs that were just read.
    pub(super) fn look(&mut self, front: Front) -> Turn {
        let mut turn = Turn::default();
        let secret = self.secret(&front);
        let either = self.secret(&self.front).or(secret);
        self.tell(either, &mut turn.before);
        let shown = |front: &Front| front.facts.as_ref().map(|facts| (facts.id, facts.pid, facts.title.clone()));
        if self.is_first || shown(&front) != shown(&self.front) {
            turn.before.push(focus(front.facts.as_ref()));
        }
        self.is_first = false;
        self.tell(secret, &mut turn.behind);
        self.front = front;
        turn
    }

    fn tell(&mut self, secret: Option<Reason>, out: &mut Vec<RawInput>) {
        if std::mem::replace(&mut self.secret, secret) != secret {
            out.push(RawInput::Secret { reason: secret });
        }
    }
}

fn focus(facts: Option<&WindowFacts>) -> RawInput {
    let Some(facts) = facts else {
        return RawInput::Focus { window_id: String::new(), title: Content::default(), app: String::new(), pid: None };
    };
    RawInput::Focus {
        window_id: facts.id.to_string(),
        title: Content(facts.title.clone()),
        app: if facts.app.is_empty() { facts.bundle.clone() } else { facts.app.clone() },
        pid: Some(facts.pid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::macos::places::Display;
    use crate::capture::macos::points::Points;

    fn front(id: u32, app: &str) -> Front {
        let facts = WindowFacts { id, pid: 5, app: app.into(), title: "a title".into(), ..WindowFacts::default() };
        Front { facts: Some(facts), ..Front::default() }
    }

    fn words(inputs: &[RawInput]) -> Vec<String> {
        let word = |input: &RawInput| match input {
            RawInput::Focus { window_id, app, .. } => format!("focus {window_id} {app}"),
            RawInput::Secret { reason } => format!("secret {}", reason.map_or("none", Reason::name)),
            _ => "other".into(),
        };
        inputs.iter().map(word).collect()
    }

    fn looked(fronts: &mut Fronts, front: Front) -> (Vec<String>, Vec<String>) {
        let Turn { before, behind } = fronts.look(front);
        (words(&before), words(&behind))
    }

    fn fronts(rules: Exclusions) -> Fronts {
        Fronts::new(Arc::new(rules), &Front::default())
    }

    #[test]
    fn the_uppermost_usual_window_is_in_front() {
        let of = |id, layer, on_screen| WindowFacts { id, layer, on_screen, ..WindowFacts::default() };
        let list = [of(1, 25, true), of(2, 0, false), of(3, 0, true), of(4, 0, true)];
        let front = Front::of(&list, &Desktop::default(), false);
        assert_eq!(front.facts.map(|facts| facts.id), Some(3));
        assert_eq!(front.panels, list[..1]);
        let none = Front::of(&list[1..2], &Desktop::default(), true);
        assert_eq!(none, Front { secure: true, ..Front::default() });
    }

    #[test]
    fn what_is_typed_below_an_excluded_panel_is_withheld() {
        let points = Points { x: 0.0, y: 0.0, width: 1440.0, height: 900.0 };
        let desktop = Desktop(vec![Display { id: 1, points, scale: 2.0, is_main: true, ..Display::default() }]);
        let at = |x, y, width, height| Points { x, y, width, height };
        let of = |app: &str, layer, points| WindowFacts {
            app: app.into(),
            layer,
            points,
            on_screen: true,
            ..WindowFacts::default()
        };
        let below = of("TextEdit", 0, at(0.0, 24.0, 900.0, 700.0));
        let secret = |over: WindowFacts| {
            let fronts = fronts(Exclusions::usual());
            fronts.secret(&Front::of(&[over, below.clone()], &desktop, false)).map(Reason::name)
        };
        let excluded = Some("excluded_app");
        assert_eq!(secret(of("1Password", 8, at(400.0, 200.0, 600.0, 60.0))), excluded, "quick access");
        assert_eq!(secret(of("1Password", 25, at(1000.0, 24.0, 400.0, 300.0))), excluded, "of the menu bar");
        assert_eq!(secret(of("SecurityAgent", 1000, at(500.0, 300.0, 400.0, 200.0))), None, "it is told by its bundle");
        let agent =
            WindowFacts { bundle: "com.apple.SecurityAgent".into(), ..of("", 1000, at(500.0, 300.0, 400.0, 200.0)) };
        assert_eq!(secret(agent), excluded);
        assert_eq!(
            secret(of("1Password", 25, at(1000.0, 0.0, 30.0, 24.0))),
            None,
            "its sign in the menu bar is always there"
        );
        assert_eq!(secret(of("Spotlight", 23, at(400.0, 200.0, 600.0, 60.0))), None);
        let lock = WindowFacts { bundle: "com.apple.loginwindow".into(), ..of("", 2000, at(0.0, 0.0, 1440.0, 900.0)) };
        assert_eq!(secret(lock), None, "the session says whether it is locked");
        let mut behind = Front::of(&[below.clone(), of("1Password", 0, points)], &desktop, false);
        assert_eq!(fronts(Exclusions::usual()).secret(&behind), None);
        behind.panels.push(of("1Password", 3, points));
        assert_eq!(fronts(Exclusions::none()).secret(&behind), None);
    }

    #[test]
    fn the_first_look_tells_the_window_and_the_next_only_what_changed() {
        let mut fronts = fronts(Exclusions::usual());
        assert_eq!(looked(&mut fronts, Front::default()).0, ["focus  "]);
        assert_eq!(looked(&mut fronts, front(42, "TextEdit")).0, ["focus 42 TextEdit"]);
        assert_eq!(looked(&mut fronts, front(42, "TextEdit")), (vec![], vec![]));
    }

    #[test]
    fn what_was_typed_around_a_change_is_withheld_in_both_directions() {
        let mut fronts = fronts(Exclusions::usual());
        looked(&mut fronts, front(1, "TextEdit"));
        assert_eq!(
            looked(&mut fronts, front(2, "KeePassXC")),
            (vec!["secret excluded_app".into(), "focus 2 KeePassXC".into()], vec![])
        );
        assert_eq!(
            looked(&mut fronts, front(1, "TextEdit")),
            (vec!["focus 1 TextEdit".into()], vec!["secret none".into()])
        );
    }

    #[test]
    fn a_keyboard_that_a_program_has_for_itself_is_told_whatever_the_rules_are() {
        for rules in [Exclusions::usual(), Exclusions::none()] {
            let mut fronts = fronts(rules);
            looked(&mut fronts, front(1, "Terminal"));
            let secure = Front { secure: true, ..front(1, "Terminal") };
            assert_eq!(looked(&mut fronts, secure.clone()), (vec!["secret secure_keyboard".into()], vec![]));
            assert_eq!(looked(&mut fronts, secure), (vec![], vec![]));
            assert_eq!(looked(&mut fronts, front(1, "Terminal")), (vec![], vec!["secret none".into()]));
        }
    }
}
