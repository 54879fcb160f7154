//! An open folder, and what is done below it by names: by handles on Unix, by paths elsewhere.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(in crate::base::files) use self::other::*;
#[cfg(unix)]
pub(in crate::base::files) use self::unix::*;
