//! What a LeRobotDataset says of itself: tasks, episodes, features, statistics. Made of the manifests of its sessions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Float64Builder, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use serde_json::{Map, Value, json};

use super::VIDEO;
use super::columns::{FEATURES, action_names, properties};
use super::stats::{as_channels, numbers, over_all};
use crate::export::manifest::Manifest;

/// What a session's manifest tells. Read from its text each time, so that numbers are the same whether it was just made or found.
pub(super) struct Told {
    fps: u64,
    size: (u64, u64),
    task: String,
    chunk: u64,
    pub(super) frames: u64,
    pub(super) episodes: Vec<Value>,
}

impl Told {
    pub(super) fn of(manifest: &Manifest) -> Self {
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
pub(super) fn tasks_table(tasks: &[String]) -> Result<Vec<u8>, ParquetError> {
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
pub(super) fn episodes_table(told: &[Told]) -> Result<Vec<u8>, ParquetError> {
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

pub(super) fn all_stats(told: &[Told]) -> Value {
    let mut all = Map::new();
    for name in FEATURES.iter().map(|(name, ..)| *name).chain([VIDEO]) {
        let stats = over_all(told.iter().flat_map(|told| &told.episodes).map(|episode| &episode["stats"][name]));
        all.insert(name.into(), if name == VIDEO { as_channels(&stats) } else { stats });
    }
    Value::Object(all)
}

pub(super) fn info(told: &[Told], first: &Told, tasks: usize, made: &[Manifest]) -> Value {
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
