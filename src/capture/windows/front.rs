//! The window that gets what is typed: what is told of it, and when what is typed must not be known.
//!
//! Pure. Windows does not say in which order keys and changes of the active window happened, so a change between two looks holds for the
//! inputs between them in both directions: they are withheld when either window wants that.

use std::sync::Arc;

use super::field::Field;
use super::roster::WindowFacts;
use crate::base::event::{Content, Layout};
use crate::capture::RawInput;
use crate::privacy::exclude::{Exclusions, Reason};
use crate::privacy::{cover::Said, exclude};

/// The active window, as of one look.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Front {
    pub(super) facts: WindowFacts,
    /// What is typed goes to a field for passwords.
    pub(super) in_password: bool,
    /// … of a program's own kind, where the program was asked.
    pub(super) field: Field,
    /// How its keyboard is laid out, by the system's number.
    pub(super) layout: u64,
}

/// Follows the active window.
pub(super) struct Fronts {
    rules: Arc<Exclusions>,
    front: Option<Front>,
    /// What was told last.
    secret: Option<Reason>,
    layout: u64,
    is_first: bool,
}

/// What is told around the inputs that were read at one look.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) before: Vec<RawInput>,
    pub(super) behind: Vec<RawInput>,
}

/// A window's handle, as it is written.
pub(super) fn id_text(id: u64) -> String {
    format!("{id:#x}")
}

/// The name of a layout.
pub(super) fn layout(number: u64) -> Layout {
    Layout { names: (number != 0).then(|| format!("{:08x}", number as u32)), group: None }
}

impl Fronts {
    /// Begins with the window that is active, of which the layout and whether it is secret are told elsewhere.
    pub(super) fn new(rules: Arc<Exclusions>, front: Option<&Front>) -> Self {
        let layout = front.map_or(0, |front| front.layout);
        let mut fronts = Self { rules, front: None, secret: None, layout, is_first: true };
        fronts.secret = fronts.secret(front);
        fronts
    }

    /// Why what is typed into a window must not be known.
    pub(super) fn secret(&self, front: Option<&Front>) -> Option<Reason> {
        let front = front.filter(|_| !self.rules.is_empty())?;
        let Said { app, instance, titles, programs, is_notification } = front.facts.said();
        let facts = exclude::WindowFacts {
            app: &app,
            instance: &instance,
            title: &titles[0],
            programs: &programs,
            is_notification,
            unmanaged: false,
        };
        let verdict = self.rules.verdict(facts).filter(|reason| reason.hides_keys());
        let field = match front.field {
            Field::Password => Some(Reason::PasswordField),
            // In doubt it is withheld.
            Field::Unknown => Some(Reason::FocusUnclear),
            Field::No | Field::NotAsked => None,
        };
        verdict.or(front.in_password.then_some(Reason::PasswordField)).or(field)
    }

    /// Takes in a look at the active window, which came behind the inputs that were just read.
    pub(super) fn look(&mut self, front: Option<Front>) -> Turn {
        let mut turn = Turn::default();
        let secret = self.secret(front.as_ref());
        let either = self.secret(self.front.as_ref()).or(secret);
        self.tell(either, &mut turn.before);
        let shown = |front: &Option<Front>| {
            front.as_ref().map(|front| (front.facts.id, front.facts.pid, front.facts.title.clone()))
        };
        if self.is_first || shown(&front) != shown(&self.front) {
            turn.before.push(focus(front.as_ref()));
        }
        self.is_first = false;
        if let Some(number) = front.as_ref().map(|front| front.layout).filter(|number| *number != self.layout) {
            self.layout = number;
            turn.before.push(RawInput::Layout(layout(number)));
        }
        self.tell(secret, &mut turn.behind);
        self.front = front;
        turn
    }

    /// The focus may have moved in the active window: until its program has answered anew it is not known into what is typed.
    pub(super) fn doubt(&mut self) -> Option<RawInput> {
        let front = self.front.as_mut().filter(|front| front.field != Field::NotAsked)?;
        front.field = Field::Unknown;
        let (secret, mut told) = (self.secret(self.front.as_ref()), Vec::new());
        self.tell(secret, &mut told);
        told.pop()
    }

    fn tell(&mut self, secret: Option<Reason>, out: &mut Vec<RawInput>) {
        if std::mem::replace(&mut self.secret, secret) != secret {
            out.push(RawInput::Secret { reason: secret });
        }
    }
}

