//! `mcap`: every row as a message, for tools that read MCAP, and once more in the topics and schemas of OWAMcap, so that its tools open it.
//!
//! Keeps the invariant that `watchcap/row` alone is the whole table (but for the row hashes, which are of the table's bytes): the other
//! topics say what they can of it in OWAMcap's words. The video is beside the file, unchanged.

use std::io::BufWriter;

use ::mcap::records::MessageHeader;
use ::mcap::{Compression, McapError, McapResult, WriteOptions};
use serde::Serialize;

use super::source::PROGRESS_ROWS;
use super::steps;
use super::{ExportError, Format, Opt, Out, Piece, Progress, Step, vk};
use crate::event::Stream;
use crate::session::layout;
use crate::session::row::{OwnedRow, event_type, key};

/// Bytes of a chunk before it is compressed: what readers fetch to seek.
const CHUNK_BYTES: u64 = 1 << 20;
/// What one step of a wheel is in `RawMouseEvent`: Windows' `WHEEL_DELTA`.
const WHEEL_DELTA: f64 = 120.0;
/// `RI_MOUSE_*` of Windows: bit of a press of each button; its release is the next bit.
const BUTTON_FLAGS: [(&str, u32); 5] =
    [("left", 0x001), ("right", 0x004), ("middle", 0x010), ("x1", 0x040), ("x2", 0x100)];
/// `RI_MOUSE_WHEEL` and `RI_MOUSE_HWHEEL`.
const WHEEL_FLAGS: [u32; 2] = [0x400, 0x800];

/// Topics, their schemas and what the schemas say (JSON Schema), in the order in which they are declared.
pub const TOPICS: [(&str, &str, &str); 5] = [
    ("watchcap/row", "watchcap/Row", include_str!("mcap_schemas/row.json")),
    ("screen", "desktop/ScreenCaptured", include_str!("mcap_schemas/screen.json")),
    ("keyboard", "desktop/KeyboardEvent", include_str!("mcap_schemas/keyboard.json")),
    ("mouse", "desktop/MouseEvent", include_str!("mcap_schemas/mouse.json")),
    ("mouse/raw", "desktop/RawMouseEvent", include_str!("mcap_schemas/raw_mouse.json")),
];

/// The format.
pub struct Mcap;

impl Format for Mcap {
    fn name(&self) -> &'static str {
        "mcap"
    }

    fn about(&self) -> &'static str {
        "MCAP with every row as a message, and in the topics of OWAMcap; the video beside it"
    }

    fn version(&self) -> u32 {
        1
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::Span, Opt::ExcludeRedacted, Opt::OnlyAccepted]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }

    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let video = (!piece.source.frames.is_empty()).then(|| out.name("mp4"));
        if let Some(video) = &video {
            out.bring(video, &layout::frames_path(piece.source.dir()))?;
        }
        let span = steps::span(piece.source, piece.options)?;
        let (file, path) = out.create(&out.name("mcap"))?;
        let mcap = |source| ExportError::Mcap { path: path.clone(), source };
        let about = piece.manifest.to_line().map_err(|source| ExportError::Json { path: path.clone(), source })?;
        let mut writer = Writer::new(BufWriter::with_capacity(1 << 20, file), about).map_err(mcap)?;
        let metadata = piece.source.reader().metadata();
        let size = metadata.resolution.map_or([0, 0], |size| [size.width, size.height]);
        let mut say = Say { size, video, zero: zero(piece), pointer: None, rest: [0.0; 4] };

        let mut rows = piece.source.reader().events().rows();
        let (of, mut done) = (piece.source.reader().events().len(), 0_u64);
        let mut row = OwnedRow::default();
        while rows.next_into(&mut row)? {
            done += 1;
            if done.is_multiple_of(PROGRESS_ROWS) {
                progress(Step { what: "rows", done, of });
            }
            let withheld = piece.options.exclude_redacted
                && row.event_type != event_type::REDACT
                && piece.source.redacted.hold(row.t_ns);
            if span.holds(row.t_ns) && !withheld && piece.source.is_accepted(row.t_ns) {
                say.row(&row, &mut writer).map_err(mcap)?;
            }
        }
        writer.finish().map_err(mcap)
    }
}

/// What turns a `t_ns` into nanoseconds since 1970: the first anchor, and nothing that the wall clock did later, so that times keep
/// their distances. Without an anchor messages have the session's own clock.
fn zero(piece: &Piece<'_>) -> i64 {
    let anchor = piece.source.reader().metadata().clock.anchors.first();
    anchor.map_or(0, |anchor| anchor.realtime_ns.saturating_sub(anchor.monotonic_ns))
}

