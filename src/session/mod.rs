//! The sealed session: its files, its metadata, reading and verifying it.

pub mod frames;
pub mod layout;
pub mod metadata;
mod parquet_guard;
mod positioned;
pub mod reader;
pub mod row;
pub mod row_hash;
pub mod schema;
pub mod seal;
pub mod verify;
