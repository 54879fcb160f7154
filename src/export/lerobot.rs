//! `lerobot`: a LeRobotDataset v3.0, which its loader opens: a constant-rate grid, episodes of at most 15 minutes, a video per episode.
//!
//! Keeps the invariants that frame *n* of an episode's video is what was shown at `n / fps` (the last frame at or before it, named by
//! `src_frame_ref`), and that its action is what was done from then until the next: nothing of it was known when the picture was taken.
//! An episode has no hole in its time, and no action in it that nobody knows (but with `--keep-unknown`). LeRobot reads the files of the
//! rows in the order of their names and takes `index` for the place of a row, so files are numbered in the order of the sessions; one
//! whose place changes is made anew. All sessions must fit together, which is looked at before the first is encoded.

mod about;
mod columns;
mod names;
mod stats;

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use self::about::{
    Episode, Told, all_stats, chunk_and_file, episodes_table, info, subtask_indices, subtasks, subtasks_table, tasks,
    tasks_table,
};
use self::columns::{Data, Row, Shape, features, new_stats, state};
use self::names::{EPISODE_SECONDS, VIDEO};
use self::stats::PictureStats;
use super::error::ExportError;
use super::format::{Format, Piece};
use super::inputs;
use super::kind::FormatKind;
use super::manifest::{self, BEGUN_SUFFIX, Manifest};
use super::opt::Opt;
use super::options::Options;
use super::out::Out;
use super::sound::{Sounds, Track};
use super::source::Source;
use super::space::Space;
use super::steps::{self, Step};
use super::unseen::never_wheels;
use super::video::{check_size, constant_rate, open_video};
use crate::base::event::Stream;
use crate::base::io_error::IoError;
use crate::base::progress::{self, Progress};
use crate::media::frames::FrameReader;
use crate::media::rgb::to_rgb;
use crate::session::{layout, seal};

/// Steps per second when nothing was asked for.
const FPS: u32 = 30;
/// Episodes of a session, at most: what is told of them must fit into its manifest (4,000 at 15 kB).
const MAX_EPISODES: usize = 4000;
/// Pictures between two reports of progress.
const PROGRESS_STEPS: usize = 32;

/// Largest `meta/info.json` that is read: 100,000 sessions of 1 kB.
const MAX_INFO_BYTES: u64 = 100 << 20;

/// The text of each task.
const TASKS: &str = "meta/tasks.parquet";
/// The text of each subtask.
const SUBTASKS: &str = "meta/subtasks.parquet";
/// Where the rows and the pictures of each episode are.
const EPISODES: &str = "meta/episodes/chunk-000/file-000.parquet";
/// Statistics of every feature.
const STATS: &str = "meta/stats.json";
/// What the data set is.
const INFO: &str = "meta/info.json";
/// What is about all sessions, in the order in which it is written.
const META: [&str; 5] = [TASKS, SUBTASKS, EPISODES, STATS, INFO];

/// The key under which a manifest tells how many steps are left out since their action is not known.
pub const LEFT_OUT: &str = "left_out";

/// The format.
pub struct LeRobot;

impl FormatKind for LeRobot {
    fn name(&self) -> &'static str {
        "lerobot"
    }

    fn about(&self) -> &'static str {
        "LeRobotDataset v3.0: a constant rate, episodes of at most 15 minutes, statistics"
    }

    fn version(&self) -> u32 {
        3
    }

    fn makes(&self, file: &str, _: &str, _: &str) -> bool {
        let video = format!("videos/{VIDEO}/chunk-");
        [("data/chunk-", ".parquet"), (video.as_str(), ".mp4")].into_iter().any(|(folder, ending)| {
            let numbers = file.strip_prefix(folder).and_then(|rest| rest.strip_suffix(ending)?.split_once("/file-"));
            numbers.is_some_and(|(chunk, file)| super::out::is_number(chunk) && super::out::is_number(file))
        })
    }

    fn takes(&self) -> &'static [Opt] {
        &[
            Opt::Fps,
            Opt::Span,
            Opt::ExcludeRedacted,
            Opt::OnlyAccepted,
            Opt::Resize,
            Opt::Space,
            Opt::KeepUnknown,
            Opt::Sound,
        ]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }

    fn is_by_id(&self) -> bool {
        true
    }

    fn is_by_place(&self) -> bool {
        true
    }
}

