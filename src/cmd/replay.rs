//! t
use super::{Failure,Outcome};
pub(super) fn run(args: &crate::cli::ReplayArgs) -> Result<Outcome, Failure> { let _ = args; Ok(Outcome::Clean) }
