//! Schema 1 of the log: one archive is a group of records that were committed together. Frozen.
//!
//! One list per kind of record, and `kinds` says in which order they came: the n-th record is the next unread one of the list
//! that `kinds[n]` names. A record costs its own size and not that of the largest kind, which matters at 1000 Hz.
//! rkyv format: little endian, unaligned, 32-bit offsets.

use rkyv::{Archive, Deserialize, Serialize};

/// The number of this schema in a chunk's header.
pub const SCHEMA: u16 = 1;

/// Values of [`Chunk::kinds`].
pub mod kind {
    /// [`super::Setup`].
    pub const SETUP: u8 = 0;
    /// [`super::Move`].
    pub const MOVE: u8 = 1;
    /// [`super::Key`].
    pub const KEY: u8 = 2;
    /// [`super::Click`].
    pub const CLICK: u8 = 3;
    /// [`super::Wheel`].
    pub const WHEEL: u8 = 4;
    /// [`super::Focus`].
    pub const FOCUS: u8 = 5;
    /// [`super::Frame`].
    pub const FRAME: u8 = 6;
    /// No body.
    pub const PAUSE: u8 = 7;
    /// No body.
    pub const RESUME: u8 = 8;
    /// A text.
    pub const MARK: u8 = 9;
    /// [`super::Gap`].
    pub const GAP: u8 = 10;
    /// [`super::Window`].
    pub const WINDOW: u8 = 11;
    /// [`super::Redact`].
    pub const REDACT: u8 = 12;
    /// [`super::Anchor`].
    pub const ANCHOR: u8 = 13;
    /// [`super::Digest`].
    pub const DIGEST: u8 = 14;
    /// A text: why the recording ended. The last record of a log that was closed.
    pub const END: u8 = 15;
}

/// The body of a chunk.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Chunk {
    /// The kind of each record, in order.
    pub kinds: Vec<u8>,
    /// Time of each record, monotonic nanoseconds.
    pub times: Vec<i64>,
    /// Where each record was observed: 0 xi2, 1 poll, 2 rawinput, 3 synthetic, 4 recorder.
    pub sources: Vec<u8>,
    /// Facts about the recording.
    pub setups: Vec<Setup>,
    /// Pointer and mouse motion.
    pub moves: Vec<Move>,
    /// Keys.
    pub keys: Vec<Key>,
    /// Buttons.
    pub clicks: Vec<Click>,
    /// Wheels.
    pub wheels: Vec<Wheel>,
    /// Changes of the active window.
    pub focuses: Vec<Focus>,
    /// References to frames.
    pub frames: Vec<Frame>,
    /// Marks and the reason of the end.
    pub texts: Vec<String>,
    /// Missing data.
    pub gaps: Vec<Gap>,
    /// Changes of the captured surface.
    pub windows: Vec<Window>,
    /// Redacted spans.
    pub redacts: Vec<Redact>,
    /// Readings of the clocks.
    pub anchors: Vec<Anchor>,
    /// States of the hash over the video.
    pub digests: Vec<Digest>,
}

/// A fact about the recording as a key and a JSON value; a later one with the same key replaces an earlier one.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Setup {
    /// Its name.
    pub key: String,
    /// Its value, JSON.
    pub json: String,
}

/// Motion. NaN where a value was not reported.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Move {
    /// Position relative to the surface.
    pub x: f32,
    /// Position relative to the surface.
    pub y: f32,
    /// Device counts.
    pub dx: f32,
    /// Device counts.
    pub dy: f32,
}

/// A key.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Key {
    /// HID usage on page 0x07, 0 for none.
    pub usage: u16,
    /// The system's code, `u32::MAX` for none.
    pub native: u32,
    /// 1 down, 2 repeat, 4 redacted.
    pub flags: u8,
}

/// A button.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Click {
    /// 0 left, 1 right, 2 middle, 3 x1, 4 x2.
    pub button: u8,
    /// 1 pressed, 0 released.
    pub pressed: u8,
    /// Position relative to the surface, NaN where unknown.
    pub x: f32,
    /// Position relative to the surface, NaN where unknown.
    pub y: f32,
}

/// A wheel.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Wheel {
    /// Steps, up and right positive.
    pub delta: f32,
    /// 1 horizontal, 2 high resolution.
    pub flags: u8,
    /// Position relative to the surface, NaN where unknown.
    pub x: f32,
    /// Position relative to the surface, NaN where unknown.
    pub y: f32,
}

/// A change of the active window.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Focus {
    /// Identifier, empty for none.
    pub window_id: String,
    /// Title.
    pub title: String,
    /// Application.
    pub app: String,
    /// Process, 0 for unknown.
    pub pid: u32,
}

/// A frame that is in the video file.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Frame {
    /// Index.
    pub frame_ref: u64,
    /// Offset of the access unit in the file, bytes.
    pub offset: u64,
    /// Length of the access unit, bytes.
    pub size_bytes: u32,
    /// CRC32C of the access unit.
    pub crc32c: u32,
    /// Microseconds from asking for the picture to having it.
    pub capture_us: u32,
    /// Microseconds to convert and encode it.
    pub encode_us: u32,
    /// 1 IDR, 2 duplicate.
    pub flags: u8,
}

/// Missing data.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Gap {
    /// 0 screen, 1 input, 2 audio, 3 log, 4 clock.
    pub stream: u8,
    /// A word in `snake_case`.
    pub reason: String,
    /// Items lost, `u64::MAX` where it cannot be known.
    pub lost: u64,
    /// End of the gap, monotonic nanoseconds.
    pub until_ns: i64,
}

/// The captured surface, desktop pixels.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Window {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
    /// Device pixels per logical pixel.
    pub scale: f32,
}

/// A redacted span; it begins at the record's time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Redact {
    /// What was withheld.
    pub what: String,
    /// Why.
    pub reason: String,
    /// End of the span, monotonic nanoseconds.
    pub until_ns: i64,
}

/// A reading of the clocks; the monotonic one is the record's time.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Anchor {
    /// Wall clock, nanoseconds since 1970 UTC.
    pub utc_ns: i64,
    /// Clock that goes on during suspension, `i64::MIN` where there is none.
    pub boot_ns: i64,
}

/// The state of the SHA-256 over the first `offset` bytes of the video file.
#[derive(Archive, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Digest {
    /// Bytes hashed: up to the end of a closed `mdat` box.
    pub offset: u64,
    /// Serialised state of the hash.
    pub state: Vec<u8>,
}
