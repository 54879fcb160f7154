//! The table of a session, `events.parquet`: rows and their hashes, the columns, writing it, and reading it when a stranger wrote it.

pub(crate) mod batch;
pub(crate) mod columns;
pub mod guard;
pub mod hash;
pub(crate) mod inflate;
pub(crate) mod lanes;
pub mod pages;
pub mod positioned;
pub mod read;
pub mod row;
pub mod schema;
pub(crate) mod sha256_lanes;
pub(crate) mod thrift;
pub(crate) mod values;
pub mod write;
