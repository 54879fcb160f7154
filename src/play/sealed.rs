//! A sealed session for the player: its table in blocks, the times of its frames, its pictures.
//!
//! Invariant: opening costs what the indexes cost, not what the rows weigh. A session without a video plays without pictures,
//! and so does one whose video cannot be read, which says so; a session without a table cannot be played.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use watchcap_replay::{Fact, Levels, Mask, Picture, Pictures, Section, Summary, Tone};

use super::levels::Loudness;
use super::reel::{FrameTimes, Reel};
use crate::capture::Facet;
use crate::media::frames::FrameReader;
use crate::session::annotations::Annotations;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::stills;
use crate::session::table::pages::Pages;
use crate::session::table::read::ReadError;
use crate::session::table::row::{OwnedRow, event_type};

/// Why a session cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum SealedError {
    /// Its table or metadata cannot be read.
    #[error(transparent)]
    Session(#[from] ReadError),
}

impl SealedError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Session(error) => error.hint(),
        }
    }
}

/// The rows and facts of a sealed session.
pub struct SealedReel {
    dir: PathBuf,
    metadata: Metadata,
    pages: Pages,
    frames: FrameTimes,
    size: (u32, u32),
    span: (i64, i64),
    state: String,
    /// Why there are no pictures although there should be.
    no_pictures: Option<String>,
    loudness: Option<Loudness>,
}

/// Opens a sealed session for the player.
///
/// # Errors
/// [`SealedError`] when its table or its metadata is missing or not what it should be.
pub fn open(dir: &Path) -> Result<(Arc<SealedReel>, SealedPictures), SealedError> {
    let metadata = Metadata::read(&layout::metadata_path(dir)).map_err(ReadError::from)?;
    let pages = Pages::open(&layout::events_path(dir))?;
    let blocks = (0..pages.len()).filter_map(|block| pages.span_ns(block));
    let span = blocks.reduce(|all, block| (all.0.min(block.0), all.1.max(block.1)));
    let span = span.unwrap_or((metadata.clock.t0_ns, metadata.clock.t0_ns));
    let video = layout::frames_path(dir);
    let (video, no_pictures) = if metadata.frames == 0 && !video.exists() {
        (None, None)
    } else {
        match FrameReader::open(&video) {
            Ok(video) => (Some(video), None),
            Err(error) => (None, Some(error.to_string())),
        }
    };
    let samples = video.as_ref().map_or(&[][..], |video| &video.index().samples);
    let t0 = if samples.is_empty() { span.0 } else { first_frame(&pages)?.unwrap_or(span.0) };
    let frames = FrameTimes::new(t0, samples);
    let size = video.as_ref().map_or((0, 0), FrameReader::surface);
    let sealed = layout::integrity_path(dir).is_file();
    let state = match (sealed, metadata.recovered) {
        (false, _) => "not sealed",
        (true, true) => "sealed, recovered",
        (true, false) => "sealed",
    };
    let pictures = SealedPictures { video, why: no_pictures.clone() };
    let (dir, state) = (dir.to_owned(), state.to_owned());
    let loudness = Loudness::of(&dir, &metadata);
    let reel = SealedReel { dir, metadata, pages, frames, size, span, state, no_pictures, loudness };
    Ok((Arc::new(reel), pictures))
}

/// The time of frame 0, from its row; every other frame's follows from the video's index to half a microsecond.
fn first_frame(pages: &Pages) -> Result<Option<i64>, ReadError> {
    let mut first = None;
    for block in 0..pages.len() {
        pages.each_kind(block, &mut |t_ns, kind| {
            if kind == event_type::FRAME {
                first = first.or(Some(t_ns));
            }
        })?;
        if first.is_some() {
            break;
        }
    }
    Ok(first)
}

impl Reel for SealedReel {
    fn levels(&self, from_ns: i64, until_ns: i64, parts: usize) -> Option<Levels> {
        Some(self.loudness.as_ref()?.levels(from_ns, until_ns, parts))
    }

    fn blocks(&self) -> usize {
        self.pages.len()
    }

    fn revision(&self, _block: usize) -> u64 {
        0
    }

    fn span_of(&self, block: usize) -> Option<(i64, i64)> {
        self.pages.span_ns(block)
    }

    fn block_at(&self, t_ns: i64) -> usize {
        self.pages.at(t_ns)
    }

