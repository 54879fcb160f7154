//! `lerobot`: a LeRobotDataset v3.0, which its loader opens: a constant-rate grid, episodes of at most 15 minutes, a video per episode.
//!
//! Keeps the invariants that frame *n* of an episode's video is what was shown at `n / fps` (the last frame at or before it, named by
//! `src_frame_ref`), and that its action is what was done from then until the next: nothing of it was known when the picture was taken.
//! An episode has no hole in its time. Files of a session are named by its id, so that sessions can come and go.

use std::collections::HashMap;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeListArray, Float32Array, Float32Builder, Float64Array, Float64Builder,
    Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::inputs::{self, Action};
use super::lerobot_stats::{Stats, as_channels, numbers, over_all};
use super::manifest::Manifest;
use super::source::Source;
use super::steps::{self, Step};
use super::video::{check_size, constant_rate, open_video};
use super::{ExportError, Format, Opt, Options, Out, Piece, Progress};
use crate::event::{Button, Stream};
use crate::hid;
use crate::session::picture::{fit, to_rgb_scaled};
use crate::session::seal;

/// Steps per second when nothing was asked for.
const FPS: u32 = 30;
/// Longest episode, seconds.
pub const EPISODE_SECONDS: usize = 15 * 60;
/// Pictures of an episode that its statistics are made of, at most.
const SAMPLED: usize = 100;
/// Longest side of such a picture, pixels.
const SAMPLED_SIDE: u32 = 160;
/// Rows handed to the encoder at once: 1024 of about 1.1 kB.
const BATCH_ROWS: usize = 1024;
/// Pictures between two reports of progress.
const PROGRESS_STEPS: usize = 32;

/// The key of the video.
pub const VIDEO: &str = "observation.images.screen";
/// Keys in an action: every HID usage below this.
const KEYS: usize = 256;
/// Length of an action: keys, buttons, motion right and down, wheel right and up.
pub const ACTION: usize = KEYS + Button::ALL.len() + 4;
/// Length of a state: the pointer's place and whether it is known.
const STATE: usize = 3;
/// The features that are numbers, with their length, in the order of the columns.
const FEATURES: [(&str, &str, usize); 10] = [
    ("observation.state", "float32", STATE),
    ("action", "float32", ACTION),
    ("src_frame_ref", "int64", 1),
    ("src_t_ns", "int64", 1),
    ("input_gap", "bool", 1),
    ("timestamp", "float32", 1),
    ("frame_index", "int64", 1),
    ("episode_index", "int64", 1),
    ("index", "int64", 1),
    ("task_index", "int64", 1),
];

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

    fn finish(&self, made: &[Manifest], dir: &Path) -> Result<(), ExportError> {
        remove_others(made, dir)?;
        let told: Vec<Told> = made.iter().map(Told::of).collect();
        let Some(first) = told.first() else { return Ok(()) };
        if let Some((other, manifest)) = told.iter().zip(made).find(|(told, _)| told.shape() != first.shape()) {
            let (found, expected) = (other.shape(), first.shape());
            return Err(ExportError::Shapes { name: manifest.source.name.clone(), found, expected });
        }
        let write = |name: &str, bytes: Vec<u8>| publish(dir, name, &bytes);
        let table = |name: &str| {
            let path = dir.join(name);
            move |source| ExportError::Table { path: path.clone(), source }
        };
        let tasks = tasks(&told);
        let name = "meta/tasks.parquet";
        write(name, tasks_table(&tasks).map_err(table(name))?)?;
        let name = "meta/episodes/chunk-000/file-000.parquet";
        write(name, episodes_table(&told).map_err(table(name))?)?;
        write("meta/stats.json", pretty(dir, &all_stats(&told))?)?;
        write("meta/info.json", pretty(dir, &info(&told, first, tasks.len(), made))?)
    }
}

/// What a session's manifest tells. Read from its text each time, so that numbers are the same whether it was just made or found.
struct Told {
    fps: u64,
    size: (u64, u64),
    task: String,
    chunk: u64,
    frames: u64,
    episodes: Vec<Value>,
}

