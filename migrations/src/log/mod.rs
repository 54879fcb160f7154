//! The wire shapes of the log, one module per schema version.
//!
//! The version stands outside the archive, in the header of the chunk, because rkyv archives of different shapes cannot be told
//! apart. Changelog:
//!
//! - **1** first release.
//! - **2** packets of further tracks, and names of sources that the log gives itself. Never again for a new backend, encoder or track.

mod shapes;
pub mod v1;
#[expect(non_snake_case, reason = "a step is named by the versions that it joins")]
pub mod v1__to__v2;
pub mod v2;

pub use self::shapes::{CURRENT, ShapeError, read, write, write_v1};
