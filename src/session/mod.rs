//! The sealed session: its files, its metadata, reading and verifying it.

mod batch;
pub mod derive;
pub mod foreign_index;
pub mod frames;
pub mod layout;
pub mod metadata;
mod overview;
pub mod pages;
pub(crate) mod parquet_guard;
pub mod picture;
pub(crate) mod positioned;
pub mod reader;
pub mod reel;
pub mod review;
pub mod row;
pub mod row_hash;
pub mod sample_index;
pub mod schema;
pub mod seal;
pub mod sealed;
mod sha256_lanes;
pub mod sps;
mod thrift;
pub mod timeline;
pub mod verify;
pub mod video_check;
pub mod words;
