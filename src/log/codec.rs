//! Between the domain and the wire: records into the frozen shapes of `migrations/`, and back.
//!
//! Keeps the invariant that what is read back equals what was appended. Does no I/O and does not frame ([`super::chunk`]).

use watchcap_migrations::log::v2::{self, NO_SOURCE, kind};

use super::chunk::{FLAG_FACTS, FLAG_FRAMES, FLAG_PACKETS, HEADER_LEN, MAX_LEN};
use super::pads;
use super::sources::SourceNames;
use super::{Body, Record};
use crate::base::event::{
    Area, Axis, Button, Content, Event, Frame, Gap, HidUsage, Key, Layout, Position, Source, Stream, Surface,
};
use crate::base::id::FrameRef;
use crate::base::time::{Anchor, MonoNs, UtcNs};
use crate::media::track::{MAX_TRACKS, PacketRef, TrackId};

/// Lists of an archive.
const LISTS: usize = 18;
/// Bytes that an archive needs beside the records: for each list 8 of root and up to 3 of padding, and 9 for what of each further track
/// is on the disk.
const ARCHIVE_OVERHEAD: usize = LISTS * 8 + LISTS * 3 + MAX_TRACKS * 9;
/// Bytes of every record outside its list: kind 1, time 8, source 1.
const RECORD_OVERHEAD: usize = 10;
/// Longest text in one record; longer text is cut at a character. Four of them (a focus) and the rest fit into a chunk.
pub const MAX_TEXT: usize = 768;
/// Largest JSON of one fact: a chunk less header and overhead, with room for its key.
pub const MAX_FACT: usize = MAX_LEN - HEADER_LEN - ARCHIVE_OVERHEAD - RECORD_OVERHEAD - 256;

/// Why a body cannot be read as records.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// It is no archive of a known schema.
    #[error(transparent)]
    Shape(#[from] watchcap_migrations::log::ShapeError),
    /// Its lists do not fit together.
    #[error("records do not fit together: {what}")]
    Inconsistent {
        /// What does not fit.
        what: &'static str,
    },
}

/// Collects records for one chunk.
#[derive(Default)]
pub struct ChunkBuilder {
    wire: v2::Chunk,
    names: SourceNames,
    bytes: usize,
    flags: u16,
    span: Option<(MonoNs, MonoNs)>,
}

/// `text`, cut at a character so that it is at most [`MAX_TEXT`] bytes.
fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

fn split_position(position: Option<Position>) -> (f32, f32) {
    position.map_or((f32::NAN, f32::NAN), |p| (p.x, p.y))
}

fn join_position(x: f32, y: f32) -> Option<Position> {
    (!x.is_nan() && !y.is_nan()).then_some(Position { x, y })
}

/// In `dy` of a move whose `dx` says that there is no motion: why there is none. The schemas have no place for it; readers that do not
/// know it find that there is no motion, which is true.
const WARPED: f32 = 1.0;

/// Key of the fact in which a layout of the keyboard stands: no schema has a kind for it, and a later fact replaces an earlier one,
/// as a layout does.
pub const LAYOUT_KEY: &str = "layout";

/// Longest text of an area: a space and four numbers of up to 11 characters with commas.
const MAX_AREA_TEXT: usize = 48;

/// What was withheld, with the place of pixels behind it: `pixels 10,20,300,80`. The shape has no numbers for it.
fn join_area(what: &str, area: Option<Area>) -> String {
    match area {
        Some(Area { x, y, width, height }) => format!("{what} {x},{y},{width},{height}"),
        None => what.to_owned(),
    }
}

fn split_area(text: String) -> (String, Option<Area>) {
    let parsed = text.rsplit_once(' ').and_then(|(what, place)| {
        let mut parts = place.split(',');
        let mut next = || parts.next()?.parse::<i64>().ok();
        let (x, y, width, height) = (next()?, next()?, next()?, next()?);
        let area = Area {
            x: x.try_into().ok()?,
            y: y.try_into().ok()?,
            width: width.try_into().ok()?,
            height: height.try_into().ok()?,
        };
        parts.next().is_none().then(|| (what.to_owned(), area))
    });
    match parsed {
        Some((what, area)) => (what, Some(area)),
        None => (text, None),
    }
}

