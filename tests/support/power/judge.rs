//! What a session holds, and what of it is left after a power cut.
//!
//! The measure is the session of the same recording without a cut. Each stream of what is left must be the beginning of what was
//! recorded: the same rows, the same bytes of each frame. What is lost counts by its age at the cut, less the time in which the machine
//! itself stood still.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};
use watchcap::media::frames::FrameReader;
use watchcap::media::mp4::sound;
use watchcap::media::mp4::sound_index::read_index;
use watchcap::session::layout;
use watchcap::session::metadata::Metadata;
use watchcap::session::sound as told;
use watchcap::session::table::read::EventsReader;
use watchcap::session::table::row::{OwnedRow, event_type, key};
use watchcap::session::verify::video::open_video;
use watchcap::session::verify::{VerifyOptions, verify};

use super::trace::{Cut, Trace};

/// An item of a stream: its time and a sum of what it says.
type Item = (i64, u64);

/// What a session holds.
pub(crate) struct Content {
    /// Inputs, without those that nobody made (`held`).
    pub(crate) events: Vec<Item>,
    /// Frames with the sum of their bytes.
    pub(crate) frames: Vec<Item>,
    /// Packets of sound with the sum of their bytes, each at the time at which its first sample was heard.
    pub(crate) sound: Vec<Item>,
    /// What gaps say.
    pub(crate) gaps: Vec<String>,
    /// SHA-256 of every file.
    files: BTreeMap<String, String>,
}