impl Told {
    fn of(manifest: &Manifest) -> Self {
        let told: Value = serde_json::from_str(&manifest.told.to_string()).unwrap_or_default();
        let number = |name: &str| told[name].as_u64().unwrap_or_default();
        Self {
            fps: number("fps"),
            size: (number("width"), number("height")),
            task: told["task"].as_str().unwrap_or_default().to_owned(),
            chunk: number("chunk"),
            frames: number("frames"),
            episodes: told["episodes"].as_array().cloned().unwrap_or_default(),
        }
    }

    fn shape(&self) -> (u64, u64) {
        self.size
    }
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

/// The tasks, each once, in the order in which they come.
fn tasks(told: &[Told]) -> Vec<String> {
    let mut tasks: Vec<String> = Vec::new();
    for told in told {
        if !tasks.contains(&told.task) {
            tasks.push(told.task.clone());
        }
    }
    tasks
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

struct Row {
    state: [f32; STATE],
    action: [f32; ACTION],
    /// `src_frame_ref`, `src_t_ns`, `frame_index`, `episode_index`, `index`, `task_index`.
    numbers: [i64; 6],
    timestamp: f32,
    input_gap: bool,
}

impl Row {
    fn count(&self, stats: &mut [Stats]) {
        let [frame_ref, t_ns, frame, episode, index, task] = self.numbers.map(|number| number as f64);
        let gap = f64::from(u8::from(self.input_gap));
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let one = |value| vec![value];
        let all = [
            wide(&self.state),
            wide(&self.action),
            one(frame_ref),
            one(t_ns),
            one(gap),
            one(f64::from(self.timestamp)),
            one(frame),
            one(episode),
            one(index),
            one(task),
        ];
        stats.iter_mut().zip(all).for_each(|(stats, values)| stats.push(values));
    }
}

fn new_stats() -> Vec<Stats> {
    FEATURES.iter().map(|(_, _, width)| Stats::new(*width)).collect()
}

/// What was known when the step began: where the pointer was, as far as the step before says.
fn state(pointer: Option<(f32, f32)>) -> [f32; STATE] {
    pointer.map_or([0.0, 0.0, 0.0], |(x, y)| [x, y, 1.0])
}

/// An action as numbers. A key or button that was down at any time of the step is 1.
fn vector(action: &Action) -> [f32; ACTION] {
    let mut vector = [0.0; ACTION];
    for usage in action.keys.iter().chain(action.keys_pressed.iter()) {
        vector[usize::from(usage)] = 1.0;
    }
    for bit in 0..Button::ALL.len() {
        let down = (action.buttons | action.buttons_pressed) & (1 << bit) != 0;
        vector[KEYS + bit] = f32::from(u8::from(down));
    }
    let rest = KEYS + Button::ALL.len();
    let values = [action.dx.unwrap_or(0.0), action.dy.unwrap_or(0.0), action.wheel_x, action.wheel_y];
    vector[rest..].iter_mut().zip(values).for_each(|(to, value)| *to = value as f32);
    vector
}

/// Names of the dimensions of an action.
pub fn action_names() -> Vec<String> {
    let key = |usage: usize| {
        let known = hid::KEYS.iter().find(|key| usize::from(key.usage.0) == usage);
        known.map_or_else(|| format!("hid_{usage}"), |key| key.code.to_owned())
    };
    let buttons = Button::ALL.iter().map(|button| format!("button_{}", button.name()));
    let rest = ["mouse_dx", "mouse_dy", "wheel_x", "wheel_y"].map(str::to_owned);
    (0..KEYS).map(key).chain(buttons).chain(rest).collect()
}

fn list_of(width: usize) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("element", DataType::Float32, true)), width as i32)
}

fn data_schema() -> Arc<Schema> {
    let kind = |kind: &str, width: usize| match kind {
        "float32" if width > 1 => list_of(width),
        "float32" => DataType::Float32,
        "bool" => DataType::Boolean,
        _ => DataType::Int64,
    };
    let fields: Vec<Field> =
        FEATURES.iter().map(|(name, dtype, width)| Field::new(*name, kind(dtype, *width), true)).collect();
    Arc::new(Schema::new(fields))
}