/// Longest names of layouts, bytes: as JSON at most six times that, which fits into a chunk. There are at most four layouts at once.
const MAX_LAYOUT: usize = 256;

fn join_layout(layout: &Layout) -> String {
    let names = layout.names.as_deref().map(|names| &names[..names.floor_char_boundary(MAX_LAYOUT)]);
    serde_json::json!({ "layout": names, "group": layout.group }).to_string()
}

fn split_layout(setup: &v2::Setup) -> Option<Layout> {
    if setup.key != LAYOUT_KEY {
        return None;
    }
    let said: serde_json::Value = serde_json::from_str(&setup.json).ok()?;
    let group = said.get("group")?.as_u64().and_then(|group| u8::try_from(group).ok());
    Some(Layout { names: said.get("layout")?.as_str().map(str::to_owned), group })
}

impl ChunkBuilder {
    /// Records collected so far.
    pub fn count(&self) -> usize {
        self.wire.kinds.len()
    }

    /// Whether this record still fits into the chunk. One always fits into an empty chunk.
    pub fn fits(&self, record: &Record) -> bool {
        self.wire.kinds.is_empty() || self.bytes + Self::weight(record) <= MAX_LEN - HEADER_LEN - ARCHIVE_OVERHEAD
    }

    /// An upper bound of the bytes a record adds to an archive.
    fn weight(record: &Record) -> usize {
        let text = |text: &str| text.len().min(MAX_TEXT);
        let body = match &record.body {
            Body::Setup { key, json } => 16 + text(key) + json.len(),
            Body::Anchor(_) => 16,
            Body::Digest { state, .. } => 17 + state.len(),
            Body::Packet(_) => 30,
            Body::End { reason } => 8 + text(reason),
            Body::Event(event) => match event {
                Event::Key(_) => 7,
                Event::MouseMove { .. } => 16,
                Event::MouseClick { .. } => 10,
                Event::Wheel { .. } => 13,
                Event::Pad { pad, change } => pads::weight(*pad, change),
                Event::Focus { window_id, title, app, .. } => 28 + text(window_id) + text(&title.0) + text(app),
                Event::Frame(_) => 33,
                Event::Pause | Event::Resume => 0,
                Event::Mark { text: mark } => 8 + text(&mark.0),
                Event::Layout(layout) => 16 + LAYOUT_KEY.len() + join_layout(layout).len(),
                Event::Gap(gap) => 25 + text(&gap.reason),
                Event::Window(_) => 20,
                Event::Redact { what, reason, .. } => 24 + MAX_AREA_TEXT + text(what) + text(reason),
            },
        };
        RECORD_OVERHEAD + body
    }

    /// Adds a record.
    pub fn push(&mut self, record: &Record) {
        self.bytes += Self::weight(record);
        let (min, max) = self.span.unwrap_or((record.t, record.t));
        self.span = Some((min.min(record.t), max.max(record.t)));
        let wire = &mut self.wire;
        let kind = match &record.body {
            Body::Setup { key, json } => {
                wire.setups.push(v2::Setup { key: cut(key), json: json.clone() });
                kind::SETUP
            }
            Body::Anchor(anchor) => {
                wire.anchors.push(v2::Anchor { utc_ns: anchor.utc.0, boot_ns: anchor.boot_ns.unwrap_or(i64::MIN) });
                kind::ANCHOR
            }
            Body::Digest { track, offset, state } => {
                wire.digests.push(v2::Digest { track: track.0, offset: *offset, state: state.clone() });
                kind::DIGEST
            }
            Body::Packet(packet) => {
                wire.packets.push(v2::Packet {
                    track: packet.track.0,
                    offset: packet.offset,
                    size_bytes: packet.size_bytes,
                    crc32c: packet.crc32c,
                    flags: u8::from(packet.keyframe),
                    first_sample: packet.first_sample,
                    samples: packet.samples,
                });
                kind::PACKET
            }
            Body::End { reason } => {
                wire.texts.push(cut(reason));
                kind::END
            }
            Body::Event(event) => push_event(wire, event),
        };
        self.flags |= match kind {
            // It says nothing of the recording as a whole: it needs no copy.
            kind::SETUP if matches!(record.body, Body::Event(Event::Pad { .. })) => 0,
            kind::SETUP | kind::ANCHOR | kind::DIGEST | kind::END => FLAG_FACTS,
            kind::FRAME => FLAG_FRAMES,
            kind::PACKET => FLAG_PACKETS,
            _ => 0,
        };
        wire.kinds.push(kind);
        wire.times.push(record.t.0);
        wire.sources.push(self.names.number(record.source).unwrap_or(NO_SOURCE));
    }

