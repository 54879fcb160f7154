//! Keys, modifiers, buttons, motion and wheels as a tap tells them; a tap that is turned off; the lock.

use super::*;
use crate::capture::macos::places::Display;
use crate::capture::macos::points::Points;

const SHIFT_LEFT: u16 = 0x38;
const KEY_A: u16 = 0x00;

fn ms(ms: i64) -> MonoNs {
    MonoNs(ms * 1_000_000)
}

fn desktop() -> Desktop {
    let points = Points { x: 0.0, y: 0.0, width: 1440.0, height: 900.0 };
    Desktop(vec![Display { id: 1, points, scale: 2.0, is_main: true, ..Display::default() }])
}

fn follower() -> Follower {
    Follower::new(&Down::default(), false, ms(0))
}

fn words(inputs: &Stamped) -> Vec<String> {
    let word = |(t, input): &(MonoNs, RawInput)| {
        let what = match input {
            RawInput::Key { native, down, repeat, .. } => {
                format!(
                    "{native:#x} {}",
                    if *repeat {
                        "repeat"
                    } else if *down {
                        "down"
                    } else {
                        "up"
                    }
                )
            }
            RawInput::Button { button, pressed, .. } => format!("{} {pressed}", button.name()),
            RawInput::Motion { position, motion, .. } => format!("moved {position:?} {motion:?}"),
            RawInput::Wheel { axis, delta, hi_res, .. } => format!("{axis:?} {delta} {hi_res}"),
            RawInput::Lost { reason, until, .. } | RawInput::Skipped { reason, until, .. } => {
                format!("{reason} until {}", until.0 / 1_000_000)
            }
            RawInput::Unproved { count, until } => format!("unproved {count} until {}", until.0 / 1_000_000),
            _ => "other".into(),
        };
        format!("{} {what}", t.0 / 1_000_000)
    };
    inputs.iter().map(word).collect()
}

fn told(follower: &mut Follower, acts: &[(i64, Act)]) -> Vec<String> {
    let mut out = Stamped::new();
    for (t, act) in acts {
        follower.take(&TapEvent { stamp: 0, at: (10.5, 20.0), act: *act }, ms(*t), &desktop(), &mut out);
    }
    words(&out)
}

fn key(code: u16, down: bool) -> Act {
    Act::Key { code, is_iso: false, down, repeat: false }
}

fn modifiers(code: u16, flags: u64) -> Act {
    Act::Modifiers { code, is_iso: false, flags }
}

#[test]
fn the_active_window_is_looked_at_behind_keys_and_buttons() {
    let is_news = |act| TapEvent { stamp: 0, at: (0.0, 0.0), act }.is_news();
    assert!(is_news(key(KEY_A, true)) && is_news(Act::Button { number: 0, down: true }));
    assert!(is_news(modifiers(SHIFT_LEFT, 0)) && TapEvent::off(true).is_news());
    assert!(!is_news(Act::Moved { accelerated: (1.0, 0.0), plain: (1.0, 0.0) }));
}

#[test]
fn keys_go_down_repeat_and_up() {
    let mut follower = follower();
    let repeat = Act::Key { code: KEY_A, is_iso: false, down: true, repeat: true };
    let acts = [(1, key(KEY_A, true)), (2, repeat), (3, key(KEY_A, false)), (4, key(KEY_A, false))];
    assert_eq!(told(&mut follower, &acts), ["1 0x0 down", "2 0x0 repeat", "3 0x0 up"]);
    let mut out = Stamped::new();
    follower.take(&TapEvent { stamp: 0, at: (0.0, 0.0), act: key(KEY_A, true) }, ms(5), &desktop(), &mut out);
    assert!(matches!(out[0].1, RawInput::Key { usage: Some(HidUsage(0x04)), .. }));
}

#[test]
fn a_release_has_the_key_of_its_press_on_an_iso_keyboard_too() {
    let mut follower = follower();
    let on_iso = |down| Act::Key { code: 0x0a, is_iso: true, down, repeat: false };
    let mut out = Stamped::new();
    for (at, act) in [(1, on_iso(true)), (2, key(KEY_A, true)), (3, key(0x0a, false))] {
        follower.take(&TapEvent { stamp: 0, at: (0.0, 0.0), act }, ms(at), &desktop(), &mut out);
    }
    let usage = |at: usize| match &out[at].1 {
        RawInput::Key { usage, .. } => *usage,
        _ => None,
    };
    assert_eq!((usage(0), usage(2)), (Some(HidUsage(0x35)), Some(HidUsage(0x35))));
}

#[test]
fn modifiers_are_pressed_and_released_and_caps_lock_is_tapped() {
    let mut follower = follower();
    let acts = [
        (1, modifiers(SHIFT_LEFT, 0x2_0002)),
        (2, modifiers(SHIFT_LEFT, 0x2_0002)),
        (3, modifiers(SHIFT_LEFT, 0)),
        (4, modifiers(CAPS_LOCK, 0x1_0000)),
    ];
    assert_eq!(told(&mut follower, &acts), ["1 0x38 down", "3 0x38 up", "4 0x39 down", "4 0x39 up"]);
}

#[test]
fn buttons_change_once_and_those_without_a_name_are_passed_over() {
    let mut follower = follower();
    let press = |number, down| Act::Button { number, down };
    let acts =
        [(1, press(0, true)), (2, press(0, true)), (3, press(0, false)), (4, press(4, true)), (5, press(7, true))];
    assert_eq!(told(&mut follower, &acts), ["1 left true", "3 left false", "4 x2 true"]);
}