    fn each(&self, block: usize, take: &mut dyn FnMut(&OwnedRow)) -> Result<(), String> {
        self.pages.each(block, take).map_err(|error| error.to_string())
    }

    fn each_of(
        &self,
        block: usize,
        wanted: &dyn Fn(&str) -> bool,
        take: &mut dyn FnMut(&OwnedRow),
    ) -> Result<(), String> {
        self.pages.each_of(block, wanted, take).map_err(|error| error.to_string())
    }

    fn each_kind(&self, block: usize, take: &mut dyn FnMut(i64, &str)) -> Option<Result<(), String>> {
        Some(self.pages.each_kind(block, take).map_err(|error| error.to_string()))
    }

    fn span(&self) -> (i64, i64) {
        self.span
    }

    fn frames(&self) -> &FrameTimes {
        &self.frames
    }

    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn masks(&self) -> Vec<Mask> {
        masks(&self.metadata, self.size, self.span)
    }

    fn summary(&self) -> Summary {
        let mut summary = summary(&self.dir, &self.metadata, self.size, self.span);
        summary.frames = self.frames.len() as u64;
        summary.state.clone_from(&self.state);
        if let Some(why) = &self.no_pictures {
            // Not that there is none: what is there cannot be read.
            summary.state.push_str(", video unreadable");
            summary.no_pictures = Some(why.clone());
            let (section, tone) = (Section::Integrity, Tone::Bad);
            summary.facts.push(Fact { section, name: "video".into(), value: why.clone(), tone });
        }
        summary
    }
}

/// Areas that were covered in every picture.
pub fn masks(metadata: &Metadata, size: (u32, u32), span: (i64, i64)) -> Vec<Mask> {
    let (width, height) = (size.0.max(1) as f32, size.1.max(1) as f32);
    let regions = metadata.privacy.pii_regions.iter();
    let masks = regions.map(|region| Mask {
        x: region.x as f32 / width,
        y: region.y as f32 / height,
        width: region.width as f32 / width,
        height: region.height as f32 / height,
        from_ns: span.0,
        until_ns: span.1,
        reason: region.source.clone(),
    });
    masks.collect()
}

/// What the metadata says of a recording, for the player; its state and its frames are not in it.
pub fn summary(dir: &Path, metadata: &Metadata, size: (u32, u32), span: (i64, i64)) -> Summary {
    let anchor = metadata.clock.anchors.first();
    let optional = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    let consent = &metadata.consent;
    let agreed = [("screen", consent.record_screen), ("input", consent.record_input), ("audio", consent.record_audio)];
    let agreed: Vec<_> = agreed.iter().filter(|(_, yes)| *yes == Some(true)).map(|(name, _)| *name).collect();
    let fact = |section, name: &str, value: String| Fact { section, name: name.into(), value, tone: Tone::Plain };
    let (date, time) = moment(&metadata.captured_at);
    let annotations = Annotations::read(dir, Some(&metadata.session_id));
    let unreadable = annotations.is_err().then(|| "cannot be read".to_owned());
    let annotations = annotations.unwrap_or_default();
    let said = [
        ("task", annotations.task().map(str::to_owned).or_else(|| metadata.task.clone())),
        ("outcome", annotations.outcome().map(|(outcome, _)| outcome.word().to_owned())),
        ("participant", metadata.participant.clone()),
        ("annotations", unreadable),
        ("PNG pictures", stills::count(metadata).map(|count| count.to_string())),
    ];
    let said = said.into_iter().filter_map(|(name, text)| Some(fact(Section::Recording, name, text?)));
    let mut facts = vec![
        fact(Section::Recording, "captured", date),
        fact(Section::Recording, "at", time),
        fact(Section::Recording, "game", optional(&metadata.game)),
    ];
    facts.extend(said);
    facts.extend([
        fact(Section::Recording, "target", optional(&metadata.target)),
        fact(Section::Recording, "ended by", optional(&metadata.end_reason)),
        fact(Section::Recording, "dropped", metadata.dropped_frames.map_or("not known".into(), |n| n.to_string())),
        fact(Section::Recording, "duplicates", metadata.duplicate_frames.to_string()),
        fact(Section::Recording, "input", optional(&metadata.input_device)),
        fact(Section::Recording, "codec", optional(&metadata.codec)),
        fact(Section::Consent, "agreed", format!("{} ({})", agreed.join(", "), consent.how)),
    ]);
    Summary {
        title: dir.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        path: dir.display().to_string(),
        state: String::new(),
        live: false,
        start_ns: span.0,
        end_ns: span.1,
        start_utc_ns: anchor.map(|a| a.realtime_ns.saturating_add(span.0.saturating_sub(a.monotonic_ns))),
        width: size.0,
        height: size.1,
        frames: 0,
        no_pictures: None,
        pads: has_pads(metadata),
        provisional: false,
        drift_ppm: metadata.clock_drift_ppm,
        facts,
    }
}

