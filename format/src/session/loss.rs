//! Decides whether a recording lost more than it may: exit code 3, the catalog's `lossy`.
//!
//! Owns the words for recordings that a fault ended. A frame that came late now and then is no loss to speak of: its count is in
//! the metadata, and the exit code stays 0. Losses of inputs always count, since a missing press is a wrong label.

use super::metadata::Metadata;

/// Reasons of the end that are faults: something broke, or ran out. All other ends were asked for, or are normal (the window was closed).
pub const FAULTS: [&str; 11] = [
    "capture_failed",
    "disk_full",
    "display_gone",
    "encoder_failed",
    "file_too_large",
    "folder_gone",
    "io_error",
    "panic",
    "source_gone",
    "source_hangs",
    "stalled",
];

/// Share of the frames that may be dropped before a recording counts as lossy, percent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MaxDropped(pub f64);

impl Default for MaxDropped {
    fn default() -> Self {
        Self(1.0)
    }
}

impl MaxDropped {
    /// Whether `dropped` of `due` frames are more than may be dropped.
    pub fn is_passed(self, dropped: u64, due: u64) -> bool {
        dropped > 0 && dropped as f64 * 100.0 > due as f64 * self.0
    }
}

/// Whether `reason` says that a fault ended the recording.
pub fn is_fault(reason: &str) -> bool {
    FAULTS.contains(&reason)
}

/// Whether the session was recovered, ended by a fault, misses inputs or records, or dropped more frames than may be.
pub fn is_lossy(metadata: &Metadata, max_dropped: MaxDropped) -> bool {
    let dropped = metadata.dropped_frames.unwrap_or(0);
    let due = metadata.frames.saturating_add(dropped).saturating_add(metadata.unchanged_skipped.unwrap_or(0));
    // Frames are judged by their share; a number that nobody knows is not zero.
    let lost = |stream: &str, count: Option<u64>| count.is_none_or(|count| count > 0 && stream != "screen");
    metadata.recovered
        || metadata.end_reason.as_deref().is_some_and(is_fault)
        || metadata.lost.iter().any(|loss| lost(&loss.stream, loss.count))
        || max_dropped.is_passed(dropped, due)
}

#[cfg(test)]
mod tests {
    use super::super::metadata::{Extra, Loss};
    use super::*;

    #[test]
    fn a_frame_that_is_late_now_and_then_is_no_loss() {
        let limit = MaxDropped::default();
        assert!(!limit.is_passed(0, 0) && !limit.is_passed(2, 1800) && !limit.is_passed(18, 1800));
        assert!(limit.is_passed(19, 1800) && limit.is_passed(1, 1));
        assert!(MaxDropped(0.0).is_passed(1, 1_000_000) && !MaxDropped(0.0).is_passed(0, 10));
        assert!(!MaxDropped(100.0).is_passed(10, 10));
    }

    #[test]
    fn what_makes_a_session_lossy() {
        let golden =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/session-1.0.0/metadata.json");
        let mut metadata = Metadata::read(&golden).expect("metadata");
        (metadata.recovered, metadata.lost, metadata.dropped_frames) = (false, Vec::new(), Some(0));
        (metadata.frames, metadata.end_reason) = (1000, Some("sigint".into()));
        let lossy = |change: &dyn Fn(&mut Metadata)| {
            let mut metadata = metadata.clone();
            change(&mut metadata);
            is_lossy(&metadata, MaxDropped::default())
        };
        let loss = |stream: &str, count| Loss {
            stream: stream.into(),
            reason: "late".into(),
            gaps: 1,
            count,
            from_ns: None,
            until_ns: None,
            extra: Extra::new(),
        };
        assert!(!lossy(&|_| {}));
        assert!(!lossy(&|m| (m.lost, m.dropped_frames) = (vec![loss("screen", Some(2))], Some(2))));
        assert!(lossy(&|m| (m.lost, m.dropped_frames) = (vec![loss("screen", Some(20))], Some(20))));
        assert!(lossy(&|m| m.lost = vec![loss("screen", None)]), "nobody knows how many");
        assert!(
            lossy(&|m| m.lost = vec![loss("input", Some(1))]) && !lossy(&|m| m.lost = vec![loss("input", Some(0))])
        );
        assert!(lossy(&|m| m.lost = vec![loss("clock", None)]), "the machine slept");
        assert!(lossy(&|m| m.end_reason = Some("disk_full".into())) && lossy(&|m| m.recovered = true));
        // Frames that nobody stored since nothing changed were not missed.
        assert!(!lossy(&|m| (m.frames, m.unchanged_skipped, m.dropped_frames) = (10, Some(990), Some(5))));
    }

    #[test]
    fn faults_are_sorted_and_ends_that_were_asked_for_are_none() {
        assert!(FAULTS.is_sorted());
        for reason in
            ["sigint", "sigterm", "sighup", "duration", "window_closed", "consent_withdrawn", "stopped", "hotkey"]
        {
            assert!(!is_fault(reason), "{reason}");
        }
    }
}
