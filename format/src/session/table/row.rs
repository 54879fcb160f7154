//! One row of `events.parquet`: its event types, its registered metadata keys, its values.
//!
//! Invariant: [`RowMetadata`] is always sorted by the bytes of its keys and holds each key once, so that equal rows are
//! equal bytes wherever they were made. Knows no file and no domain event; who makes rows decides what is in them.
//! `Debug` prints no content: rows hold keystrokes and titles.

use std::fmt;

use crate::base::id::FrameRef;

/// What `event_type` says. Unknown types are legal and are passed on unchanged.
pub mod event_type {
    use crate::base::event::Event;
    use crate::base::pad::PadChange;

    /// A key went down.
    pub const KEY_DOWN: &str = "key_down";
    /// A key went up.
    pub const KEY_UP: &str = "key_up";
    /// The pointer or the mouse moved.
    pub const MOUSE_MOVE: &str = "mouse_move";
    /// A mouse button changed.
    pub const MOUSE_CLICK: &str = "mouse_click";
    /// A wheel turned.
    pub const WHEEL: &str = "wheel";
    /// The keyboard means other characters.
    pub const LAYOUT: &str = "layout";
    /// Another window became the active one.
    pub const FOCUS: &str = "focus";
    /// A frame was stored.
    pub const FRAME: &str = "frame";
    /// Recording paused.
    pub const PAUSE: &str = "pause";
    /// Recording went on.
    pub const RESUME: &str = "resume";
    /// A mark set by the person.
    pub const MARK: &str = "mark";
    /// Data is missing.
    pub const GAP: &str = "gap";
    /// The captured surface moved or changed its size.
    pub const WINDOW: &str = "window";
    /// A span was redacted.
    pub const REDACT: &str = "redact";
    /// A button of a gamepad changed.
    pub const GAMEPAD_BUTTON: &str = "gamepad_button";
    /// A stick or a trigger of a gamepad moved.
    pub const GAMEPAD_AXIS: &str = "gamepad_axis";
    /// A gamepad is there.
    pub const GAMEPAD_CONNECT: &str = "gamepad_connect";
    /// A gamepad is gone.
    pub const GAMEPAD_DISCONNECT: &str = "gamepad_disconnect";

    /// A frame of another stream than the video, in what was imported: no type of this format.
    pub const OTHER_FRAME: &str = "other_frame";

    /// Every event type of this format, in the order of FORMAT.md.
    pub const ALL: [&str; 18] = [
        KEY_DOWN,
        KEY_UP,
        MOUSE_MOVE,
        MOUSE_CLICK,
        WHEEL,
        GAMEPAD_BUTTON,
        GAMEPAD_AXIS,
        GAMEPAD_CONNECT,
        GAMEPAD_DISCONNECT,
        FOCUS,
        LAYOUT,
        FRAME,
        PAUSE,
        RESUME,
        MARK,
        GAP,
        WINDOW,
        REDACT,
    ];

    /// The type of the row that an event becomes.
    pub fn of(event: &Event) -> &'static str {
        match event {
            Event::Key(key) if key.down => KEY_DOWN,
            Event::Key(_) => KEY_UP,
            Event::MouseMove { .. } => MOUSE_MOVE,
            Event::MouseClick { .. } => MOUSE_CLICK,
            Event::Wheel { .. } => WHEEL,
            Event::Focus { .. } => FOCUS,
            Event::Layout(_) => LAYOUT,
            Event::Frame(_) => FRAME,
            Event::Pause => PAUSE,
            Event::Resume => RESUME,
            Event::Mark { .. } => MARK,
            Event::Gap(_) => GAP,
            Event::Window(_) => WINDOW,
            Event::Redact { .. } => REDACT,
            Event::Pad { change, .. } => match change {
                PadChange::Connected(_) => GAMEPAD_CONNECT,
                PadChange::Disconnected => GAMEPAD_DISCONNECT,
                PadChange::Button { .. } => GAMEPAD_BUTTON,
                PadChange::Axis { .. } => GAMEPAD_AXIS,
            },
        }
    }

    /// The types that a person's input makes: the rows that are actions for a model.
    pub const INPUT: [&str; 7] = [KEY_DOWN, KEY_UP, MOUSE_MOVE, MOUSE_CLICK, WHEEL, GAMEPAD_BUTTON, GAMEPAD_AXIS];

    /// Whether rows of this type are input.
    pub fn is_input(name: &str) -> bool {
        INPUT.contains(&name)
    }
}