struct Writer {
    file: ::mcap::Writer<BufWriter<std::fs::File>>,
    channels: [u16; TOPICS.len()],
    sequences: [u32; TOPICS.len()],
    text: Vec<u8>,
}

impl Writer {
    fn new(to: BufWriter<std::fs::File>, about: String) -> McapResult<Self> {
        let mut file = WriteOptions::new()
            .profile("owa")
            .library(concat!("watchcap ", env!("CARGO_PKG_VERSION")))
            .compression(Some(Compression::Zstd))
            .compression_level(3)
            // One thread: the chunks are the same bytes on every machine.
            .compression_threads(0)
            .chunk_size(Some(CHUNK_BYTES))
            .create(to)?;
        let metadata = [("manifest".to_owned(), about)].into();
        file.write_metadata(&::mcap::records::Metadata { name: "watchcap.export".into(), metadata })?;
        let mut channels = [0; TOPICS.len()];
        for (channel, (topic, schema, text)) in channels.iter_mut().zip(TOPICS) {
            let schema = file.add_schema(schema, "jsonschema", text.as_bytes())?;
            *channel = file.add_channel(schema, topic, "json", &std::collections::BTreeMap::new())?;
        }
        Ok(Self { file, channels, sequences: [0; TOPICS.len()], text: Vec::new() })
    }

    fn push(&mut self, topic: usize, time: i64, message: &impl Serialize) -> McapResult<()> {
        self.text.clear();
        serde_json::to_writer(&mut self.text, message).map_err(|error| McapError::Io(error.into()))?;
        let time = u64::try_from(time).unwrap_or(0);
        let (channel_id, sequence) = (self.channels[topic], self.sequences[topic]);
        self.sequences[topic] = sequence.wrapping_add(1);
        let header = MessageHeader { channel_id, sequence, log_time: time, publish_time: time };
        self.file.write_to_known_channel(&header, &self.text)
    }

    fn finish(mut self) -> McapResult<()> {
        self.file.finish()?;
        std::io::Write::flush(&mut self.file.into_inner())?;
        Ok(())
    }
}

/// Every column of a row but its hash; what is null is left out.
#[derive(Serialize)]
struct Row<'a> {
    seq: i64,
    t_ns: i64,
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mouse_x: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mouse_y: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mouse_button: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame_ref: Option<i64>,
    window_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pressed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mouse_dx: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mouse_dy: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_keyframe: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repeat: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    metadata: std::collections::BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct MediaRef<'a> {
    uri: &'a str,
    pts_ns: i64,
}

#[derive(Serialize)]
struct ScreenCaptured<'a> {
    utc_ns: i64,
    source_shape: [u32; 2],
    shape: [u32; 2],
    media_ref: MediaRef<'a>,
}

#[derive(Serialize)]
struct KeyboardEvent {
    event_type: &'static str,
    vk: u8,
    timestamp: i64,
}

#[derive(Serialize)]
struct MouseEvent<'a> {
    event_type: &'static str,
    x: i64,
    y: i64,
    button: Option<&'a str>,
    pressed: Option<bool>,
    dx: Option<i64>,
    dy: Option<i64>,
    timestamp: i64,
}

#[derive(Serialize)]
struct RawMouseEvent {
    last_x: i64,
    last_y: i64,
    us_flags: u32,
    button_flags: u32,
    button_data: i64,
    device_handle: Option<u64>,
    timestamp: i64,
}

struct Say {
    size: [u32; 2],
    video: Option<String>,
    zero: i64,
    /// Where the pointer was last, pixels of the picture.
    pointer: Option<(i64, i64)>,
    /// What whole numbers could not say yet: wheel steps horizontal and vertical, raw motion right and down.
    rest: [f64; 4],
}

impl Say {
    fn row(&mut self, row: &OwnedRow, to: &mut Writer) -> McapResult<()> {
        let time = row.t_ns.saturating_add(self.zero);
        to.push(0, time, &whole(row))?;
        if let (Some(x), Some(y)) = (row.mouse_x, row.mouse_y) {
            let pixel = |part: f32, of: u32| (f64::from(part) * f64::from(of)).floor() as i64;
            self.pointer = Some((pixel(x, self.size[0]), pixel(y, self.size[1])));
        }
        match row.event_type.as_str() {
            event_type::FRAME => self.frame(row, time, to),
            event_type::KEY_DOWN => key_event("press", row, time, to),
            event_type::KEY_UP => key_event("release", row, time, to),
            event_type::MOUSE_MOVE => self.moved(row, time, to),
            event_type::MOUSE_CLICK => self.click(row, time, to),
            event_type::WHEEL => self.wheel(row, time, to),
            _ => Ok(()),
        }
    }

