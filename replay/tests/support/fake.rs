//! A recording that never was, for the tests and the example: a minute of walking and clicking, with a gap.
//!
//! Everything is computed from the time, so each answer can be checked by hand. Its includer brings the player's names.

use super::{
    Button, Density, Direction, FrameInfo, HeldKey, InputState, Lane, Lanes, Picture, Pictures, Row, Rows, Summary,
    Timeline,
};

/// Where its clock begins: not at zero, as no real one does.
pub(crate) const START: i64 = 5_000_000_000;
const MS: i64 = 1_000_000;
const KEYS: [&str; 4] = ["KeyW", "KeyD", "ShiftLeft", "Space"];

/// The recording: `seconds` long, with `fps` frames a second.
pub(crate) struct Fake {
    pub(crate) seconds: i64,
    pub(crate) fps: i64,
    pub(crate) rows: Vec<Row>,
    pub(crate) title: String,
}

impl Fake {
    pub(crate) fn new(seconds: i64, fps: i64) -> Self {
        let mut fake = Self { seconds, fps, rows: Vec::new(), title: "session_20261123_084913".into() };
        for ms in 0..seconds * 1000 {
            let t_ns = START + ms * MS;
            let mut add = |lane, kind: &str, text: String| {
                let frame_ref = (fps > 0).then(|| ((t_ns - START) * fps / (1000 * MS)) as u64);
                fake.rows.push(Row { t_ns, lane, kind: kind.into(), text, frame_ref });
            };
            let (second, in_second) = (ms / 1000, ms % 1000);
            if ms % 8 == 4 && !(20..24).contains(&second) {
                add(Lane::Motion, "mouse_move", "0.512 0.384".into());
            }
            let key = KEYS[second as usize % 4];
            match in_second {
                200 => add(Lane::Key, "key_down", format!("{key} down")),
                700 => add(Lane::Key, "key_up", format!("{key} up")),
                400 if second % 3 == 0 => add(Lane::Click, "mouse_click", "left pressed".into()),
                520 if second % 3 == 0 => add(Lane::Click, "mouse_click", "left released".into()),
                300 if second % 7 == 5 => add(Lane::Wheel, "wheel", "+1 step".into()),
                100 if second % 15 == 0 => add(Lane::Focus, "focus", format!("Window {}", second / 15)),
                0 if second == 20 => add(Lane::Gap, "gap", "screen: encoder_busy, 120 lost, 4.0 s".into()),
                0 if second == 33 => add(Lane::Mark, "mark", "boss fight".into()),
                _ => {}
            }
        }
        fake
    }
}

impl Timeline for Fake {
    fn summary(&self) -> Summary {
        let details =
            [("game", "demo"), ("fps", "30"), ("codec", "h264"), ("drops", "120"), ("consent", "screen, input")];
        Summary {
            title: self.title.clone(),
            path: "~/recordings".into(),
            state: "sealed".into(),
            start_ns: START,
            end_ns: START + self.seconds * 1000 * MS,
            start_utc_ns: Some(1_795_423_753_000 * MS),
            width: 1920,
            height: 1080,
            frames: (self.seconds * self.fps) as u64,
            details: details.map(|(name, value)| (name.into(), value.into())).to_vec(),
        }
    }

    fn frame_at(&self, t_ns: i64) -> Option<u64> {
        let frames = (self.seconds * self.fps) as u64;
        let index = u64::try_from((t_ns - START).checked_mul(self.fps)? / (1000 * MS)).ok()?;
        (frames > 0 && t_ns >= START).then(|| index.min(frames - 1))
    }

    fn frame(&self, index: u64) -> Option<FrameInfo> {
        let t_ns = START + (index as i64 * 1000 * MS + self.fps - 1) / self.fps.max(1);
        (index < (self.seconds * self.fps) as u64).then(|| FrameInfo {
            t_ns,
            keyframe: index.is_multiple_of(15),
            duplicate: index % 40 > 34,
        })
    }

