//! Tests of what is written of the inputs: nothing secret, everything balanced.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::base::event::Axis;
use crate::base::hid::usage_of_code;
use crate::privacy::chat::{ChatKeys, WindowMatch};
use crate::privacy::keys::parse_keys;

const SURFACE: Surface = Surface { x: 0, y: 0, width: 100, height: 100, scale: None };

fn inputs(policy: KeyPolicy, chat: bool, window: Option<&str>) -> Inputs {
    let keys = |codes: &[&str]| codes.iter().filter_map(|code| usage_of_code(code)).collect();
    let windows = WindowMatch { apps: vec!["game".into()], ..WindowMatch::default() };
    let (open, close) = (keys(&["Enter"]), keys(&["Enter", "Escape"]));
    let chats = chat.then_some(ChatKeys { open, close, windows }).into_iter().collect();
    let game_keys = parse_keys(&["KeyW".into()]).expect("a key");
    Inputs::new(SURFACE, KeyRules { policy, game_keys, chats }, window.map(str::to_owned), Hotkeys::default())
}

/// Feeds a script: `+a`, `-a` press and release a letter (`+E` is Enter), `!` begins and `?` ends a secret span, `@x` focuses
/// window and application `x`, `~` loses something. Answers with what was written of it: `+a`, `-a`, `+*` without a code, `^` after
/// what states what is held, `a'` for a repeat.
fn run(inputs: &mut Inputs, script: &str) -> String {
    let mut out = Vec::new();
    let mut said = Vec::new();
    for (t, word) in script.split(' ').enumerate() {
        let rest = word.get(1..).unwrap_or_default();
        let input = match word.as_bytes()[0] {
            sign @ (b'+' | b'-') => RawInput::Key {
                usage: usage_of_code(&if rest == "E" {
                    "Enter".to_owned()
                } else {
                    format!("Key{}", rest.to_uppercase())
                }),
                native: 1000 + u32::from(rest.as_bytes()[0]),
                down: sign == b'+',
                repeat: false,
            },
            b'(' => RawInput::Button { button: Button::Left, pressed: true, position: None },
            b')' => RawInput::Button { button: Button::Left, pressed: false, position: None },
            b'!' => RawInput::Secret { reason: Some(Reason::Excluded) },
            b'?' => RawInput::Secret { reason: None },
            b'~' => RawInput::Lost { reason: "test", count: None, until: MonoNs(t as i64) },
            b'w' => RawInput::Wheel { axis: Axis::Vertical, delta: 1.0, hi_res: false, position: None },
            _ => {
                let (window_id, app) = (rest.to_owned(), rest.to_owned());
                RawInput::Focus { window_id, title: Content("a title".into()), app, pid: Some(7) }
            }
        };
        inputs.take(StampedInput { t: MonoNs(t as i64), source: Source::Synthetic, input }, &mut out);
    }
    for (_, source, event) in out {
        let held = if source == Source::Recorder { "^" } else { "" };
        match event {
            Event::Key(key) => {
                assert_eq!(key.redacted, key.native.is_none(), "a code that is withheld is so in every form");
                assert!(!key.redacted || key.usage.is_none());
                let name = key.native.map_or('*', |native| char::from((native - 1000) as u8));
                let repeat = if key.repeat { "'" } else { "" };
                said.push(format!("{}{name}{repeat}{held}", if key.down { '+' } else { '-' }));
            }
            Event::MouseClick { pressed, .. } => said.push(format!("{}{held}", if pressed { '(' } else { ')' })),
            Event::Wheel { .. } => said.push("w".into()),
            Event::Focus { title, app, pid, .. } => {
                assert_eq!(title.0.is_empty(), app.is_empty());
                said.push(format!("@{app}{}", if pid.is_some() { "" } else { "-" }));
            }
            Event::Redact { what, reason, until, .. } => said.push(format!("[{what} {reason} ..{}]", until.0)),
            Event::Gap(_) => said.push("~".into()),
            _ => said.push("?".into()),
        }
    }
    said.join(" ")
}

#[test]
fn keys_typed_into_an_excluded_window_have_no_code_in_any_form() {
    let all = || inputs(KeyPolicy::All, false, None);
    assert_eq!(
        run(&mut all(), "+a ! +b +b -b -a +c ? -c +c -c"),
        "+a +* +*' -* -a +* [keys excluded_app ..7] -* +c -c"
    );
    // The key that was pressed in the open is released in the open; the one that was not never appears, also not by its repeats.
    assert_eq!(run(&mut all(), "! +d ? +d +d -d +d -d"), "+* [keys excluded_app ..2] +*' +*' -* +d -d");
    // A release that was lost: the code stays secret until the key is known to be up.
    assert_eq!(run(&mut all(), "! +e ? ~ +e -e +e"), "+* [keys excluded_app ..2] ~ +*' -* +e");
    // A press that was lost: it may have been secret, and so may the word that it was.
    assert_eq!(run(&mut all(), "-d ~ -e +f -f -e"), "-d ~ -* +f -f -*");
}

