//! What was done in each step: the inputs of its time, counted and added up, and what was held at its end.
//!
//! Keeps the invariant that an [`Action`] is a function of the rows before its step's end and of nothing later. Input rows that are no
//! action of this time (`held=1`: the edges of a recording or a pause) change what is held and are counted nowhere; auto-repeats are
//! counted on their own. docs/EXPORTS.md says it column by column.

use super::error::ExportError;
use super::pads::PadAction;
use super::source::{PROGRESS_ROWS, Source};
use super::steps::Step;
use super::unseen::Unseen;
use crate::base::event::Button;
use crate::base::progress::{self, Progress};
use crate::session::metadata::InitialState;
use crate::session::table::row::{OwnedRow, event_type, key};

/// Key of a row that says where a motion came from, and the word for one that no device made.
const ORIGIN: &str = "origin";
const WARP: &str = "warp";

/// A set of keys: bit *u* % 8 of byte *u* / 8 is USB HID usage *u* of the keyboard page, 0 to 255.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeySet(pub [u8; 32]);

impl KeySet {
    /// Adds a key or takes it out. Codes outside of 0 to 255 are not in any set.
    pub fn set(&mut self, usage: i32, held: bool) {
        if let Ok(usage) = u8::try_from(usage) {
            let (byte, bit) = (usize::from(usage / 8), 1 << (usage % 8));
            self.0[byte] = if held { self.0[byte] | bit } else { self.0[byte] & !bit };
        }
    }

    /// Whether a key is in it.
    pub fn holds(&self, usage: u8) -> bool {
        self.0[usize::from(usage / 8)] & (1 << (usage % 8)) != 0
    }

    /// The keys in it, by rising usage.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|usage| self.holds(*usage))
    }
}

/// The bit of a button: 1 left, 2 right, 4 middle, 8 x1, 16 x2. 0 for a name that is none of these.
pub fn button_bit(name: &str) -> u8 {
    Button::ALL.iter().position(|button| button.name() == name).map_or(0, |index| 1 << index)
}

/// What was done in one step.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Action {
    /// Keys that are down when the step ends.
    pub keys: KeySet,
    /// Keys that went down in it.
    pub keys_pressed: KeySet,
    /// Keys that went up in it.
    pub keys_released: KeySet,
    /// How often a key went down, those without a code too.
    pub key_presses: u32,
    /// How often a key went up.
    pub key_releases: u32,
    /// How often a key that was down repeated.
    pub key_repeats: u32,
    /// Of the presses and releases, how many have no code: withheld, or a key without one.
    pub keys_unknown: u32,
    /// Buttons that are down when the step ends.
    pub buttons: u8,
    /// Buttons that went down in it.
    pub buttons_pressed: u8,
    /// Buttons that went up in it.
    pub buttons_released: u8,
    /// How often a button went down.
    pub button_presses: u32,
    /// How often a button went up.
    pub button_releases: u32,
    /// Of the clicks, how many say neither which button nor whether it went down or up.
    pub buttons_unknown: u32,
    /// Relative motion to the right, device counts; `None` when something moved the pointer and a row of it does not say by how much.
    pub dx: Option<f64>,
    /// Relative motion downwards.
    pub dy: Option<f64>,
    /// How often a device moved the pointer, or itself.
    pub moves: u32,
    /// How often a program did, and no device.
    pub warps: u32,
    /// Where the pointer was last, 0 to 1 from the left of the surface; `None` when that was never said.
    pub x: Option<f32>,
    /// 0 to 1 from the top.
    pub y: Option<f32>,
    /// Where the pointer was when the step began, the same way; `None` when that was never said before.
    pub at_begin: Option<(f32, f32)>,
    /// Steps of the horizontal wheel, right positive; `None` when it turned and a row does not say by how much.
    pub wheel_x: Option<f64>,
    /// Steps of the vertical wheel, up positive.
    pub wheel_y: Option<f64>,
    /// What gamepads did.
    pub pads: PadAction,
    /// Input rows.
    pub events: u32,
    /// What of the input nobody saw.
    pub unseen: Unseen,
    /// Some input of this time is missing.
    pub input_gap: bool,
    /// Recording was paused in it.
    pub paused: bool,
}

