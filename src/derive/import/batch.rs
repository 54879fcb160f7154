//! Rows of another recorder as rows of this format: values in its types, units and names.
//!
//! Keeps the invariant that a value is taken over or refused, and never bent: what is none of its column's values is an error that names
//! row and column, and what other recorders write into a column that an event does not use (0, -1, "none") is no value.

use crate::base::arrow::array::{Array as _, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use serde_json::Value;
use watchcap_migrations::session::{v1_0, v1_0__to__v1_1};

use super::columns::{self, Misfit, Words, string};
use super::error::ImportError;
use super::keys::KeyTable;
use super::options::{BUTTONS, TimeUnit};
use super::pads;
use super::table::ForeignTable;
use crate::session::table::row::{OwnedRow, event_type, key};
use crate::session::table::schema::column;

/// Keys that say yes or no: `1` and `0` here, and elsewhere `true` and `false`.
const FLAGS: [&str; 7] = ["dup", "held", "hi_res", "keyframe", "pressed", "redacted", "repeat"];

/// Those of them that say no by their absence.
const ONLY_YES: [&str; 4] = [key::DUP, key::HELD, key::HI_RES, key::REDACTED];

/// What recorders write for "no button".
const NO_BUTTON: [&str; 5] = ["none", "null", "nan", "0", "-1"];

/// Longest value that a message quotes, characters.
const MAX_QUOTED: usize = 40;

/// What a code stands for that is beyond 32 bits, until it is known whether any code is a HID usage: no key has it.
const NO_KEY: i32 = i32::MAX;

/// Columns that an event type uses.
#[derive(Clone, Copy)]
struct Uses {
    /// Nothing is known of other types, so every value is theirs.
    is_registered: bool,
    key: bool,
    position: bool,
    button: bool,
    delta: bool,
    motion: bool,
    pressed: bool,
}

impl Uses {
    fn of(kind: &str) -> Self {
        let is_registered = event_type::ALL.contains(&kind);
        let any = |kinds: &[&str]| !is_registered || kinds.contains(&kind);
        Self {
            is_registered,
            key: any(&[event_type::KEY_DOWN, event_type::KEY_UP]),
            position: any(&[event_type::MOUSE_MOVE, event_type::MOUSE_CLICK, event_type::WHEEL]),
            button: any(&[event_type::MOUSE_CLICK]),
            delta: any(&[event_type::WHEEL]),
            motion: any(&[event_type::MOUSE_MOVE]),
            pressed: any(&[
                event_type::KEY_DOWN,
                event_type::KEY_UP,
                event_type::MOUSE_CLICK,
                event_type::GAMEPAD_BUTTON,
            ]),
        }
    }
}

/// Whether a number is one that recorders without nulls write for "none".
#[expect(clippy::float_cmp, reason = "these very numbers")]
fn is_filler(value: f64) -> bool {
    value == 0.0 || value == -1.0
}

/// A batch with its columns in types that rows are read from.
pub(crate) struct Batch<'a> {
    table: &'a ForeignTable,
    /// Index of its first row in the file.
    pub(crate) first: u64,
    t_ns: Int64Array,
    event_type: StringArray,
    key_code: Option<Int64Array>,
    mouse_x: Option<Float64Array>,
    mouse_y: Option<Float64Array>,
    mouse_button: Option<StringArray>,
    delta: Option<Float64Array>,
    frame_ref: Option<Int64Array>,
    window_id: Option<StringArray>,
    session_id: Option<StringArray>,
    words: Words,
    pressed: Option<BooleanArray>,
    mouse_dx: Option<Float64Array>,
    mouse_dy: Option<Float64Array>,
    repeat: Option<BooleanArray>,
    source: Option<StringArray>,
    kept: Vec<(&'a str, StringArray)>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(table: &'a ForeignTable, batch: &RecordBatch, first: u64) -> Result<Self, ImportError> {
        let known = &table.known;
        let refused = |index: usize, expected: &'static str| {
            let (column, found) = table.field(index);
            ImportError::Column { path: table.path().to_owned(), column, expected, found }
        };
        let misfit = |index: usize, expected: &'static str, why: Misfit| match why {
            Misfit::Type => refused(index, expected),
            Misfit::Row(row, what) => {
                let hint = format!("make the column one of {expected} with pyarrow");
                table.value_error(first + row as u64, &table.field(index).0, what, hint)
            }
        };
        let array = |index: usize| batch.column(index);
        let whole = |index: usize| columns::integers(array(index)).ok_or_else(|| refused(index, "whole numbers"));
        let number = |index: usize| columns::floats(array(index)).ok_or_else(|| refused(index, "numbers"));
        let text = |index: usize| columns::texts(array(index)).ok_or_else(|| refused(index, "text"));
        let name = |index: usize| columns::names(array(index)).ok_or_else(|| refused(index, "text"));
        let flag = |index: usize| columns::flags(array(index)).map_err(|why| misfit(index, "true and false", why));
        let words = match known.metadata {
            Some(index) => columns::words(array(index)).ok_or_else(|| refused(index, "a map of text, or text"))?,
            None => Words::None,
        };
        let t_ns = columns::times(array(known.t_ns), table.told.times)
            .map_err(|why| misfit(known.t_ns, "nanoseconds as whole numbers", why))?;
        if t_ns.null_count() > 0 {
            let row = (0..t_ns.len()).find(|row| t_ns.is_null(*row)).unwrap_or(0) as u64;
            return Err(ImportError::NoTime { path: table.path().to_owned(), row: first + row });
        }
        let as_text = |index: &usize| columns::as_text(array(*index));
        let kept = table.kept.iter().filter_map(|(name, index)| Some((name.as_str(), as_text(index)?))).collect();
        Ok(Self {
            table,
            first,
            t_ns,
            event_type: text(known.event_type)?,
            key_code: known.key_code.map(whole).transpose()?,
            mouse_x: known.mouse_x.map(number).transpose()?,
            mouse_y: known.mouse_y.map(number).transpose()?,
            mouse_button: known.mouse_button.map(name).transpose()?,
            delta: known.delta.map(number).transpose()?,
            frame_ref: known.frame_ref.map(whole).transpose()?,
            window_id: known.window_id.map(name).transpose()?,
            session_id: known.session_id.map(text).transpose()?,
            words,
            pressed: known.pressed.map(flag).transpose()?,
            mouse_dx: known.mouse_dx.map(number).transpose()?,
            mouse_dy: known.mouse_dy.map(number).transpose()?,
            repeat: known.repeat.map(flag).transpose()?,
            source: known.source.map(text).transpose()?,
            kept,
        })
    }

    /// Rows in it.
    pub(crate) fn len(&self) -> usize {
        self.t_ns.len()
    }

    /// Time of a row.
    pub(crate) fn t_ns(&self, at: usize) -> i64 {
        self.t_ns.value(at)
    }

    /// The session that a row says it is of.
    pub(crate) fn session_id(&self, at: usize) -> Option<&str> {
        string(self.session_id.as_ref(), at).filter(|id| !id.is_empty())
    }

    /// A row, lifted to this format; `frame_ref` as it stands in the file, the hash empty.
    pub(crate) fn row(&self, at: usize) -> Result<OwnedRow, ImportError> {
        let path = || self.table.path().to_owned();
        let number = self.first + at as u64;
        let fault = |what| ImportError::Row { path: path(), row: number, what };
        let kind = string(Some(&self.event_type), at).filter(|kind| !kind.is_empty());
        let kind = kind.ok_or_else(|| fault("it has no event_type"))?;
        let uses = Uses::of(kind);
        let mut entries = self.entries(at)?;
        let (key_code, native) = self.key(at, uses)?;
        if let Some(native) = native
            && entries.iter().all(|(key, _)| key != key::NATIVE)
        {
            entries.push((key::NATIVE.to_owned(), native.to_string()));
        }
        entries.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(fault("its metadata say two things of one key"));
        }
        let (mouse_x, mouse_y) = self.position(at, uses)?;
        let mut of_pad = OwnedRow { event_type: kind.to_owned(), ..OwnedRow::default() };
        if pads::is_pad(kind) {
            let said = entries.iter().find(|(key, _)| key == column::PRESSED).map(|(_, value)| value == "1");
            of_pad.pressed = self.pressed.as_ref().filter(|a| a.is_valid(at)).map(|a| a.value(at)).or(said);
            pads::take(&mut entries, &mut of_pad).map_err(|(column, what)| {
                let hint = "FORMAT.md says what rows of gamepads hold; put it right with pyarrow".to_owned();
                self.refused(at, column, what, hint)
            })?;
        }
        let old = v1_0::Row {
            t_ns: self.t_ns(at),
            event_type: kind,
            key_code,
            mouse_x,
            mouse_y,
            mouse_button: None,
            delta: self.delta(at, uses)?,
            frame_ref: self.frame_ref.as_ref().filter(|a| a.is_valid(at)).map(|a| a.value(at)),
            window_id: string(self.window_id.as_ref(), at).unwrap_or_default(),
            session_id: "",
            metadata: entries.iter().map(|(key, value)| (key.as_str(), value.as_str())),
        };
        let said_repeat = entries.iter().any(|(key, _)| key == "repeat");
        let new = v1_0__to__v1_1::step(old, 0);
        let flag = |column: Option<&BooleanArray>| column.filter(|a| a.is_valid(at)).map(|a| a.value(at));
        let motion = |array: Option<&Float64Array>, name| {
            let value = self.float(array, at, name)?;
            Ok::<_, ImportError>(value.filter(|value| uses.motion || *value != 0.0))
        };
        let mut row = OwnedRow {
            t_ns: new.base.t_ns,
            event_type: kind.to_owned(),
            key_code: new.base.key_code,
            mouse_x: new.base.mouse_x,
            mouse_y: new.base.mouse_y,
            mouse_button: self.button(at, uses)?,
            delta: new.base.delta,
            frame_ref: new.base.frame_ref,
            window_id: new.base.window_id.to_owned(),
            pressed: self.pressed(at, uses, kind, flag(self.pressed.as_ref()).or(new.pressed).or(of_pad.pressed))?,
            mouse_dx: motion(self.mouse_dx.as_ref(), column::MOUSE_DX)?.or(new.mouse_dx),
            mouse_dy: motion(self.mouse_dy.as_ref(), column::MOUSE_DY)?.or(new.mouse_dy),
            // What the step fills in holds only where the recorder flags repeats at all: see `survey`.
            repeat: flag(self.repeat.as_ref()).or(new.repeat.filter(|_| said_repeat)),
            source: string(self.source.as_ref(), at).or(new.source).map(str::to_owned),
            pad: of_pad.pad,
            control: of_pad.control,
            value: of_pad.value,
            ..OwnedRow::default()
        };
        for (key, value) in new.base.metadata {
            row.metadata.push_str(key, value);
        }
        // Of the video, and told by it.
        row.is_keyframe = None;
        if uses.is_registered && kind != event_type::KEY_DOWN {
            row.repeat = None;
        }
        Ok(row)
    }

    fn refused(&self, at: usize, column: &str, what: String, hint: String) -> ImportError {
        self.table.value_error(self.first + at as u64, column, what, hint)
    }

    /// A number of 32 bits; NaN is none.
    fn float(&self, array: Option<&Float64Array>, at: usize, column: &str) -> Result<Option<f32>, ImportError> {
        let value = array.filter(|array| array.is_valid(at)).map(|array| array.value(at));
        value.filter(|value| !value.is_nan()).map(|value| self.narrow(value, at, column)).transpose()
    }

    fn narrow(&self, value: f64, at: usize, column: &str) -> Result<f32, ImportError> {
        let narrow = value as f32;
        if narrow.is_finite() {
            return Ok(narrow);
        }
        let hint = "leave such rows out, or put them right, with pyarrow".to_owned();
        Err(self.refused(at, column, format!("{value} is no number of 32 bits"), hint))
    }

    /// Where the pointer is, as fractions.
    fn position(&self, at: usize, uses: Uses) -> Result<(Option<f32>, Option<f32>), ImportError> {
        let axis = |array: &Option<Float64Array>| {
            let value = array.as_ref().filter(|array| array.is_valid(at)).map(|array| array.value(at));
            value.filter(|value| !value.is_nan())
        };
        let (x, y) = (axis(&self.mouse_x), axis(&self.mouse_y));
        if uses.is_registered && !uses.position && x.is_none_or(is_filler) && y.is_none_or(is_filler) {
            return Ok((None, None));
        }
        let (x, y) = self.table.pixels.map_or((x, y), |area| area.fractions(x, y));
        let narrow = |value: Option<f64>, name| value.map(|value| self.narrow(value, at, name)).transpose();
        Ok((narrow(x, column::MOUSE_X)?, narrow(y, column::MOUSE_Y)?))
    }

    /// Steps of the wheel.
    fn delta(&self, at: usize, uses: Uses) -> Result<Option<f32>, ImportError> {
        let value = self.delta.as_ref().filter(|array| array.is_valid(at)).map(|array| array.value(at));
        let value = value.filter(|value| !value.is_nan() && (uses.delta || !is_filler(*value)));
        value.map(|value| self.narrow(value / self.table.told.wheel.unwrap_or(1.0), at, column::DELTA)).transpose()
    }

    /// The key, and the code that the recorder has for it where that is another one. What was not told is taken for a usage; whether it can be
    /// one shows when all rows are known.
    fn key(&self, at: usize, uses: Uses) -> Result<(Option<i32>, Option<i64>), ImportError> {
        let code = self.key_code.as_ref().filter(|array| array.is_valid(at)).map(|array| array.value(at));
        // No table has a key with these.
        let Some(code) = code.filter(|code| *code != 0 && *code != -1) else { return Ok((None, None)) };
        if !uses.key {
            return Ok((None, Some(code)));
        }
        match self.table.told.keys {
            None => Ok(i32::try_from(code).map_or((Some(NO_KEY), Some(code)), |usage| (Some(usage), None))),
            Some(KeyTable::Hid) => {
                let usage = KeyTable::Hid.usage(code);
                usage.map(|usage| (Some(usage), None)).ok_or_else(|| {
                    let command = self.table.command(&[("keys", "keysym")]);
                    let hint = format!("say which table the codes are of, hid, keysym, vk, evdev or x11: {command}");
                    self.refused(at, column::KEY_CODE, "its code is no HID usage".to_owned(), hint)
                })
            }
            Some(table) => Ok((table.usage(code), Some(code))),
        }
    }

    /// The button, by its name here.
    fn button(&self, at: usize, uses: Uses) -> Result<Option<String>, ImportError> {
        let Some(said) = string(self.mouse_button.as_ref(), at).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let told = &self.table.told.buttons;
        if let Some((_, ours)) = told.iter().find(|(theirs, _)| theirs == said) {
            return Ok(Some(ours.clone()));
        }
        // Some recorders put the name of a type before it: `Button.left`.
        let name = said.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        if BUTTONS.contains(&name.as_str()) {
            return Ok(Some(name));
        }
        if !uses.button && NO_BUTTON.contains(&name.as_str()) {
            return Ok(None);
        }
        let quoted: String = said.chars().take(MAX_QUOTED).collect();
        let what = format!("'{quoted}' is none of {}", BUTTONS.join(", "));
        let command = self.table.command(&[("buttons", "1=left,2=middle,3=right")]);
        Err(self.refused(at, column::MOUSE_BUTTON, what, format!("say which button is which, for example: {command}")))
    }

    /// Whether it went down; what contradicts the event is refused.
    fn pressed(&self, at: usize, uses: Uses, kind: &str, said: Option<bool>) -> Result<Option<bool>, ImportError> {
        let of_event = match kind {
            event_type::KEY_DOWN => Some(true),
            event_type::KEY_UP => Some(false),
            _ => None,
        };
        match (of_event, said) {
            (Some(down), Some(said)) if down != said => {
                let what = format!("{said} contradicts the event_type {kind}");
                let hint =
                    "FORMAT.md says what `pressed` is; put the column right, or leave it out, with pyarrow".to_owned();
                Err(self.refused(at, column::PRESSED, what, hint))
            }
            (Some(down), _) => Ok(Some(down)),
            (None, Some(false)) if !uses.pressed => Ok(None),
            (None, said) => Ok(said),
        }
    }

    /// The words of a row and the values of columns that this format does not have.
    fn entries(&self, at: usize) -> Result<Vec<(String, String)>, ImportError> {
        let path = || self.table.path().to_owned();
        let fault = |what| ImportError::Row { path: path(), row: self.first + at as u64, what };
        let mut out = self.words(at).ok_or_else(|| fault("its metadata are no JSON object"))?;
        for (name, values) in self.kept.iter().filter(|(_, values)| values.is_valid(at)) {
            let (name, value) = (*name, values.value(at));
            match out.iter().find(|(key, _)| key == name) {
                Some((_, said)) if said == value => {}
                Some(_) => {
                    let hint = "rename the column with pyarrow: table.rename_columns(…)".to_owned();
                    return Err(self.refused(
                        at,
                        name,
                        "its metadata say something else under this name".to_owned(),
                        hint,
                    ));
                }
                None => out.push((name.to_owned(), value.to_owned())),
            }
        }
        for (key, value) in &mut out {
            if FLAGS.contains(&key.as_str()) {
                let Some(flag) = columns::flag(value) else {
                    let hint =
                        "the key says yes or no, as 1 and 0 or true and false; rename it when it says something else"
                            .to_owned();
                    return Err(self.refused(
                        at,
                        &format!("metadata.{key}"),
                        "it is neither yes nor no".to_owned(),
                        hint,
                    ));
                };
                *value = u8::from(flag).to_string();
            }
        }
        out.retain(|(key, value)| value != "0" || !ONLY_YES.contains(&key.as_str()));
        if let Some(unit) = self.table.told.times.filter(|unit| *unit != TimeUnit::Ns) {
            for (_, value) in out.iter_mut().filter(|(key, _)| key == key::UNTIL_NS) {
                let ns = value.parse::<i64>().ok().and_then(|ticks| ticks.checked_mul(unit.ns()));
                *value = ns.ok_or_else(|| fault("its until_ns is no time"))?.to_string();
            }
        }
        Ok(out)
    }

    /// The words of a row as they stand; `None` when they cannot be read.
    fn words(&self, at: usize) -> Option<Vec<(String, String)>> {
        let mut out = Vec::new();
        match &self.words {
            Words::None => {}
            Words::Map(parts) => {
                let (map, keys, values) = &**parts;
                if map.is_valid(at) {
                    let offsets = map.value_offsets();
                    for entry in offsets[at] as usize..offsets[at + 1] as usize {
                        if values.is_valid(entry) {
                            out.push((keys.value(entry).to_owned(), values.value(entry).to_owned()));
                        }
                    }
                }
            }
            Words::Struct(outer, fields) => {
                if outer.is_valid(at) {
                    let there = fields.iter().filter(|(_, values)| values.is_valid(at));
                    out.extend(there.map(|(name, values)| (name.clone(), values.value(at).to_owned())));
                }
            }
            Words::Json(texts) => {
                if texts.is_valid(at) && !texts.value(at).trim().is_empty() {
                    let Value::Object(object) = serde_json::from_str(texts.value(at)).ok()? else { return None };
                    out.extend(object.into_iter().filter_map(|(key, value)| Some((key, columns::word(value)?))));
                }
            }
        }
        Some(out)
    }
}