    /// Gives the source of a record a number; true when it has a new one, which must be in the log before the record is.
    pub fn learn(&mut self, source: Source) -> bool {
        self.names.learn(source)
    }

    /// Which numbers sources have.
    pub fn names(&self) -> &SourceNames {
        &self.names
    }

    /// The chunk collected so far, its flags and its span of time; the builder is empty again. `None` when it was empty.
    pub fn take(&mut self) -> Option<(v2::Chunk, u16, MonoNs, MonoNs)> {
        let (min, max) = self.span.take()?;
        self.bytes = 0;
        Some((std::mem::take(&mut self.wire), std::mem::take(&mut self.flags), min, max))
    }
}

fn push_event(wire: &mut v2::Chunk, event: &Event) -> u8 {
    match event {
        Event::Key(key) => {
            wire.keys.push(v2::Key {
                usage: key.usage.map_or(0, |usage| usage.0),
                native: key.native.unwrap_or(u32::MAX),
                flags: u8::from(key.down) | u8::from(key.repeat) << 1 | u8::from(key.redacted) << 2,
            });
            kind::KEY
        }
        Event::MouseMove { position, motion, warped } => {
            let (x, y) = split_position(*position);
            let (dx, dy) = motion.unwrap_or((f32::NAN, if *warped { WARPED } else { f32::NAN }));
            wire.moves.push(v2::Move { x, y, dx, dy });
            kind::MOVE
        }
        Event::MouseClick { button, pressed, position } => {
            let (x, y) = split_position(*position);
            let number = Button::ALL.iter().position(|b| b == button).unwrap_or_default();
            wire.clicks.push(v2::Click { button: number as u8, pressed: u8::from(*pressed), x, y });
            kind::CLICK
        }
        Event::Wheel { delta, axis, hi_res, position } => {
            let (x, y) = split_position(*position);
            let flags = u8::from(*axis == Axis::Horizontal) | u8::from(*hi_res) << 1;
            wire.wheels.push(v2::Wheel { delta: *delta, flags, x, y });
            kind::WHEEL
        }
        Event::Focus { window_id, title, app, pid } => {
            wire.focuses.push(v2::Focus {
                window_id: cut(window_id),
                title: cut(&title.0),
                app: cut(app),
                pid: pid.unwrap_or(0),
            });
            kind::FOCUS
        }
        Event::Pad { pad, change } => {
            wire.setups.push(v2::Setup { key: pads::PAD_KEY.into(), json: pads::join(*pad, change) });
            kind::SETUP
        }
        Event::Layout(layout) => {
            wire.setups.push(v2::Setup { key: LAYOUT_KEY.into(), json: join_layout(layout) });
            kind::SETUP
        }
        Event::Frame(frame) => {
            wire.frames.push(v2::Frame {
                frame_ref: frame.frame_ref.0,
                offset: frame.offset,
                size_bytes: frame.size_bytes,
                crc32c: frame.crc32c,
                capture_us: frame.capture_us,
                encode_us: frame.encode_us,
                flags: u8::from(frame.keyframe) | u8::from(frame.duplicate) << 1,
            });
            kind::FRAME
        }
        Event::Pause => kind::PAUSE,
        Event::Resume => kind::RESUME,
        Event::Mark { text } => {
            wire.texts.push(cut(&text.0));
            kind::MARK
        }
        Event::Gap(gap) => {
            let stream = Stream::ALL.iter().position(|s| *s == gap.stream).unwrap_or_default();
            wire.gaps.push(v2::Gap {
                stream: stream as u8,
                reason: cut(&gap.reason),
                lost: gap.lost.unwrap_or(u64::MAX),
                until_ns: gap.until.0,
            });
            kind::GAP
        }
        Event::Window(surface) => {
            wire.windows.push(v2::Window {
                x: surface.x,
                y: surface.y,
                width: surface.width,
                height: surface.height,
                scale: surface.scale.unwrap_or(f32::NAN),
            });
            kind::WINDOW
        }
        Event::Redact { what, reason, area, until } => {
            let what = join_area(what, *area);
            wire.redacts.push(v2::Redact { what: cut(&what), reason: cut(reason), until_ns: until.0 });
            kind::REDACT
        }
    }
}