fn properties() -> Result<ArrowWriterOptions, ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(format!("watchcap version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    Ok(ArrowWriterOptions::new().with_properties(properties))
}

struct Data<W: std::io::Write + Send> {
    file: ArrowWriter<W>,
    lists: [Float32Builder; 2],
    numbers: [Int64Builder; 6],
    timestamps: Float32Builder,
    gaps: BooleanBuilder,
    rows: usize,
}

impl<W: std::io::Write + Send> Data<W> {
    fn new(to: W) -> Result<Self, ParquetError> {
        Ok(Self {
            file: ArrowWriter::try_new_with_options(to, data_schema(), properties()?)?,
            lists: Default::default(),
            numbers: Default::default(),
            timestamps: Float32Builder::new(),
            gaps: BooleanBuilder::new(),
            rows: 0,
        })
    }

    fn push(&mut self, row: &Row) -> Result<(), ParquetError> {
        self.lists[0].append_slice(&row.state);
        self.lists[1].append_slice(&row.action);
        self.numbers.iter_mut().zip(row.numbers).for_each(|(to, number)| to.append_value(number));
        self.timestamps.append_value(row.timestamp);
        self.gaps.append_value(row.input_gap);
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let list = |builder: &mut Float32Builder, width: usize| -> Result<ArrayRef, ParquetError> {
            let values: Float32Array = builder.finish();
            let element = Arc::new(Field::new("element", DataType::Float32, true));
            Ok(Arc::new(FixedSizeListArray::try_new(element, width as i32, Arc::new(values), None)?))
        };
        let [states, actions] = &mut self.lists;
        let (states, actions) = (list(states, STATE)?, list(actions, ACTION)?);
        let [frame_ref, t_ns, frame, episode, index, task] =
            self.numbers.each_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef);
        let (gaps, timestamps) = (Arc::new(self.gaps.finish()), Arc::new(self.timestamps.finish()));
        let columns = vec![states, actions, frame_ref, t_ns, gaps, timestamps, frame, episode, index, task];
        self.file.write(&RecordBatch::try_new(data_schema(), columns)?)
    }

    fn finish(mut self) -> Result<(), ParquetError> {
        self.flush()?;
        let mut to = self.file.into_inner()?;
        to.flush().map_err(ParquetError::from)
    }
}

/// A table in memory.
fn table(columns: Vec<(&str, ArrayRef)>, metadata: HashMap<String, String>) -> Result<Vec<u8>, ParquetError> {
    let batch = RecordBatch::try_from_iter(columns)?;
    let schema = Arc::new(Schema::clone(&batch.schema()).with_metadata(metadata));
    let batch = batch.with_schema(Arc::clone(&schema))?;
    let mut file = ArrowWriter::try_new_with_options(Vec::new(), schema, properties()?)?;
    file.write(&batch)?;
    file.into_inner()
}

/// `meta/tasks.parquet`: pandas finds its index in the metadata, and LeRobot the task's text in the index.
fn tasks_table(tasks: &[String]) -> Result<Vec<u8>, ParquetError> {
    let column = |name: &str, pandas: &str, numpy: &str| json!({"name": name, "field_name": name, "pandas_type": pandas, "numpy_type": numpy, "metadata": null});
    let pandas = json!({
        "index_columns": ["task"], "column_indexes": [],
        "columns": [column("task_index", "int64", "int64"), column("task", "unicode", "object")],
        "creator": {"library": "watchcap", "version": env!("CARGO_PKG_VERSION")}, "pandas_version": "2.0.0",
    });
    let numbers: Int64Array = (0..tasks.len() as i64).collect::<Vec<_>>().into();
    let texts = StringArray::from(tasks.to_vec());
    table(
        vec![("task_index", Arc::new(numbers)), ("task", Arc::new(texts))],
        HashMap::from([("pandas".to_owned(), pandas.to_string())]),
    )
}