fn sum(bytes: &[u8]) -> u64 {
    Sha256::digest(bytes)[..8].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// Everything that an input says, apart from the frame that was seen and the session.
fn said(row: &OwnedRow) -> u64 {
    let map: Vec<_> = row.metadata.iter().collect();
    let bits = |number: Option<f32>| number.map(f32::to_bits);
    let cells = (&row.event_type, row.key_code, bits(row.mouse_x), bits(row.mouse_y), &row.mouse_button);
    let more = (bits(row.delta), &row.window_id, row.pressed, bits(row.mouse_dx), bits(row.mouse_dy), row.repeat);
    sum(format!("{cells:?}{more:?}{map:?}").as_bytes())
}

/// The packets of a session's sound; none where it has none.
fn packets(dir: &Path) -> Result<Vec<Item>, String> {
    let path = layout::audio_path(dir);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let metadata = Metadata::read(&layout::metadata_path(dir)).map_err(|error| error.to_string())?;
    let t0 = told::t0_ns(&metadata, layout::AUDIO_FILE).ok_or("the sound has no t0_ns")?;
    let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
    let file = std::fs::File::open(&path).map_err(|error| error.to_string())?;
    let index = read_index(&file).map_err(|error| error.to_string())?;
    let item = |packet: &sound::SoundPacket| {
        let of = bytes.get(packet.offset as usize..)?.get(..packet.size as usize)?;
        Some((sound::time(packet.tick, t0, index.track.rate), sum(of)))
    };
    index.packets.iter().map(|packet| item(packet).ok_or_else(|| "a packet is not in the file".to_owned())).collect()
}

impl Content {
    /// Reads a sealed session.
    pub(crate) fn read(dir: &Path) -> Result<Self, String> {
        let events = EventsReader::open(&layout::events_path(dir)).map_err(|error| error.to_string())?;
        let (mut inputs, mut times, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
        for row in events.rows() {
            let row = row.map_err(|error| error.to_string())?;
            match row.event_type.as_str() {
                event_type::FRAME => times.push(row.t_ns),
                event_type::GAP => gaps.push(
                    row.metadata
                        .iter()
                        .filter(|(k, _)| *k != key::UNTIL_NS)
                        .fold(String::new(), |text, (key, value)| format!("{text} {key}={value}")),
                ),
                event_type::WINDOW | event_type::REDACT => {}
                _ if row.metadata.get(key::HELD).is_some() => {}
                _ => inputs.push((row.t_ns, said(&row))),
            }
        }
        let mut frames = Vec::new();
        if layout::frames_path(dir).is_file() {
            let mut video = FrameReader::open(&layout::frames_path(dir)).map_err(|error| error.to_string())?;
            for (index, t) in times.iter().enumerate() {
                frames.push((*t, sum(video.access_unit(index).map_err(|error| error.to_string())?)));
            }
            if video.len() != times.len() {
                return Err(format!("{} frames in the video, {} in the table", video.len(), times.len()));
            }
        }
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(|error| error.to_string())?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Ok(bytes) = std::fs::read(entry.path()) {
                files.insert(name, format!("{:x?}", Sha256::digest(bytes)));
            }
        }
        Ok(Self { events: inputs, frames, sound: packets(dir)?, gaps, files })
    }
}

/// What came of a cut.
#[derive(Default)]
pub(crate) struct Verdict {
    /// Age of the oldest lost input at the cut, ns; of the oldest lost frame; of the oldest lost sound.
    pub(crate) lost: [i64; 3],
    /// The same without the time in which the machine stood still: what is promised.
    pub(crate) net: [i64; 3],
    /// What was promised and is not so: kind and detail.
    pub(crate) broken: Vec<(&'static str, String)>,
    /// The recording had begun and not ended when the power went.
    pub(crate) recording: bool,
    /// There was nothing to be sealed, and nothing that had to be there.
    pub(crate) nothing: bool,
    /// What the cut did to the log.
    pub(crate) met: Vec<&'static str>,
}

/// How much may be lost, ns: inputs, frames, sound.
pub(crate) type Limits = [i64; 3];

/// What is left of one stream: how much of it is the beginning of what was recorded, and the age of the oldest that is lost.
fn left(of: &[Item], wanted: &[Item], t: i64) -> (Option<String>, i64) {
    let alike = of.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let hole = (alike < of.len()).then(|| {
        let again = wanted.iter().position(|item| Some(item) == of.get(alike));
        format!("item {alike} of {} is item {again:?} of {}", of.len(), wanted.len())
    });
    let lost = wanted.get(alike).map_or(0, |(at, _)| (t - at).max(0));
    (hole, lost)
}

/// Judges what `finalize` made of a cut: `content` is what the session holds, or why there is none.
pub(crate) fn judge(
    trace: &Trace,
    whole: &Content,
    cut: &Cut,
    content: Result<&Content, (&'static str, String)>,
    limits: Limits,
) -> Verdict {
    let moments = &trace.moments;
    let end = moments.killed.or(moments.closed).unwrap_or(moments.sealed);
    // What a killed recorder had is as old as it was then: it could do no more for it.
    let t = cut.t.min(moments.killed.unwrap_or(i64::MAX));
    let mut verdict = Verdict { recording: cut.t >= moments.ready && cut.t <= end, ..Verdict::default() };
    let none =
        Content { events: Vec::new(), frames: Vec::new(), sound: Vec::new(), gaps: Vec::new(), files: BTreeMap::new() };
    let (content, absent) = match content {
        Ok(content) => (content, None),
        Err(why) => (&none, Some(why)),
    };
    let streams = [
        ("events", "hole_events", "loss_events", &content.events, &whole.events),
        ("frames", "hole_frames", "loss_frames", &content.frames, &whole.frames),
        ("sound", "hole_sound", "loss_sound", &content.sound, &whole.sound),
    ];
    for (index, (name, hole_name, kind, of, wanted)) in streams.into_iter().enumerate() {
        let (hole, lost) = left(of, wanted, t);
        let net = lost - trace.stalled(t - lost, t);
        verdict.lost[index] = lost;
        verdict.net[index] = net;
        if let Some(hole) = hole {
            verdict.broken.push((hole_name, hole));
        }
        if net > limits[index] && absent.is_none() {
            let [lost, net] = [lost, net].map(|ns| ns as f64 / 1e6);
            let text =
                format!("{name} of {lost:.1} ms, {net:.1} of them running: {} of {} are left", of.len(), wanted.len());
            verdict.broken.push((kind, text));
        }
    }
    if let Some((kind, why)) = absent {
        // A folder without anything in it, or none, when nothing had to be there yet.
        let due = verdict.net.iter().zip(limits).any(|(net, limit)| *net > limit);
        verdict.nothing = !due && matches!(kind, "missing" | "empty");
        if !verdict.nothing {
            verdict.broken.push((kind, why));
        }
        return verdict;
    }
    // A hole that is reported is one all the same. No hole is what the end says of itself: frames whose references came to the disk and
    // whose bytes did not (`frame_torn`; one in the middle shows in the frames), and records of an unknown number.
    let hole = |gap: &&String| gap.contains("records_lost") && gap.contains("lost=");
    if let Some(gap) = content.gaps.iter().filter(|gap| !whole.gaps.contains(gap)).find(hole) {
        verdict.broken.push(("hole_reported", gap.clone()));
    }
    if cut.t >= moments.sealed || moments.closed.is_some_and(|closed| cut.t >= closed) {
        let differs: Vec<_> =
            whole.files.iter().filter(|(name, hash)| content.files.get(*name) != Some(hash)).collect();
        if !differs.is_empty() || content.files.len() != whole.files.len() {
            let names: Vec<_> = differs.iter().map(|(name, _)| name.as_str()).collect();
            verdict.broken.push(("another_session", format!("{names:?} differ from those without a cut")));
        }
    }
    verdict
}

/// Whether a session verifies.
pub(crate) fn verifies(dir: &Path, decode: bool) -> Result<(), String> {
    let options = VerifyOptions { hash_files: true, decode_frames: decode };
    let report = verify(dir, options, &mut |path| open_video(path), &mut |_| {});
    if report.ok() { Ok(()) } else { Err(format!("{:?}", report.problems)) }
}