/// Returns how much of each further track was on the disk when a chunk was cut; nothing when the body is no archive.
pub fn synced(schema: u16, body: &[u8]) -> Vec<(TrackId, u64)> {
    let chunk = watchcap_migrations::log::read(schema, body).unwrap_or_default();
    chunk.synced.into_iter().take(MAX_TRACKS).map(|synced| (TrackId(synced.track), synced.bytes)).collect()
}

/// The records of a chunk, in order; `names` says which source each number stands for.
///
/// # Errors
/// [`CodecError`] when the body is no archive, or one whose lists do not fit together.
pub fn records(schema: u16, body: &[u8], names: &SourceNames) -> Result<Vec<Record>, CodecError> {
    let chunk = watchcap_migrations::log::read(schema, body)?;
    if chunk.times.len() != chunk.kinds.len() || chunk.sources.len() != chunk.kinds.len() {
        return Err(CodecError::Inconsistent { what: "as many times and sources as kinds" });
    }
    let mut lists = Lists {
        setups: chunk.setups.into_iter(),
        moves: chunk.moves.into_iter(),
        keys: chunk.keys.into_iter(),
        clicks: chunk.clicks.into_iter(),
        wheels: chunk.wheels.into_iter(),
        focuses: chunk.focuses.into_iter(),
        frames: chunk.frames.into_iter(),
        texts: chunk.texts.into_iter(),
        gaps: chunk.gaps.into_iter(),
        windows: chunk.windows.into_iter(),
        redacts: chunk.redacts.into_iter(),
        anchors: chunk.anchors.into_iter(),
        digests: chunk.digests.into_iter(),
        packets: chunk.packets.into_iter(),
    };
    let mut out = Vec::with_capacity(chunk.kinds.len());
    for ((kind, t), source) in chunk.kinds.iter().zip(&chunk.times).zip(&chunk.sources) {
        let t = MonoNs(*t);
        let source = names.source(*source);
        let body = lists.next(*kind, t).ok_or(CodecError::Inconsistent { what: "a record for each kind" })?;
        out.push(Record { t, source, body });
    }
    Ok(out)
}

struct Lists {
    setups: std::vec::IntoIter<v2::Setup>,
    moves: std::vec::IntoIter<v2::Move>,
    keys: std::vec::IntoIter<v2::Key>,
    clicks: std::vec::IntoIter<v2::Click>,
    wheels: std::vec::IntoIter<v2::Wheel>,
    focuses: std::vec::IntoIter<v2::Focus>,
    frames: std::vec::IntoIter<v2::Frame>,
    texts: std::vec::IntoIter<String>,
    gaps: std::vec::IntoIter<v2::Gap>,
    windows: std::vec::IntoIter<v2::Window>,
    redacts: std::vec::IntoIter<v2::Redact>,
    anchors: std::vec::IntoIter<v2::Anchor>,
    digests: std::vec::IntoIter<v2::Digest>,
    packets: std::vec::IntoIter<v2::Packet>,
}

