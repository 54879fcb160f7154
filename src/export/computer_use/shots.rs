//! Pictures of frames, each written once, as PNG beside the list of actions: the session's own where it has one of the frame, else the video's.

use std::collections::BTreeSet;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};

use crate::base::id::FrameRef;
use crate::base::io_error::IoError;
use crate::export::error::ExportError;
use crate::export::out::Out;
use crate::export::source::Source;
use crate::media::frames::FrameReader;
use crate::session::stills;
use crate::session::stills::Told;

/// End of the name of the folder that the pictures are in.
pub(super) const FOLDER: &str = "computer-use";

/// Returns the name of a frame's picture in that folder.
pub(super) fn name(frame: usize) -> String {
    format!("frame_{frame:010}.png")
}

/// Whether a name is that of a picture.
pub(super) fn is_name(name: &str) -> bool {
    let number = name.strip_prefix("frame_").and_then(|rest| rest.strip_suffix(".png"));
    number.is_some_and(|number| number.len() >= 10 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Writes pictures.
pub(super) struct Shots {
    video: FrameReader,
    size: (u32, u32),
    written: BTreeSet<usize>,
    /// Folder of the session, and its frames of which there is a PNG picture.
    session: PathBuf,
    stills: BTreeSet<usize>,
    exact: u64,
}

impl Shots {
    /// Pictures of `video`, the session's, in this size.
    pub(super) fn new(video: FrameReader, size: (u32, u32), source: &Source) -> Self {
        let told = match stills::told(source.reader().metadata()) {
            // Made smaller they would be no more exact than the video.
            Told::Of(frames) if size == video.surface() => frames,
            _ => Vec::new(),
        };
        let stills = told.into_iter().filter_map(|frame| usize::try_from(frame.0).ok()).collect();
        Self { video, size, written: BTreeSet::new(), session: source.dir().to_path_buf(), stills, exact: 0 }
    }

    /// How many of those that were written are the screen's own pixels.
    pub(super) fn exact(&self) -> u64 {
        self.exact
    }

    /// Writes the picture of a frame, unless that was done; answers with its path from the list's folder on.
    pub(super) fn take(&mut self, frame: usize, out: &mut Out) -> Result<String, ExportError> {
        let name = out.name_beside(&format!("{FOLDER}/{}", name(frame)));
        if !self.written.insert(frame) {
            return Ok(name);
        }
        if self.stills.contains(&frame) {
            out.bring(&name, &self.session.join(stills::path_of(FrameRef(frame as u64))))?;
            self.exact += 1;
            return Ok(name);
        }
        let picture = if self.size == self.video.surface() {
            self.video.rgb(frame)?
        } else {
            self.video.rgb_scaled(frame, self.size)?
        };
        let (file, path) = out.create(&name)?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        // Of screens, most of which is even, the fastest is about as small as the best.
        let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive);
        let encoded = encoder.write_image(&picture.data, picture.width, picture.height, ExtendedColorType::Rgb8);
        encoded.map_err(|error| IoError::at("write", &path)(std::io::Error::other(error)))?;
        file.flush().map_err(IoError::at("write", &path))?;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_pictures() {
        assert!(is_name(&name(7)) && is_name(&name(12_345_678_901)));
        for other in ["frame_1.png", "frame_0000000001.jpg", "frame_000000000x.png", "x", "../frame_0000000001.png"] {
            assert!(!is_name(other), "{other}");
        }
    }
}
