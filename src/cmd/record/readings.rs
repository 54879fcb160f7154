//! What the dashboard shows of a recording's status: values in words, and what they mean for the person who watches.
//!
//! Names no key, no window and no text of what is recorded.

use std::time::Duration;

use watchcap_replay::{Activity, Gauge, Group, Happened, Readings, Tone};

use crate::base::shown;
use crate::base::time::MonoNs;
use crate::cmd::text;
use crate::recorder::{Queue, Status};
use crate::session::sound::MICROPHONE;

/// The samples that count as silence, and as as loud as can be, decibels.
const QUIETEST_DB: f32 = -60.0;
/// From this loudness on sound may be cut off.
const CLIPS: f32 = 0.999;
/// Less disk than for this long is a warning.
const DISK_WARN: Duration = Duration::from_mins(10);

/// What is known of the recording from its start on.
pub(super) struct About {
    /// Frames per second that are asked for.
    pub(super) fps: u32,
}

fn gauge(name: &str, value: String) -> Gauge {
    Gauge { name: name.to_owned(), value, share: None, tone: Tone::Plain }
}

impl About {
    /// Returns what is shown: of a status, rates (frames and inputs a second), the folder's name, and when the recording began.
    pub(super) fn readings(
        &self,
        status: &Status,
        (fps, inputs): (f64, f64),
        (title, begun): (String, u64),
        is_ending: bool,
    ) -> Readings {
        let vitals = &status.vitals;
        let withheld = vitals.withheld.filter(|_| !status.paused);
        let activity = match (is_ending, status.paused, withheld) {
            (true, ..) => Activity::Ending,
            (false, true, _) => Activity::Paused,
            (false, false, Some(_)) => Activity::Withheld,
            (false, false, None) => Activity::Recording,
        };
        let mut why: Vec<String> = withheld.map(|reason| format!("input is withheld: {reason}")).into_iter().collect();
        let taken_back = [(status.input_withdrawn, "the input"), (status.sound_withdrawn, "the sound")];
        why.extend(
            taken_back.iter().filter(|(is, _)| *is).map(|(_, what)| format!("consent to {what} was taken back")),
        );
        let mut groups =
            vec![self.pictures(status, fps), Self::inputs(status, inputs), Self::queues(status), Self::disk(status)];
        if let Some(sound) = Self::sound(status) {
            groups.push(sound);
        }
        let at = |t: MonoNs| u64::try_from(t.0).unwrap_or(0).saturating_sub(begun);
        let events = vitals.events.iter().rev();
        let missing = vitals.losses.iter().map(|loss| {
            let lost = loss.lost.map_or_else(|| "unknown number".to_owned(), |lost| lost.to_string());
            let tone = if loss.lost == Some(0) { Tone::Plain } else { Tone::Warn };
            let value = format!("{lost} {} ({})", loss.reason, text::counted(loss.gaps, "gap"));
            Gauge { tone, ..gauge(loss.stream, value) }
        });
        let title = if status.part > 0 { format!("{title} (part {})", status.part) } else { title };
        Readings {
            title,
            activity,
            why: why.join("; "),
            elapsed_ns: status.elapsed.as_nanos() as u64,
            groups,
            missing: missing.collect(),
            events: events.map(|seen| Happened { at_ns: at(seen.t), kind: seen.kind, count: seen.count }).collect(),
        }
    }

    fn pictures(&self, status: &Status, fps: f64) -> Group {
        let share = if status.due > 0 { 100.0 * status.dropped as f64 / status.due as f64 } else { 0.0 };
        let tone = if status.dropped > 0 { Tone::Warn } else { Tone::Good };
        let mut gauges = vec![
            gauge("frames/s", format!("{fps:.1} of {}", self.fps)),
            gauge("frames", status.frames.to_string()),
            Gauge { tone, ..gauge("dropped", format!("{} ({share:.1} %)", status.dropped)) },
        ];
        if status.skipped > 0 {
            gauges.push(gauge("unchanged", format!("{} skipped", status.skipped)));
        }
        Group { title: "pictures", gauges }
    }

    fn inputs(status: &Status, per_second: f64) -> Group {
        let gauges = vec![gauge("inputs/s", format!("{per_second:.0}")), gauge("inputs", status.events.to_string())];
        Group { title: "input", gauges }
    }

