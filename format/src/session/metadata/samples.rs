//! A sample of metadata for the unit tests of this crate and of the program.

use std::collections::BTreeMap;

use super::{ClockInfo, Consent, Env, Extra, InitialState, Metadata, Privacy, Resolution};

/// Metadata of a session with nothing in it.
pub fn bare(session_id: &str) -> Metadata {
    Metadata {
        format_version: crate::session::table::schema::FORMAT_VERSION.into(),
        session_id: session_id.into(),
        watchcap: "0.1.0".into(),
        captured_at: "2023-11-14T22:13:20.000000000Z".into(),
        duration_ns: 0,
        end_reason: Some("signal".into()),
        recovered: false,
        recovery: None,
        lost: Vec::new(),
        game: None,
        patch: None,
        target: None,
        resolution: Some(Resolution { width: 64, height: 48 }),
        surface: None,
        refresh_hz: None,
        capture_fps: None,
        codec: None,
        codec_string: None,
        bitrate_kbps: None,
        input_device: None,
        keyboard_layout: None,
        window_id: None,
        frames: 0,
        duplicate_frames: 0,
        dropped_frames: Some(0),
        unchanged_skipped: None,
        counts: BTreeMap::new(),
        clicks: Some(0),
        clock_drift_ppm: None,
        clock: ClockInfo { id: "manual".into(), t0_ns: 0, anchors: Vec::new(), extra: Extra::new() },
        streams: BTreeMap::new(),
        encoder: None,
        initial_state: InitialState::default(),
        consent: Consent {
            record_screen: Some(true),
            record_input: Some(true),
            record_audio: Some(false),
            text_version: None,
            withdrawn: BTreeMap::new(),
            stated_at_import: None,
            scope: None,
            how: "flag".into(),
            agreed_at: "2023-11-14T22:13:19.000000000Z".into(),
            extra: Extra::new(),
        },
        privacy: Privacy::default(),
        lineage: Vec::new(),
        import: None,
        env: Env::default(),
        extra: Extra::new(),
    }
}