/// A sum that is unknown as soon as one part of it is.
#[derive(Clone, Copy, Default)]
struct Sum {
    total: f64,
    is_unknown: bool,
}

impl Sum {
    fn add(&mut self, part: Option<f32>) {
        self.total += f64::from(part.unwrap_or_default());
        self.is_unknown |= part.is_none();
    }

    fn known(self) -> Option<f64> {
        (!self.is_unknown).then_some(self.total)
    }
}

/// What is held, and what the step so far has seen.
#[derive(Default)]
struct Fold {
    now: Action,
    dx: Sum,
    dy: Sum,
    wheel_x: Sum,
    wheel_y: Sum,
}

/// Whether a `mouse_move` row says that no device made it: a program put the pointer there.
pub(super) fn is_warp(row: &OwnedRow) -> bool {
    row.metadata.get(ORIGIN) == Some(WARP)
}

impl Fold {
    fn new(initial: &InitialState) -> Self {
        let mut fold = Self::default();
        for usage in initial.keys.iter().flatten() {
            fold.now.keys.set(*usage, true);
        }
        for button in initial.buttons.iter().flatten() {
            fold.now.buttons |= button_bit(button);
        }
        if let Some([x, y]) = initial.pointer {
            (fold.now.x, fold.now.y) = (Some(x as f32), Some(y as f32));
        }
        fold
    }

    /// Begins a step: what is held stays, counts are new.
    fn begin(&mut self) {
        let Action { keys, buttons, x, y, mut pads, .. } = self.now;
        let at_begin = x.zip(y);
        pads.begin();
        *self = Self { now: Action { keys, buttons, x, y, at_begin, pads, ..Action::default() }, ..Self::default() };
    }

    /// The step's action when it ends now.
    fn end(&self) -> Action {
        // Where only programs moved the pointer, the devices' motion is not what moved it.
        let only_warps = self.now.warps > 0 && self.now.moves == 0;
        let motion = |sum: Sum| sum.known().filter(|_| !only_warps);
        Action {
            dx: motion(self.dx),
            dy: motion(self.dy),
            wheel_x: self.wheel_x.known(),
            wheel_y: self.wheel_y.known(),
            ..self.now
        }
    }

    fn take(&mut self, row: &OwnedRow) {
        let now = &mut self.now;
        let done = row.metadata.get(key::HELD).is_none();
        let count = |on: bool| u32::from(on && done);
        match row.event_type.as_str() {
            event_type::KEY_DOWN | event_type::KEY_UP => {
                let down = row.event_type == event_type::KEY_DOWN;
                let repeat = down && row.repeat == Some(true);
                now.key_repeats += count(repeat);
                now.key_presses += count(down && !repeat);
                now.key_releases += count(!down);
                now.keys_unknown += count(!repeat && row.key_code.is_none());
                if let Some(usage) = row.key_code {
                    now.keys.set(usage, down);
                    if done && !repeat {
                        let set = if down { &mut now.keys_pressed } else { &mut now.keys_released };
                        set.set(usage, true);
                    }
                }
            }
            event_type::MOUSE_CLICK => {
                let bit = row.mouse_button.as_deref().map_or(0, button_bit);
                // What nobody knows (an import without the column) is neither.
                now.buttons_unknown += count(row.pressed.is_none() || bit == 0);
                if let Some(down) = row.pressed {
                    now.button_presses += count(down);
                    now.button_releases += count(!down);
                    now.buttons = if down { now.buttons | bit } else { now.buttons & !bit };
                    if done {
                        let set = if down { &mut now.buttons_pressed } else { &mut now.buttons_released };
                        *set |= bit;
                    }
                }
            }
            event_type::MOUSE_MOVE => {
                if is_warp(row) {
                    now.warps += 1;
                } else {
                    now.moves += 1;
                    self.dx.add(row.mouse_dx);
                    self.dy.add(row.mouse_dy);
                }
            }
            event_type::WHEEL => {
                let is_horizontal = row.metadata.get(key::AXIS) == Some("horizontal");
                if is_horizontal { self.wheel_x.add(row.delta) } else { self.wheel_y.add(row.delta) }
            }
            event_type::GAMEPAD_BUTTON | event_type::GAMEPAD_AXIS => {
                now.pads.take(row);
            }
            _ => return,
        }
        now.events += count(true);
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            (now.x, now.y) = (Some(x), Some(y));
        }
    }
}

