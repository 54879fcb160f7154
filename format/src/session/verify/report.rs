//! What was found.

use serde::Serialize;

use crate::session::metadata::printable;

/// Kinds of faults, in the order in which they are looked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// There is no seal.
    NotSealed,
    /// The seal cannot be read.
    Seal,
    /// Something that is no regular file, or has a name that no session uses.
    ForeignFile,
    /// A sealed file is not there.
    MissingFile,
    /// A file is there that was not sealed.
    ExtraFile,
    /// A file holds the bytes of another one.
    SwappedFile,
    /// A file's bytes are not those that were sealed.
    ChangedFile,
    /// `metadata.json` cannot be read.
    Metadata,
    /// `events.parquet` cannot be opened, or has other columns than the format.
    Table,
    /// The table's own metadata say something else than `metadata.json`.
    TableMetadata,
    /// Rows cannot be decoded.
    Rows,
    /// A row is older than the one before it.
    Order,
    /// A row's hash is not that of its values.
    RowHash,
    /// A row is of another session.
    SessionId,
    /// Frame rows are not 0, 1, 2, ….
    FrameSequence,
    /// A row refers to another frame than the last one at or before it.
    FrameRef,
    /// `frames.mp4` cannot be opened.
    Video,
    /// Video and table have another number of frames.
    FrameCount,
    /// A frame's time in the video is not that of its row.
    FrameTime,
    /// A frame is a keyframe in one of video and table only.
    Keyframe,
    /// A packet has another size than its row says.
    FrameBytes,
    /// The video has another size than the metadata say.
    Resolution,
    /// The metadata count something else than what is there.
    Counts,
    /// A frame cannot be decoded.
    Decode,
    /// A file of sound cannot be read or decoded, or is not what the metadata say.
    Sound,
    /// A PNG picture is missing, cannot be decoded, has another size or is of no frame; or is not one that the metadata tell of.
    Png,
    /// `review.jsonl` cannot be read, or holds lines that are none of this session. It is not part of what was sealed.
    Review,
    /// `annotations.jsonl` likewise.
    Annotations,
}

/// The first fault of a kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Problem {
    /// Its kind.
    pub kind: Kind,
    /// The file it is in.
    pub file: String,
    /// The row, from 0.
    pub row: Option<u64>,
    /// The frame, from 0.
    pub frame: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// How many of this kind there are.
    pub count: u64,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Whether there is a seal.
    pub sealed: bool,
    /// Files whose SHA-256 was compared.
    pub files_hashed: u64,
    /// Rows read.
    pub rows: u64,
    /// Frames in the video.
    pub frames: u64,
    /// Frames decoded.
    pub frames_decoded: u64,
    /// Why frames from [`frames_decoded`](Self::frames_decoded) on were not decoded, which is no fault of theirs: this machine has no decoder for
    /// their codec.
    pub not_checked: Option<String>,
    /// Packets of sound.
    pub sound_packets: u64,
    /// Packets of sound that were decoded.
    pub sound_decoded: u64,
    /// Why the sound was not decoded, or not all of it, which is no fault of it.
    pub sound_not_checked: Option<String>,
    /// PNG pictures that are there.
    pub png_pictures: u64,
    /// PNG pictures that were decoded.
    pub png_decoded: u64,
    /// The first fault of each kind, in the order of [`Kind`].
    pub problems: Vec<Problem>,
    /// What is no fault, but worth knowing: rights of files, a log that is still there.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes a fault: the first of its kind with its place, of the others that they are.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        file: &str,
        row: Option<u64>,
        frame: Option<u64>,
        what: impl FnOnce() -> String,
    ) {
        if let Some(problem) = self.problems.iter_mut().find(|problem| problem.kind == kind) {
            problem.count += 1;
        } else {
            let (file, what) = (printable(file), what());
            self.problems.push(Problem { kind, file, row, frame, what, count: 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_is_named_and_the_others_counted() {
        let mut report = Report::default();
        report.add(Kind::RowHash, "events.parquet", Some(7), None, || "first".into());
        report.add(Kind::RowHash, "events.parquet", Some(9), None, || "second".into());
        assert!(!report.ok());
        let text = serde_json::to_string(&report.problems).expect("json");
        assert_eq!(
            text,
            r#"[{"kind":"row_hash","file":"events.parquet","row":7,"frame":null,"what":"first","count":2}]"#
        );
    }
}
