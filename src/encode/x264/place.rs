//! Where `watchcap-x264` is: beside this program, if nobody else can put something in its place, or where the environment says.
//!
//! Not in `PATH`: what is there is run by itself here, whenever a recording chooses its encoder.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::base::files::trust;

/// Names the program, whatever lies beside this one.
pub const PROGRAM_ENV: &str = "WATCHCAP_X264";
/// Its name.
const PROGRAM: &str = "watchcap-x264";

/// Returns the program.
///
/// # Errors
/// Why there is none that is used.
pub fn find() -> Result<OsString, String> {
    if let Some(named) = std::env::var_os(PROGRAM_ENV).filter(|program| !program.is_empty()) {
        return Ok(named);
    }
    // Links are followed first: what counts is where the program itself lies.
    let own = std::env::current_exe().and_then(|own| own.canonicalize()).map_err(|error| error.to_string())?;
    let beside: PathBuf = own.with_file_name(PROGRAM);
    if !beside.is_file() {
        return Err(format!("{PROGRAM} is not beside this program"));
    }
    match trust::doubt_of_program(&beside) {
        None => Ok(beside.into()),
        Some(why) => Err(format!("{} is not run: {why}", beside.display())),
    }
}
