//! t
use super::{Failure,Outcome};
pub(super) fn run(args: &crate::cli::VerifyArgs) -> Result<Outcome, Failure> { let _ = args; Ok(Outcome::Clean) }
