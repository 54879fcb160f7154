//! Versions of the session format, and the columns of their tables.

use super::{v1_0, v1_1, v1_2, v1_3};

/// The version that this release writes.
pub const CURRENT: Version = v1_3::VERSION;

/// Version of the session format: semver without its last part, which never changes a shape.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version {
    /// A changed meaning.
    pub major: u64,
    /// Added columns or keys.
    pub minor: u64,
}

impl Version {
    /// Reads `1.0.0`. None when it is no version.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
        let version = Self { major: parts.next()??, minor: parts.next()?? };
        parts.next()??;
        parts.next().is_none().then_some(version)
    }

    /// Whether this release reads sessions of this version at all: a later minor version only added what may be ignored.
    pub fn is_readable(self) -> bool {
        self.major == CURRENT.major
    }

    /// Whether this release knows everything that this version says.
    pub fn is_known(self) -> bool {
        self.is_readable() && self.minor <= CURRENT.minor
    }

    /// The columns of a table of this version that this release knows.
    pub fn columns(self) -> &'static [Column] {
        match self.minor {
            0 => &v1_0::COLUMNS,
            1 => &v1_1::COLUMNS,
            2 => &v1_2::COLUMNS,
            _ => &v1_3::COLUMNS,
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.0", self.major, self.minor)
    }
}

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// 64-bit signed integer.
    Int64,
    /// 32-bit signed integer.
    Int32,
    /// 32-bit IEEE float.
    Float32,
    /// True or false.
    Bool,
    /// UTF-8.
    String,
    /// Map of strings to strings.
    Map,
}

/// A column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ColumnType,
    /// Whether a row may have no value.
    pub nullable: bool,
}

/// A column; for the tables of the versions.
pub(crate) const fn col(name: &'static str, kind: ColumnType, nullable: bool) -> Column {
    Column { name, kind, nullable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_judged() {
        assert_eq!(Version::parse("1.0.0"), Some(v1_0::VERSION));
        assert_eq!(Version::parse("1.1.7"), Some(v1_1::VERSION));
        assert_eq!(Version::parse("1.2.0"), Some(v1_2::VERSION));
        assert_eq!(Version::parse("1.3.0"), Some(v1_3::VERSION));
        for bad in ["", "1", "1.1", "1.1.1.1", "1.x.0", "-1.0.0", "1.1.0-beta"] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
        let later = Version { major: 1, minor: 9 };
        assert!(later.is_readable() && !later.is_known());
        assert!(!Version { major: 2, minor: 0 }.is_readable());
        assert_eq!(CURRENT.to_string(), "1.3.0");
    }

    #[test]
    fn a_later_version_begins_with_the_columns_of_the_one_before() {
        assert_eq!(v1_1::COLUMNS[..v1_0::COLUMNS.len()], v1_0::COLUMNS);
        assert_eq!((v1_0::COLUMNS.len(), v1_1::COLUMNS.len()), (12, 20));
        assert_eq!(v1_2::COLUMNS, v1_1::COLUMNS);
        assert_eq!(v1_3::COLUMNS[..v1_2::COLUMNS.len()], v1_2::COLUMNS);
    }
}
