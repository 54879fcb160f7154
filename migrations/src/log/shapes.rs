//! Reads and writes a chunk of any schema: what is older is lifted.

use super::{v1, v1__to__v2, v2};

/// The schema version that this release writes.
pub const CURRENT: u16 = v2::SCHEMA;

/// Why an archive cannot be read.
#[derive(Debug)]
pub enum ShapeError {
    /// The schema is newer than this release.
    TooNew {
        /// The version found.
        found: u16,
        /// The newest that this release reads.
        newest: u16,
    },
    /// The bytes are not an archive of that schema.
    Invalid {
        /// The schema that the header names.
        schema: u16,
        /// What is wrong with the bytes.
        detail: String,
    },
}

impl std::fmt::Display for ShapeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooNew { found, newest } => {
                write!(f, "the log has schema {found} and this release reads up to {newest}")
            }
            Self::Invalid { schema, detail } => write!(f, "not an archive of schema {schema}: {detail}"),
        }
    }
}

impl std::error::Error for ShapeError {}

/// Reads the body of a chunk of any released schema, lifted to the current shape.
///
/// # Errors
/// [`ShapeError`] when the schema is unknown or the bytes are not one of its archives; bytes are validated before use.
pub fn read(schema: u16, body: &[u8]) -> Result<v2::Chunk, ShapeError> {
    let invalid = |error: rkyv::rancor::Error| ShapeError::Invalid { schema, detail: error.to_string() };
    match schema {
        v1::SCHEMA => rkyv::from_bytes(body).map(v1__to__v2::step).map_err(invalid),
        v2::SCHEMA => rkyv::from_bytes(body).map_err(invalid),
        found => Err(ShapeError::TooNew { found, newest: CURRENT }),
    }
}

/// Writes a chunk in the current shape.
///
/// # Errors
/// When the archive cannot be made (out of memory).
pub fn write(chunk: &v2::Chunk) -> Result<rkyv::util::AlignedVec, ShapeError> {
    rkyv::to_bytes::<rkyv::rancor::Error>(chunk)
        .map_err(|error| ShapeError::Invalid { schema: v2::SCHEMA, detail: error.to_string() })
}

/// Writes a chunk as releases with schema 1 did: for tests with logs that such a release left.
///
/// # Errors
/// When the archive cannot be made (out of memory).
pub fn write_v1(chunk: &v1::Chunk) -> Result<rkyv::util::AlignedVec, ShapeError> {
    rkyv::to_bytes::<rkyv::rancor::Error>(chunk)
        .map_err(|error| ShapeError::Invalid { schema: v1::SCHEMA, detail: error.to_string() })
}
