//! Keys and buttons that are down, and axes of gamepads that are not at rest: one account of them, live and over rows.
//!
//! [`Holds`] is the account itself, for names of any kind. A key that is down may be hidden: an edge of the recording (a pause, a window
//! that lost the focus) released it for the rows, and it may be stated as down behind the edge. What is remembered of its press goes
//! along. [`Held`] folds rows into such accounts. Bounded; knows no file. Nothing here prints a name.

use std::collections::{BTreeMap, VecDeque};

use crate::base::event::{Button, HidUsage};
use crate::base::hid;
use crate::session::table::row::{Row, event_type, key};

/// Most keys that are down or hidden at once, those without a code and buttons each counted on their own. Keyboards have some hundred.
pub const MAX_HELD: usize = 1024;

/// A key or a button that is down.
#[derive(Clone)]
struct Hold<V> {
    /// What is remembered of its press.
    value: V,
    /// The rows say that it is down; else an edge hides it.
    told: bool,
}

/// What is down, by name.
#[derive(Clone)]
pub struct Holds<N, V>(BTreeMap<N, Hold<V>>);

impl<N, V> Default for Holds<N, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<N: Ord, V> Holds<N, V> {
    /// The value of what is down, hidden or not, and whether it is told.
    pub fn get(&self, name: &N) -> Option<(&V, bool)> {
        self.0.get(name).map(|hold| (&hold.value, hold.told))
    }

    /// Notes that something is down.
    pub fn insert(&mut self, name: N, value: V, told: bool) {
        self.0.insert(name, Hold { value, told });
    }

    /// Notes that something is up; answers with what was remembered, and whether it was told.
    pub fn remove(&mut self, name: &N) -> Option<(V, bool)> {
        self.0.remove(name).map(|hold| (hold.value, hold.told))
    }

    /// Whether nothing is down.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names of all that is down, in order.
    pub fn names(&self) -> impl Iterator<Item = &N> {
        self.0.keys()
    }

    /// Names and values of what is told, in order of names.
    pub fn told(&self) -> impl Iterator<Item = (&N, &V)> {
        self.0.iter().filter(|(_, hold)| hold.told).map(|(name, hold)| (name, &hold.value))
    }

    /// Values of what is hidden.
    pub fn hidden_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.values_mut().filter(|hold| !hold.told).map(|hold| &mut hold.value)
    }

    /// Names and values of all that is down, in order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&N, &V)> {
        self.0.iter().map(|(name, hold)| (name, &hold.value))
    }

    /// The same, to change the values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&N, &mut V)> {
        self.0.iter_mut().map(|(name, hold)| (name, &mut hold.value))
    }

    /// Hides what is told, at an edge: `each` in order of names.
    pub fn hide(&mut self, mut each: impl FnMut(&N, &V)) {
        for (name, hold) in &mut self.0 {
            if std::mem::replace(&mut hold.told, false) {
                each(name, &hold.value);
            }
        }
    }

    /// Tells what is hidden, at an edge: `each` in order of names.
    pub fn show(&mut self, mut each: impl FnMut(&N, &V)) {
        for (name, hold) in &mut self.0 {
            if !std::mem::replace(&mut hold.told, true) {
                each(name, &hold.value);
            }
        }
    }
}

