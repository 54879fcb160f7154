//! A recording that never was, for the tests and the example: a minute of walking and clicking, with a gap.
//!
//! Everything is computed from the time, so each answer can be checked by hand. Its includer brings the player's names.

use super::{
    Button, Click, Density, Direction, Fact, Filter, Found, FrameInfo, HeldKey, InputState, Lane, Mask, Overlay,
    Picture, Pictures, Row, Rows, Section, Span, SpanKind, Spans, Summary, Timeline, Tone,
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
    /// Of how many parts of the same length it is.
    pub(crate) parts: u64,
}

impl Fake {
    pub(crate) fn new(seconds: i64, fps: i64) -> Self {
        let mut fake = Self { seconds, fps, rows: Vec::new(), title: "session_20261123_084913".into(), parts: 1 };
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
    fn part_at(&self, t_ns: i64) -> Option<(u64, u64)> {
        let done = u64::try_from(t_ns - START).unwrap_or(0);
        let length = (self.seconds * 1000 * MS).unsigned_abs() / self.parts.max(1);
        (self.parts > 1).then(|| ((done / length.max(1) + 1).min(self.parts), self.parts))
    }

    fn refresh(&self) -> u64 {
        0
    }

    fn summary(&self) -> Summary {
        let facts = [
            (Section::Recording, "game", "demo", Tone::Plain),
            (Section::Recording, "fps", "30", Tone::Plain),
            (Section::Recording, "codec", "h264", Tone::Plain),
            (Section::Recording, "drops", "120", Tone::Warn),
            (Section::Consent, "consent", "screen, input", Tone::Plain),
            (Section::Privacy, "chat", "covered", Tone::Good),
            (Section::Integrity, "seal", "broken: events.parquet", Tone::Bad),
        ];
        let fact = |(section, name, value, tone): (_, &str, &str, _)| Fact {
            section,
            name: name.into(),
            value: value.into(),
            tone,
        };
        Summary {
            title: self.title.clone(),
            path: "~/recordings".into(),
            state: "sealed".into(),
            live: false,
            start_ns: START,
            end_ns: START + self.seconds * 1000 * MS,
            start_utc_ns: Some(1_795_423_753_000 * MS),
            width: 1920,
            height: 1080,
            frames: (self.seconds * self.fps) as u64,
            drift_ppm: Some(-1.25),
            facts: facts.map(fact).to_vec(),
            ..Summary::default()
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

    fn rows(&self, t_ns: i64, before: usize, after: usize, filter: &Filter) -> Result<Rows, String> {
        let matching: Vec<&Row> = self.rows.iter().filter(|row| filter.matches(*row)).collect();
        let at = matching.partition_point(|row| row.t_ns <= t_ns);
        let (from, until) = (at.saturating_sub(before), (at + after).min(matching.len()));
        let rows: Vec<Row> = matching[from..until].iter().map(|row| (*row).clone()).collect();
        let from_ns = if from == 0 { i64::MIN } else { rows[0].t_ns };
        let until_ns = if until == matching.len() { i64::MAX } else { rows[rows.len() - 1].t_ns };
        Ok(Rows { rows, from_ns, until_ns })
    }

    fn nearest(&self, t_ns: i64, direction: Direction, filter: &Filter) -> Result<Found, String> {
        let at = self.rows.partition_point(|row| row.t_ns < t_ns);
        let after = self.rows.partition_point(|row| row.t_ns <= t_ns);
        // A thousand rows at a time, and then as many as are at the same instant.
        let (looked, further) = match direction {
            Direction::Forward => {
                let end = (after + 1000).min(self.rows.len());
                let found = self.rows[after..end].iter().find(|row| filter.matches(*row));
                (found, self.rows.get(end).map(|row| row.t_ns - 1))
            }
            Direction::Back => {
                let start = at.saturating_sub(1000);
                let found = self.rows[start..at].iter().rev().find(|row| filter.matches(*row));
                (found, start.checked_sub(1).map(|i| self.rows[i].t_ns + 1))
            }
        };
        Ok(match (looked, further) {
            (Some(row), _) => Found::At(row.t_ns),
            (None, Some(t_ns)) => Found::UpTo(t_ns),
            (None, None) => Found::Nothing,
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
            pads: Vec::new(),
            buttons: if pressed { vec![Button::Left] } else { Vec::new() },
            pointer: Some((0.5 + 0.4 * angle.cos(), 0.5 + 0.35 * (angle * 1.7).sin())),
            window: format!("Window {} - an editor", second / 15),
            paused: false,
            notes: if (20..24).contains(&second) { vec!["gap: screen, encoder_busy".into()] } else { Vec::new() },
        })
    }

    fn overlay(&self, since_ns: i64, t_ns: i64) -> Result<Overlay, String> {
        let of_second = |ns: i64| (ns - START).div_euclid(1000 * MS);
        let presses = (of_second(since_ns)..=of_second(t_ns)).filter(|second| second % 3 == 0 && *second >= 0);
        let clicks = presses.map(|second| START + second * 1000 * MS + 400 * MS);
        let clicks = clicks.filter(|t| *t > since_ns && *t <= t_ns && *t < START + self.seconds * 1000 * MS);
        let place = |t_ns| self.state_at(t_ns).ok()?.pointer.map(|(x, y)| Click { t_ns, button: Button::Left, x, y });
        let (from_ns, until_ns) = (START + 8_000 * MS, START + 12_000 * MS);
        let mask = Mask { x: 0.02, y: 0.6, width: 0.3, height: 0.35, from_ns, until_ns, reason: "chat".into() };
        let masks = if (from_ns..=until_ns).contains(&t_ns) { vec![mask] } else { Vec::new() };
        Ok(Overlay { masks, clicks: clicks.filter_map(place).collect() })
    }

    fn density(&self, from_ns: i64, until_ns: i64, buckets: usize) -> Result<Density, String> {
        let mut counts = vec![[0; Lane::ALL.len()]; buckets];
        let mut duplicates = vec![0; buckets];
        let length = i128::from(until_ns - from_ns).max(1);
        let frames = (0..(self.seconds * self.fps) as u64).filter_map(|i| Some((self.frame(i)?, Lane::Frame)));
        let frames = frames.map(|(info, lane)| (info.t_ns, lane, info.duplicate));
        for (t_ns, lane, duplicate) in self.rows.iter().map(|row| (row.t_ns, row.lane, false)).chain(frames) {
            if (from_ns..=until_ns).contains(&t_ns) {
                let bucket = (i128::from(t_ns - from_ns) * buckets as i128 / length) as usize;
                counts[bucket.min(buckets - 1)][lane.index()] += 1;
                duplicates[bucket.min(buckets - 1)] += u32::from(duplicate);
            }
        }
        Ok(Density { counts, duplicates, complete: true })
    }

    fn spans(&self, from_ns: i64, until_ns: i64, at_most: usize) -> Result<Spans, String> {
        let of = [
            (SpanKind::Redacted, 8, 12),
            (SpanKind::Dropped, 20, 24),
            (SpanKind::Paused, 50, 53),
            (SpanKind::Gap, 55, 56),
        ];
        let spans = of.into_iter().filter(|(_, from, _)| *from < self.seconds).map(|(kind, from, until)| Span {
            kind,
            from_ns: START + from * 1000 * MS,
            until_ns: START + until * 1000 * MS,
        });
        let spans = spans.filter(|span| span.from_ns <= until_ns && span.until_ns >= from_ns).take(at_most).collect();
        Ok(Spans { spans, complete: true })
    }
}

/// A moving picture of 640 × 360: a sky that turns, hills, a sun that goes round. Every 97th frame is damaged.
pub(crate) struct FakePictures;

impl Pictures for FakePictures {
    fn picture(&mut self, frame: u64, _: (u32, u32)) -> Result<Picture, String> {
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

    fn group(&mut self, frame: u64) -> std::ops::Range<u64> {
        let first = frame - frame % 15;
        first..first.saturating_add(15)
    }
}
