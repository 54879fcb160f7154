//! `webdataset`: clips in tar files, as the webdataset package reads them: per sample a video, the actions in it, and what it is.
//!
//! A clip begins with a keyframe and is copied, not encoded (but for `--resize`, which makes a proxy first and cuts that). Names are made
//! of the session's id and counted; whether a session is for training or validation is a function of its id alone, so neither other
//! sessions nor another order change it, and no two clips of a session are on both sides.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::ops::Range;
use std::path::PathBuf;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::actions::Writer;
use super::error::ExportError;
use super::format::{Format, Piece};
use super::inputs;
use super::kind::FormatKind;
use super::opt::Opt;
use super::options::Options;
use super::out::Out;
use super::sound::Sounds;
use super::source::Source;
use super::steps::{self, Step};
use super::video::{copy, nominal_fps, open_video, proxy};
use crate::base::event::Stream;
use crate::base::io_error::IoError;
use crate::base::progress::Progress;
use crate::media::frames::FrameReader;

/// Shortest clip when nothing was asked for, seconds.
const CLIP_SECONDS: u32 = 10;
/// Largest shard when nothing was asked for, 1,000,000 bytes.
const SHARD_MB: u32 = 512;
/// Sessions of a hundred that are for validation when nothing was asked for.
const VAL_PERCENT: u8 = 10;
/// A clip ends at the keyframe behind this many bytes even when it is short: clips are made in memory.
const CLIP_BYTES: u64 = 256 << 20;
/// Bytes of a block of a tar file.
const BLOCK: usize = 512;

/// The format.
pub struct WebDataset;

impl FormatKind for WebDataset {
    fn name(&self) -> &'static str {
        "webdataset"
    }

    fn about(&self) -> &'static str {
        "tar shards of clips with their actions, split into train and val by session"
    }

    fn version(&self) -> u32 {
        2
    }

    fn makes(&self, file: &str, _: &str, session_id: &str) -> bool {
        let shard = ["train/", "val/"].iter().find_map(|split| file.strip_prefix(split));
        let number = shard.and_then(|shard| shard.strip_prefix(session_id)?.strip_prefix('-')?.strip_suffix(".tar"));
        number.is_some_and(super::out::is_number)
    }

    fn takes(&self) -> &'static [Opt] {
        &[
            Opt::Span,
            Opt::ExcludeRedacted,
            Opt::OnlyAccepted,
            Opt::Resize,
            Opt::Clips,
            Opt::Shards,
            Opt::Split,
            Opt::Sound,
        ]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }

    fn is_by_id(&self) -> bool {
        true
    }
}

impl Format for WebDataset {
    fn copies_pictures(&self, options: &Options) -> bool {
        options.resize.is_none()
    }

    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let source = piece.source;
        let steps = steps::steps(source, piece.options)?;
        let sounds = Sounds::of(source, piece.options)?;
        let span = steps::span(source, piece.options)?;
        let mut video = open_video(source)?;
        if let Some(size) = piece.options.resize {
            let path = out.scratch("proxy.mp4");
            proxy(source, &mut video, size, &path, progress)?;
            video = FrameReader::open(&path)?;
        }
        let shortest_us = i64::from(piece.options.clip_seconds.unwrap_or(CLIP_SECONDS)) * 1_000_000;
        let clips = clips(source, &video, &steps, shortest_us);
        if clips.is_empty() {
            return Err(ExportError::NoFrames { path: source.dir().to_path_buf() });
        }
        let id = &source.reader().metadata().session_id;
        let split = split(id, piece.options.val_percent.unwrap_or(VAL_PERCENT));
        let most = u64::from(piece.options.shard_mb.unwrap_or(SHARD_MB)) * 1_000_000;
        let mut shards = Shards { out, stem: format!("{split}/{id}"), most, next: 0, shard: None };
        let mut current: Option<(usize, Writer<Vec<u8>>)> = None;
        let mut next = 0;
        inputs::for_each(source, &steps, progress, &mut |_, step, action| {
            let Some(clip) = clips.get(next) else { return Ok(()) };
            if !clip.contains(&step.frame) {
                return Ok(());
            }
            let table = |error| ExportError::Table { path: PathBuf::from(format!("clip {next}")), source: error };
            let (mut rows, mut writer) = match current.take() {
                Some(current) => current,
                None => (0, Writer::new(Vec::new(), about(piece)?).map_err(table)?),
            };
            writer.push(source, rows, step, &action).map_err(table)?;
            rows += 1;
            if step.frame + 1 < clip.end {
                current = Some((rows, writer));
                return Ok(());
            }
            let actions = writer.finish().map_err(table)?;
            let heard = (source.frames[clip.start].t_ns, step.end_ns.min(span.until.saturating_add(1)));
            let pictures = copy(&mut video, clip.clone(), nominal_fps(source), &sounds, heard)?;
            let info = info(piece, &video, clip, next, split)?;
            let key = format!("{id}-{next:06}");
            shards.add(&key, &[("mp4", &pictures), ("actions.parquet", &actions), ("json", info.as_bytes())])?;
            next += 1;
            Ok(())
        })?;
        shards.close()?;
        out.tell_sound(sounds.is_taken());
        Ok(())
    }
}

fn about(piece: &Piece<'_>) -> Result<String, ExportError> {
    let json = |source| ExportError::Json { path: PathBuf::from(piece.name), source };
    piece.manifest.to_line().map_err(json)
}