/// The registered keys of the `metadata` column. Unknown keys are legal and are passed on unchanged.
pub mod key {
    /// Application of the window that became active.
    pub const APP: &str = "app";
    /// `horizontal` on a wheel that is not vertical.
    pub const AXIS: &str = "axis";
    /// Bytes of the frame's access unit.
    pub const BYTES: &str = "bytes";
    /// Time to get the picture, microseconds.
    pub const CAPTURE_US: &str = "capture_us";
    /// W3C code of the key.
    pub const CODE: &str = "code";
    /// The picture did not change since the frame before.
    pub const DUP: &str = "dup";
    /// Time to convert and encode the picture, microseconds.
    pub const ENCODE_US: &str = "encode_us";
    /// Which of the keyboard's layouts is in force, from 0.
    pub const GROUP: &str = "group";
    /// Height of the surface, pixels.
    pub const HEIGHT: &str = "height";
    /// The wheel reports fractions of a step.
    pub const HI_RES: &str = "hi_res";
    /// A hotkey asked for it.
    pub const HOTKEY: &str = "hotkey";
    /// The keyboard's layouts.
    pub const LAYOUT: &str = "layout";
    /// How many items are missing.
    pub const LOST: &str = "lost";
    /// `standard`: the gamepad's controls have names.
    pub const MAPPING: &str = "mapping";
    /// Name of the gamepad.
    pub const NAME: &str = "name";
    /// The system's own key code.
    pub const NATIVE: &str = "native";
    /// [`WARP`](super::WARP): no device moved the pointer, a program put it there.
    pub const ORIGIN: &str = "origin";
    /// Process of the window that became active.
    pub const PID: &str = "pid";
    /// Nobody pressed or released this at the row's time: it was held when recording began or resumed, or still held when
    /// it paused or ended, and the row says so.
    pub const HELD: &str = "held";
    /// Product of the gamepad, by its maker.
    pub const PRODUCT: &str = "product";
    /// Why.
    pub const REASON: &str = "reason";
    /// The reference of the frame was lost; its number and its time are those that its access unit carries itself.
    pub const RECOVERED: &str = "recovered";
    /// The key's code was withheld.
    pub const REDACTED: &str = "redacted";
    /// Device pixels per logical pixel.
    pub const SCALE: &str = "scale";
    /// The stream that misses something.
    pub const STREAM: &str = "stream";
    /// The text of a mark.
    pub const TEXT: &str = "text";
    /// Title of the window that became active.
    pub const TITLE: &str = "title";
    /// End of the span that begins at the row's `t_ns`, nanoseconds of the same clock.
    pub const UNTIL_NS: &str = "until_ns";
    /// Maker of the gamepad.
    pub const VENDOR: &str = "vendor";
    /// What was withheld: `pixels`, `keys`.
    pub const WHAT: &str = "what";
    /// Width of the surface, pixels.
    pub const WIDTH: &str = "width";
    /// Left edge of the surface on the desktop, pixels.
    pub const X: &str = "x";
    /// Top edge of the surface on the desktop, pixels.
    pub const Y: &str = "y";

    /// Every registered key, sorted.
    pub const ALL: [&str; 33] = [
        APP, AXIS, BYTES, CAPTURE_US, CODE, DUP, ENCODE_US, GROUP, HEIGHT, HELD, HI_RES, HOTKEY, LAYOUT, LOST, MAPPING,
        NAME, NATIVE, ORIGIN, PID, PRODUCT, REASON, RECOVERED, REDACTED, SCALE, STREAM, TEXT, TITLE, UNTIL_NS, VENDOR,
        WHAT, WIDTH, X, Y,
    ];
}

/// The value of [`key::ORIGIN`].
pub const WARP: &str = "warp";

/// The value of [`key::MAPPING`].
pub const STANDARD: &str = "standard";

/// Where one entry lies in the text of its [`RowMetadata`]: the key at `start`, the value right behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    start: usize,
    key_len: usize,
    value_len: usize,
}

/// The `metadata` map of one row: a buffer that is filled, used and cleared again and again.
///
/// ```
/// use watchcap_format::session::table::row::RowMetadata;
/// let mut map = RowMetadata::default();
/// map.push_str("stream", "input");
/// map.push_f32("scale", 2.0);
/// assert_eq!(map.iter().collect::<Vec<_>>(), [("scale", "2"), ("stream", "input")]);
/// ```
#[derive(Clone, Default)]
pub struct RowMetadata {
    text: String,
    entries: Vec<Entry>,
}

impl RowMetadata {
    /// An empty map.
    pub const fn new() -> Self {
        Self { text: String::new(), entries: Vec::new() }
    }