/// What a row changes of what is down.
#[derive(PartialEq, Eq, Debug)]
pub enum Change<'a, V> {
    /// Nothing: it is about something else, or does not say whether a button went down.
    Nothing,
    /// It went down, or is stated as down and was not known to be.
    Pressed,
    /// It is down already, and the row is its auto-repeat.
    Repeated,
    /// It went down and was down already: a release is missing. The value is still that of the press before.
    Again(&'a mut V),
    /// An axis of a gamepad that is not at rest moved, and still is not. The value is still that of its last move.
    Moved(&'a mut V),
    /// It is told again behind an edge. The value is still that of its press.
    Continued(&'a mut V),
    /// It is hidden at an edge.
    Hidden(&'a V),
    /// It went up.
    Released(V),
    /// It went up, and was not down.
    Unmatched,
    /// It went down, and [`MAX_HELD`] others are: it is not followed.
    TooMany,
}

/// How a row changes a name.
#[derive(Clone, Copy)]
struct Move {
    down: bool,
    repeat: bool,
    /// `held`=1: nothing moved, an edge says so.
    stated: bool,
}

impl<N: Ord, V> Holds<N, V> {
    fn change(&mut self, name: N, Move { down, repeat, stated }: Move, value: impl FnOnce() -> V) -> Change<'_, V> {
        use std::collections::btree_map::Entry;
        let has_room = self.0.len() < MAX_HELD;
        match self.0.entry(name) {
            Entry::Vacant(_) if !down => Change::Unmatched,
            Entry::Vacant(_) if !has_room => Change::TooMany,
            Entry::Vacant(place) => {
                place.insert(Hold { value: value(), told: true });
                Change::Pressed
            }
            Entry::Occupied(place) if down => {
                let hold = place.into_mut();
                match (std::mem::replace(&mut hold.told, true), repeat || stated) {
                    (true, true) => Change::Repeated,
                    (true, false) => Change::Again(&mut hold.value),
                    (false, true) => Change::Continued(&mut hold.value),
                    (false, false) => {
                        hold.value = value();
                        Change::Pressed
                    }
                }
            }
            Entry::Occupied(place) if stated && place.get().told => {
                let hold = place.into_mut();
                hold.told = false;
                Change::Hidden(&hold.value)
            }
            Entry::Occupied(place) => match place.remove() {
                Hold { value, told: true } => Change::Released(value),
                Hold { told: false, .. } => Change::Unmatched,
            },
        }
    }
}

/// The system's own code of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Native {
    Unknown,
    Number(u32),
    Text(Box<str>),
}

impl Native {
    fn of(text: &str) -> Self {
        // A number that is written another way is another text.
        let number = text.parse().ok().filter(|_| text == "0" || text.starts_with(|c: char| ('1'..='9').contains(&c)));
        number.map_or_else(|| Self::Text(text.into()), Self::Number)
    }
}

/// What tells keys apart: the HID usage, the system's own code, or both.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    usage: Option<i32>,
    native: Native,
}

impl KeyName {
    /// A key that is known by its usage alone.
    pub fn of_usage(usage: i32) -> Self {
        Self { usage: Some(usage), native: Native::Unknown }
    }

    /// The key that a row names; `None` when it names none.
    pub fn of(row: &Row<'_>) -> Option<Self> {
        let code = row.metadata.get(key::CODE);
        let usage = row.key_code.or_else(|| code.and_then(hid::usage_of_code).map(|HidUsage(usage)| i32::from(usage)));
        let native = row.metadata.get(key::NATIVE).or(code.filter(|_| usage.is_none()));
        let native = native.map_or(Native::Unknown, Native::of);
        (usage.is_some() || native != Native::Unknown).then_some(Self { usage, native })
    }

    /// Whether both are the same key, as far as both are told: no part differs, and one is the same.
    fn fits(&self, other: &Self) -> bool {
        let usage = self.usage.zip(other.usage).map(|(a, b)| a == b);
        let both_native = self.native != Native::Unknown && other.native != Native::Unknown;
        let native = both_native.then(|| self.native == other.native);
        usage != Some(false) && native != Some(false) && (usage.is_some() || native.is_some())
    }
}

/// A control of a gamepad: its button, or its axis, which counts as down while it is not at 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PadName {
    pad: i32,
    is_axis: bool,
    /// Its name, or the system's own code of one that has none.
    control: Box<str>,
}