impl Format for LeRobot {
    fn size(&self, source: &Source, options: &Options) -> Result<Option<(u32, u32)>, ExportError> {
        if source.reader().metadata().frames == 0 {
            return Err(ExportError::NoFrames { path: source.dir().to_path_buf() });
        }
        let video = FrameReader::open(&layout::frames_path(source.dir()))?;
        let size = options.resize.unwrap_or(video.index().coded);
        check_size(&video, size)?;
        Ok(Some(size))
    }

    fn dimensions(&self, source: &Source, options: &Options) -> Vec<String> {
        space(source, options).names()
    }

    fn check_folder(&self, dir: &Path) -> Result<(), ExportError> {
        let mut paths = META.into_iter().map(|name| dir.join(name));
        let Some(path) = paths.find(|path| !crate::base::files::is_free(path)) else { return Ok(()) };
        let is_ours = is_ours(&dir.join(INFO)) || manifest::all_in(dir).any(|made| made.format == self.name());
        if is_ours { Ok(()) } else { Err(ExportError::Taken { path, by: None }) }
    }

    fn place(&self, source: &Source, before: &[Manifest]) -> Map<String, Value> {
        let told: Vec<Told> = before.iter().map(Told::of).collect();
        let task = source.about.instruction();
        let tasks = tasks(&told);
        let task_index = tasks.iter().position(|known| known == task).unwrap_or(tasks.len());
        let mut place = Map::new();
        place.insert("session".into(), json!(before.len()));
        place.insert("first_episode".into(), json!(told.iter().map(|told| told.episodes.len()).sum::<usize>()));
        place.insert("first_index".into(), json!(told.iter().map(|told| told.frames).sum::<u64>()));
        place.insert("task_index".into(), json!(task_index));
        place.insert("subtask_indices".into(), json!(subtask_indices(&told, &subtask_texts(source))));
        place
    }

    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let source = piece.source;
        let fps = piece.options.fps.unwrap_or(FPS);
        let all = steps::steps(source, &Options { fps: Some(fps), ..piece.options.clone() })?;
        let space = space(source, piece.options);
        let names = space.names();
        let shape = Shape::of(&names);
        let (steps, left_out) = known(piece, &space, all, progress)?;
        let lengths = episodes(&steps, EPISODE_SECONDS * fps as usize);
        if lengths.len() > MAX_EPISODES {
            let (path, episodes) = (source.dir().to_path_buf(), lengths.len());
            return Err(ExportError::Pieces { path, episodes, most: MAX_EPISODES });
        }
        let place = |name: &str| piece.manifest.options.get(name).and_then(Value::as_u64).unwrap_or_default();
        let (first_episode, session) = (place("first_episode") as usize, place("session") as usize);
        let plan = Plan { steps: &steps, lengths: &lengths, fps, first_episode };
        let Videos { size, stats: pictures, audio } = videos(piece, out, &plan, progress)?;