    /// Forgets all entries and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds an entry; one of the same key is replaced.
    pub fn push_str(&mut self, key: &str, value: &str) {
        let start = self.text.len();
        self.text.push_str(key);
        self.text.push_str(value);
        self.insert(Entry { start, key_len: key.len(), value_len: value.len() });
    }

    /// Adds an entry with a decimal number.
    pub fn push_int(&mut self, key: &str, value: i64) {
        let mut digits = [0; INT_DIGITS];
        self.push_str(key, decimal(value, &mut digits));
    }

    /// Adds an entry with the shortest decimal text that reads back as the same 32-bit number; a zero has no sign.
    pub fn push_f32(&mut self, key: &str, value: f32) {
        // Motion in device counts is nearly always whole: below 2^24 every whole number is exact in 24 bits, and its
        // shortest text is the integer's.
        if value.abs() < 16_777_216.0 && value.fract() == 0.0 {
            self.push_int(key, value as i64);
            return;
        }
        let start = self.text.len();
        self.text.push_str(key);
        let written = fmt::write(&mut self.text, format_args!("{value}"));
        debug_assert!(written.is_ok(), "writing to a string does not fail");
        let value_len = self.text.len() - start - key.len();
        self.insert(Entry { start, key_len: key.len(), value_len });
    }

    /// Adds the flag `key` = `1`.
    pub fn push_flag(&mut self, key: &str) {
        self.push_str(key, "1");
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        let place = self.entries.binary_search_by(|entry| self.key(*entry).as_bytes().cmp(key.as_bytes())).ok()?;
        self.entries.get(place).map(|entry| self.value(*entry))
    }

    /// Keys and values, sorted by the bytes of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.entries.iter().map(|entry| (self.key(*entry), self.value(*entry)))
    }

    /// A copy without the entries of which `leave_out` says so by their key.
    #[must_use]
    pub fn without(&self, leave_out: impl Fn(&str) -> bool) -> Self {
        let mut out = Self::new();
        for (name, value) in self.iter().filter(|(name, _)| !leave_out(name)) {
            out.push_str(name, value);
        }
        out
    }

    fn key(&self, entry: Entry) -> &str {
        &self.text[entry.start..entry.start + entry.key_len]
    }

    fn value(&self, entry: Entry) -> &str {
        let start = entry.start + entry.key_len;
        &self.text[start..start + entry.value_len]
    }

    fn insert(&mut self, entry: Entry) {
        // From the end: whoever pushes in order pays one comparison.
        let key = self.key(entry).as_bytes();
        let mut place = self.entries.len();
        while let Some(before) = place.checked_sub(1) {
            match self.key(self.entries[before]).as_bytes().cmp(key) {
                std::cmp::Ordering::Less => break,
                std::cmp::Ordering::Equal => {
                    self.entries[before] = entry;
                    return;
                }
                std::cmp::Ordering::Greater => place = before,
            }
        }
        self.entries.insert(place, entry);
    }
}

impl PartialEq for RowMetadata {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for RowMetadata {}

impl fmt::Debug for RowMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowMetadata({} entries)", self.entries.len())
    }
}

/// Characters of the longest 64-bit number, `-9223372036854775808`.
const INT_DIGITS: usize = 20;

/// The decimal text of a number, without the machinery of `format!`: made for every motion event of a session.
fn decimal(value: i64, digits: &mut [u8; INT_DIGITS]) -> &str {
    let mut rest = value.unsigned_abs();
    let mut start = INT_DIGITS;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    std::str::from_utf8(&digits[start..]).unwrap_or_default()
}

/// One row, borrowed: what it costs to make is what it costs to copy a few words. The `hash` column is not in it, since
/// it is a function of the rest ([`crate::session::table::hash`]).
#[derive(Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// When, nanoseconds of the recording's monotonic clock.
    pub t_ns: i64,
    /// What; see [`event_type`].
    pub event_type: &'a str,
    /// USB HID usage id of the key (keyboard page).
    pub key_code: Option<i32>,
    /// Pointer, 0 at the left edge of the surface, 1 at the right one, kept when outside.
    pub mouse_x: Option<f32>,
    /// Pointer, 0 at the top edge of the surface, 1 at the bottom one, kept when outside.
    pub mouse_y: Option<f32>,
    /// `left`, `right`, `middle`, `x1`, `x2`.
    pub mouse_button: Option<&'a str>,
    /// Wheel steps, up and right positive.
    pub delta: Option<f32>,
    /// Frame rows: the frame's index. Others: the last frame at or before `t_ns`.
    pub frame_ref: Option<i64>,
    /// The active window, empty when there is none.
    pub window_id: &'a str,
    /// The session's UUID.
    pub session_id: &'a str,
    /// What else there is to say.
    pub metadata: &'a RowMetadata,
    /// Of a key or a button: it went down, or up.
    pub pressed: Option<bool>,
    /// Raw relative motion to the right, device counts.
    pub mouse_dx: Option<f32>,
    /// Raw relative motion downwards, device counts.
    pub mouse_dy: Option<f32>,
    /// Frame rows: presentation time in the track's timescale, microseconds.
    pub pts: Option<i64>,
    /// Frame rows: decoding can begin with this frame.
    pub is_keyframe: Option<bool>,
    /// Of a key that went down: it is the system's auto-repeat of a key that is down already.
    pub repeat: Option<bool>,
    /// Where an input was observed: `xi2`, `poll`, `rawinput`, `synthetic`, `recorder`.
    pub source: Option<&'a str>,
    /// Which gamepad, from 0.
    pub pad: Option<i32>,
    /// Which of its controls, by the standard mapping.
    pub control: Option<&'a str>,
    /// Where that is: an axis from -1 to 1, a trigger or a button from 0 to 1.
    pub value: Option<f32>,
}