/// What a clip is, and what its session was agreed to be used for.
fn info(
    piece: &Piece<'_>,
    video: &FrameReader,
    clip: &Range<usize>,
    number: usize,
    split: &str,
) -> Result<String, ExportError> {
    let frames = &piece.source.frames;
    let (begin, end) = (frames[clip.start].t_ns, frames.get(clip.end).map_or(i64::MAX, |next| next.t_ns));
    let about = &piece.source.about;
    let subtasks: Vec<_> = about.subtasks.iter().filter(|part| part.from_ns < end && part.until_ns >= begin).collect();
    let json = |source| ExportError::Json { path: PathBuf::from(piece.name), source };
    let value = json!({
        "clip": number, "split": split, "first_frame": clip.start, "frames": clip.len(), "t_ns": frames[clip.start].t_ns,
        "until_ns": frames.get(clip.end).map(|next| next.t_ns), "task": about.task,
        "subtasks": subtasks, "marks": piece.source.marks.between(begin, end), "width": video.surface().0, "height": video.surface().1,
        "export": serde_json::to_value(piece.manifest).map_err(json)?,
    });
    serde_json::to_string(&value).map_err(json)
}

/// `train` or `val`: the first 8 bytes of the SHA-256 of the session's id, as a number between 0 and 1, against the share.
pub fn split(session_id: &str, val_percent: u8) -> &'static str {
    let digest: [u8; 32] = Sha256::digest(session_id.as_bytes()).into();
    let place = digest[..8].iter().fold(0_u64, |place, byte| place << 8 | u64::from(*byte));
    if u128::from(place) * 100 < u128::from(val_percent) << 64 { "val" } else { "train" }
}

/// The clips: runs of frames that follow each other in the steps, without a pause in them, from a keyframe on, cut at the first keyframe at
/// which a clip is long enough.
fn clips(source: &Source, video: &FrameReader, steps: &[Step], shortest_us: i64) -> Vec<Range<usize>> {
    let mut clips: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut bytes = 0;
    for step in steps {
        let sample = video.index().samples[step.frame];
        let paused = step.frame > 0 && source.pauses.touch(source.frames[step.frame - 1].t_ns, step.start_ns);
        if let Some(clip) = &open {
            let long = sample.pts_us - video.index().samples[clip.start].pts_us >= shortest_us || bytes > CLIP_BYTES;
            if clip.end != step.frame || paused || (sample.keyframe && long) {
                clips.extend(open.take());
            }
        }
        match &mut open {
            Some(clip) => clip.end = step.frame + 1,
            None if sample.keyframe => {
                open = Some(step.frame..step.frame + 1);
                bytes = 0;
            }
            None => {}
        }
        bytes += u64::from(sample.size);
    }
    clips.extend(open);
    clips
}

/// The shards of one session.
struct Shards<'a> {
    out: &'a mut Out,
    stem: String,
    most: u64,
    next: usize,
    shard: Option<Shard>,
}

struct Shard {
    name: String,
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
    samples: u64,
}

impl Shards<'_> {
    /// Adds a sample: files of one key, which stay together.
    fn add(&mut self, key: &str, files: &[(&str, &[u8])]) -> Result<(), ExportError> {
        let bytes: u64 = files.iter().map(|(_, bytes)| (BLOCK + bytes.len().next_multiple_of(BLOCK)) as u64).sum();
        // Two empty blocks end a shard.
        if self.shard.as_ref().is_some_and(|shard| shard.bytes + bytes + 2 * BLOCK as u64 > self.most) {
            self.close()?;
        }
        let shard = match &mut self.shard {
            Some(shard) => shard,
            none => {
                let name = format!("{}-{:06}.tar", self.stem, self.next);
                let (file, path) = self.out.create(&name)?;
                self.next += 1;
                none.insert(Shard { name, path, file: BufWriter::with_capacity(1 << 20, file), bytes: 0, samples: 0 })
            }
        };
        for (extension, bytes) in files {
            let mut write = |bytes: &[u8]| shard.file.write_all(bytes).map_err(IoError::at("write", &shard.path));
            write(&header(&format!("{key}.{extension}"), bytes.len() as u64))?;
            write(bytes)?;
            write(&[0; BLOCK][..bytes.len().next_multiple_of(BLOCK) - bytes.len()])?;
        }
        shard.bytes += bytes;
        shard.samples += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), ExportError> {
        let Some(mut shard) = self.shard.take() else { return Ok(()) };
        let ended = shard.file.write_all(&[0; 2 * BLOCK]).and_then(|()| shard.file.flush());
        ended.map_err(IoError::at("write", &shard.path))?;
        self.out.note_samples(&shard.name, shard.samples);
        Ok(())
    }
}

/// The header of a file in a tar (POSIX ustar): mode 0600, nobody's, from 1970. Names are shorter than 100 bytes: an id, a number and an
/// extension.
fn header(name: &str, size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, &name.as_bytes()[..name.len().min(100)]);
    put(100, b"0000600\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_split_is_by_the_id_and_near_its_share() {
        let ids: Vec<String> = (0..4000).map(|n| format!("01890a5d-ac96-774b-bcce-{n:012x}")).collect();
        let val = ids.iter().filter(|id| split(id, 10) == "val").count();
        assert!((300..500).contains(&val), "{val} of 4000");
        assert!(ids.iter().all(|id| split(id, 0) == "train" && split(id, 100) == "val"));
        // Whoever is in a smaller share is in a larger one too.
        assert!(ids.iter().all(|id| split(id, 10) != "val" || split(id, 20) == "val"));
    }
}
