//! The names of the sources of a log: records carry numbers, and the fact `source_names` says what they stand for.
//!
//! So a new backend is a new name and no new schema. The list only grows while a log is written, and a name is in the log before
//! the first record that needs it. Does not know which backends there are.

use crate::base::event::Source;

/// Key of the fact that lists the names, in the order of their numbers.
pub const SOURCES_KEY: &str = "source_names";

/// Most sources of one log. Their list is one fact: 64 names of at most [`crate::base::event::MAX_SOURCE_NAME`] bytes fit into a chunk.
pub const MAX_SOURCES: usize = 64;

/// Which source has which number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceNames(Vec<Source>);

impl Default for SourceNames {
    /// Returns the numbers of schema 1, which also hold for a log whose list is gone.
    fn default() -> Self {
        Self(Source::ALL.to_vec())
    }
}

impl SourceNames {
    /// Returns the number of a source; `None` when it has none (yet).
    pub fn number(&self, source: Source) -> Option<u8> {
        self.0.iter().position(|known| *known == source).and_then(|at| u8::try_from(at).ok())
    }

    /// Returns the source with a number; [`Source::Unknown`] when the list does not name it.
    pub fn source(&self, number: u8) -> Source {
        self.0.get(usize::from(number)).copied().unwrap_or(Source::Unknown)
    }

    /// Gives a source a number; true when it is new and has one now.
    pub fn learn(&mut self, source: Source) -> bool {
        let is_new = source != Source::Unknown && self.number(source).is_none() && self.0.len() < MAX_SOURCES;
        if is_new {
            self.0.push(source);
        }
        is_new
    }

    /// Returns the list as the fact has it.
    pub fn to_json(&self) -> String {
        serde_json::json!(self.0.iter().map(Source::name).collect::<Vec<_>>()).to_string()
    }

    /// Reads the fact; `None` when it is no list of names.
    pub fn from_json(json: &str) -> Option<Self> {
        let names: Vec<String> = serde_json::from_str(json).ok()?;
        Some(Self(names.iter().take(MAX_SOURCES).map(|name| Source::named(name)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_reads_back_and_what_it_does_not_name_is_unknown() {
        let mut names = SourceNames::default();
        assert_eq!(names.number(Source::Recorder), Some(4), "as in schema 1");
        assert!(!names.learn(Source::Xi2) && !names.learn(Source::Unknown));
        assert!(names.learn(Source::named("evdev")) && !names.learn(Source::named("evdev")));
        assert_eq!(SourceNames::from_json(&names.to_json()), Some(names.clone()));
        assert_eq!((names.source(5), names.source(6)), (Source::named("evdev"), Source::Unknown));
        assert_eq!(SourceNames::from_json("{}"), None);
    }

    #[test]
    fn a_full_list_takes_no_more_and_fits_into_a_chunk() {
        let mut names = SourceNames::default();
        let learned = (0..300).filter(|n| names.learn(Source::named(&format!("{n:a>22}").replace(' ', "a")))).count();
        assert_eq!(learned, MAX_SOURCES - Source::ALL.len());
        assert!(names.to_json().len() <= super::super::codec::MAX_FACT, "{} bytes", names.to_json().len());
    }
}