impl PadName {
    /// The control that a row names; `None` when it names none.
    pub fn of(row: &Row<'_>) -> Option<Self> {
        let is_axis = match row.event_type {
            event_type::GAMEPAD_AXIS => true,
            event_type::GAMEPAD_BUTTON => false,
            _ => return None,
        };
        let control = row.control.or_else(|| row.metadata.get(key::NATIVE))?;
        Some(Self { pad: row.pad?, is_axis, control: control.into() })
    }
}

/// Whether a row of a gamepad says that its control is down, or an axis not at rest; `None` when it does not say.
pub fn is_pad_down(row: &Row<'_>) -> Option<bool> {
    if row.event_type == event_type::GAMEPAD_AXIS { row.value.map(|value| value != 0.0) } else { row.pressed }
}

/// A button by its name in the table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum ButtonName {
    Known(Button),
    Other(Box<str>),
}

/// What is down, folded from the rows of a table in their order.
///
/// Keys whose code was withheld are alike: the one that went down first counts as the one that goes up.
#[derive(Clone)]
pub struct Held<V> {
    keys: Holds<KeyName, V>,
    withheld: VecDeque<V>,
    buttons: Holds<ButtonName, V>,
    pads: Holds<PadName, V>,
    /// More was down at once than is followed.
    is_overfull: bool,
}

impl<V> Default for Held<V> {
    fn default() -> Self {
        Self {
            keys: Holds::default(),
            withheld: VecDeque::new(),
            buttons: Holds::default(),
            pads: Holds::default(),
            is_overfull: false,
        }
    }
}

impl<V> Held<V> {
    /// Takes the next row; `value` is what to remember when something goes down.
    pub fn apply(&mut self, row: &Row<'_>, value: impl FnOnce() -> V) -> Change<'_, V> {
        let stated = row.metadata.get(key::HELD).is_some();
        let repeat = row.repeat == Some(true);
        let change = match row.event_type {
            event_type::KEY_DOWN | event_type::KEY_UP => {
                let down = row.event_type == event_type::KEY_DOWN;
                if row.metadata.get(key::REDACTED).is_some() {
                    return self.nameless(down, repeat, value);
                }
                let name = KeyName::of(row).unwrap_or(KeyName { usage: None, native: Native::Unknown });
                let name = self.known(&name).cloned().unwrap_or(name);
                self.keys.change(name, Move { down, repeat, stated }, value)
            }
            event_type::MOUSE_CLICK => {
                // Where it is not told whether it went down or up, nothing more is known than before.
                let (Some(name), Some(down)) = (row.mouse_button, row.pressed) else { return Change::Nothing };
                let known = Button::ALL.into_iter().find(|button| button.name() == name);
                let name = known.map_or_else(|| ButtonName::Other(name.into()), ButtonName::Known);
                self.buttons.change(name, Move { down, repeat: false, stated }, value)
            }
            event_type::GAMEPAD_BUTTON | event_type::GAMEPAD_AXIS => {
                let (Some(name), Some(down)) = (PadName::of(row), is_pad_down(row)) else { return Change::Nothing };
                let is_axis = row.event_type == event_type::GAMEPAD_AXIS;
                match self.pads.change(name, Move { down, repeat: false, stated }, value) {
                    // It moves: no release is missing.
                    Change::Again(value) if is_axis => Change::Moved(value),
                    // It is told where it is, whatever was told before.
                    Change::Unmatched if is_axis => Change::Nothing,
                    change => change,
                }
            }
            _ => return Change::Nothing,
        };
        self.is_overfull |= matches!(change, Change::TooMany);
        change
    }

    fn nameless(&mut self, down: bool, repeat: bool, value: impl FnOnce() -> V) -> Change<'_, V> {
        match (down, repeat) {
            // Of a key that went down in the open, or of one of these.
            (true, true) => Change::Repeated,
            (true, false) if self.withheld.len() >= MAX_HELD => {
                self.is_overfull = true;
                Change::TooMany
            }
            (true, false) => {
                self.withheld.push_back(value());
                Change::Pressed
            }
            (false, _) => self.withheld.pop_front().map_or(Change::Unmatched, Change::Released),
        }
    }

