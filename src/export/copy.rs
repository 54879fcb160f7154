//! `video`: a copy of the video at a constant rate, and a table that says which frame of the session each picture is.
//!
//! For readers that compute a frame's place from its number, or a number from a time: they are wrong about the session's own video, whose
//! frames are where they were taken (docs/EXPORTS.md has the list). Picture *n* is the last frame at or before `n / fps`.

use std::io::BufWriter;
use std::sync::Arc;

use crate::base::arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use crate::base::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::error::ExportError;
use super::format::{Format, Piece};
use super::kind::FormatKind;
use super::opt::Opt;
use super::options::Options;
use super::out::{Out, is_beside};
use super::sound::Sounds;
use super::source::Source;
use super::steps::{self, Step};
use super::table::MANIFEST_KEY;
use super::video::{check_size, constant_rate, open_video};
use crate::base::event::Stream;
use crate::base::progress::{self, Progress};

/// Pictures per second when nothing was asked for.
const FPS: u32 = 30;
/// Pictures between two reports of progress.
const PROGRESS_STEPS: usize = 32;
/// Rows of the table that are made at once: 65,536 of 48 bytes.
const BATCH_ROWS: usize = 1 << 16;

/// The format.
pub struct Video;

/// Returns name, type and nullability of every column of the table, in order.
pub fn columns() -> SchemaRef {
    let column = |name: &str, kind| Field::new(name, kind, false);
    Arc::new(Schema::new(vec![
        column("frame", DataType::Int64),
        column("frame_ref", DataType::Int64),
        column("t_ns", DataType::Int64),
        column("frame_t_ns", DataType::Int64),
        column("is_repeat", DataType::Boolean),
    ]))
}

impl FormatKind for Video {
    fn name(&self) -> &'static str {
        "video"
    }

    fn about(&self) -> &'static str {
        "mp4 at a constant rate, and the frame of the session that each picture is"
    }

    fn version(&self) -> u32 {
        1
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::Fps, Opt::Span, Opt::ExcludeRedacted, Opt::OnlyAccepted, Opt::Resize, Opt::Sound]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen]
    }

    fn makes(&self, file: &str, stem: &str, _: &str) -> bool {
        is_beside(file, stem, |rest| matches!(rest, "mp4" | "video.parquet"))
    }
}

impl Format for Video {
    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let source = piece.source;
        let fps = piece.options.fps.unwrap_or(FPS);
        let steps = steps::steps(source, &Options { fps: Some(fps), ..piece.options.clone() })?;
        let mut video = open_video(source)?;
        let size = piece.options.resize.unwrap_or(video.index().coded);
        check_size(&video, size)?;
        let sounds = Sounds::of(source, piece.options)?;
        let (_, path) = out.create(&out.name("mp4"))?;
        constant_rate(&mut video, &steps, &sounds, &path, (size, fps), &mut |n, _| {
            if n.is_multiple_of(PROGRESS_STEPS) {
                progress(progress::Step { what: "pictures", done: n as u64, of: steps.len() as u64 });
            }
        })?;
        out.tell_sound(sounds.is_taken());

        let (file, path) = out.create(&out.name("video.parquet"))?;
        let about = piece.manifest.to_line().map_err(|source| ExportError::Json { path: path.clone(), source })?;
        let table = |source| ExportError::Table { path: path.clone(), source };
        write(BufWriter::with_capacity(1 << 18, file), about, source, &steps).map_err(table)
    }
}

/// Writes the table: a row for each picture.
fn write(to: impl std::io::Write + Send, about: String, source: &Source, steps: &[Step]) -> Result<(), ParquetError> {
    let properties = WriterProperties::builder()
        .set_created_by(format!("watchcap version {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(vec![KeyValue::new(MANIFEST_KEY.to_owned(), about)]))
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .build();
    let mut writer = ArrowWriter::try_new(to, columns(), Some(properties))?;
    let mut before = None;
    for (batch, steps) in steps.chunks(BATCH_ROWS).enumerate() {
        let column = |value: &dyn Fn(usize, &Step) -> i64| -> ArrayRef {
            let first = batch * BATCH_ROWS;
            Arc::new(steps.iter().enumerate().map(|(n, step)| value(first + n, step)).collect::<Int64Array>())
        };
        let repeats: Vec<bool> = steps.iter().map(|step| before.replace(step.frame) == Some(step.frame)).collect();
        writer.write(&RecordBatch::try_new(
            columns(),
            vec![
                column(&|n, _| n as i64),
                column(&|_, step| step.frame as i64),
                column(&|_, step| step.start_ns),
                column(&|_, step| source.frames[step.frame].t_ns),
                Arc::new(BooleanArray::from(repeats)),
            ],
        )?)?;
    }
    let mut to = writer.into_inner()?;
    to.flush()?;
    Ok(())
}