        let (chunk, file) = chunk_and_file(session);
        let (file, path) = out.create(&format!("data/chunk-{chunk:03}/file-{file:03}.parquet"))?;
        let table = |source| ExportError::Table { path: path.clone(), source };
        let mut data = Data::new(BufWriter::with_capacity(1 << 20, file), shape).map_err(table)?;
        let (mut episode, mut frame) = (0, 0);
        let mut stats = new_stats(shape);
        let mut told = Vec::new();
        let texts = subtask_texts(source);
        let indices = piece.manifest.options.get("subtask_indices").and_then(Value::as_array);
        let subtask = |t_ns: i64| {
            let text = source.subtask_at(t_ns);
            let at = text.and_then(|text| texts.iter().position(|known| *known == text));
            at.and_then(|at| indices?.get(at)?.as_i64()).unwrap_or_default()
        };
        inputs::for_each(source, &steps, progress, &mut |index, step, action| {
            let row = Row {
                state: state(&action, space.has_gamepad()),
                action: space.values(&action).into_iter().map(|value| value.unwrap_or(f32::NAN)).collect(),
                flags: [space.is_known(&action), space.misses(&action), action.input_gap],
                timestamp: (frame as f64 / f64::from(fps)) as f32,
                numbers: [
                    step.frame as i64,
                    step.start_ns,
                    frame as i64,
                    (first_episode + episode) as i64,
                    place("first_index") as i64 + index as i64,
                    place("task_index") as i64,
                    subtask(step.start_ns),
                    source.marks.between(step.start_ns, step.end_ns).len() as i64,
                ],
            };
            row.count(&mut stats);
            data.push(&row).map_err(table)?;
            frame += 1;
            if lengths.get(episode) == Some(&frame) {
                data.end_episode().map_err(table)?;
                let mut all = Map::new();
                let seen = std::mem::replace(&mut stats, new_stats(shape));
                for ((name, ..), stats) in features(shape).iter().zip(seen) {
                    all.insert((*name).to_owned(), stats.to_json());
                }
                all.insert(VIDEO.into(), pictures[episode].to_json());
                told.push(Episode::told(frame, all));
                (episode, frame) = (episode + 1, 0);
            }
            Ok(())
        })?;
        data.finish().map_err(table)?;
        out.tell(json!({
            "fps": fps, "width": size.0, "height": size.1, "task": source.about.instruction(), "action": names, "frames": steps.len(),
            "subtasks": texts, LEFT_OUT: left_out, "episodes": told, "audio": audio,
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
        publish(dir, SUBTASKS, &subtasks_table(&subtasks(&told)).map_err(table(SUBTASKS))?)?;
        publish(dir, EPISODES, &episodes_table(&told).map_err(table(EPISODES))?)?;
        publish(dir, STATS, &pretty(dir, &all_stats(&told))?)?;
        publish(dir, INFO, &pretty(dir, &info(&told, first, tasks.len(), made))?)?;
        Ok(META.into_iter().map(|name| dir.join(name)).collect())
    }
}

/// Whether a `meta/info.json` is one that was written here.
fn is_ours(info: &Path) -> bool {
    if !crate::base::files::look(info).is_ok_and(|found| found.is_own) {
        return false;
    }
    let bytes = crate::base::files::read_at_most(info, MAX_INFO_BYTES).ok();
    bytes.is_some_and(|bytes| serde_json::from_slice::<Value>(&bytes).is_ok_and(|info| info.get("watchcap").is_some()))
}

/// What an action has numbers for: what was chosen, or all, but for wheels that the session's source never reports.
fn space(source: &Source, options: &Options) -> Space {
    let space = Space::chosen(options).unwrap_or_else(Space::whole);
    if never_wheels(source.reader().metadata()) { space.without_wheels() } else { space }
}

/// The texts of a session's subtasks, each once, in the order in which they are worked on.
fn subtask_texts(source: &Source) -> Vec<&str> {
    let mut texts: Vec<&str> = Vec::new();
    for subtask in &source.about.subtasks {
        if !texts.contains(&subtask.text.as_str()) {
            texts.push(&subtask.text);
        }
    }
    texts
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

/// The steps whose action is known, and how many others there are; with `--keep-unknown` all of them.
fn known(
    piece: &Piece<'_>,
    space: &Space,
    steps: Vec<Step>,
    progress: Progress<'_>,
) -> Result<(Vec<Step>, usize), ExportError> {
    let width = space.names().len();
    let mut known = Vec::new();
    let mut ever = vec![false; width];
    inputs::for_each(piece.source, &steps, progress, &mut |_, step, action| {
        let values = space.values(&action);
        ever.iter_mut().zip(&values).for_each(|(ever, value)| *ever |= value.is_some());
        if values.iter().all(Option::is_some) {
            known.push(*step);
        }
        Ok(())
    })?;
    let kept = piece.options.keep_unknown;
    // A dimension of which nothing is known has no statistics, and nothing can be learnt of it.
    let never = space.names().into_iter().zip(ever).find(|(_, ever)| !ever).map(|(name, _)| name);
    if if kept { never.is_some() } else { known.is_empty() } {
        let (path, steps) = (piece.source.dir().to_path_buf(), steps.len());
        return Err(ExportError::Unknown { path, steps, never });
    }
    let left_out = if kept { 0 } else { steps.len() - known.len() };
    Ok((if kept { steps } else { known }, left_out))
}

/// What the videos of a session are made of.
struct Plan<'a> {
    steps: &'a [Step],
    lengths: &'a [usize],
    fps: u32,
    /// The number of its first episode, in all sessions.
    first_episode: usize,
}

/// The videos of a session.
struct Videos {
    size: (u32, u32),
    /// What the pictures of each are like.
    stats: Vec<PictureStats>,
    /// What LeRobot says of their sound; null without any.
    audio: Value,
}

/// Makes the video of each episode.
fn videos(piece: &Piece<'_>, out: &mut Out, plan: &Plan<'_>, progress: Progress<'_>) -> Result<Videos, ExportError> {
    let mut video = open_video(piece.source)?;
    let size = piece.options.resize.unwrap_or(video.index().coded);
    check_size(&video, size)?;
    let sounds = Sounds::of(piece.source, piece.options)?;
    let (mut done, mut all) = (0, Vec::new());
    for (episode, length) in plan.lengths.iter().enumerate() {
        let (chunk, file) = chunk_and_file(plan.first_episode + episode);
        let (_, path) = out.create(&format!("videos/{VIDEO}/chunk-{chunk:03}/file-{file:03}.mp4"))?;
        let mut stats = PictureStats::new();
        let mut sampled = stats::sampled(*length).into_iter().peekable();
        let steps = &plan.steps[done..done + length];
        constant_rate(&mut video, steps, &sounds, &path, (size, plan.fps), &mut |n, picture| {
            if sampled.next_if_eq(&n).is_some()
                && let Ok(rgb) = to_rgb(picture, size)
            {
                stats.push(&rgb.data, size);
            }
            if n.is_multiple_of(PROGRESS_STEPS) {
                progress(progress::Step { what: "pictures", done: (done + n) as u64, of: plan.steps.len() as u64 });
            }
        })?;
        done += length;
        all.push(stats);
    }
    out.tell_sound(sounds.is_taken());
    let first = sounds.tracks.first().filter(|_| sounds.is_taken() == Some(true));
    Ok(Videos { size, stats: all, audio: first.map_or(Value::Null, audio) })
}

/// What LeRobot says of the sound in a video: of the first track, as its own tools do.
fn audio(track: &Track) -> Value {
    let layout = match track.coded.channels {
        1 => Some("mono"),
        2 => Some("stereo"),
        _ => None,
    };
    json!({
        "audio.channels": track.coded.channels, "audio.codec": track.codec_name(), "audio.sample_rate": track.coded.rate,
        "audio.channel_layout": layout,
    })
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
    if let Some(parent) = path.parent() {
        crate::base::files::create_private_dirs(parent, &mut Vec::new()).map_err(IoError::at("create", parent))?;
    }
    if crate::base::files::read_at_most(&path, bytes.len() as u64).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    Ok(seal::publish_bytes(&path, bytes)?)
}

/// A loader reads every file below `data`, so what an earlier export made of sessions that are not among these must go.
fn remove_others(made: &[Manifest], dir: &Path) -> Result<(), ExportError> {
    for (name, _) in crate::base::files::list(dir).map_err(IoError::at("read", dir))? {
        let name = name.to_string_lossy().into_owned();
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