    fn frame(&self, row: &OwnedRow, time: i64, to: &mut Writer) -> McapResult<()> {
        let (Some(video), Some(pts)) = (&self.video, row.pts) else { return Ok(()) };
        let media_ref = MediaRef { uri: video, pts_ns: pts.saturating_mul(1000) };
        to.push(1, time, &ScreenCaptured { utc_ns: time, source_shape: self.size, shape: self.size, media_ref })
    }

    /// The whole part of what has come together, the rest is kept.
    fn whole(&mut self, which: usize, more: Option<f32>) -> i64 {
        self.rest[which] += more.map_or(0.0, f64::from);
        let whole = self.rest[which].trunc();
        self.rest[which] -= whole;
        whole as i64
    }

    fn moved(&mut self, row: &OwnedRow, time: i64, to: &mut Writer) -> McapResult<()> {
        if row.mouse_dx.is_some() || row.mouse_dy.is_some() {
            let (last_x, last_y) = (self.whole(2, row.mouse_dx), self.whole(3, row.mouse_dy));
            to.push(4, time, &RawMouseEvent { last_x, last_y, ..raw(time) })?;
        }
        // Without a position of its own the row tells of motion only.
        let Some((x, y)) = self.pointer.filter(|_| row.mouse_x.is_some() && row.mouse_y.is_some()) else {
            return Ok(());
        };
        to.push(3, time, &MouseEvent { x, y, ..mouse("move", time) })
    }

    fn click(&self, row: &OwnedRow, time: i64, to: &mut Writer) -> McapResult<()> {
        let (Some(button), Some(pressed)) = (row.mouse_button.as_deref(), row.pressed) else { return Ok(()) };
        if let Some((_, bit)) = BUTTON_FLAGS.iter().find(|(name, _)| *name == button) {
            let button_flags = if pressed { *bit } else { bit << 1 };
            to.push(4, time, &RawMouseEvent { button_flags, ..raw(time) })?;
        }
        let Some((x, y)) = self.pointer else { return Ok(()) };
        to.push(3, time, &MouseEvent { x, y, button: Some(button), pressed: Some(pressed), ..mouse("click", time) })
    }

    fn wheel(&mut self, row: &OwnedRow, time: i64, to: &mut Writer) -> McapResult<()> {
        let Some(delta) = row.delta else { return Ok(()) };
        let vertical = usize::from(row.metadata.get(key::AXIS) != Some("horizontal"));
        let button_data = (f64::from(delta) * WHEEL_DELTA).round() as i64;
        to.push(4, time, &RawMouseEvent { button_flags: WHEEL_FLAGS[1 - vertical], button_data, ..raw(time) })?;
        let steps = self.whole(vertical, Some(delta));
        let Some((x, y)) = self.pointer.filter(|_| steps != 0) else { return Ok(()) };
        let (dx, dy) = if vertical == 1 { (0, steps) } else { (steps, 0) };
        to.push(3, time, &MouseEvent { x, y, dx: Some(dx), dy: Some(dy), ..mouse("scroll", time) })
    }
}

fn whole(row: &OwnedRow) -> Row<'_> {
    Row {
        seq: row.seq,
        t_ns: row.t_ns,
        event_type: &row.event_type,
        key_code: row.key_code,
        mouse_x: row.mouse_x,
        mouse_y: row.mouse_y,
        mouse_button: row.mouse_button.as_deref(),
        delta: row.delta,
        frame_ref: row.frame_ref,
        window_id: &row.window_id,
        pressed: row.pressed,
        mouse_dx: row.mouse_dx,
        mouse_dy: row.mouse_dy,
        pts: row.pts,
        is_keyframe: row.is_keyframe,
        repeat: row.repeat,
        source: row.source.as_deref(),
        metadata: row.metadata.iter().collect(),
    }
}

fn key_event(event_type: &'static str, row: &OwnedRow, time: i64, to: &mut Writer) -> McapResult<()> {
    // A key that was withheld, or that Windows has no code for, is in `watchcap/row` only.
    let Some(vk) = row.key_code.and_then(vk::of_usage) else { return Ok(()) };
    to.push(2, time, &KeyboardEvent { event_type, vk, timestamp: time })
}

fn mouse(event_type: &'static str, timestamp: i64) -> MouseEvent<'static> {
    MouseEvent { event_type, x: 0, y: 0, button: None, pressed: None, dx: None, dy: None, timestamp }
}

fn raw(timestamp: i64) -> RawMouseEvent {
    RawMouseEvent { last_x: 0, last_y: 0, us_flags: 0, button_flags: 0, button_data: 0, device_handle: None, timestamp }
}
