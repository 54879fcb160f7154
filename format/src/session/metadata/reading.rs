//! Reads `metadata.json` within bounds, and writes it. What is wrong with a file is said without quoting it.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use watchcap_migrations::session::{CURRENT, Version, v1_1__to__v1_2};

use super::{Extra, Metadata};

/// The major version of the format that this release reads.
const MAJOR: u64 = CURRENT.major;

/// The largest file that is read: an anchor a second for 8 h is 28,800 × 90 bytes, 2.6 MB; the rest is small.
const MAX_BYTES: u64 = 16 << 20;

/// The most values and keys: those anchors are 201,600 (an object, three keys with their values). In memory a value takes up to 700 bytes (an object in a place of its own, read
/// through two shapes), however short its text is, so that the size of the file alone does not bound what it takes.
const MAX_VALUES: usize = 1 << 18;

/// Why metadata cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is larger than any that is written.
    #[error("{} has {size_bytes} bytes, more than {MAX_BYTES}", path.display())]
    TooBig {
        /// Which.
        path: PathBuf,
        /// Its size.
        size_bytes: u64,
    },
    /// The text is not metadata: line and column, and what was expected. Never the text itself.
    #[error("{} is not metadata of a session: {why}{}", path.display(), place(*.at))]
    Parse {
        /// Which.
        path: PathBuf,
        /// What kind of fault.
        why: String,
        /// Line and column; none in metadata of an earlier format, which is read in two steps.
        at: Option<(usize, usize)>,
    },
    /// There are more values in it than any that is written has.
    #[error("{} holds more than {MAX_VALUES} values", path.display())]
    TooMany {
        /// Which.
        path: PathBuf,
    },
    /// The session is of another format.
    #[error("{} is of format {found}, this release reads {MAJOR}.x", path.display())]
    Version {
        /// Which.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The release that recorded it, which reads it.
        by: Option<String>,
    },
}

impl MetadataError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Version { by: Some(by), .. } => {
                Some(format!("read it with watchcap {by}, which recorded it, or a later one"))
            }
            Self::Version { by: None, .. } => {
                Some("read it with the release of watchcap that recorded it, or a later one".into())
            }
            _ => None,
        }
    }
}

/// The one key that every version has.
#[derive(Deserialize)]
struct VersionOnly {
    format_version: String,
    watchcap: Option<String>,
}

impl Metadata {
    /// Reads a `metadata.json`.
    ///
    /// # Errors
    /// When it cannot be read, is no metadata, or of another major version.
    pub fn read(path: &Path) -> Result<Self, MetadataError> {
        let read = |source| MetadataError::Read { path: path.to_owned(), source };
        let file = crate::base::files::open_regular(path).map_err(read)?;
        let size_bytes = file.metadata().map_err(read)?.len();
        if size_bytes > MAX_BYTES {
            return Err(MetadataError::TooBig { path: path.to_owned(), size_bytes });
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(read)?;
        Self::parse(path, &bytes)
    }

    /// Reads metadata from memory; `path` is what errors name. Metadata of an earlier format has the keys of the present one, and its own
    /// `format_version`.
    ///
    /// # Errors
    /// When the bytes are no metadata, or of another major version.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Self, MetadataError> {
        let parse = |error: &serde_json::Error| MetadataError::Parse {
            path: path.to_owned(),
            why: fault_name(error),
            at: (error.line() > 0).then(|| (error.line(), error.column())),
        };
        if json_values(bytes) > MAX_VALUES {
            return Err(MetadataError::TooMany { path: path.to_owned() });
        }
        // First the version: another major version may have another shape.
        let VersionOnly { format_version, watchcap } = serde_json::from_slice(bytes).map_err(|error| parse(&error))?;
        let Some(version) = Version::parse(&format_version).filter(|version| version.is_readable()) else {
            let by = watchcap.map(|by| printable(&by));
            return Err(MetadataError::Version { path: path.to_owned(), found: printable(&format_version), by });
        };
        if version >= CURRENT {
            return serde_json::from_slice(bytes).map_err(|error| parse(&error));
        }
        let mut keys: Extra = serde_json::from_slice(bytes).map_err(|error| parse(&error))?;
        v1_1__to__v1_2::metadata(&mut keys);
        serde_json::from_value(Value::Object(keys)).map_err(|error| parse(&error))
    }

