//! The parts of arrow that are used, under the names that the crate `arrow` has for them. That crate also brings arithmetic, rows, strings and
//! regular expressions, which nothing here uses and which take long to build.

/// Arrays, their builders and casts.
pub mod array {
    pub use arrow_array::builder::*;
    pub use arrow_array::cast::AsArray;
    pub use arrow_array::*;
}

/// Buffers of values and offsets.
pub mod buffer {
    pub use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
}

/// Casts between types of columns.
pub mod compute {
    pub use arrow_cast::{CastOptions, cast_with_options};
}

/// Types of columns.
pub mod datatypes {
    pub use arrow_array::types::*;
    pub use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
}

/// The error of the crates.
pub mod error {
    pub use arrow_schema::ArrowError;
}
