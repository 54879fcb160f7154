//! The wire shapes of the log, one module per schema version.
//!
//! The version stands outside the archive, in the header of the chunk, because rkyv archives of different shapes cannot be told
//! apart. Changelog: **1** first release.

pub mod v1;

/// The schema version that this release writes.
pub const CURRENT: u16 = v1::SCHEMA;

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
pub fn read(schema: u16, body: &[u8]) -> Result<v1::Chunk, ShapeError> {
    match schema {
        v1::SCHEMA => rkyv::from_bytes::<v1::Chunk, rkyv::rancor::Error>(body)
            .map_err(|error| ShapeError::Invalid { schema, detail: error.to_string() }),
        found => Err(ShapeError::TooNew { found, newest: CURRENT }),
    }
}

/// Writes a chunk in the current shape.
///
/// # Errors
/// When the archive cannot be made (out of memory).
pub fn write(chunk: &v1::Chunk) -> Result<rkyv::util::AlignedVec, ShapeError> {
    rkyv::to_bytes::<rkyv::rancor::Error>(chunk)
        .map_err(|error| ShapeError::Invalid { schema: CURRENT, detail: error.to_string() })
}
