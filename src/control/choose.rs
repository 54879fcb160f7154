//! Which of the running recordings is meant.

use std::path::Path;

use super::client::{folders, running};
use super::error::{ControlError, Running};

/// Which recording is meant.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// The only one.
    Only,
    /// The one of this process.
    Pid(u32),
    /// The one into this session's folder.
    Session(&'a Path),
}

/// The recording that is meant.
///
/// # Errors
/// [`ControlError`] when there is none, or none was named and there are several.
pub fn choose(wanted: Wanted<'_>) -> Result<Running, ControlError> {
    let mut all = running()?;
    match wanted {
        Wanted::Only if all.len() > 1 => return Err(ControlError::Several { running: all }),
        Wanted::Only => {}
        Wanted::Pid(pid) => all.retain(|r| r.snapshot.pid == pid),
        Wanted::Session(path) => {
            let same = |r: &Running| match (path.canonicalize(), Path::new(&r.snapshot.session).canonicalize()) {
                (Ok(asked), Ok(theirs)) => asked == theirs,
                _ => false,
            };
            all.retain(same);
        }
    }
    all.into_iter().next().ok_or_else(|| match wanted {
        Wanted::Only => ControlError::None { looked_in: folders() },
        Wanted::Pid(pid) => ControlError::NotThat { what: format!("process {pid}"), looked_in: folders() },
        Wanted::Session(path) => ControlError::NotThat { what: path.display().to_string(), looked_in: folders() },
    })
}
