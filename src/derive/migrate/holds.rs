//! What a folder holds that is no session, and what can be done with it.

use std::path::Path;

use crate::session::layout;
use crate::session::table::read::EventsReader;
use crate::session::table::schema;

/// What a folder holds, by which is told what to do with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// A sealed session.
    Session,
    /// A log.
    Log,
    /// A table that watchcap wrote, without its seal.
    Unsealed,
    /// A table of another program.
    Foreign,
    /// None of these.
    Nothing,
}

impl Holds {
    /// Looks into a folder.
    pub(crate) fn of(dir: &Path) -> Self {
        let path = layout::events_path(dir);
        match layout::state_of(dir) {
            layout::DirState::Sealed => Self::Session,
            layout::DirState::Log => Self::Log,
            layout::DirState::Nothing if !path.is_file() => Self::Nothing,
            layout::DirState::Nothing => {
                let table = EventsReader::open(&path);
                let is_own = table.is_ok_and(|table| table.key_value(schema::FORMAT_VERSION_KEY).is_some());
                if is_own { Self::Unsealed } else { Self::Foreign }
            }
        }
    }

    /// What can be done with it.
    pub(crate) fn hint(self, dir: &Path) -> String {
        let dir = dir.display();
        match self {
            Self::Session => format!("migrate it without --import: watchcap migrate {dir}"),
            Self::Log => format!("seal it first with: watchcap finalize {dir}"),
            Self::Unsealed => format!(
                "watchcap wrote it, and its seal is gone: take metadata.json and integrity.sha256 from a copy; without one, put \
                 frames.mp4 and the table without its marks into a folder of their own and import that: \
                 pq.write_table(pq.read_table(\"{dir}/events.parquet\").replace_schema_metadata(None), …)"
            ),
            Self::Foreign => {
                format!("a folder of another recorder is taken in with: watchcap migrate --import {dir}")
            }
            Self::Nothing => "give the folder of a sealed session (session_YYYYMMDD_HHMMSS)".into(),
        }
    }
}