#[test]
fn a_secret_key_that_is_held_through_a_pause_stays_secret_to_its_release() {
    let key = |t, code: &str, down| {
        let input = RawInput::Key { usage: usage_of_code(code), native: 7, down, repeat: false };
        StampedInput { t: MonoNs(t), source: Source::Synthetic, input }
    };
    let secret =
        |t, reason| StampedInput { t: MonoNs(t), source: Source::Synthetic, input: RawInput::Secret { reason } };
    let mut all = inputs(KeyPolicy::All, false, None);
    let mut out = Vec::new();
    all.take(secret(0, Some(Reason::Excluded)), &mut out);
    all.take(key(1, "KeyA", true), &mut out);
    // One that is held when the pause begins, and one that goes down in it; the window is left in it.
    all.overlook(key(2, "KeyB", true), &mut out);
    all.overlook(secret(3, None), &mut out);
    all.overlook(key(4, "KeyC", true), &mut out);
    all.go_on(MonoNs(5), &mut out);
    for code in ["KeyA", "KeyB", "KeyC"] {
        all.take(key(6, code, false), &mut out);
    }
    let keys: Vec<_> = out
        .iter()
        .filter_map(|(t, _, event)| match event {
            Event::Key(key) => Some((t.0, key.down, key.usage)),
            _ => None,
        })
        .collect();
    let c = usage_of_code("KeyC");
    let stated = [(5, true, None), (5, true, None), (5, true, c)];
    let released = [(6, false, None), (6, false, None), (6, false, c)];
    assert_eq!(keys, [&[(1, true, None)][..], &stated, &released].concat());
}

#[test]
fn what_is_typed_into_chat_has_no_code_and_the_span_is_told() {
    let mut game = inputs(KeyPolicy::All, true, None);
    let told = run(&mut game, "@game +w -w +E -E +h -h +i +E -E -i +w");
    assert_eq!(told, "@game +w -w +E -E +* -* +* +E [keys chat ..8] -E -* +w");
    let told = run(&mut game, "-w +E -E @term +h -h @game +h -h");
    assert_eq!(told, "-w +E -E @term [keys chat ..11] +h -h @game +* -*");
}

#[test]
fn under_no_text_only_keys_that_write_none_have_codes_and_under_none_there_are_no_keys() {
    assert_eq!(run(&mut inputs(KeyPolicy::NoText, false, None), "+w +a -a -w +E -E"), "+w +* -* -w +E -E");
    assert_eq!(run(&mut inputs(KeyPolicy::None, false, None), "+w ( -w +E ) w -E"), "( ) w");
}

#[test]
fn for_a_window_only_its_own_input_is_written_and_both_edges_are_balanced() {
    let mut only = inputs(KeyPolicy::All, false, Some("mine"));
    assert_eq!(run(&mut only, "+a ( -a w +b"), "", "nobody said yet that it has the focus");
    let told = run(&mut only, "@mine +c @other -c +d w ) +x -x @mine -d -b");
    let redacted = "[input window_without_focus ..4]";
    assert!(told.starts_with(&format!("@mine {redacted} +b^ (^ +c -b^ -c^ )^ @- ")), "{told}");
    assert!(told.ends_with("@mine [input window_without_focus ..9] +b^ +d^ -d -b"), "{told}");
    assert!(!told.split(' ').any(|word| ["w", "+x", "-x"].contains(&word)), "{told}");
}

#[test]
fn a_span_without_focus_at_the_start_is_told_only_when_something_was_withheld() {
    let told = |script: &str| run(&mut inputs(KeyPolicy::All, false, Some("mine")), script);
    assert_eq!(told("@mine +a -a"), "@mine +a -a");
    assert_eq!(told("@other @mine +a -a"), "@- @mine +a -a");
    assert_eq!(told("@other +a -a @mine"), "@- @mine [input window_without_focus ..3]");
    // Something is held: that is withheld.
    let mut mine = inputs(KeyPolicy::All, false, Some("mine"));
    let initial = InitialState { buttons: vec![Button::Left], ..InitialState::default() };
    mine.begin(MonoNs(0), &initial, &mut Vec::new());
    assert_eq!(run(&mut mine, "@mine"), "@mine [input window_without_focus ..0] (^");
}

