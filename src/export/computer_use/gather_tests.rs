//! Unit tests of `gather.rs`.

use super::*;
use crate::session::metadata::samples::bare;

const MS: i64 = 1_000_000;

/// Rows of a session whose picture has 1000 by 1000 pixels, in the order in which they are added.
struct Rows(Vec<OwnedRow>);

impl Rows {
    fn push(&mut self, ms: i64, kind: &str) -> &mut OwnedRow {
        self.0.push(OwnedRow { t_ns: ms * MS, event_type: kind.into(), ..OwnedRow::default() });
        self.0.last_mut().expect("a row")
    }

    fn key(&mut self, ms: i64, code: &str, is_down: bool) -> &mut OwnedRow {
        let usage = hid::usage_of_code(code).expect("a key").0;
        let row = self.push(ms, if is_down { "key_down" } else { "key_up" });
        row.key_code = Some(i32::from(usage));
        row.repeat = is_down.then_some(false);
        row
    }

    fn tap(&mut self, ms: i64, code: &str) {
        self.key(ms, code, true);
        self.key(ms + 20, code, false);
    }

    fn at(&mut self, ms: i64, x: f32, y: f32) {
        let row = self.push(ms, "mouse_move");
        (row.mouse_x, row.mouse_y) = (Some(x), Some(y));
    }

    fn button(&mut self, ms: i64, button: &str, is_down: bool) -> &mut OwnedRow {
        let row = self.push(ms, "mouse_click");
        (row.mouse_button, row.pressed) = (Some(button.into()), Some(is_down));
        row
    }

    fn click(&mut self, ms: i64, button: &str) {
        self.button(ms, button, true);
        self.button(ms + 30, button, false);
    }

    fn wheel(&mut self, ms: i64, delta: Option<f32>) {
        self.push(ms, "wheel").delta = delta;
    }
}

fn gathered(layout: Option<&str>, make: impl FnOnce(&mut Rows)) -> (Vec<Action>, Unsaid) {
    let mut metadata = bare("x");
    metadata.initial_state.layout = layout.map(str::to_owned);
    let mut rows = Rows(Vec::new());
    make(&mut rows);
    let (mut gather, mut actions) = (Gather::new(&metadata, (1000, 1000)), Vec::new());
    let mut each = |action| {
        actions.push(action);
        Ok::<_, ()>(())
    };
    for row in &rows.0 {
        gather.take(row, &mut each).expect("nothing here fails");
    }
    gather.end(&mut each).expect("nothing here fails");
    assert!(actions.is_sorted_by_key(|action| action.t_ns), "{actions:?}");
    (actions, gather.unsaid)
}

/// Each action in a few words.
fn told(actions: &[Action]) -> Vec<String> {
    let one = |action: &Action| {
        let with = action.modifiers.join("+");
        let at = action.place.map_or("-".to_owned(), |place| format!("{:.2},{:.2}", place.x, place.y));
        match &action.kind {
            Kind::Click { button, clicks } => format!("click {button} {clicks} at {at} {with}"),
            Kind::Drag { button, to } => {
                let to = to.map_or("-".to_owned(), |to| format!("{:.2},{:.2}", to.x, to.y));
                format!("drag {button} {at} to {to} {with}")
            }
            Kind::Scroll { dx, dy } => format!("scroll {dx:?} {dy:?} {with}"),
            Kind::Type { text } => format!("type {text}"),
            Kind::Hotkey { keys, repeats, .. } => format!("hotkey {} {repeats}", keys.join("+")),
        }
        .trim_end()
        .to_owned()
    };
    actions.iter().map(one).collect()
}

#[test]
fn presses_become_clicks_double_clicks_and_drags() {
    let (actions, unsaid) = gathered(Some("us"), |rows| {
        rows.at(0, 0.5, 0.25);
        rows.click(100, "left");
        // Too late for a double click.
        rows.click(800, "left");
        rows.click(900, "left");
        rows.click(1000, "left");
        rows.click(2000, "right");
        rows.click(2100, "right");
        rows.click(2200, "middle");
        rows.button(3000, "left", true);
        rows.at(3100, 0.504, 0.25);
        rows.at(3200, 0.7, 0.25);
        rows.button(3300, "left", false);
        // Near, and somewhere else.
        rows.click(4000, "left");
        rows.at(4100, 0.8, 0.25);
        rows.click(4150, "left");
        // The hand trembles.
        rows.button(5000, "left", true);
        rows.at(5010, 0.803, 0.253);
        rows.button(5020, "left", false);
    });
    assert_eq!(
        told(&actions),
        [
            "click left 1 at 0.50,0.25",
            "click left 3 at 0.50,0.25",
            "click right 1 at 0.50,0.25",
            "click right 1 at 0.50,0.25",
            "click middle 1 at 0.50,0.25",
            "drag left 0.50,0.25 to 0.70,0.25",
            "click left 1 at 0.70,0.25",
            "click left 1 at 0.80,0.25",
            "click left 1 at 0.80,0.25",
        ]
    );
    assert_eq!((actions[5].t_ns, actions[5].until_ns), (3000 * MS, 3300 * MS));
    assert_eq!(unsaid, Unsaid::default());
}

