//! Programs of ours that are started as children: beside this program, if nobody else can put something in their place, or where the environment
//! says.
//!
//! Not in `PATH`: what is there is run by itself here, whenever a recording needs it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::base::files::trust;

/// Returns the program of this name, or the one that this variable of the environment has in its place.
///
/// # Errors
/// Why there is none that is used.
pub fn find(program: &str, variable: &str) -> Result<OsString, String> {
    if let Some(named) = std::env::var_os(variable).filter(|program| !program.is_empty()) {
        return Ok(named);
    }
    // Links are followed first: what counts is where the program itself lies.
    let own = std::env::current_exe().and_then(|own| own.canonicalize()).map_err(|error| error.to_string())?;
    let beside: PathBuf = own.with_file_name(program);
    if !beside.is_file() {
        return Err(format!("{program} is not beside this program"));
    }
    match trust::doubt_of_program(&beside) {
        None => Ok(beside.into()),
        Some(why) => Err(format!("{} is not run: {why}", beside.display())),
    }
}