    /// The name under which a key is followed that `name` tells.
    fn known(&self, name: &KeyName) -> Option<&KeyName> {
        let found = self.keys.0.get_key_value(name).map(|(known, _)| known);
        found.or_else(|| self.keys.names().find(|known| known.fits(name)))
    }

    /// The value of a key that is down, hidden or not, and whether it is told.
    pub fn key(&self, name: &KeyName) -> Option<(&V, bool)> {
        self.keys.get(self.known(name)?)
    }

    /// Changes what is remembered of a key that is down; nothing of one that is not.
    pub fn set_key(&mut self, name: &KeyName, value: V) {
        if let Some(hold) = self.known(name).cloned().and_then(|name| self.keys.0.get_mut(&name)) {
            hold.value = value;
        }
    }

    /// The keys with a code.
    pub fn keys(&self) -> &Holds<KeyName, V> {
        &self.keys
    }

    /// The same, to change them.
    pub fn keys_mut(&mut self) -> &mut Holds<KeyName, V> {
        &mut self.keys
    }

    /// What is down and told: keys with a code, those without, buttons, then gamepads.
    pub fn told(&self) -> impl Iterator<Item = &V> {
        let keys = self.keys.told().map(|(_, value)| value);
        let pads = self.pads.told().map(|(_, value)| value);
        keys.chain(&self.withheld).chain(self.buttons.told().map(|(_, value)| value)).chain(pads)
    }

    /// The controls of gamepads.
    pub fn pads(&self) -> &Holds<PadName, V> {
        &self.pads
    }

    /// A gamepad is gone: nothing of it is held any more, whatever was told.
    pub fn forget_pad(&mut self, pad: i32) {
        self.pads.0.retain(|name, _| name.pad != pad);
    }

    /// Takes out all that is down and told, in the order of [`told`](Self::told).
    pub fn take_all(&mut self) -> impl Iterator<Item = V> + use<V> {
        let Self { keys, withheld, buttons, pads, .. } = std::mem::take(self);
        let told = |hold: Hold<V>| hold.told.then_some(hold.value);
        let keys = keys.0.into_values().filter_map(told);
        keys.chain(withheld)
            .chain(buttons.0.into_values().filter_map(told))
            .chain(pads.0.into_values().filter_map(told))
    }

    /// Whether more was down at once than is followed.
    pub fn is_overfull(&self) -> bool {
        self.is_overfull
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::table::row::OwnedRow;

    fn row(kind: &str, code: Option<i32>, entries: &[(&str, &str)]) -> OwnedRow {
        let mut row = OwnedRow { event_type: kind.into(), key_code: code, ..OwnedRow::default() };
        for (name, value) in entries {
            row.metadata.push_str(name, value);
        }
        row
    }

    /// What rows change, in a word each; the value is the number of the row.
    fn changes(rows: &[OwnedRow]) -> (Vec<String>, Vec<usize>) {
        let mut held = Held::default();
        let mut said = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            said.push(match held.apply(&row.as_row(), || at) {
                Change::Again(of) => format!("again {of}"),
                Change::Moved(of) => format!("moved {of}"),
                Change::Continued(of) => format!("continued {of}"),
                Change::Hidden(of) => format!("hidden {of}"),
                Change::Released(of) => format!("released {of}"),
                other => format!("{other:?}").to_lowercase(),
            });
        }
        (said, held.told().copied().collect())
    }