#[test]
fn characters_become_text_and_chords_end_it() {
    let (actions, unsaid) = gathered(Some("de"), |rows| {
        rows.key(0, "ShiftLeft", true);
        rows.tap(50, "KeyH");
        rows.key(90, "ShiftLeft", false);
        rows.tap(100, "KeyY");
        rows.tap(200, "Equal");
        rows.tap(300, "KeyE");
        // It is held: the desktop writes it again.
        rows.key(400, "KeyA", true);
        rows.key(700, "KeyA", true).repeat = Some(true);
        rows.key(720, "KeyA", false);
        rows.tap(800, "Enter");
        rows.key(1000, "ControlLeft", true);
        rows.tap(1100, "KeyY");
        rows.key(1200, "KeyS", true);
        rows.key(1300, "KeyS", true).repeat = Some(true);
        rows.key(1310, "KeyS", false);
        rows.key(1400, "ControlLeft", false);
        rows.tap(1500, "MetaLeft");
        // Too late for the same text.
        rows.tap(2000, "KeyB");
        rows.tap(4100, "KeyC");
        // Somebody went to another window.
        rows.push(4200, "focus");
        rows.tap(4300, "KeyD");
    });
    assert_eq!(
        told(&actions),
        [
            "type Hzéaa",
            "hotkey Enter 0",
            "hotkey Control+z 0",
            "hotkey Control+s 1",
            "hotkey Meta 0",
            "type b",
            "type c",
            "type d"
        ]
    );
    let Kind::Hotkey { codes, .. } = &actions[2].kind else { panic!("{actions:?}") };
    assert_eq!(codes, &["ControlLeft", "KeyY"]);
    assert_eq!((actions[3].t_ns, actions[3].until_ns), (1200 * MS, 1310 * MS));
    assert_eq!(unsaid, Unsaid::default());
}

#[test]
fn what_nobody_knows_is_no_action_and_joins_nothing() {
    let (actions, unsaid) = gathered(Some("us"), |rows| {
        rows.tap(0, "KeyA");
        for ms in [100, 200] {
            let row = rows.push(ms, "key_down");
            row.metadata.push_flag(key::REDACTED);
            rows.push(ms + 10, "key_up");
        }
        rows.push(300, "key_down").metadata.push_str(key::NATIVE, "123");
        rows.tap(400, "KeyB");
        rows.push(450, "redact");
        rows.tap(500, "KeyC");
        // Held when it began; released behind a pause; still down at the end.
        rows.button(600, "right", true).metadata.push_flag(key::HELD);
        rows.button(610, "right", false);
        rows.button(700, "left", true);
        rows.button(710, "left", false).metadata.push_flag(key::HELD);
        rows.button(800, "left", true);
    });
    assert_eq!(told(&actions), ["type a", "type b", "type c"]);
    assert_eq!(unsaid, Unsaid { withheld: 2, without_code: 1, cut: 3, ..Unsaid::default() });

    let (actions, unsaid) = gathered(None, |rows| {
        rows.key(0, "ShiftLeft", true);
        rows.tap(10, "KeyA");
        rows.key(40, "ShiftLeft", false);
        rows.tap(100, "Enter");
    });
    assert_eq!(told(&actions), ["hotkey Shift+KeyA 0", "hotkey Enter 0"]);
    assert_eq!(unsaid.without_layout, 2);
    let (actions, unsaid) = gathered(Some("de"), |rows| {
        rows.tap(0, "KeyX");
        rows.tap(100, "Equal");
        rows.tap(200, "KeyQ");
        rows.tap(300, "Equal");
        rows.tap(400, "Equal");
    });
    assert_eq!((told(&actions), unsaid.not_composed), (vec!["type x´".to_owned()], 1));
}

#[test]
fn turns_add_up_while_they_follow_each_other() {
    let (actions, _) = gathered(Some("us"), |rows| {
        rows.at(0, 0.5, 0.5);
        rows.wheel(100, Some(-1.0));
        rows.wheel(300, Some(-1.5));
        rows.wheel(1000, Some(1.0));
        rows.key(1100, "ControlLeft", true);
        rows.wheel(1200, Some(1.0));
        rows.wheel(1250, None);
        rows.key(1300, "ControlLeft", false);
        let row = rows.push(2000, "wheel");
        row.delta = Some(2.0);
        row.metadata.push_str(key::AXIS, "horizontal");
    });
    assert_eq!(
        told(&actions),
        [
            "scroll Some(0.0) Some(-2.5)",
            "scroll Some(0.0) Some(1.0)",
            "scroll Some(0.0) None Control",
            "scroll Some(2.0) Some(0.0)"
        ]
    );
}

#[test]
fn actions_come_in_the_order_of_their_begins() {
    let (actions, _) = gathered(Some("us"), |rows| {
        rows.at(0, 0.1, 0.1);
        // A key is held while the mouse is used, and the other way round.
        rows.key(100, "ArrowUp", true);
        rows.click(200, "right");
        rows.key(400, "ArrowUp", false);
        rows.button(500, "left", true);
        rows.tap(600, "KeyA");
        rows.at(700, 0.9, 0.9);
        rows.button(800, "left", false);
        rows.key(900, "ShiftLeft", true);
        rows.click(1000, "left");
        rows.key(1100, "ShiftLeft", false);
    });
    assert_eq!(
        told(&actions),
        [
            "hotkey ArrowUp 0",
            "click right 1 at 0.10,0.10",
            "drag left 0.10,0.10 to 0.90,0.90",
            "type a",
            "click left 1 at 0.90,0.90 Shift"
        ]
    );
}