    fn rows(&self, t_ns: i64, before: usize, after: usize, lanes: Lanes) -> Result<Rows, String> {
        let of_lanes: Vec<&Row> = self.rows.iter().filter(|row| lanes.contains(row.lane)).collect();
        let at = of_lanes.partition_point(|row| row.t_ns <= t_ns);
        let (from, until) = (at.saturating_sub(before), (at + after).min(of_lanes.len()));
        let rows: Vec<Row> = of_lanes[from..until].iter().map(|row| (*row).clone()).collect();
        let from_ns = if from == 0 { i64::MIN } else { rows[0].t_ns };
        let until_ns = if until == of_lanes.len() { i64::MAX } else { rows[rows.len() - 1].t_ns };
        Ok(Rows { rows, from_ns, until_ns })
    }

    fn nearest(&self, t_ns: i64, direction: Direction, lanes: Lanes) -> Result<Option<i64>, String> {
        let mut times = self.rows.iter().filter(|row| lanes.contains(row.lane)).map(|row| row.t_ns);
        Ok(match direction {
            Direction::Forward => times.find(|t| *t > t_ns),
            Direction::Back => times.take_while(|t| *t < t_ns).last(),
        })
    }

    fn state_at(&self, t_ns: i64) -> Result<InputState, String> {
        let ms = (t_ns - START) / MS;
        let (second, in_second) = (ms / 1000, ms % 1000);
        let angle = ms as f32 / 3000.0;
        let mut keys = Vec::new();
        if (200..700).contains(&in_second) {
            keys.push(HeldKey::Code(KEYS[second as usize % 4].into()));
            keys.extend((second % 10 == 9).then_some(HeldKey::Redacted));
        }
        let pressed = second % 3 == 0 && (400..520).contains(&in_second);
        Ok(InputState {
            keys,
            buttons: if pressed { vec![Button::Left] } else { Vec::new() },
            pointer: Some((0.5 + 0.4 * angle.cos(), 0.5 + 0.35 * (angle * 1.7).sin())),
            window: format!("Window {} - an editor", second / 15),
            notes: if (20..24).contains(&second) { vec!["gap: screen, encoder_busy".into()] } else { Vec::new() },
        })
    }

    fn density(&self, from_ns: i64, until_ns: i64, buckets: usize) -> Result<Density, String> {
        let mut counts = vec![[0; Lane::ALL.len()]; buckets];
        let length = i128::from(until_ns - from_ns).max(1);
        let frames = (0..(self.seconds * self.fps) as u64).filter_map(|i| Some((self.frame(i)?.t_ns, Lane::Frame)));
        for (t_ns, lane) in self.rows.iter().map(|row| (row.t_ns, row.lane)).chain(frames) {
            let bucket = (i128::from(t_ns - from_ns) * buckets as i128 / length) as usize;
            counts[bucket.min(buckets - 1)][lane.index()] += 1;
        }
        Ok(Density { counts, complete: true })
    }
}

/// A moving picture of 640 × 360: a sky that turns, hills, a sun that goes round. Every 97th frame is damaged.
pub(crate) struct FakePictures;

impl Pictures for FakePictures {
    fn picture(&mut self, frame: u64) -> Result<Picture, String> {
        if frame % 97 == 96 {
            return Err(format!("the access unit of frame {frame} is damaged: its checksum is not the recorded one"));
        }
        let (width, height) = (640_u32, 360_u32);
        let t = frame as f32 / 30.0;
        let sun = (320.0 + 240.0 * (t * 0.4).cos(), 150.0 + 90.0 * (t * 0.4).sin());
        let mut rgb = Vec::with_capacity((width * height * 3) as usize);
        for y in 0..height {
            for x in 0..width {
                let (fx, fy) = (x as f32, y as f32);
                let hill = 240.0 + 30.0 * ((fx / 60.0) + t).sin() + 12.0 * ((fx / 23.0) - t * 1.3).sin();
                let near = ((fx - sun.0).powi(2) + (fy - sun.1).powi(2)).sqrt();
                let pixel = if fy > hill {
                    [30.0, 90.0 + (fy - hill) * 0.5, 50.0]
                } else if near < 32.0 {
                    [255.0, 220.0, 90.0]
                } else {
                    let glow = (120.0 - near).max(0.0);
                    [60.0 + glow, 90.0 + fy * 0.3 + glow * 0.6, 190.0 - fy * 0.25]
                };
                rgb.extend(pixel.map(|v| v.clamp(0.0, 255.0) as u8));
            }
        }
        Ok(Picture { width, height, rgb })
    }
}