    #[test]
    fn a_press_is_remembered_to_its_release_through_edges() {
        let (down, up) = (event_type::KEY_DOWN, event_type::KEY_UP);
        let repeat = OwnedRow { repeat: Some(true), ..row(down, Some(4), &[]) };
        let rows = [
            row(down, Some(4), &[(key::NATIVE, "38")]),
            repeat,
            row(up, Some(4), &[(key::HELD, "1")]),
            row(down, None, &[(key::NATIVE, "38"), (key::HELD, "1")]),
            row(down, Some(4), &[(key::NATIVE, "138")]),
            row(down, Some(4), &[(key::NATIVE, "38")]),
            row(up, None, &[(key::CODE, "KeyA"), (key::NATIVE, "38")]),
            row(up, Some(5), &[]),
            row(down, Some(6), &[]),
            row(event_type::WHEEL, None, &[]),
        ];
        let (said, told) = changes(&rows);
        let expected = ["pressed", "repeated", "hidden 0", "continued 0", "pressed", "again 0", "released 0"];
        assert_eq!(
            (&said[..7], &said[7..]),
            (&expected.map(str::to_owned)[..], &["unmatched", "pressed", "nothing"].map(str::to_owned)[..])
        );
        assert_eq!(told, [4, 8]);
    }

    #[test]
    fn keys_without_a_code_go_up_in_the_order_in_which_they_went_down() {
        let secret = |kind: &str, repeat| OwnedRow { repeat, ..row(kind, None, &[(key::REDACTED, "1")]) };
        let (down, up) = (event_type::KEY_DOWN, event_type::KEY_UP);
        let rows = [secret(down, Some(false)), secret(down, None), secret(down, Some(true)), secret(up, None)];
        let (said, told) = changes(&rows);
        assert_eq!((said[2].as_str(), said[3].as_str(), told), ("repeated", "released 0", vec![1]));
        let click = |button: &str, pressed| OwnedRow {
            mouse_button: Some(button.into()),
            pressed,
            ..row("mouse_click", None, &[])
        };
        let rows =
            [click("left", Some(true)), click("left", None), click("odd", Some(true)), click("left", Some(false))];
        let (said, told) = changes(&rows);
        assert_eq!(
            (said, told),
            (["pressed", "nothing", "pressed", "released 0"].map(str::to_owned).to_vec(), vec![2])
        );
    }

    #[test]
    fn an_axis_is_held_while_it_is_not_at_rest() {
        let axis = |value: f32, entries: &[(&str, &str)]| OwnedRow {
            pad: Some(0),
            control: Some("left_x".into()),
            value: Some(value),
            ..row(event_type::GAMEPAD_AXIS, None, entries)
        };
        let button = |pressed| OwnedRow {
            pad: Some(0),
            pressed: Some(pressed),
            ..row(event_type::GAMEPAD_BUTTON, None, &[(key::NATIVE, "704")])
        };
        let held = [(key::HELD, "1")];
        let rows = [
            axis(0.5, &[]),
            axis(-0.25, &[]),
            axis(0.0, &held),
            axis(0.75, &held),
            axis(0.0, &[]),
            axis(0.0, &[]),
            button(true),
            OwnedRow { pad: Some(1), ..button(true) },
            button(false),
            OwnedRow { pressed: None, ..button(false) },
            OwnedRow { pad: None, ..button(true) },
        ];
        let (said, told) = changes(&rows);
        let expected = [
            "pressed",
            "moved 0",
            "hidden 0",
            "continued 0",
            "released 0",
            "nothing",
            "pressed",
            "pressed",
            "released 6",
            "nothing",
            "nothing",
        ];
        assert_eq!((said, told), (expected.map(str::to_owned).to_vec(), vec![7]));
    }

    #[test]
    fn what_is_down_is_bounded() {
        let mut held = Held::default();
        for native in 0..MAX_HELD + 5 {
            let row = row(event_type::KEY_DOWN, None, &[(key::NATIVE, &native.to_string())]);
            let change = held.apply(&row.as_row(), || ());
            assert_eq!(change == Change::TooMany, native >= MAX_HELD);
        }
        assert!(held.is_overfull() && held.told().count() == MAX_HELD);
        assert_eq!((held.take_all().count(), held.told().count()), (MAX_HELD, 0));
    }
}
