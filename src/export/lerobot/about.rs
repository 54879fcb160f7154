//! What a LeRobotDataset says of itself: tasks, episodes, features, statistics. Made of the manifests of its sessions.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::arrow::array::{
    ArrayRef, Float64Array, Float64Builder, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
    StringBuilder,
};
use crate::base::arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use serde_json::{Map, Value, json};

use super::columns::{FEATURES, Feature, Shape, features, properties, state_names};
use super::names::{CHUNK_FILES, VIDEO};
use super::stats::{NAMES, as_channels, count, numbers, over_all};
use crate::export::about::UNSPECIFIED;
use crate::export::manifest::Manifest;

/// What a session's manifest tells. Read from its text each time, so that numbers are the same whether it was just made or found.
pub(super) struct Told {
    fps: u64,
    size: (u64, u64),
    task: String,
    /// Texts of its subtasks, each once.
    subtasks: Vec<String>,
    /// Names of an action's dimensions.
    action: Vec<String>,
    /// What is said of the sound in its videos; null without any.
    audio: Value,
    pub(super) frames: u64,
    pub(super) episodes: Vec<Episode>,
}

/// What is told of an episode.
pub(super) struct Episode {
    length: u64,
    stats: Value,
}

impl Episode {
    /// What a manifest says of an episode: statistics are a text, since one that is laid out for people is four times as long.
    pub(super) fn told(length: usize, stats: Map<String, Value>) -> Value {
        json!({ "length": length, "stats": Value::Object(stats).to_string() })
    }

    fn of(told: &Value) -> Self {
        let stats = told["stats"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self { length: told["length"].as_u64().unwrap_or_default(), stats }
    }
}

impl Told {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let told: Value = serde_json::from_str(&manifest.told.to_string()).unwrap_or_default();
        let number = |name: &str| told[name].as_u64().unwrap_or_default();
        let texts = |name: &str| {
            told[name]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(Into::into)
                .collect::<Vec<String>>()
        };
        Self {
            fps: number("fps"),
            size: (number("width"), number("height")),
            subtasks: texts("subtasks"),
            task: told["task"].as_str().unwrap_or_default().to_owned(),
            action: texts("action"),
            audio: told["audio"].clone(),
            frames: number("frames"),
            episodes: told["episodes"].as_array().into_iter().flatten().map(Episode::of).collect(),
        }
    }

    fn features(&self) -> [Feature; FEATURES] {
        features(Shape::of(&self.action))
    }
}

/// The chunk and the file in it of the file of this number: they sort as the numbers do.
pub(super) fn chunk_and_file(number: usize) -> (usize, usize) {
    (number / CHUNK_FILES, number % CHUNK_FILES)
}

/// The tasks, each once, in the order in which they come.
pub(super) fn tasks(told: &[Told]) -> Vec<String> {
    let mut tasks: Vec<String> = Vec::new();
    for told in told {
        if !tasks.contains(&told.task) {
            tasks.push(told.task.clone());
        }
    }
    tasks
}

/// The subtasks, each once, in the order in which they come; first stands the word for steps of which nobody said any.
pub(super) fn subtasks(told: &[Told]) -> Vec<String> {
    let mut all = vec![UNSPECIFIED.to_owned()];
    for text in told.iter().flat_map(|told| &told.subtasks) {
        if !all.contains(text) {
            all.push(text.clone());
        }
    }
    all
}