/// `meta/episodes/…`: where the rows and the pictures of each episode are.
fn episodes_table(told: &[Told]) -> Result<Vec<u8>, ParquetError> {
    let mut numbers_of: [Vec<i64>; 8] = Default::default();
    let mut ends: Vec<f64> = Vec::new();
    let mut tasks = ListBuilder::new(StringBuilder::new());
    let (mut episode, mut index) = (0, 0);
    for told in told {
        for (n, one) in told.episodes.iter().enumerate() {
            let length = one["length"].as_i64().unwrap_or_default();
            let chunk = told.chunk as i64;
            let row = [episode, length, chunk, 0, index, index + length, chunk, n as i64];
            numbers_of.iter_mut().zip(row).for_each(|(to, number)| to.push(number));
            ends.push(length as f64 / told.fps.max(1) as f64);
            tasks.values().append_value(&told.task);
            tasks.append(true);
            (episode, index) = (episode + 1, index + length);
        }
    }
    let count = ends.len();
    let ints = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let [episodes, lengths, data_chunks, data_files, from, to, video_chunks, video_files] = numbers_of.map(ints);
    let video = |name: &str| format!("videos/{VIDEO}/{name}");
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("episode_index".into(), episodes),
        ("tasks".into(), Arc::new(tasks.finish())),
        ("length".into(), lengths),
        ("data/chunk_index".into(), data_chunks),
        ("data/file_index".into(), data_files),
        ("dataset_from_index".into(), from),
        ("dataset_to_index".into(), to),
        (video("chunk_index"), video_chunks),
        (video("file_index"), video_files),
        (video("from_timestamp"), Arc::new(Float64Array::from(vec![0.0; count]))),
        (video("to_timestamp"), Arc::new(Float64Array::from(ends))),
        ("meta/episodes/chunk_index".into(), ints(vec![0; count])),
        ("meta/episodes/file_index".into(), ints(vec![0; count])),
    ];
    for (feature, ..) in FEATURES {
        for name in ["min", "max", "mean", "std", "count"] {
            let mut lists = ListBuilder::new(Float64Builder::new());
            for one in told.iter().flat_map(|told| &told.episodes) {
                for value in numbers(&one["stats"][feature], name) {
                    lists.values().append_value(value);
                }
                lists.append(true);
            }
            columns.push((format!("stats/{feature}/{name}"), Arc::new(lists.finish())));
        }
    }
    table(columns.iter().map(|(name, array)| (name.as_str(), Arc::clone(array))).collect(), HashMap::new())
}

fn all_stats(told: &[Told]) -> Value {
    let mut all = Map::new();
    for name in FEATURES.iter().map(|(name, ..)| *name).chain([VIDEO]) {
        let stats = over_all(told.iter().flat_map(|told| &told.episodes).map(|episode| &episode["stats"][name]));
        all.insert(name.into(), if name == VIDEO { as_channels(&stats) } else { stats });
    }
    Value::Object(all)
}

fn info(told: &[Told], first: &Told, tasks: usize, made: &[Manifest]) -> Value {
    let mut features = Map::new();
    let (width, height) = first.size;
    features.insert(
        VIDEO.into(),
        json!({
            "dtype": "video", "shape": [height, width, 3], "names": ["height", "width", "channels"],
            "info": {
                "video.height": height, "video.width": width, "video.codec": "h264", "video.pix_fmt": "yuv420p",
                "video.is_depth_map": false, "video.fps": first.fps, "video.channels": 3, "has_audio": false,
            },
        }),
    );
    for (name, dtype, width) in FEATURES {
        let names = match name {
            "action" => json!(action_names()),
            "observation.state" => json!(["mouse_x", "mouse_y", "mouse_known"]),
            _ => Value::Null,
        };
        features.insert(name.into(), json!({ "dtype": dtype, "shape": [width], "names": names }));
    }
    let episodes: usize = told.iter().map(|told| told.episodes.len()).sum();
    let sessions: Vec<Value> = made
        .iter()
        .map(|made| json!({ "source": made.source, "consent": made.consent, "privacy": made.privacy, "lineage": made.lineage }))
        .collect();
    json!({
        "codebase_version": "v3.0", "robot_type": null, "total_episodes": episodes,
        "total_frames": told.iter().map(|told| told.frames).sum::<u64>(), "total_tasks": tasks,
        "chunks_size": 1000, "data_files_size_in_mb": 100, "video_files_size_in_mb": 200,
        "fps": first.fps, "splits": { "train": format!("0:{episodes}") },
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "features": features, "watchcap": { "sessions": sessions },
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
        let Some(session) = name.strip_suffix(".lerobot.export.json") else { continue };
        if made.iter().all(|made| made.source.name != session) {
            Out::of(dir, session).remove(&entry.path())?;
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

    #[test]
    fn dimensions_have_names_of_their_own() {
        let names = action_names();
        let all: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!((names.len(), all.len()), (ACTION, ACTION));
        assert_eq!(
            (names[0x1a].as_str(), names[256].as_str(), names[ACTION - 1].as_str()),
            ("KeyW", "button_left", "wheel_y")
        );
    }
}