    fn queues(status: &Status) -> Group {
        let queue = |Queue { name, waiting, room }: &Queue| {
            let share = *waiting as f32 / (*room).max(1) as f32;
            let tone = if share > 0.5 { Tone::Warn } else { Tone::Good };
            Gauge { name: (*name).to_owned(), value: format!("{waiting} of {room}"), share: Some(share), tone }
        };
        Group { title: "queues", gauges: status.queues.iter().map(queue).collect() }
    }

    fn disk(status: &Status) -> Group {
        let ms = |us: u64| us as f64 / 1000.0;
        let mut gauges = Vec::new();
        if let Some((middle, most)) = status.vitals.commit_us {
            gauges.push(gauge("commit", format!("{:.1} ms, p99 {:.1} ms", ms(middle), ms(most))));
        }
        let rate = format!("{}, {}/min", text::size(status.video_bytes), text::size(status.disk_rate * 60));
        gauges.push(gauge("video", rate));
        if let Some(time) = status.disk_time() {
            let tone = if time < DISK_WARN { Tone::Bad } else { Tone::Good };
            gauges.push(Gauge { tone, ..gauge("room for", shown::clock(time)) });
        }
        Group { title: "disk", gauges }
    }

    fn sound(status: &Status) -> Option<Group> {
        // The second track is the microphone beside the system's sound.
        let level = |(name, peak): (&str, &f32)| {
            let db = 20.0 * peak.max(1e-6).log10();
            let value = if db <= QUIETEST_DB { "silent".to_owned() } else { format!("{db:.0} dB") };
            let tone = if *peak >= CLIPS { Tone::Bad } else { Tone::Good };
            Gauge { share: Some(1.0 - db / QUIETEST_DB), tone, ..gauge(name, value) }
        };
        let gauges: Vec<_> = ["sound", MICROPHONE].into_iter().zip(&status.sounds).map(level).collect();
        (!gauges.is_empty()).then_some(Group { title: "sound", gauges })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::recorder::{Loss, Seen, Vitals};

    fn about() -> About {
        About { fps: 30 }
    }

    #[test]
    fn readings_say_what_it_does_and_name_no_content() {
        let vitals = Vitals {
            events: vec![
                Seen { t: MonoNs(5_000), kind: "key_down", count: 1 },
                Seen { t: MonoNs(900), kind: "mouse_move", count: 7 },
            ],
            losses: vec![
                Loss { stream: "screen", reason: "late".into(), gaps: 2, lost: Some(3) },
                Loss { stream: "input", reason: "overflow".into(), gaps: 1, lost: None },
            ],
            commit_us: Some((1200, 4100)),
            withheld: Some("password_field"),
        };
        let status = Status {
            due: 300,
            dropped: 3,
            part: 2,
            sounds: vec![0.5],
            disk_rate: 1000,
            disk_left: Some(60_000),
            vitals: Arc::new(vitals),
            ..Status::default()
        };
        let of = |status: &Status, ending| about().readings(status, (29.5, 12.0), ("s-part0002".into(), 1000), ending);
        let read = of(&status, false);
        assert_eq!((read.activity, read.title.as_str()), (Activity::Withheld, "s-part0002 (part 2)"));
        assert_eq!(read.why, "input is withheld: password_field");
        assert_eq!(read.events[0], Happened { at_ns: 0, kind: "mouse_move", count: 7 }, "before it began");
        assert_eq!(read.events[1], Happened { at_ns: 4000, kind: "key_down", count: 1 });
        let values: Vec<_> = read.groups.iter().flat_map(|group| &group.gauges).map(|g| g.value.as_str()).collect();
        for value in ["29.5 of 30", "3 (1.0 %)", "12", "1.2 ms, p99 4.1 ms", "1:00", "-6 dB"] {
            assert!(values.contains(&value), "{value} is not among {values:?}");
        }
        assert_eq!(read.missing[0].value, "3 late (2 gaps)");
        let unknown = &read.missing[1];
        assert_eq!((unknown.value.as_str(), unknown.tone), ("unknown number overflow (1 gap)", Tone::Warn));
        let paused = Status { paused: true, input_withdrawn: true, ..status };
        let read = of(&paused, false);
        assert_eq!((read.activity, read.why.as_str()), (Activity::Paused, "consent to the input was taken back"));
        assert_eq!(of(&paused, true).activity, Activity::Ending);
    }
}
