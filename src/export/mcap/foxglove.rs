//! The file for Foxglove and for whoever wants everything: each row of the table, and the video itself.
//!
//! Keeps the invariants that `watchcap/row` alone is the whole table (but for the row hashes, which are of the table's bytes), and that a
//! decoder can begin with every keyframe of `screen/video`: parameter sets stand before it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::file::{McapFile, Topic};
use crate::export::error::ExportError;
use crate::export::sound::Track;
use crate::media::frames::FrameReader;
use crate::media::{aac, flac};
use crate::session::table::row::{OwnedRow, event_type};

/// Topics, in the order in which they are declared.
pub const TOPICS: [Topic; 2] = [
    Topic::json("watchcap/row", "watchcap/Row", include_str!("../mcap_schemas/row.json")),
    Topic {
        name: "screen/video",
        schema: "foxglove.CompressedVideo",
        schema_encoding: "protobuf",
        encoding: "protobuf",
        // A FileDescriptorSet of Foxglove's schema and of the timestamp that it uses; a test compares it with their package.
        text: include_bytes!("../mcap_schemas/compressed_video.binpb"),
    },
];
const ROW: usize = 0;
const VIDEO: usize = 1;
/// The first topic of sound, one for each file.
const SOUND: usize = 2;
/// Name of the frame of reference, which Foxglove asks for.
const FRAME_ID: &str = "screen";

/// Returns the topics of a session with this sound: AAC goes as it is, FLAC as its samples.
pub(super) fn topics(sounds: &[Track]) -> Vec<Topic> {
    let of_sound = sounds.iter().map(|track| {
        let (schema, text): (_, &[u8]) = if is_aac(track) {
            ("foxglove.CompressedAudio", include_bytes!("../mcap_schemas/compressed_audio.binpb"))
        } else {
            ("foxglove.RawAudio", include_bytes!("../mcap_schemas/raw_audio.binpb"))
        };
        let name = if track.role == "mic" { "sound/mic" } else { "sound/system" };
        Topic { name, schema, schema_encoding: "protobuf", encoding: "protobuf", text }
    });
    TOPICS.into_iter().chain(of_sound).collect()
}

fn is_aac(track: &Track) -> bool {
    track.coded.codec == *b"mp4a"
}

/// Writes the messages of one session.
pub(super) struct Foxglove {
    video: Option<FrameReader>,
    /// Its sound, and the next packet of each file.
    sounds: Vec<(Track, usize)>,
    /// Whether a decoder has all that the next frame builds on.
    whole: bool,
    /// Something of the sound was written.
    has_sound: bool,
    unit: Vec<u8>,
    message: Vec<u8>,
}

impl Foxglove {
    pub(super) fn new(video: Option<FrameReader>, sounds: Vec<Track>) -> Self {
        let sounds = sounds.into_iter().map(|track| (track, 0)).collect();
        Self { video, sounds, whole: false, has_sound: false, unit: Vec::new(), message: Vec::new() }
    }

    /// Adds a row, and the picture of a frame.
    pub(super) fn row(
        &mut self,
        row: &OwnedRow,
        time: i64,
        to: &mut McapFile,
        failed: &dyn Fn(::mcap::McapError) -> ExportError,
    ) -> Result<(), ExportError> {
        to.push(ROW, time, &whole(row)).map_err(failed)?;
        if row.event_type == event_type::FRAME && self.frame(row, time)? {
            to.push_bytes(VIDEO, time, &self.message).map_err(failed)?;
        }
        Ok(())
    }

