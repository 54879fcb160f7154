//! Where `watchcap-x264` is ([`beside`]).

use std::ffi::OsString;

use crate::base::child::beside;

/// Names the program, whatever lies beside this one.
pub const PROGRAM_ENV: &str = "WATCHCAP_X264";
/// Its name.
const PROGRAM: &str = "watchcap-x264";

/// Returns the program.
///
/// # Errors
/// Why there is none that is used.
pub fn find() -> Result<OsString, String> {
    beside::find(PROGRAM, PROGRAM_ENV)
}
