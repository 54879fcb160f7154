//! Builds a small session from synthetic rows, with a video that is real or a list of packets that stands for one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use watchcap::session::metadata::{
    ClockInfo, Consent, Env, Extra, InitialState, Metadata, Privacy, Resolution, SurfaceInfo,
};
use watchcap::session::table::row::{Row, RowMetadata, event_type, key};
use watchcap::session::table::schema;
use watchcap::session::table::write::TableWriter;
use watchcap::session::verify::{NoPicture, Report, VerifyOptions, VideoCheck, verify};
use watchcap::session::{layout, seal};

/// The session in every test.
pub(crate) const SESSION: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
/// `t_ns` of frame 0.
pub(crate) const T0_NS: i64 = 1_000_000_000_123;

/// A packet of a video.
#[derive(Clone, Copy)]
pub(crate) struct Packet {
    pub(crate) pts_us: i64,
    pub(crate) size: u64,
    pub(crate) keyframe: bool,
}

/// Packets as a video of 50 frames would have them.
pub(crate) fn packets() -> Vec<Packet> {
    (0..50)
        .map(|frame| Packet { pts_us: frame * 16_667, size: 1000 + frame as u64, keyframe: frame % 10 == 0 })
        .collect()
}

/// Writes packets as text: a stand-in for `frames.mp4`.
pub(crate) fn write_fake_video(dir: &Path, packets: &[Packet]) {
    let line = |packet: &Packet| format!("{} {} {}\n", packet.pts_us, packet.size, u8::from(packet.keyframe));
    let lines = packets.iter().map(line).collect::<Vec<_>>().concat();
    seal::publish_bytes(&layout::frames_path(dir), lines.as_bytes()).expect("a video");
}

/// Packets from the lines that [`write_fake_video`] and `make_video.py` write.
pub(crate) fn parse_packets(text: &str) -> Option<Vec<Packet>> {
    text.lines()
        .map(|line| {
            let mut words = line.split(' ');
            let mut number = || words.next()?.parse::<i64>().ok();
            Some(Packet { pts_us: number()?, size: number()?.try_into().ok()?, keyframe: number()? == 1 })
        })
        .collect()
}

/// The stand-in for a video, opened.
pub(crate) struct FakeVideo(pub(crate) Vec<Packet>);

impl VideoCheck for FakeVideo {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn width(&self) -> u32 {
        64
    }
    fn height(&self) -> u32 {
        48
    }
    fn pts_us(&self, frame: u64) -> Option<i64> {
        self.0.get(frame as usize).map(|packet| packet.pts_us)
    }
    fn is_keyframe(&self, frame: u64) -> bool {
        self.0[frame as usize].keyframe
    }
    fn size_bytes(&self, frame: u64) -> u64 {
        self.0[frame as usize].size
    }
    fn decode(&mut self, frame: u64) -> Result<(), NoPicture> {
        if self.0[frame as usize].size == 0 { Err(NoPicture::Damaged("an empty packet".into())) } else { Ok(()) }
    }
}

/// Verifies a session whose video is a stand-in.
pub(crate) fn check(dir: &Path) -> Report {
    check_with(dir, VerifyOptions::default())
}

/// Like [`check`], with options.
pub(crate) fn check_with(dir: &Path, options: VerifyOptions) -> Report {
    let mut open = |path: &Path| -> Result<Box<dyn VideoCheck>, String> {
        let text = fs::read_to_string(path).map_err(|error| error.kind().to_string())?;
        Ok(Box::new(FakeVideo(parse_packets(&text).ok_or("no video")?)))
    };
    verify(dir, options, &mut open, &mut |_| {})
}

/// A row that a test may change before it is written.
#[derive(Clone)]
pub(crate) struct TestRow {
    pub(crate) t_ns: i64,
    pub(crate) event_type: &'static str,
    pub(crate) frame_ref: Option<i64>,
    pub(crate) key_code: Option<i32>,
    pub(crate) position: Option<(f32, f32)>,
    pub(crate) button: Option<&'static str>,
    pub(crate) delta: Option<f32>,
    pub(crate) pressed: Option<bool>,
    pub(crate) motion: Option<(f32, f32)>,
    pub(crate) pts: Option<i64>,
    pub(crate) is_keyframe: Option<bool>,
    pub(crate) repeat: Option<bool>,
    pub(crate) source: Option<&'static str>,
    pub(crate) metadata: RowMetadata,
}