#[test]
fn while_the_surface_is_away_input_is_that_of_others_and_both_edges_are_balanced() {
    for window in [None, Some("mine")] {
        let mut some = inputs(KeyPolicy::All, false, window);
        assert_eq!(run(&mut some, "@mine +a ("), "@mine +a (");
        let mut out = Vec::new();
        // The screen's word is from before the last input: nothing is released before it was pressed.
        some.surface_away(MonoNs(1), &mut out);
        assert!(
            out.len() == 2 && out.iter().all(|(t, source, _)| (t.0, *source) == (2, Source::Recorder)),
            "{window:?}"
        );
        assert_eq!(run(&mut some, "-a +b )"), "");
        out.clear();
        some.surface_back(MonoNs(5), None, &mut out);
        let told: Vec<_> = out
            .iter()
            .map(|(t, _, event)| match event {
                Event::Redact { reason, until, .. } => (t.0, until.0, reason.clone()),
                Event::Key(key) => (t.0, key.native.map_or(0, i64::from), "key".into()),
                _ => (t.0, 0, "?".into()),
            })
            .collect();
        assert_eq!(told, [(2, 5, "target_absent".to_owned()), (5, 1098, "key".into())], "{window:?}");
    }
}

#[test]
fn a_window_that_takes_the_place_of_the_recorded_one_is_it_from_then_on() {
    let mut mine = inputs(KeyPolicy::All, false, Some("mine"));
    assert_eq!(run(&mut mine, "@mine +a"), "@mine +a");
    let mut out = Vec::new();
    mine.surface_away(MonoNs(2), &mut out);
    assert_eq!(run(&mut mine, "-a @new +b"), "@-", "its title is not told before it is known");
    out.clear();
    mine.surface_back(MonoNs(9), Some("new".into()), &mut out);
    assert!(matches!(&out[0].2, Event::Focus { window_id, app, .. } if (&**window_id, &**app) == ("new", "new")));
    assert!(matches!(&out[2].2, Event::Key(key) if key.native == Some(1098) && key.down));
    assert_eq!(run(&mut mine, "-b @mine +c"), "-b @-");
}

#[test]
fn a_secret_at_the_start_is_one_at_every_edge() {
    let mut all = inputs(KeyPolicy::All, false, None);
    let key = (usage_of_code("KeyS"), 1000 + u32::from(b's'));
    let initial = InitialState { keys: vec![key], secret: Some(Reason::LockScreen), ..InitialState::default() };
    assert!(!all.may_tell_initial(&initial));
    let mut out = Vec::new();
    all.begin(MonoNs(0), &initial, &mut out);
    assert!(matches!(
        &out[..],
        [(_, Source::Recorder, Event::Key(Key { native: None, redacted: true, down: true, .. }))]
    ));
    assert_eq!(run(&mut all, "? -s +s"), "[keys lock_screen ..0] -* +s");
}

proptest! {
    /// Whatever happens: presses and releases are balanced, per code and among those without, and what was pressed while it was
    /// secret is nowhere.
    #[test]
    fn every_press_has_its_release_and_no_secret_is_told(words in proptest::collection::vec(0_u8..10, 1..80)) {
        let mut all = inputs(KeyPolicy::All, true, Some("game"));
        let mut script = vec!["@game".to_owned()];
        let (mut down, mut secret, mut allowed) = (BTreeSet::new(), false, BTreeSet::new());
        for word in words {
            let next = match word {
                0 => { secret = true; "!".to_owned() }
                1 => { secret = false; "?".to_owned() }
                2 => "@other".into(),
                3 => "@game".into(),
                n => {
                    // A secret span has keys of its own, so that one of them in the open is a mistake.
                    let key = char::from(b'a' + n + if secret { 10 } else { 0 });
                    if secret { } else { allowed.insert(key); }
                    if down.remove(&key) { format!("-{key}") } else { down.insert(key); format!("+{key}") }
                }
            };
            script.push(next);
        }
        // Everything is let go; then the recorded window loses the focus.
        script.extend(down.iter().map(|key| format!("-{key}")));
        script.push("@other".into());
        let told = run(&mut all, &script.join(" "));
        let mut balance = BTreeMap::new();
        for word in told.split(' ').filter(|word| word.starts_with(['+', '-']) && !word.contains('\'')) {
            let name = word.chars().nth(1).expect("a name");
            *balance.entry(name).or_insert(0) += if word.starts_with('+') { 1 } else { -1 };
            prop_assert!(name == '*' || allowed.contains(&name), "{name} in {told} from {script:?}");
        }
        prop_assert!(balance.values().all(|n| *n == 0), "{told} from {script:?}");
    }
}