impl<'a> Row<'a> {
    /// A row with nothing in it but what every row has.
    pub const fn new(t_ns: i64, event_type: &'a str, session_id: &'a str, metadata: &'a RowMetadata) -> Self {
        Self {
            t_ns,
            event_type,
            key_code: None,
            mouse_x: None,
            mouse_y: None,
            mouse_button: None,
            delta: None,
            frame_ref: None,
            window_id: "",
            session_id,
            metadata,
            pressed: None,
            mouse_dx: None,
            mouse_dy: None,
            pts: None,
            is_keyframe: None,
            repeat: None,
            source: None,
            pad: None,
            control: None,
            value: None,
        }
    }

    /// The frame that a frame row is about.
    pub fn frame(&self) -> Option<FrameRef> {
        let index = self.frame_ref.filter(|_| self.event_type == event_type::FRAME)?;
        u64::try_from(index).ok().map(FrameRef)
    }
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Row {{ t_ns: {}, event_type: {:?}, frame_ref: {:?}, .. }}",
            self.t_ns, self.event_type, self.frame_ref
        )
    }
}

/// One row as it was read, with the hash that stands beside it in the file.
#[derive(Clone, PartialEq, Default)]
pub struct OwnedRow {
    /// See [`Row::t_ns`].
    pub t_ns: i64,
    /// See [`Row::event_type`].
    pub event_type: String,
    /// See [`Row::key_code`].
    pub key_code: Option<i32>,
    /// See [`Row::mouse_x`].
    pub mouse_x: Option<f32>,
    /// See [`Row::mouse_y`].
    pub mouse_y: Option<f32>,
    /// See [`Row::mouse_button`].
    pub mouse_button: Option<String>,
    /// See [`Row::delta`].
    pub delta: Option<f32>,
    /// See [`Row::frame_ref`].
    pub frame_ref: Option<i64>,
    /// See [`Row::window_id`].
    pub window_id: String,
    /// See [`Row::session_id`].
    pub session_id: String,
    /// The `hash` column as it stands in the file, not checked.
    pub hash: String,
    /// See [`Row::metadata`].
    pub metadata: RowMetadata,
    /// Index of the row in the table: rows are in order of time, then of arrival.
    pub seq: i64,
    /// See [`Row::pressed`].
    pub pressed: Option<bool>,
    /// See [`Row::mouse_dx`].
    pub mouse_dx: Option<f32>,
    /// See [`Row::mouse_dy`].
    pub mouse_dy: Option<f32>,
    /// See [`Row::pts`].
    pub pts: Option<i64>,
    /// See [`Row::is_keyframe`].
    pub is_keyframe: Option<bool>,
    /// See [`Row::repeat`].
    pub repeat: Option<bool>,
    /// See [`Row::source`].
    pub source: Option<String>,
    /// See [`Row::pad`].
    pub pad: Option<i32>,
    /// See [`Row::control`].
    pub control: Option<String>,
    /// See [`Row::value`].
    pub value: Option<f32>,
    /// Whether the hash is that of the row as it stands in the file, by the rule of the file's version; `None` when it was
    /// not compared ([`Rows::checked`](crate::session::table::read::Rows::checked)).
    pub intact: Option<bool>,
}

impl OwnedRow {
    /// What a key is called: by its W3C code, else by the system's own; `redacted` when that was withheld.
    pub fn key_label(&self) -> String {
        let code = self.metadata.get(key::CODE).or_else(|| {
            let usage = u16::try_from(self.key_code?).ok()?;
            crate::base::hid::code_of_usage(crate::base::event::HidUsage(usage))
        });
        match (self.metadata.get(key::REDACTED), code, self.metadata.get(key::NATIVE)) {
            (Some(_), _, _) => "redacted".to_owned(),
            (None, Some(code), _) => code.to_owned(),
            (None, None, Some(native)) => format!("native {native}"),
            (None, None, None) => "unknown".to_owned(),
        }
    }