/// The rows of a session with these frames: input between them, one before the first, one at the very time of a frame.
pub(crate) fn rows(packets: &[Packet]) -> Vec<TestRow> {
    let row = |t_ns, event_type, frame_ref| TestRow {
        t_ns,
        event_type,
        frame_ref,
        key_code: None,
        position: None,
        button: None,
        delta: None,
        pressed: None,
        motion: None,
        pts: None,
        is_keyframe: None,
        repeat: None,
        source: None,
        metadata: RowMetadata::default(),
    };
    let input = |t_ns, event_type, frame_ref| TestRow { source: Some("synthetic"), ..row(t_ns, event_type, frame_ref) };
    let mut rows = vec![input(T0_NS - 5_000, event_type::MOUSE_MOVE, None)];
    for (frame, packet) in packets.iter().enumerate() {
        let frame = frame as i64;
        let t_ns = T0_NS + packet.pts_us * 1000 + (frame % 3 - 1) * i64::from(frame > 0) * 400;
        // An input of the same nanosecond that arrived first: the frame is still the last one at or before it.
        let mut click = input(t_ns, event_type::MOUSE_CLICK, Some(frame));
        click.button = Some("left");
        click.pressed = Some(frame % 2 == 1);
        rows.push(click);
        let mut shown = row(t_ns, event_type::FRAME, Some(frame));
        shown.pts = Some(packet.pts_us);
        shown.is_keyframe = Some(packet.keyframe);
        shown.metadata.push_int(key::BYTES, packet.size as i64);
        if frame % 7 == 6 {
            shown.metadata.push_flag(key::DUP);
        }
        rows.push(shown);
        let mut moved = input(t_ns + 1_000, event_type::MOUSE_MOVE, Some(frame));
        moved.position = Some((-0.25, 0.5 + frame as f32 / 1000.0));
        moved.motion = Some((frame as f32 - 20.5, -frame as f32));
        rows.push(moved);
        let down = if frame % 2 == 0 { event_type::KEY_DOWN } else { event_type::KEY_UP };
        let mut pressed = input(t_ns + 2_000, down, Some(frame));
        pressed.key_code = Some(26);
        pressed.pressed = Some(frame % 2 == 0);
        pressed.repeat = (frame % 2 == 0).then_some(false);
        pressed.metadata.push_str(key::CODE, "KeyW");
        rows.push(pressed);
        if frame % 5 == 0 {
            let mut wheel = input(t_ns + 3_000, event_type::WHEEL, Some(frame));
            wheel.delta = Some(-1.5);
            rows.push(wheel);
            let mut mark = row(t_ns + 4_000, event_type::MARK, Some(frame));
            mark.metadata.push_str(key::TEXT, "größer \u{1f3ae} \"quoted\"\n");
            rows.push(mark);
        }
    }
    rows
}

/// Writes the table and the metadata of a session beside a video that is already there, and seals it.
pub(crate) fn write_session(dir: &Path, rows: &[TestRow], change: impl FnOnce(&mut Metadata)) {
    let temp = layout::temp_path(&layout::events_path(dir));
    let mut table = TableWriter::create(&temp, SESSION, &[]).expect("a table");
    for row in rows {
        table
            .push(&Row {
                key_code: row.key_code,
                mouse_x: row.position.map(|(x, _)| x),
                mouse_y: row.position.map(|(_, y)| y),
                mouse_button: row.button,
                delta: row.delta,
                frame_ref: row.frame_ref,
                window_id: "0x1c00007",
                pressed: row.pressed,
                mouse_dx: row.motion.map(|(dx, _)| dx),
                mouse_dy: row.motion.map(|(_, dy)| dy),
                pts: row.pts,
                is_keyframe: row.is_keyframe,
                repeat: row.repeat,
                source: row.source,
                ..Row::new(row.t_ns, row.event_type, SESSION, &row.metadata)
            })
            .expect("a row");
    }
    let summary = table.finish().expect("a table");
    seal::publish(&temp, &layout::events_path(dir)).expect("a table");
    let mut metadata = metadata(rows, summary.counts);
    change(&mut metadata);
    let text = metadata.to_json().expect("json");
    seal::publish_bytes(&layout::metadata_path(dir), text.as_bytes()).expect("metadata");
    seal::seal(dir, &[], &mut |_| {}).expect("a seal");
}

fn metadata(rows: &[TestRow], counts: BTreeMap<String, u64>) -> Metadata {
    let frames: Vec<_> = rows.iter().filter(|row| row.event_type == event_type::FRAME).collect();
    Metadata {
        format_version: schema::FORMAT_VERSION.into(),
        session_id: SESSION.into(),
        watchcap: env!("CARGO_PKG_VERSION").into(),
        captured_at: "2023-11-14T22:13:20.000000000Z".into(),
        duration_ns: rows.last().map_or(0, |row| row.t_ns) - rows.first().map_or(0, |row| row.t_ns),
        end_reason: Some("signal".into()),
        recovered: false,
        recovery: None,
        lost: Vec::new(),
        game: None,
        patch: None,
        task: Some("write a letter".into()),
        participant: None,
        tags: BTreeMap::new(),
        target: Some("synthetic".into()),
        resolution: Some(Resolution { width: 64, height: 48 }),
        surface: Some(SurfaceInfo { x: 0, y: 0, width: 64, height: 48, scale: None }),
        refresh_hz: None,
        capture_fps: None,
        codec: None,
        codec_string: None,
        bitrate_kbps: None,
        input_device: Some("keyboard+mouse".into()),
        keyboard_layout: None,
        window_id: None,
        frames: frames.len() as u64,
        duplicate_frames: frames.iter().filter(|row| row.metadata.get(key::DUP).is_some()).count() as u64,
        dropped_frames: Some(0),
        unchanged_skipped: None,
        timing: None,
        series: None,
        counts,
        clicks: None,
        clock_drift_ppm: None,
        clock: ClockInfo { id: "manual".into(), t0_ns: T0_NS, anchors: Vec::new(), extra: Extra::new() },
        streams: BTreeMap::new(),
        encoder: None,
        initial_state: InitialState::default(),
        consent: Consent {
            record_screen: Some(true),
            record_input: Some(true),
            record_audio: Some(false),
            text_version: Some(2),
            study_text: None,
            withdrawn: BTreeMap::new(),
            stated_at_import: None,
            scope: Some("this_recording".into()),
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