/// Whether gamepads were recorded; of a log, which has counted nothing yet, whether they would be.
fn has_pads(metadata: &Metadata) -> bool {
    let listens = || metadata.streams.get("input")?.settings.get(Facet::Gamepads.key())?.as_bool();
    metadata.counts.contains_key(event_type::GAMEPAD_CONNECT)
        || (metadata.counts.is_empty() && listens().unwrap_or(false))
}

/// The day and the second of a moment as RFC 3339 has it: each fits beside its name in a narrow panel.
fn moment(text: &str) -> (String, String) {
    let (date, time) = text.split_once('T').unwrap_or((text, "-"));
    let time = match time.split_once('.') {
        Some((seconds, rest)) => format!("{seconds}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit())),
        None => time.to_owned(),
    };
    (date.to_owned(), time)
}

/// Pictures of a sealed session.
pub struct SealedPictures {
    video: Option<FrameReader>,
    why: Option<String>,
}

/// A frame, scaled down to fit.
///
/// # Errors
/// Why it cannot be shown.
pub fn picture(video: &mut FrameReader, frame: u64, within: (u32, u32)) -> Result<Picture, String> {
    let index = usize::try_from(frame).unwrap_or(usize::MAX);
    let size = crate::media::rgb::fit(video.surface(), within);
    let rgb = video.rgb_scaled(index, size).map_err(|error| error.to_string())?;
    Ok(Picture { width: rgb.width, height: rgb.height, rgb: rgb.data })
}

/// Decodes some frames on the way to one; answers with how many are left.
///
/// # Errors
/// Why it cannot be shown.
pub fn approach(video: &mut FrameReader, frame: u64, decodes: u64) -> Result<u64, String> {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    video.approach(number(frame), number(decodes)).map(|left| left as u64).map_err(|error| error.to_string())
}

/// The frames that are decoded together with one.
pub fn group(video: &FrameReader, frame: u64) -> Range<u64> {
    let index = usize::try_from(frame).unwrap_or(usize::MAX);
    let first = video.keyframe_before(index).map_or(frame, |first| first as u64);
    let mut end = frame.saturating_add(1);
    while video.is_keyframe(usize::try_from(end).unwrap_or(usize::MAX)) == Some(false) {
        end += 1;
    }
    first..end
}

impl SealedPictures {
    /// The pictures of the session in a folder; without a video that can be read, why there are none.
    pub(super) fn open(dir: &Path) -> Self {
        match FrameReader::open(&layout::frames_path(dir)) {
            Ok(video) => Self { video: Some(video), why: None },
            Err(error) => Self { video: None, why: Some(error.to_string()) },
        }
    }
}

impl Pictures for SealedPictures {
    fn picture(&mut self, frame: u64, within: (u32, u32)) -> Result<Picture, String> {
        let why = self.why.as_deref().unwrap_or("there is no video");
        let video = self.video.as_mut().ok_or(why)?;
        picture(video, frame, within)
    }

    fn approach(&mut self, frame: u64, decodes: u64) -> Result<u64, String> {
        self.video.as_mut().map_or(Ok(0), |video| approach(video, frame, decodes))
    }

    fn group(&mut self, frame: u64) -> Range<u64> {
        self.video.as_ref().map_or(frame..frame.saturating_add(1), |video| group(video, frame))
    }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn a_moment_is_said_to_the_second() {
        let of = |date: &str, time: &str| (date.to_owned(), time.to_owned());
        assert_eq!(moment("2026-11-27T12:37:57.123456789Z"), of("2026-11-27", "12:37:57Z"));
        assert_eq!(moment("2026-11-27T12:37:57.5+01:00"), of("2026-11-27", "12:37:57+01:00"));
        assert_eq!((moment("2026-11-27T12:37Z"), moment("once")), (of("2026-11-27", "12:37Z"), of("once", "-")));
    }
}