    /// What a control of a gamepad is called: by its name, else by the system's own code.
    pub fn pad_label(&self) -> String {
        let pad = self.pad.map_or_else(|| "pad".to_owned(), |pad| format!("pad {pad}"));
        match (&self.control, self.metadata.get(key::NATIVE)) {
            (Some(control), _) => format!("{pad} {control}"),
            (None, Some(native)) => format!("{pad} native {native}"),
            (None, None) => pad,
        }
    }

    /// Until when a gap or a redacted span lasts; its own time when it does not say.
    pub fn until_ns(&self) -> i64 {
        self.metadata.get(key::UNTIL_NS).and_then(|text| text.parse().ok()).unwrap_or(self.t_ns)
    }

    /// What it takes in memory, bytes.
    pub fn bytes(&self) -> usize {
        let optional = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        size_of::<Self>()
            + [&self.event_type, &self.window_id, &self.session_id, &self.hash]
                .map(String::capacity)
                .iter()
                .sum::<usize>()
            + optional(&self.mouse_button)
            + optional(&self.source)
            + optional(&self.control)
            + self.metadata.text.capacity()
            + self.metadata.entries.capacity() * size_of::<Entry>()
    }

    /// The row without its hash.
    pub fn as_row(&self) -> Row<'_> {
        Row {
            t_ns: self.t_ns,
            event_type: &self.event_type,
            key_code: self.key_code,
            mouse_x: self.mouse_x,
            mouse_y: self.mouse_y,
            mouse_button: self.mouse_button.as_deref(),
            delta: self.delta,
            frame_ref: self.frame_ref,
            window_id: &self.window_id,
            session_id: &self.session_id,
            metadata: &self.metadata,
            pressed: self.pressed,
            mouse_dx: self.mouse_dx,
            mouse_dy: self.mouse_dy,
            pts: self.pts,
            is_keyframe: self.is_keyframe,
            repeat: self.repeat,
            source: self.source.as_deref(),
            pad: self.pad,
            control: self.control.as_deref(),
            value: self.value,
        }
    }
}

impl fmt::Debug for OwnedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_row().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_sorted_and_unique_whatever_the_order() {
        let mut map = RowMetadata::default();
        for (key, value) in [("source", "xi2"), ("dy", "1"), ("z", ""), ("dx", "2"), ("dy", "longer"), ("", "empty")] {
            map.push_str(key, value);
        }
        let entries: Vec<_> = map.iter().collect();
        assert_eq!(entries, [("", "empty"), ("dx", "2"), ("dy", "longer"), ("source", "xi2"), ("z", "")]);
        assert_eq!((map.get("dy"), map.get("d")), (Some("longer"), None));
        map.clear();
        assert!(map.is_empty() && map.get("dx").is_none());
    }

    #[test]
    fn numbers_are_shortest_and_read_back() {
        let mut map = RowMetadata::default();
        for value in [0, 7, -1, 10, i64::MAX, i64::MIN] {
            map.push_int("n", value);
            assert_eq!(map.get("n"), Some(value.to_string().as_str()));
        }
        for value in [0.5f32, -3.0, 0.1, 16_777_215.0, 16_777_216.0, 1e20, -1.25e-7, f32::MAX, f32::MIN_POSITIVE] {
            map.push_f32("f", value);
            let text = map.get("f").expect("a value");
            assert_eq!(text, value.to_string());
            assert_eq!(text.parse::<f32>().expect("a number").to_bits(), value.to_bits());
        }
        map.push_f32("f", -0.0);
        assert_eq!(map.get("f"), Some("0"));
    }

    #[test]
    fn registered_names_are_unique_and_keys_sorted() {
        assert!(key::ALL.is_sorted_by(|a, b| a < b));
        let mut types = event_type::ALL.to_vec();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), event_type::ALL.len());
        assert!(event_type::INPUT.iter().all(|name| event_type::ALL.contains(name)));
    }

    #[test]
    fn debug_prints_no_content() {
        let mut row = OwnedRow { window_id: "secret".into(), key_code: Some(1234), ..OwnedRow::default() };
        row.metadata.push_str("title", "secret");
        let text = format!("{row:?} {:?} {:?}", row.as_row(), row.metadata);
        assert!(!text.contains("secret") && !text.contains("1234"), "{text}");
    }
}
