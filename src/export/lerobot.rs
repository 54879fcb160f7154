//! `lerobot`: a LeRobotDataset v3.0, which its loader opens: a constant-rate grid, episodes of at most 15 minutes, a video per episode.
//!
//! Keeps the invariants that frame *n* of an episode's video is what was shown at `n / fps` (the last frame at or before it, named by
//! `src_frame_ref`), and that its action is what was done from then until the next: nothing of it was known when the picture was taken.
//! An episode has no hole in its time. Files of a session are named by its id, so that sessions can come and go. All of them must fit
//! together, which is looked at before the first is encoded.

mod about;
mod columns;
mod stats;

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use self::about::{Told, all_stats, episodes_table, info, tasks, tasks_table};
use self::columns::{Data, FEATURES, Row, new_stats, state, vector};
use self::stats::Stats;
use super::inputs;
use super::manifest::{self, BEGUN_SUFFIX, Manifest};
use super::source::Source;
use super::steps::{self, Step};
use super::video::{check_size, constant_rate, open_video};
use super::{ExportError, Format, Opt, Options, Out, Piece, Progress};
use crate::event::Stream;
use crate::session::frames::FrameReader;
use crate::session::picture::{fit, to_rgb_scaled};
use crate::session::{layout, seal};

/// Steps per second when nothing was asked for.
const FPS: u32 = 30;
/// Longest episode, seconds.
pub const EPISODE_SECONDS: usize = 15 * 60;
/// Pictures of an episode that its statistics are made of, at most.
const SAMPLED: usize = 100;
/// Longest side of such a picture, pixels.
const SAMPLED_SIDE: u32 = 160;
/// Pictures between two reports of progress.
const PROGRESS_STEPS: usize = 32;

/// Largest `meta/info.json` that is read: 100,000 sessions of 1 kB.
const MAX_INFO_BYTES: u64 = 100 << 20;

/// The text of each task.
const TASKS: &str = "meta/tasks.parquet";
/// Where the rows and the pictures of each episode are.
const EPISODES: &str = "meta/episodes/chunk-000/file-000.parquet";
/// Statistics of every feature.
const STATS: &str = "meta/stats.json";
/// What the data set is.
const INFO: &str = "meta/info.json";
/// What is about all sessions, in the order in which it is written.
const META: [&str; 4] = [TASKS, EPISODES, STATS, INFO];

/// The key of the video.
pub const VIDEO: &str = "observation.images.screen";

/// The format.
pub struct LeRobot;