#[test]
fn motion_is_what_the_device_sent_or_counted_as_not_known() {
    let mut follower = follower();
    let moved = |accelerated, plain| Act::Moved { accelerated, plain };
    let acts =
        [(1, moved((7.0, 0.0), (3.5, 0.0))), (2, moved((7.0, 0.0), (0.0, 0.0))), (3, moved((0.0, 0.0), (0.0, 0.0)))];
    let at = "moved Some((21.0, 40.0))";
    let expected = [format!("1 {at} Some((3.5, 0.0))"), format!("2 {at} None"), format!("3 {at} None")];
    assert_eq!(told(&mut follower, &acts), expected);
    let mut out = Stamped::new();
    follower.tell_unproved(ms(1001), &mut out);
    assert!(out.is_empty(), "not every one by itself");
    follower.tell_unproved(ms(1002), &mut out);
    follower.tell_unproved(ms(9000), &mut out);
    assert_eq!(words(&out), ["2 unproved 1 until 2"]);
}

#[test]
fn wheels_turn_in_lines_and_right_is_positive() {
    let mut follower = follower();
    let wheel = |lines, points, smooth| Act::Wheel { lines, points, smooth };
    let acts = [
        (1, wheel((1.0, 0.0), (10.0, 0.0), false)),
        (2, wheel((0.0, 2.0), (0.0, 20.0), false)),
        (3, wheel((-0.25, 0.0), (-2.0, 0.0), true)),
        (4, wheel((0.0, 0.0), (5.0, 0.0), true)),
        (5, wheel((0.0, 0.0), (0.0, 0.0), true)),
    ];
    let expected = ["1 Vertical 1 false", "2 Horizontal -2 false", "3 Vertical -0.25 true", "4 Vertical 0.5 true"];
    assert_eq!(told(&mut follower, &acts), expected);
}

#[test]
fn a_tap_that_was_off_is_a_loss_and_what_is_down_is_compared() {
    let mut follower = follower();
    told(&mut follower, &[(10, key(KEY_A, true)), (11, modifiers(SHIFT_LEFT, 0x2_0002))]);
    let mut out = Stamped::new();
    assert_eq!(follower.watch((true, true), || unreachable!("it was not off"), ms(20), &mut out), Ok(()));
    told(&mut follower, &[(300, TapEvent::off(false).act)]);
    let down = Down { keys: BTreeSet::from([SHIFT_LEFT, 0x0c, CAPS_LOCK]), buttons: vec![Button::Right] };
    assert_eq!(follower.watch((false, true), || down, ms(301), &mut out), Ok(()));
    let expected = ["20 tap_disabled_by_timeout until 301", "301 0x0 up", "301 0xc down", "301 right true"];
    assert_eq!(words(&out), expected);
    out.clear();
    assert_eq!(follower.watch((true, true), Down::default, ms(400), &mut out), Ok(()));
    assert!(out.is_empty(), "told once");
}

#[test]
fn a_tap_that_was_turned_off_without_a_word_is_a_loss_too_and_one_that_stays_off_the_end() {
    let mut follower = follower();
    let mut out = Stamped::new();
    assert_eq!(follower.watch((false, false), Down::default, ms(100), &mut out), Ok(()));
    assert_eq!(follower.watch((false, true), Down::default, ms(200), &mut out), Ok(()));
    assert_eq!(words(&out), ["0 tap_disabled until 200"]);
    told(&mut follower, &[(300, TapEvent::off(true).act)]);
    assert_eq!(follower.watch((false, false), Down::default, ms(5199), &mut out), Ok(()));
    assert_eq!(follower.watch((false, false), Down::default, ms(5200), &mut out), Err(Deaf));
}

#[test]
fn what_is_held_is_released_at_the_lock_and_nothing_is_heard_behind_it() {
    let mut follower = follower();
    told(&mut follower, &[(1, key(KEY_A, true)), (2, Act::Button { number: 0, down: true })]);
    let mut out = Stamped::new();
    follower.lock(true, ms(10), &mut out);
    follower.lock(true, ms(20), &mut out);
    assert_eq!(words(&out), ["10 0x0 up", "10 left false"]);
    assert!(follower.is_locked() && told(&mut follower, &[(30, key(KEY_A, true))]).is_empty());
    out.clear();
    follower.lock(false, ms(40), &mut out);
    assert_eq!(words(&out), ["10 session_locked until 40"]);
    assert_eq!(told(&mut follower, &[(50, key(KEY_A, false)), (51, key(KEY_A, true))]), ["51 0x0 down"]);
}

#[test]
fn what_was_released_unheard_goes_up_and_what_was_pressed_unheard_stays_unknown() {
    let down = Down { keys: BTreeSet::from([KEY_A, SHIFT_LEFT]), buttons: vec![] };
    let mut follower = Follower::new(&down, false, ms(0));
    assert_eq!(follower.keys(), [(Some(HidUsage(0x04)), 0), (Some(HidUsage(0xe1)), 0x38)]);
    let mut out = Stamped::new();
    follower.release(&Down { keys: BTreeSet::from([SHIFT_LEFT, 0x0c]), buttons: vec![] }, ms(9), &mut out);
    assert_eq!(words(&out), ["9 0x0 up"]);
}
