//! Removes a recording: its session, its log, what reviewers said, what was made of it by this program, and the exports.
//!
//! Keeps the invariants that a plan is made, and can be shown, before anything is removed; that a plan holds only what says of itself that
//! it is of this recording (a session by its id or its `lineage`, an export by its manifest); and that of all that only known names are
//! removed (`remove`). What is not known stays, and is told. A recording that a session was made of is no copy of it: who deletes a redacted
//! edition keeps the original.

mod plan;
mod remove;

pub use self::plan::{DeleteError, Doomed, DoomedExport, Plan, plan, run};
pub use remove::{Removed, removes_all};
