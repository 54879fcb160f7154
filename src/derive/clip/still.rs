//! A frame as a PNG file.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};

use super::cut::Source;
use crate::base::io_error::IoError;
use crate::derive::clip::run::{ClipError, free_name};

/// Writes a frame as `NAME_frame_NNN.png` into a folder, as large as the surface was. Never over something that is there.
///
/// # Errors
/// When there is no such frame, or it cannot be decoded or written; nothing is left then.
pub fn still(source: &mut Source, frame: u64, dir: &Path) -> Result<PathBuf, ClipError> {
    let name = source.name();
    let video = source.video.as_mut().ok_or(ClipError::Mismatch { what: "the session has no frames" })?;
    let rgb = video.rgb(usize::try_from(frame).unwrap_or(usize::MAX))?;
    let path = free_name(dir, &format!("{name}_frame_{frame}"), ".png")?;
    let mut bytes = Vec::new();
    let made = PngEncoder::new(&mut bytes).write_image(&rgb.data, rgb.width, rgb.height, ExtendedColorType::Rgb8);
    made.map_err(|error| ClipError::Png { path: path.clone(), why: error.to_string() })?;
    let mut file = crate::base::files::create_new_file(&path).map_err(IoError::at("create", &path))?;
    if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_all()) {
        if let Err(left) = crate::base::files::remove_file(&path) {
            tracing::warn!(%left, "an unfinished picture could not be removed");
        }
        return Err(IoError::at("write", &path)(error).into());
    }
    Ok(path)
}
