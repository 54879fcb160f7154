//! The shapes of the session's table, one module per version, and the pure steps between neighbours.
//!
//! A version is what `watchcap.format_version` of `events.parquet` and `format_version` of `metadata.json` say. Each shape knows
//! its columns and the bytes that its row hash is made of. Changelog:
//!
//! - **1.0.0** twelve columns; what is particular to a kind of row is text in the `metadata` map.
//! - **1.1.0** eight typed columns behind them (`seq` to `source`), so that nobody parses text at 1000 Hz; their keys left the map.
//! - **1.2.0** the same table; `metadata.json` says sizes, codec and input devices as promised, and nothing that nobody measured.
//! - **1.3.0** three columns behind them (`pad`, `control`, `value`): gamepads.

mod bytes;
pub mod v1_0;
#[expect(non_snake_case, reason = "a step is named by the versions that it joins")]
pub mod v1_0__to__v1_1;
pub mod v1_1;
#[expect(non_snake_case, reason = "a step is named by the versions that it joins")]
pub mod v1_1__to__v1_2;
pub mod v1_2;
#[expect(non_snake_case, reason = "a step is named by the versions that it joins")]
pub mod v1_2__to__v1_3;
pub mod v1_3;
mod version;

pub(crate) use self::version::col;
pub use self::version::{CURRENT, Column, ColumnType, Version};