/// Folds rows (in order) into one action per step (in order, not overlapping). `next` fills a row and answers false at the end.
///
/// # Errors
/// Those of `next` and `each`.
pub fn fold(
    initial: &InitialState,
    steps: &[Step],
    next: &mut dyn FnMut(&mut OwnedRow) -> Result<bool, ExportError>,
    each: &mut dyn FnMut(usize, &Step, Action) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let mut fold = Fold::new(initial);
    let mut row = OwnedRow::default();
    let mut at = 0;
    let mut inside = false;
    while at < steps.len() && next(&mut row)? {
        while let Some(step) = steps.get(at) {
            if !inside && row.t_ns >= step.start_ns {
                fold.begin();
                inside = true;
            }
            if row.t_ns < step.end_ns {
                break;
            }
            each(at, step, fold.end())?;
            at += 1;
            inside = false;
        }
        fold.take(&row);
    }
    for (index, step) in steps.iter().enumerate().skip(at) {
        if !inside {
            fold.begin();
        }
        each(index, step, fold.end())?;
        inside = false;
    }
    Ok(())
}

/// The actions of a session, one per step.
///
/// # Errors
/// When rows cannot be read, and those of `each`.
pub fn for_each(
    source: &Source,
    steps: &[Step],
    progress: Progress<'_>,
    each: &mut dyn FnMut(usize, &Step, Action) -> Result<(), ExportError>,
) -> Result<(), ExportError> {
    let events = source.reader().events();
    let (mut rows, of, mut done) = (events.rows(), events.len(), 0_u64);
    let mut next = |row: &mut OwnedRow| {
        done += 1;
        if done.is_multiple_of(PROGRESS_ROWS) {
            progress(progress::Step { what: "inputs", done, of });
        }
        Ok(rows.next_into(row)?)
    };
    fold(&source.reader().metadata().initial_state, steps, &mut next, &mut |index, step, action| {
        let input_gap = source.input_gaps.touch(step.start_ns, step.end_ns);
        let paused = source.pauses.touch(step.start_ns, step.end_ns);
        let unseen = source.blind.between(step.start_ns, step.end_ns);
        each(index, step, Action { unseen, input_gap, paused, ..action })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    struct Made {
        gap: i64,
        kind: usize,
        code: Option<i32>,
        flag: bool,
        held: bool,
        value: i16,
        told: bool,
    }

    fn made() -> impl Strategy<Value = Made> {
        (
            0_i64..4,
            0_usize..7,
            proptest::option::of(0_i32..300),
            any::<bool>(),
            prop::bool::weighted(0.1),
            -5_i16..5,
            any::<bool>(),
        )
            .prop_map(|(gap, kind, code, flag, held, value, told)| Made {
                gap,
                kind,
                code,
                flag,
                held,
                value,
                told,
            })
    }

    /// Rows as a session has them: in order, frames numbered, `frame_ref` by the rule of the format.
    fn rows(made: &[Made]) -> Vec<OwnedRow> {
        let kinds = ["frame", "key_down", "key_up", "mouse_move", "mouse_click", "wheel", "focus"];
        let (mut t, mut frames, mut last_frame) = (1_000, 0, i64::MIN);
        let mut rows = Vec::new();
        for made in made {
            let kind = kinds[made.kind];
            t += made.gap;
            // Times of frames rise strictly.
            if kind == "frame" {
                t = t.max(last_frame + 1);
                last_frame = t;
            }
            let mut row = OwnedRow { t_ns: t, event_type: kind.into(), ..OwnedRow::default() };
            match kind {
                "frame" => {
                    row.frame_ref = Some(frames);
                    frames += 1;
                }
                "key_down" | "key_up" => {
                    row.key_code = made.code;
                    row.pressed = Some(kind == "key_down");
                    row.repeat = (kind == "key_down").then_some(made.flag);
                }
                "mouse_move" => {
                    row.mouse_dx = made.told.then_some(f32::from(made.value));
                    row.mouse_dy = made.told.then_some(f32::from(made.value) * 0.5);
                }
                "mouse_click" => {
                    row.mouse_button = Some(Button::ALL[made.value.unsigned_abs() as usize % 5].name().into());
                    row.pressed = Some(made.flag);
                }
                "wheel" => {
                    row.delta = made.told.then_some(f32::from(made.value));
                    if made.flag {
                        row.metadata.push_str(key::AXIS, "horizontal");
                    }
                }
                _ => {}
            }
            if kind.starts_with("mouse") && made.flag {
                (row.mouse_x, row.mouse_y) = (Some(f32::from(made.value)), Some(0.25));
            }
            if made.held && (kind.starts_with("key") || kind == "mouse_click") {
                row.metadata.push_flag(key::HELD);
            }
            rows.push(row);
        }
        let frames: Vec<_> = rows.iter().filter(|r| r.event_type == "frame").map(|r| r.t_ns).collect();
        for row in &mut rows {
            row.frame_ref = frames.iter().rposition(|t| *t <= row.t_ns).map(|index| index as i64);
        }
        rows
    }

    fn folded(initial: &InitialState, rows: &[OwnedRow], steps: &[Step]) -> Vec<Action> {
        let (mut rows, mut out) = (rows.iter(), Vec::new());
        let mut next = |row: &mut OwnedRow| {
            let found = rows.next();
            found.inspect(|found| row.clone_from(found));
            Ok(found.is_some())
        };
        fold(initial, steps, &mut next, &mut |index, _, action| {
            assert_eq!(index, out.len());
            out.push(action);
            Ok(())
        })
        .expect("nothing here fails");
        out
    }

    fn steps_of(rows: &[OwnedRow]) -> Vec<Step> {
        let times: Vec<_> = rows.iter().filter(|r| r.event_type == "frame").map(|r| r.t_ns).collect();
        let end = |k: usize| times.get(k + 1).copied().unwrap_or(i64::MAX);
        (0..times.len()).map(|k| Step { frame: k, start_ns: times[k], end_ns: end(k) }).collect()
    }

    proptest! {
        /// The definition, written once more: by `frame_ref` and not by time, and every step from the beginning.
        #[test]
        fn step_k_is_the_inputs_with_frame_ref_k(made in prop::collection::vec(made(), 0..80)) {
            let initial = InitialState { keys: Some(vec![4, 7]), buttons: Some(vec!["right".into()]), ..InitialState::default() };
            let rows = rows(&made);
            let found = folded(&initial, &rows, &steps_of(&rows));
            for (k, found) in found.iter().enumerate() {
                let k = k as i64;
                let own = |kind: &str| rows.iter().filter(|r| r.frame_ref == Some(k) && r.event_type == kind).collect::<Vec<_>>();
                let done = |row: &&&OwnedRow| row.metadata.get("held").is_none();
                let before: Vec<_> = rows.iter().filter(|r| r.frame_ref.is_none_or(|f| f <= k)).collect();
                for usage in 0..=255_u8 {
                    let last = before.iter().rfind(|r| r.key_code == Some(i32::from(usage)));
                    let down = last.map_or([4, 7].contains(&usage), |r| r.event_type == "key_down");
                    prop_assert_eq!(found.keys.holds(usage), down, "usage {} at {}", usage, k);
                    let pressed = own("key_down").iter().filter(done).any(|r| r.key_code == Some(i32::from(usage)) && r.repeat == Some(false));
                    prop_assert_eq!(found.keys_pressed.holds(usage), pressed);
                    let released = own("key_up").iter().filter(done).any(|r| r.key_code == Some(i32::from(usage)));
                    prop_assert_eq!(found.keys_released.holds(usage), released);
                }
                let presses = own("key_down").iter().filter(done).filter(|r| r.repeat == Some(false)).count();
                let releases = own("key_up").iter().filter(done).count();
                prop_assert_eq!((found.key_presses as usize, found.key_releases as usize), (presses, releases));
                prop_assert_eq!(found.key_repeats as usize, own("key_down").iter().filter(done).filter(|r| r.repeat == Some(true)).count());
                for (index, button) in Button::ALL.iter().enumerate() {
                    let last = before.iter().rfind(|r| r.mouse_button.as_deref() == Some(button.name()));
                    let down = last.map_or(button.name() == "right", |r| r.pressed == Some(true));
                    prop_assert_eq!(found.buttons & (1 << index) != 0, down);
                }
                let moves = own("mouse_move");
                let dx = moves.iter().map(|r| r.mouse_dx.map(f64::from)).sum::<Option<f64>>();
                prop_assert_eq!(found.dx.map(|v| v + 0.0), dx.map(|v| v + 0.0));
                let wheel = own("wheel").iter().filter(|r| r.metadata.get("axis").is_none()).map(|r| r.delta.map(f64::from)).sum::<Option<f64>>();
                prop_assert_eq!(found.wheel_y.map(|v| (v + 0.0).to_bits()), wheel.map(|v| (v + 0.0).to_bits()));
                let position = before.iter().rfind(|r| r.mouse_x.is_some()).and_then(|r| r.mouse_x);
                prop_assert_eq!(found.x, position);
                let inputs = ["key_down", "key_up", "mouse_move", "mouse_click", "wheel"];
                prop_assert_eq!(found.events as usize, inputs.iter().map(|kind| own(kind).iter().filter(done).count()).sum::<usize>());
            }
        }

        /// What comes later changes nothing: cut the rows behind a step's end, and the step is the same.
        #[test]
        fn a_step_knows_nothing_of_what_follows(made in prop::collection::vec(made(), 1..60), cut in 0_usize..60) {
            let rows = rows(&made);
            let steps = steps_of(&rows);
            let whole = folded(&InitialState::default(), &rows, &steps);
            let Some(step) = steps.get(cut) else { return Ok(()) };
            let cut_rows: Vec<_> = rows.iter().filter(|r| r.t_ns < step.end_ns).cloned().collect();
            let part = folded(&InitialState::default(), &cut_rows, &steps[..=cut]);
            prop_assert_eq!(&part[..], &whole[..=cut]);
        }

        /// Steps that were left out take their inputs with them and leave what is held.
        #[test]
        fn leaving_steps_out_changes_no_other(made in prop::collection::vec(made(), 1..60), keep in prop::collection::vec(any::<bool>(), 60)) {
            let rows = rows(&made);
            let steps = steps_of(&rows);
            let whole = folded(&InitialState::default(), &rows, &steps);
            let kept: Vec<_> = steps.iter().copied().filter(|s| keep[s.frame]).collect();
            let wanted: Vec<_> = kept.iter().map(|s| whole[s.frame]).collect();
            prop_assert_eq!(folded(&InitialState::default(), &rows, &kept), wanted);
        }
    }
}