    /// Adds the sound that was heard until this time, as far as all that is in a packet may be told.
    pub(super) fn sound(
        &mut self,
        until_ns: i64,
        told: &dyn Fn(i64, i64) -> bool,
        zero: i64,
        to: &mut McapFile,
        failed: &dyn Fn(::mcap::McapError) -> ExportError,
    ) -> Result<(), ExportError> {
        for (topic, (track, next)) in (SOUND..).zip(&mut self.sounds) {
            while *next < track.len() && track.begin_ns(*next) <= until_ns {
                let begin_ns = track.begin_ns(*next);
                let (_, end_ns) = track.read(*next, &mut self.unit)?;
                let packet = *next;
                *next += 1;
                if !told(begin_ns, end_ns) {
                    continue;
                }
                let time = begin_ns.saturating_add(zero);
                self.message.clear();
                let unit = || ExportError::SoundUnit { packet };
                if is_aac(track) {
                    let specific = track.coded.aac_specific().ok_or_else(unit)?;
                    let mut data = aac::adts(&specific, self.unit.len()).ok_or_else(unit)?.to_vec();
                    data.extend_from_slice(&self.unit);
                    message(time, &[(2, &data), (3, b"mp4a.40.2")], &[], &mut self.message);
                } else {
                    let samples = flac::decode(&self.unit, track.coded.channels).ok_or_else(unit)?;
                    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
                    let numbers = [(4, track.coded.rate), (5, track.coded.channels.into())];
                    message(time, &[(2, &data), (3, b"pcm-s16")], &numbers, &mut self.message);
                }
                to.push_bytes(topic, time, &self.message).map_err(failed)?;
                self.has_sound = true;
            }
        }
        Ok(())
    }

    /// Returns whether something of the sound was written; `None` when there is none to be written.
    pub(super) fn has_sound(&self) -> Option<bool> {
        (!self.sounds.is_empty()).then_some(self.has_sound)
    }

    /// Leaves a row out. What builds on a frame that is left out cannot be shown.
    pub(super) fn skip(&mut self, row: &OwnedRow) {
        if row.event_type == event_type::FRAME {
            self.whole = false;
        }
    }

    /// Makes the message of a frame; false when no decoder could show it.
    fn frame(&mut self, row: &OwnedRow, time: i64) -> Result<bool, ExportError> {
        let (Some(video), Some(frame)) = (&mut self.video, row.frame_ref.and_then(|frame| usize::try_from(frame).ok()))
        else {
            return Ok(false);
        };
        let key = video.is_keyframe(frame) == Some(true);
        self.whole |= key;
        if !self.whole {
            return Ok(false);
        }
        let config = video.index().config.clone();
        let bytes = video.access_unit(frame)?;
        self.unit.clear();
        if config.to_stream(bytes, key, &mut self.unit).is_err() {
            return Err(ExportError::Unit { frame });
        }
        self.message.clear();
        compressed_video(time, config.name(), &self.unit, &mut self.message);
        Ok(true)
    }
}

/// Appends a `foxglove.CompressedVideo` in protobuf's encoding: fields 1 to 4, each behind its tag and its length.
fn compressed_video(time: i64, format: &str, data: &[u8], out: &mut Vec<u8>) {
    message(time, &[(2, FRAME_ID.as_bytes()), (3, data), (4, format.as_bytes())], &[], out);
}

/// Appends a message in protobuf's encoding: its time as field 1, then fields of bytes, each behind its tag and its length, then numbers of 32 bits.
fn message(time: i64, fields: &[(u8, &[u8])], numbers: &[(u8, u32)], out: &mut Vec<u8>) {
    let mut timestamp = Vec::with_capacity(16);
    for (tag, value) in [(0x08, time.div_euclid(1_000_000_000)), (0x10, time.rem_euclid(1_000_000_000))] {
        timestamp.push(tag);
        varint(value as u64, &mut timestamp);
    }
    for (field, bytes) in [(1, &*timestamp)].iter().chain(fields) {
        out.push(field << 3 | 2);
        varint(bytes.len() as u64, out);
        out.extend_from_slice(bytes);
    }
    for (field, number) in numbers {
        out.push(field << 3 | 5);
        out.extend(number.to_le_bytes());
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pad: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f32>,
    metadata: BTreeMap<&'a str, &'a str>,
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
        pad: row.pad,
        control: row.control.as_deref(),
        value: row.value,
        metadata: row.metadata.iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_protobuf_makes_of_it() {
        let mut out = Vec::new();
        compressed_video(1_700_000_000_000_000_300, "h264", &[7; 200], &mut out);
        let head = [
            0x0a, 0x09, 0x08, 0x80, 0xe2, 0xcf, 0xaa, 0x06, 0x10, 0xac, 0x02, 0x12, 6, b's', b'c', b'r', b'e', b'e',
            b'n', 0x1a, 0xc8, 0x01,
        ];
        assert_eq!(out[..head.len()], head);
        assert_eq!(out[head.len()..head.len() + 200], [7; 200]);
        assert_eq!(out[head.len() + 200..], [0x22, 4, b'h', b'2', b'6', b'4']);
    }
}