impl Lists {
    /// The next record of a kind; `None` when the list is used up or the kind is unknown.
    fn next(&mut self, kind: u8, t: MonoNs) -> Option<Body> {
        let event = match kind {
            kind::SETUP => {
                let setup = self.setups.next()?;
                if let Some(layout) = split_layout(&setup) {
                    return Some(Body::Event(Event::Layout(layout)));
                }
                if let Some(event) = pads::split(&setup.key, &setup.json) {
                    return Some(Body::Event(event));
                }
                return Some(Body::Setup { key: setup.key, json: setup.json });
            }
            kind::ANCHOR => {
                let anchor = self.anchors.next()?;
                let boot_ns = (anchor.boot_ns != i64::MIN).then_some(anchor.boot_ns);
                return Some(Body::Anchor(Anchor { mono: t, utc: UtcNs(anchor.utc_ns), boot_ns, awake_ns: None }));
            }
            kind::DIGEST => {
                let digest = self.digests.next()?;
                return Some(Body::Digest { track: TrackId(digest.track), offset: digest.offset, state: digest.state });
            }
            kind::PACKET => {
                let packet = self.packets.next()?;
                return Some(Body::Packet(PacketRef {
                    track: TrackId(packet.track),
                    first_sample: packet.first_sample,
                    samples: packet.samples,
                    offset: packet.offset,
                    size_bytes: packet.size_bytes,
                    crc32c: packet.crc32c,
                    keyframe: packet.flags & 1 != 0,
                }));
            }
            kind::END => return Some(Body::End { reason: self.texts.next()? }),
            kind::MOVE => {
                let v2::Move { x, y, dx, dy } = self.moves.next()?;
                let motion = (!dx.is_nan() && !dy.is_nan()).then_some((dx, dy));
                let warped = dx.is_nan() && dy.to_bits() == WARPED.to_bits();
                Event::MouseMove { position: join_position(x, y), motion, warped }
            }
            kind::KEY => {
                let key = self.keys.next()?;
                Event::Key(Key {
                    usage: (key.usage != 0).then_some(HidUsage(key.usage)),
                    native: (key.native != u32::MAX).then_some(key.native),
                    down: key.flags & 1 != 0,
                    repeat: key.flags & 2 != 0,
                    redacted: key.flags & 4 != 0,
                })
            }
            kind::CLICK => {
                let click = self.clicks.next()?;
                Event::MouseClick {
                    button: *Button::ALL.get(click.button as usize)?,
                    pressed: click.pressed != 0,
                    position: join_position(click.x, click.y),
                }
            }
            kind::WHEEL => {
                let wheel = self.wheels.next()?;
                Event::Wheel {
                    delta: wheel.delta,
                    axis: if wheel.flags & 1 != 0 { Axis::Horizontal } else { Axis::Vertical },
                    hi_res: wheel.flags & 2 != 0,
                    position: join_position(wheel.x, wheel.y),
                }
            }
            kind::FOCUS => {
                let focus = self.focuses.next()?;
                Event::Focus {
                    window_id: focus.window_id,
                    title: Content(focus.title),
                    app: focus.app,
                    pid: (focus.pid != 0).then_some(focus.pid),
                }
            }
            kind::FRAME => {
                let frame = self.frames.next()?;
                Event::Frame(Frame {
                    frame_ref: FrameRef(frame.frame_ref),
                    offset: frame.offset,
                    size_bytes: frame.size_bytes,
                    crc32c: frame.crc32c,
                    keyframe: frame.flags & 1 != 0,
                    duplicate: frame.flags & 2 != 0,
                    capture_us: frame.capture_us,
                    encode_us: frame.encode_us,
                })
            }
            kind::PAUSE => Event::Pause,
            kind::RESUME => Event::Resume,
            kind::MARK => Event::Mark { text: Content(self.texts.next()?) },
            kind::GAP => {
                let gap = self.gaps.next()?;
                Event::Gap(Gap {
                    stream: *Stream::ALL.get(gap.stream as usize)?,
                    reason: gap.reason,
                    lost: (gap.lost != u64::MAX).then_some(gap.lost),
                    until: MonoNs(gap.until_ns),
                })
            }
            kind::WINDOW => {
                let v2::Window { x, y, width, height, scale } = self.windows.next()?;
                let scale = Some(scale).filter(|scale| !scale.is_nan());
                Event::Window(Surface { x, y, width, height, scale })
            }
            kind::REDACT => {
                let redact = self.redacts.next()?;
                let (what, area) = split_area(redact.what);
                Event::Redact { what, reason: redact.reason, area, until: MonoNs(redact.until_ns) }
            }
            _ => return None,
        };
        Some(Body::Event(event))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::pad::{MAX_PADS, PadAbout, PadChange, PadControl};

    fn any_position() -> impl Strategy<Value = Option<Position>> {
        proptest::option::of((-2.0f32..3.0, -2.0f32..3.0).prop_map(|(x, y)| Position { x, y }))
    }

    fn any_pad_change() -> impl Strategy<Value = PadChange> {
        let control = proptest::option::of((0..PadControl::ALL.len()).prop_map(|at| PadControl::ALL[at]));
        let ids = proptest::option::of(any::<u16>());
        prop_oneof![
            (".{0,60}", ids.clone(), ids, any::<bool>()).prop_map(|(name, vendor, product, standard)| {
                PadChange::Connected(PadAbout { name, vendor, product, standard })
            }),
            Just(PadChange::Disconnected),
            (control.clone(), any::<u32>(), any::<bool>()).prop_map(|(control, native, pressed)| PadChange::Button {
                control,
                native,
                pressed
            }),
            (control, any::<u32>(), -1.0f32..=1.0).prop_map(|(control, native, value)| PadChange::Axis {
                control,
                native,
                value
            }),
        ]
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (proptest::option::of(1u16..232), proptest::option::of(0u32..1000), any::<[bool; 3]>()).prop_map(
                |(usage, native, [down, repeat, redacted])| Event::Key(Key {
                    usage: usage.map(HidUsage),
                    native,
                    down,
                    repeat,
                    redacted
                })
            ),
            (any_position(), proptest::option::of((-99.0f32..99.0, -99.0f32..99.0)), any::<bool>()).prop_map(
                |(position, motion, warped)| Event::MouseMove { position, motion, warped: warped && motion.is_none() }
            ),
            (0..MAX_PADS, any_pad_change()).prop_map(|(pad, change)| Event::Pad { pad, change }),
            (proptest::option::of(".{0,40}"), proptest::option::of(0u8..4))
                .prop_map(|(names, group)| Event::Layout(Layout { names, group })),
            (0usize..5, any::<bool>(), any_position()).prop_map(|(button, pressed, position)| Event::MouseClick {
                button: Button::ALL[button],
                pressed,
                position
            }),
            (-9.0f32..9.0, any::<[bool; 2]>(), any_position()).prop_map(|(delta, [across, hi_res], position)| {
                let axis = if across { Axis::Horizontal } else { Axis::Vertical };
                Event::Wheel { delta, axis, hi_res, position }
            }),
            (".{0,40}", ".{0,900}", ".{0,900}", proptest::option::of(1u32..)).prop_map(|(id, title, app, pid)| {
                Event::Focus { window_id: cut(&id), title: Content(cut(&title)), app: cut(&app), pid }
            }),
            (any::<[u64; 2]>(), any::<[u32; 4]>(), any::<[bool; 2]>()).prop_map(|(a, b, c)| Event::Frame(Frame {
                frame_ref: FrameRef(a[0]),
                offset: a[1],
                size_bytes: b[0],
                crc32c: b[1],
                keyframe: c[0],
                duplicate: c[1],
                capture_us: b[2],
                encode_us: b[3],
            })),
            Just(Event::Pause),
            Just(Event::Resume),
            ".{0,90}".prop_map(|text| Event::Mark { text: Content(text) }),
            (0usize..5, "[a-z_]{1,20}", proptest::option::of(0..u64::MAX - 1), any::<i64>()).prop_map(
                |(stream, reason, lost, until)| Event::Gap(Gap {
                    stream: Stream::ALL[stream],
                    reason,
                    lost,
                    until: MonoNs(until)
                })
            ),
            (any::<[i32; 2]>(), any::<[u32; 2]>()).prop_map(|(at, size)| Event::Window(Surface {
                x: at[0],
                y: at[1],
                width: size[0],
                height: size[1],
                scale: Some(1.5)
            })),
            ("[a-z]{1,9}", ".{0,99}", any::<i64>(), proptest::option::of(any::<(i32, i32, u32, u32)>())).prop_map(
                |(what, reason, until, area)| Event::Redact {
                    what,
                    reason,
                    area: area.map(|(x, y, width, height)| Area { x, y, width, height }),
                    until: MonoNs(until)
                }
            ),
        ]
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let body = prop_oneof![
            8 => any_event().prop_map(Body::Event),
            1 => ("[a-z]{1,20}", ".{0,500}").prop_map(|(key, json)| Body::Setup { key, json }),
            1 => (any::<i64>(), proptest::option::of(0i64..)).prop_map(|(utc, boot_ns)| Body::Anchor(Anchor {
                mono: MonoNs(0),
                utc: UtcNs(utc),
                boot_ns,
                awake_ns: None,
            })),
            1 => (any::<u8>(), any::<u64>(), proptest::collection::vec(any::<u8>(), 0..120))
                .prop_map(|(track, offset, state)| Body::Digest { track: TrackId(track), offset, state }),
            1 => (any::<[u64; 2]>(), any::<[u32; 3]>(), any::<u8>(), any::<bool>()).prop_map(|(a, b, track, keyframe)| {
                Body::Packet(PacketRef {
                    track: TrackId(track),
                    first_sample: a[0],
                    offset: a[1],
                    samples: b[0],
                    size_bytes: b[1],
                    crc32c: b[2],
                    keyframe,
                })
            }),
            1 => "[a-z_]{1,20}".prop_map(|reason| Body::End { reason }),
        ];
        (any::<i64>(), 0usize..7, body).prop_map(|(t, source, mut body)| {
            if let Body::Anchor(anchor) = &mut body {
                anchor.mono = MonoNs(t);
            }
            let further = [Source::named("evdev"), Source::named("wgc")];
            let source = Source::ALL.get(source).copied().unwrap_or_else(|| further[source - Source::ALL.len()]);
            Record { t: MonoNs(t), source, body }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn records_read_back_and_chunks_stay_small(input in proptest::collection::vec(any_record(), 1..80)) {
            let mut builder = ChunkBuilder::default();
            let mut output = Vec::new();
            let mut flush = |builder: &mut ChunkBuilder| {
                if let Some((mut chunk, ..)) = builder.take() {
                    chunk.synced = (0..MAX_TRACKS as u8).map(|track| v2::Synced { track, bytes: u64::MAX }).collect();
                    let body = watchcap_migrations::log::write(&chunk).expect("an archive");
                    assert!(HEADER_LEN + body.len() <= MAX_LEN, "a chunk of {} bytes", HEADER_LEN + body.len());
                    output.extend(records(v2::SCHEMA, &body, builder.names()).expect("records"));
                }
            };
            for record in &input {
                if !builder.fits(record) {
                    flush(&mut builder);
                }
                builder.learn(record.source);
                builder.push(record);
            }
            flush(&mut builder);
            prop_assert_eq!(output, input);
        }

        #[test]
        fn arbitrary_bytes_are_an_error_or_records(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            for schema in 1..=v2::SCHEMA {
                if let Ok(read) = records(schema, &bytes, &SourceNames::default()) {
                    prop_assert!(read.len() <= bytes.len());
                }
            }
        }
    }
}