    /// The text of the file: indented, keys in the order of this struct, one newline at the end.
    ///
    /// # Errors
    /// Never with values that JSON can say; floats that are not finite become null.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }
}

/// Where a fault is, behind what it is.
fn place(at: Option<(usize, usize)>) -> String {
    at.map_or_else(String::new, |(line, column)| format!(" at line {line}, column {column}"))
}

/// An upper bound of the values and keys in JSON, counted by the marks that stand before them.
fn json_values(bytes: &[u8]) -> usize {
    let (mut count, mut inside, mut escaped) = (0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'[' | b'{' | b',' | b':' if !inside => count += 1,
            _ => {}
        }
    }
    count
}

/// What serde_json found wrong, without quoting the file.
fn fault_name(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match error.classify() {
        // "missing field `x`" names a key of ours; "invalid type: string \"…\"" would quote the file.
        serde_json::error::Category::Data if text.starts_with("missing field") => {
            text.split(" at line").next().unwrap_or_default().to_owned()
        }
        serde_json::error::Category::Data => "a value of the wrong type".to_owned(),
        serde_json::error::Category::Syntax => "a syntax error".to_owned(),
        serde_json::error::Category::Eof => "an early end".to_owned(),
        serde_json::error::Category::Io => "a read error".to_owned(),
    }
}

/// A text that may hold bytes of a file made fit to be printed: short, and without anything that a terminal obeys.
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 160;
    text.chars().take(LONGEST).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::bare;
    use super::*;

    #[test]
    fn unknown_keys_survive_and_what_is_not_measured_is_null() {
        let text = bare("x").to_json().expect("json");
        let mut value: Value = serde_json::from_str(&text).expect("json");
        assert_eq!(value["clock_drift_ppm"], Value::Null);
        assert_eq!(value["env"]["gpu"], Value::Null);
        value["later"] = serde_json::json!({"a": [1]});
        value["privacy"]["later"] = serde_json::json!("kept");
        let read = Metadata::parse(Path::new("m"), value.to_string().as_bytes()).expect("metadata");
        let again: Value = serde_json::from_str(&read.to_json().expect("json")).expect("json");
        assert_eq!(again, value);
        assert_eq!(bare("x").to_json().expect("json"), text);
    }

    #[test]
    fn faults_name_the_place_and_never_the_text() {
        let parse = |text: &str| Metadata::parse(Path::new("m"), text.as_bytes()).expect_err("a fault").to_string();
        assert_eq!(parse("{\n\"format_version\": \"2.0.0\"}"), "m is of format 2.0.0, this release reads 1.x");
        assert_eq!(parse("{\"format_version\": \"1.\\u001b[2J\"}"), "m is of format 1.?[2J, this release reads 1.x");
        assert!(parse("{\"format_version\": \"1.0.0\"}").contains("missing field `session_id`"));
        let text = bare("x").to_json().expect("json").replace("\"duration_ns\": 0", "\"duration_ns\": \"secret\"");
        let fault = parse(&text);
        assert!(fault.contains("wrong type") && !fault.contains("secret"), "{fault}");
        assert!(parse(&"[".repeat(100_000)).contains("m is not metadata"));
        let text = bare("x").to_json().expect("json");
        assert!(json_values(text.as_bytes()) < 1000);
        let many = format!("{},\"more\":[{}0]}}", text.trim_end().trim_end_matches('}'), "[],".repeat(MAX_VALUES / 2));
        assert_eq!(parse(&many), "m holds more than 262144 values");
        assert_eq!(json_values(br#"{"a,b:[\"{": [1, 2]}"#), 4);
    }
}