/// The places of a session's subtasks among those of the sessions before it and its own.
pub(super) fn subtask_indices(before: &[Told], texts: &[&str]) -> Vec<usize> {
    let mut all = subtasks(before);
    let place = |text: &&str| {
        all.iter().position(|known| known == *text).unwrap_or_else(|| {
            all.push((*text).to_owned());
            all.len() - 1
        })
    };
    texts.iter().map(place).collect()
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

/// `meta/tasks.parquet`.
pub(super) fn tasks_table(tasks: &[String]) -> Result<Vec<u8>, ParquetError> {
    vocabulary("task", tasks)
}

/// `meta/subtasks.parquet`, as LeRobot's tasks are.
pub(super) fn subtasks_table(subtasks: &[String]) -> Result<Vec<u8>, ParquetError> {
    vocabulary("subtask", subtasks)
}

/// Texts with their numbers: pandas finds its index in the metadata, and LeRobot the text in the index.
fn vocabulary(name: &str, texts: &[String]) -> Result<Vec<u8>, ParquetError> {
    let index = format!("{name}_index");
    let column = |name: &str, pandas: &str, numpy: &str| json!({"name": name, "field_name": name, "pandas_type": pandas, "numpy_type": numpy, "metadata": null});
    let pandas = json!({
        "index_columns": [name], "column_indexes": [],
        "columns": [column(&index, "int64", "int64"), column(name, "unicode", "object")],
        "creator": {"library": "watchcap", "version": env!("CARGO_PKG_VERSION")}, "pandas_version": "2.0.0",
    });
    let numbers: Int64Array = (0..texts.len() as i64).collect::<Vec<_>>().into();
    let texts = StringArray::from(texts.to_vec());
    table(
        vec![(&index, Arc::new(numbers)), (name, Arc::new(texts))],
        HashMap::from([("pandas".to_owned(), pandas.to_string())]),
    )
}

/// `meta/episodes/…`: where the rows and the pictures of each episode are.
pub(super) fn episodes_table(told: &[Told]) -> Result<Vec<u8>, ParquetError> {
    let mut numbers_of: [Vec<i64>; 8] = Default::default();
    let mut ends: Vec<f64> = Vec::new();
    let mut tasks = ListBuilder::new(StringBuilder::new());
    let mut index = 0;
    for (session, told) in told.iter().enumerate() {
        let (data_chunk, data_file) = chunk_and_file(session);
        for one in &told.episodes {
            let episode = ends.len();
            let (video_chunk, video_file) = chunk_and_file(episode);
            let end = index + one.length as i64;
            let places = [episode, one.length as usize, data_chunk, data_file].map(|number| number as i64);
            let videos = [video_chunk, video_file].map(|number| number as i64);
            let row = places.into_iter().chain([index, end]).chain(videos);
            numbers_of.iter_mut().zip(row).for_each(|(to, number)| to.push(number));
            ends.push(one.length as f64 / told.fps.max(1) as f64);
            tasks.values().append_value(&told.task);
            tasks.append(true);
            index = end;
        }
    }
    let total = ends.len();
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
        (video("from_timestamp"), Arc::new(Float64Array::from(vec![0.0; total]))),
        (video("to_timestamp"), Arc::new(Float64Array::from(ends))),
        ("meta/episodes/chunk_index".into(), ints(vec![0; total])),
        ("meta/episodes/file_index".into(), ints(vec![0; total])),
    ];
    let episodes = || told.iter().flat_map(|told| &told.episodes);
    let names = told.first().map(Told::features).into_iter().flatten().map(|(feature, ..)| feature);
    for feature in names.chain([VIDEO]) {
        for name in NAMES {
            let all = episodes().map(|one| numbers(&one.stats[feature], name));
            let array = if feature == VIDEO { channels(all) } else { lists(all) };
            columns.push((format!("stats/{feature}/{name}"), array));
        }
        let mut counts = ListBuilder::new(Int64Builder::new());
        for one in episodes() {
            counts.values().append_value(count(&one.stats[feature]) as i64);
            counts.append(true);
        }
        columns.push((format!("stats/{feature}/count"), Arc::new(counts.finish())));
    }
    table(columns.iter().map(|(name, array)| (name.as_str(), Arc::clone(array))).collect(), HashMap::new())
}

/// A list of numbers per episode.
fn lists(all: impl Iterator<Item = Vec<f64>>) -> ArrayRef {
    let mut lists = ListBuilder::new(Float64Builder::new());
    for values in all {
        for value in values {
            lists.values().append_value(value);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

/// The same with each number in two lists of its own: the shape (3, 1, 1) of a picture's statistics.
fn channels(all: impl Iterator<Item = Vec<f64>>) -> ArrayRef {
    let mut lists = ListBuilder::new(ListBuilder::new(ListBuilder::new(Float64Builder::new())));
    for values in all {
        for value in values {
            lists.values().values().values().append_value(value);
            lists.values().values().append(true);
            lists.values().append(true);
        }
        lists.append(true);
    }
    Arc::new(lists.finish())
}

pub(super) fn all_stats(told: &[Told]) -> Value {
    let mut all = Map::new();
    let names = told.first().map(Told::features).into_iter().flatten().map(|(name, ..)| name);
    for name in names.chain([VIDEO]) {
        let stats = over_all(told.iter().flat_map(|told| &told.episodes).map(|episode| &episode.stats[name]));
        all.insert(name.into(), if name == VIDEO { as_channels(&stats) } else { stats });
    }
    Value::Object(all)
}

pub(super) fn info(told: &[Told], first: &Told, tasks: usize, made: &[Manifest]) -> Value {
    let mut features = Map::new();
    let (width, height) = first.size;
    let mut of_video = json!({
        "video.height": height, "video.width": width, "video.codec": "h264", "video.pix_fmt": "yuv420p",
        "video.is_depth_map": false, "video.fps": first.fps, "video.channels": 3, "has_audio": !first.audio.is_null(),
    });
    if let (Some(of_video), Some(audio)) = (of_video.as_object_mut(), first.audio.as_object()) {
        of_video.extend(audio.clone());
    }
    let (shape, names) = (json!([height, width, 3]), json!(["height", "width", "channels"]));
    features.insert(VIDEO.into(), json!({ "dtype": "video", "shape": shape, "names": names, "info": of_video }));
    for (name, dtype, width) in first.features() {
        let names = match name {
            "action" => json!(first.action),
            "observation.state" => json!(state_names(&first.action)),
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
        "chunks_size": CHUNK_FILES, "data_files_size_in_mb": 100, "video_files_size_in_mb": 200,
        "fps": first.fps, "splits": { "train": format!("0:{episodes}") },
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "features": features, "watchcap": { "sessions": sessions },
    })
}