impl Format for LeRobot {
    fn name(&self) -> &'static str {
        "lerobot"
    }

    fn about(&self) -> &'static str {
        "LeRobotDataset v3.0: a constant rate, episodes of at most 15 minutes, statistics"
    }

    fn version(&self) -> u32 {
        1
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::Fps, Opt::Span, Opt::ExcludeRedacted, Opt::OnlyAccepted, Opt::Resize]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }

    fn is_by_id(&self) -> bool {
        true
    }

    fn size(&self, source: &Source, options: &Options) -> Result<Option<(u32, u32)>, ExportError> {
        if source.reader().metadata().frames == 0 {
            return Err(ExportError::NoFrames { path: source.dir().to_path_buf() });
        }
        let video = FrameReader::open(&layout::frames_path(source.dir()))?;
        let size = options.resize.unwrap_or(video.index().coded);
        check_size(&video, size)?;
        Ok(Some(size))
    }

    fn check_folder(&self, dir: &Path) -> Result<(), ExportError> {
        let mut paths = META.into_iter().map(|name| dir.join(name));
        let Some(path) = paths.find(|path| path.symlink_metadata().is_ok()) else { return Ok(()) };
        let is_ours = is_ours(&dir.join(INFO)) || manifest::all_in(dir).any(|made| made.format == self.name());
        if is_ours { Ok(()) } else { Err(ExportError::Taken { path, by: None }) }
    }

    fn place(&self, source: &Source, before: &[Manifest]) -> Map<String, Value> {
        let told: Vec<Told> = before.iter().map(Told::of).collect();
        let task = task(source);
        let tasks = tasks(&told);
        let task_index = tasks.iter().position(|known| *known == task).unwrap_or(tasks.len());
        let mut place = Map::new();
        place.insert("first_episode".into(), json!(told.iter().map(|told| told.episodes.len()).sum::<usize>()));
        place.insert("first_index".into(), json!(told.iter().map(|told| told.frames).sum::<u64>()));
        place.insert("task_index".into(), json!(task_index));
        place
    }

    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let source = piece.source;
        let fps = piece.options.fps.unwrap_or(FPS);
        let steps = steps::steps(source, &Options { fps: Some(fps), ..piece.options.clone() })?;
        let lengths = episodes(&steps, EPISODE_SECONDS * fps as usize);
        let chunk = chunk(&source.reader().metadata().session_id);
        let size = piece.options.resize;
        let (size, pictures) = videos(piece, out, (&steps, &lengths), (fps, size, chunk), progress)?;

        let (file, path) = out.create(&format!("data/chunk-{chunk:03}/file-000.parquet"))?;
        let table = |source| ExportError::Table { path: path.clone(), source };
        let place = |name: &str| piece.manifest.options.get(name).and_then(Value::as_i64).unwrap_or_default();
        let mut data = Data::new(BufWriter::with_capacity(1 << 20, file)).map_err(table)?;
        let (mut episode, mut frame) = (0, 0);
        let mut stats = new_stats();
        let mut told = Vec::new();
        let mut pointer = None;
        inputs::for_each(source, &steps, progress, &mut |index, step, action| {
            let row = Row {
                state: state(pointer),
                action: vector(&action),
                numbers: [
                    step.frame as i64,
                    step.start_ns,
                    frame as i64,
                    place("first_episode") + episode as i64,
                    place("first_index") + index as i64,
                    place("task_index"),
                ],
                timestamp: (frame as f64 / f64::from(fps)) as f32,
                input_gap: action.input_gap,
            };
            pointer = action.x.zip(action.y).or(pointer);
            row.count(&mut stats);
            data.push(&row).map_err(table)?;
            frame += 1;
            if lengths.get(episode) == Some(&frame) {
                let mut all = Map::new();
                for ((name, ..), stats) in FEATURES.iter().zip(std::mem::replace(&mut stats, new_stats())) {
                    all.insert((*name).to_owned(), stats.to_json());
                }
                all.insert(VIDEO.into(), pictures[episode].to_json());
                told.push(json!({ "length": frame, "stats": all }));
                (episode, frame) = (episode + 1, 0);
            }
            Ok(())
        })?;
        data.finish().map_err(table)?;
        let frames: usize = lengths.iter().sum();
        out.tell(json!({
            "fps": fps, "width": size.0, "height": size.1, "task": task(source), "chunk": chunk, "frames": frames, "episodes": told,
        }));
        Ok(())
    }

    fn finish(&self, made: &[Manifest], dir: &Path) -> Result<Vec<PathBuf>, ExportError> {
        remove_others(made, dir)?;
        let told: Vec<Told> = made.iter().map(Told::of).collect();
        let Some(first) = told.first() else { return Ok(Vec::new()) };
        let table = |name: &str| {
            let path = dir.join(name);
            move |source| ExportError::Table { path: path.clone(), source }
        };
        let tasks = tasks(&told);
        publish(dir, TASKS, &tasks_table(&tasks).map_err(table(TASKS))?)?;
        publish(dir, EPISODES, &episodes_table(&told).map_err(table(EPISODES))?)?;
        publish(dir, STATS, &pretty(dir, &all_stats(&told))?)?;
        publish(dir, INFO, &pretty(dir, &info(&told, first, tasks.len(), made))?)?;
        Ok(META.into_iter().map(|name| dir.join(name)).collect())
    }
}

/// Whether a `meta/info.json` is one that was written here.
fn is_ours(info: &Path) -> bool {
    let bytes = crate::files::read_at_most(info, MAX_INFO_BYTES).ok();
    bytes.is_some_and(|bytes| serde_json::from_slice::<Value>(&bytes).is_ok_and(|info| info.get("watchcap").is_some()))
}

