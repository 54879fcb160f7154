//! `frames-json`: the frames of a video as torchcodec's `custom_frame_mappings` takes them, which is what
//! `ffprobe -show_frames -of json` prints, less all that is not read.
//!
//! Made from the video's own index, so no frame is decoded: with it a decoder seeks exactly and need not scan the file.

use std::io::{BufWriter, Write as _};

use super::error::ExportError;
use super::format::{Format, Piece};
use super::kind::FormatKind;
use super::opt::Opt;
use super::out::Out;
use super::video::{open_video, proxy};
use crate::base::event::Stream;
use crate::base::io_error::IoError;
use crate::base::progress::{Progress, Step};

/// Frames between two reports of progress.
const PROGRESS_FRAMES: usize = 65_536;

/// The format.
pub struct FramesJson;

impl FormatKind for FramesJson {
    fn name(&self) -> &'static str {
        "frames-json"
    }

    fn about(&self) -> &'static str {
        "JSON with time and kind of every frame: torchcodec's custom_frame_mappings"
    }

    fn version(&self) -> u32 {
        1
    }

    fn makes(&self, file: &str, stem: &str, _: &str) -> bool {
        super::out::is_beside(file, stem, |rest| {
            let size = rest.strip_suffix(".mp4").and_then(|size| size.split_once('x'));
            rest == "frames.json" || size.is_some_and(|(w, h)| w.parse::<u32>().is_ok() && h.parse::<u32>().is_ok())
        })
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::OnlyAccepted, Opt::Resize]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen]
    }

    fn suffix(&self) -> Option<&'static str> {
        Some("frames.json")
    }

    fn is_whole(&self) -> bool {
        true
    }
}

impl Format for FramesJson {
    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        if piece.source.frames.is_empty() {
            return Err(ExportError::NoFrames { path: piece.source.dir().to_path_buf() });
        }
        let mut video = open_video(piece.source)?;
        if let Some(size) = piece.options.resize {
            let (_, path) = out.create(&out.name_beside(&format!("{}x{}.mp4", size.0, size.1)))?;
            proxy(piece.source, &mut video, size, &path, progress)?;
        }
        let samples = &video.index().samples;
        let (file, path) = out.create(&out.name("frames.json"))?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        let about = piece.manifest.to_line().map_err(|source| ExportError::Json { path: path.clone(), source })?;
        let mut write = |text: String| file.write_all(text.as_bytes()).map_err(IoError::at("write", &path));
        write(format!("{{\n\"watchcap\": {about},\n\"frames\": [\n"))?;
        let mut duration = 0;
        for (index, sample) in samples.iter().enumerate() {
            // As in the video: the last frame lasts as long as the one before it.
            if let Some(next) = samples.get(index + 1) {
                duration = next.pts_us - sample.pts_us;
            }
            let comma = if index + 1 < samples.len() { "," } else { "" };
            let (pts, key) = (sample.pts_us, u8::from(sample.keyframe));
            write(format!("{{\"pts\":{pts},\"duration\":{duration},\"key_frame\":{key}}}{comma}\n"))?;
            if index % PROGRESS_FRAMES == 0 {
                progress(Step { what: "frames", done: index as u64, of: samples.len() as u64 });
            }
        }
        write("]\n}\n".into())?;
        Ok(file.flush().map_err(IoError::at("write", &path))?)
    }
}
