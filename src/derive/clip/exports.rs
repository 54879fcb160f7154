//! What the player's export key makes: the picture of a frame, or an excerpt of a span, in a folder that the person finds.

use std::path::{Path, PathBuf};

use watchcap_replay::{Export, Exports};

use super::cut::Source;
use super::{excerpt, still};
use crate::base::event::Stream;
use crate::base::shown::counted;
use crate::derive::clip::run::ClipError;

/// Exports from one session into one folder.
#[derive(Debug)]
pub struct Exporter {
    session: PathBuf,
    dir: PathBuf,
}

impl Exporter {
    /// For a sealed session; `dir` is where everything goes.
    pub fn new(session: &Path, dir: &Path) -> Self {
        Self { session: session.to_path_buf(), dir: dir.to_path_buf() }
    }

    fn run(&self, export: Export, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<String, ClipError> {
        // Opened each time: an export is seldom, and the session may have been replaced since.
        let mut source = Source::open(&self.session)?;
        source.check_withdrawn(&[Stream::Screen, Stream::Input])?;
        match export {
            Export::Frame(frame) => {
                let path = still::still(&mut source, frame, &self.dir)?;
                Ok(format!("wrote {}", path.display()))
            }
            Export::Excerpt { from_ns, until_ns } => {
                let made =
                    excerpt::excerpt(&mut source, from_ns, until_ns, &self.dir, &mut |at| progress(at.done, at.of))?;
                let (frames, rows) = (counted(made.frames as u64, "frame"), counted(made.rows, "row"));
                Ok(format!("wrote {}: {frames}, {rows}", made.dir.display()))
            }
        }
    }
}

impl Exports for Exporter {
    fn export(&mut self, export: Export, progress: &mut dyn FnMut(u64, u64) -> bool) -> Result<String, String> {
        self.run(export, progress).map_err(|error| error.to_string())
    }
}