/// The number of a session's files: 48 bits of the SHA-256 of its id, so that two of a million sessions share one at 1 in 500.
fn chunk(session_id: &str) -> u64 {
    let digest: [u8; 32] = Sha256::digest(session_id.as_bytes()).into();
    digest[..6].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What the person was doing, as far as the session says: its game.
fn task(source: &Source) -> String {
    source.reader().metadata().game.clone().filter(|game| !game.is_empty()).unwrap_or_else(|| "unspecified".into())
}

/// Lengths of the episodes: runs of steps of which each begins where the one before ends.
fn episodes(steps: &[Step], most: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut length = 0;
    for (index, step) in steps.iter().enumerate() {
        let follows = index > 0 && steps[index - 1].end_ns == step.start_ns;
        if length > 0 && (!follows || length >= most) {
            lengths.push(length);
            length = 0;
        }
        length += 1;
    }
    if length > 0 {
        lengths.push(length);
    }
    lengths
}

/// Makes the video of each episode; answers with their size and with what the pictures of each are like.
fn videos(
    piece: &Piece<'_>,
    out: &mut Out,
    (steps, lengths): (&[Step], &[usize]),
    (fps, resize, chunk): (u32, Option<(u32, u32)>, u64),
    progress: Progress<'_>,
) -> Result<((u32, u32), Vec<Stats>), ExportError> {
    let mut video = open_video(piece.source)?;
    let size = resize.unwrap_or(video.index().coded);
    check_size(&video, size)?;
    let (mut done, mut all) = (0, Vec::new());
    for (episode, length) in lengths.iter().enumerate() {
        let (_, path) = out.create(&format!("videos/{VIDEO}/chunk-{chunk:03}/file-{episode:03}.mp4"))?;
        let mut stats = Stats::new(3);
        let every = length.div_ceil(SAMPLED).max(1);
        constant_rate(&mut video, &steps[done..done + length], &path, (size, fps), &mut |n, picture| {
            if n.is_multiple_of(every)
                && let Ok(rgb) = to_rgb_scaled(picture, size, fit(size, (SAMPLED_SIDE, SAMPLED_SIDE)))
            {
                stats.push_picture(&rgb.data);
            }
            if n.is_multiple_of(PROGRESS_STEPS) {
                progress(super::Step { what: "pictures", done: (done + n) as u64, of: steps.len() as u64 });
            }
        })?;
        done += length;
        all.push(stats);
    }
    Ok((size, all))
}

fn pretty(dir: &Path, value: &Value) -> Result<Vec<u8>, ExportError> {
    let json = |source| ExportError::Json { path: dir.to_path_buf(), source };
    let mut text = serde_json::to_vec_pretty(value).map_err(json)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes a file that is about all sessions, unless it is there already.
fn publish(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
    let path = dir.join(name);
    let mut parent = dir.to_path_buf();
    for part in Path::new(name).parent().into_iter().flat_map(Path::components) {
        parent.push(part);
        if !parent.is_dir() {
            crate::files::create_private_dir(&parent).map_err(super::error::io_error("create", &parent))?;
        }
    }
    if crate::files::read_at_most(&path, bytes.len() as u64).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    Ok(seal::publish_bytes(&path, bytes)?)
}

/// A loader reads every file below `data`, so what an earlier export made of sessions that are not among these must go.
fn remove_others(made: &[Manifest], dir: &Path) -> Result<(), ExportError> {
    let entries = std::fs::read_dir(dir).map_err(super::error::io_error("read", dir))?;
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let name = name.strip_suffix(BEGUN_SUFFIX).unwrap_or(&name);
        let Some(session) = name.strip_suffix(".lerobot.export.json") else { continue };
        // What only has the name of a manifest is left alone.
        if made.iter().all(|made| made.source.name != session)
            && let Ok(other) = Out::of(dir, session, &LeRobot)
        {
            other.remove()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_has_no_hole_and_an_end() {
        let step = |start: i64, end: i64| Step { frame: 0, start_ns: start, end_ns: end };
        let steps = [step(0, 10), step(10, 20), step(20, 30), step(50, 60), step(60, 70)];
        assert_eq!(episodes(&steps, 100), [3, 2]);
        assert_eq!(episodes(&steps, 2), [2, 1, 2]);
        assert_eq!(episodes(&[], 2), [0_usize; 0]);
    }
}