fn focus(front: Option<&Front>) -> RawInput {
    let Some(Front { facts, .. }) = front else {
        return RawInput::Focus { window_id: String::new(), title: Content::default(), app: String::new(), pid: None };
    };
    RawInput::Focus {
        window_id: id_text(facts.id),
        title: Content(facts.title.clone()),
        app: if facts.program.is_empty() { facts.class.clone() } else { facts.program.clone() },
        pid: (facts.pid != 0).then_some(facts.pid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "no window may be in front, too")]
    fn front(id: u64, program: &str) -> Option<Front> {
        let facts =
            WindowFacts { id, pid: 5, program: program.into(), title: "a title".into(), ..WindowFacts::default() };
        Some(Front { facts, ..Front::default() })
    }

    fn words(inputs: &[RawInput]) -> Vec<String> {
        let word = |input: &RawInput| match input {
            RawInput::Focus { window_id, app, .. } => format!("focus {window_id} {app}"),
            RawInput::Secret { reason } => format!("secret {}", reason.map_or("none", Reason::name)),
            RawInput::Layout(layout) => format!("layout {}", layout.names.as_deref().unwrap_or("none")),
            _ => "other".into(),
        };
        inputs.iter().map(word).collect()
    }

    fn looked(fronts: &mut Fronts, front: Option<Front>) -> (Vec<String>, Vec<String>) {
        let Turn { before, behind } = fronts.look(front);
        (words(&before), words(&behind))
    }

    fn fronts() -> Fronts {
        Fronts::new(Arc::new(Exclusions::usual()), None)
    }

    #[test]
    fn the_first_look_tells_the_window_and_the_next_only_what_changed() {
        let mut fronts = fronts();
        assert_eq!(looked(&mut fronts, None).0, ["focus  "]);
        assert_eq!(looked(&mut fronts, front(0x2a, "notepad")).0, ["focus 0x2a notepad"]);
        assert_eq!(looked(&mut fronts, front(0x2a, "notepad")), (vec![], vec![]));
        let mut retitled = front(0x2a, "notepad");
        retitled.as_mut().expect("a window").facts.title = "another".into();
        assert_eq!(looked(&mut fronts, retitled.clone()).0, ["focus 0x2a notepad"]);
        retitled.as_mut().expect("a window").layout = 0x0407_0407;
        assert_eq!(looked(&mut fronts, retitled).0, ["layout 04070407"]);
    }

    /// The start says it already; what is told first is the window.
    #[test]
    fn a_secret_window_at_the_start_is_not_told_twice() {
        let vault = front(2, "KeePassXC");
        let mut fronts = Fronts::new(Arc::new(Exclusions::usual()), vault.as_ref());
        assert_eq!(fronts.secret(vault.as_ref()), Some(Reason::Excluded));
        assert_eq!(looked(&mut fronts, vault), (vec!["focus 0x2 KeePassXC".into()], vec![]));
        assert_eq!(looked(&mut fronts, None), (vec!["focus  ".into()], vec!["secret none".into()]));
    }

    #[test]
    fn what_was_typed_around_a_change_is_withheld_in_both_directions() {
        let mut fronts = fronts();
        looked(&mut fronts, front(1, "notepad"));
        assert_eq!(
            looked(&mut fronts, front(2, "KeePassXC")),
            (vec!["secret excluded_app".into(), "focus 0x2 KeePassXC".into()], vec![])
        );
        // Left: what was read with this look may have been typed before it.
        assert_eq!(
            looked(&mut fronts, front(1, "notepad")),
            (vec!["focus 0x1 notepad".into()], vec!["secret none".into()])
        );
        assert_eq!(looked(&mut fronts, front(1, "notepad")), (vec![], vec![]));
    }

    #[test]
    fn a_field_for_passwords_is_withheld_unless_nothing_is() {
        let mut field = front(1, "notepad");
        field.as_mut().expect("a window").in_password = true;
        let mut usual = fronts();
        looked(&mut usual, front(1, "notepad"));
        assert_eq!(looked(&mut usual, field.clone()).0, ["secret password_field"]);
        assert_eq!(looked(&mut usual, front(1, "notepad")).1, ["secret none"]);
        for (of, said) in [
            (Field::Password, vec!["secret password_field"]),
            (Field::Unknown, vec!["secret focus_unclear"]),
            (Field::No, vec![]),
            (Field::NotAsked, vec![]),
        ] {
            let mut drawn = front(1, "notepad");
            drawn.as_mut().expect("a window").field = of;
            let mut usual = fronts();
            looked(&mut usual, front(1, "notepad"));
            assert_eq!(looked(&mut usual, drawn).0, said, "{of:?}");
        }
        let mut none = Fronts::new(Arc::new(Exclusions::none()), None);
        assert_eq!(looked(&mut none, field), (vec!["focus 0x1 notepad".into()], vec![]));
    }

    #[test]
    fn behind_what_may_move_the_focus_nothing_is_told_until_the_program_has_answered() {
        let asked = |field| front(1, "chrome").map(|front| Front { field, ..front });
        let mut fronts = fronts();
        looked(&mut fronts, asked(Field::No));
        let told: Vec<RawInput> = fronts.doubt().into_iter().collect();
        assert_eq!(words(&told), ["secret focus_unclear"]);
        assert!(fronts.doubt().is_none(), "it is told already");
        assert_eq!(looked(&mut fronts, asked(Field::Unknown)), (vec![], vec![]));
        assert_eq!(looked(&mut fronts, asked(Field::Password)), (vec![], vec!["secret password_field".into()]));
        // From field to field: the answer before is not kept.
        assert_eq!(words(&fronts.doubt().into_iter().collect::<Vec<_>>()), ["secret focus_unclear"]);
        assert_eq!(looked(&mut fronts, asked(Field::No)).1, ["secret none"]);
        // Nobody is asked.
        looked(&mut fronts, asked(Field::NotAsked));
        assert!(fronts.doubt().is_none());
    }
}
