//! Tests of the sequence at a seam: with queues that are full from the start, as after a sequence that stood still around it.

use std::path::Path;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded};

use super::*;
use crate::base::event::{Content, Gap, HidUsage, Surface};
use crate::base::hotkeys::Hotkeys;
use crate::base::id::SessionId;
use crate::base::time::{Clock, ManualClock};
use crate::capture::{FacetSet, InitialState, RawInput, StampedInput};
use crate::log::reader::LogReader;
use crate::log::setup::InitialStateFact;
use crate::log::{Body, LogPaths};
use crate::media::avc::sets::ParameterSets;
use crate::media::track::TrackSpec;
use crate::privacy::keys::KeyRules;
use crate::recorder::context::Running;
use crate::recorder::control::Control;
use crate::recorder::inputs::Inputs;
use crate::recorder::lanes::Lane;
use crate::recorder::part::{EndedPart, PartQueues};
use crate::recorder::produced::Produced;
use crate::recorder::queues::{Note, Unit};
use crate::recorder::seam::Seam;
use crate::recorder::seams::Seams;
use crate::recorder::sound::SoundNews;
use crate::recorder::stills::StillOptions;
use crate::recorder::stop::Stop;

const SURFACE: Surface = Surface { x: 0, y: 0, width: 64, height: 36, scale: None };

fn at(ms: i64) -> MonoNs {
    MonoNs(ms * 1_000_000)
}

fn log(dir: &Path, clock: &Arc<dyn Clock>) -> LogWriter {
    crate::base::files::create_private_dir(dir).expect("a folder");
    let tracks = [TrackSpec::pictures(ParameterSets::default(), (64, 36), (64, 36), 1 << 20)];
    LogWriter::create(dir, SessionId::new(), &tracks, Arc::clone(clock)).expect("a log")
}

fn unit(part: u64, frame_ref: u64, ms: i64) -> Unit {
    let bytes = vec![0, 0, 0, 1, 0x65];
    Unit { t: at(ms), part, frame_ref, bytes, keyframe: true, duplicate: false, capture_us: 0, encode_us: 0 }
}

fn key(ms: i64, down: bool) -> StampedInput {
    let input = RawInput::Key { usage: Some(HidUsage(4)), native: 38, down, repeat: false };
    StampedInput { t: at(ms), source: Source::Synthetic, input }
}

fn gap(stream: Stream, ms: i64) -> Event {
    Event::Gap(Gap { stream, reason: "late".into(), lost: Some(1), until: at(ms) })
}

/// A recording whose seam is at 1000 ms, and what is in its queues.
struct Stage {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    running: Running,
    inputs: Vec<StampedInput>,
    initial: InitialState,
    units: Vec<Unit>,
    notes: Vec<Note>,
    sounds: Vec<SoundNews>,
}

impl Stage {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(at(400), UtcNs(0)));
        let running = Running {
            clock: clock.clone(),
            stop: Stop::new(),
            control: Control::new(),
            seam: Arc::new(Seam::default()),
            sign: Arc::default(),
            counters: Arc::default(),
        };
        running.control.set_running(true);
        running.seam.want();
        running.seam.plan(|| at(1000));
        running.seam.cross(at(1000), 0);
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            clock,
            running,
            inputs: Vec::new(),
            initial: InitialState::default(),
            units: vec![unit(0, 0, 500), unit(0, 1, 967), unit(1, 0, 1000)],
            notes: Vec::new(),
            sounds: Vec::new(),
        }
    }

    /// Runs the sequence from 1400 ms on until everything is appended; answers with the records of both parts: time in milliseconds, and kind.
    fn parts(self) -> [Vec<(i64, String)>; 2] {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let (first, second) = (self.dir.path().join("1"), self.dir.path().join("2"));
        let (next, wait_next) = bounded(1);
        let (ended, wait_ended) = bounded::<EndedPart>(1);
        next.send(log(&second, &clock)).expect("room");
        let queues = PartQueues { seam: Arc::clone(&self.running.seam), next: wait_next, ended };
        let input = crate::log::setup::InputFact::default();
        let seams = Seams::new(Some(queues), Some(input), SURFACE, []);
        let inputs = Inputs::new(SURFACE, KeyRules::default(), None, Hotkeys::default());
        let sequence = Sequence::new(log(&first, &clock), inputs, StillOptions::default(), seams, &self.running);
        let lanes = Lanes::new(vec![Lane::new(full(self.inputs), FacetSet::ALL)]);
        let produced = Produced { units: full(self.units), notes: full(self.notes), sounds: full(self.sounds) };
        self.clock.advance_to(at(1400));
        let initial = (at(400), self.initial);
        let done = sequence.run(Some(&initial), lanes, &produced, &self.running.stop, &self.running.control);
        assert!(done.failure.is_none(), "{:?}", done.failure);
        let EndedPart { log, t, failure } = wait_ended.try_recv().expect("the first part");
        assert!(failure.is_none() && t == at(1000));
        log.seal(t, "split").expect("a log that is closed");
        [&first, &second].map(|dir| records(dir))
    }
}

/// A queue with this in it, whose producer has ended.
fn full<T>(items: Vec<T>) -> Receiver<T> {
    let (queue, out) = bounded(items.len().max(1));
    for item in items {
        queue.send(item).expect("room");
    }
    out
}

/// What a log has of events, and whether it states what was held.
fn records(dir: &Path) -> Vec<(i64, String)> {
    let reader = LogReader::open(&LogPaths::of(dir)).expect("a log");
    let said = |record: crate::log::Record| {
        let word = match record.body {
            Body::Event(Event::Key(key)) if record.source == Source::Recorder => format!("held key {}", key.down),
            Body::Event(Event::Key(key)) => format!("key {}", key.down),
            Body::Event(Event::Mark { text }) => format!("mark {}", text.0),
            Body::Event(Event::Pause) => "pause".into(),
            Body::Event(Event::Resume) => "resume".into(),
            Body::Event(Event::Gap(gap)) => format!("gap {}", gap.stream.name()),
            Body::Event(Event::Frame(_)) => "frame".into(),
            Body::Setup { key, json } if key == InitialStateFact::KEY => json,
            _ => return None,
        };
        Some((record.t.0 / 1_000_000, word))
    };
    reader.iter().filter_map(|record| said(record.expect("a record").1)).collect()
}

fn words<'a>(records: &'a [(i64, String)], of: &[&str]) -> Vec<(i64, &'a str)> {
    let is_one = |word: &str| of.iter().any(|start| word.starts_with(start));
    records.iter().map(|(t, word)| (*t, word.as_str())).filter(|(_, word)| is_one(word)).collect()
}

#[test]
fn what_is_of_behind_the_seam_is_written_behind_it_whichever_queue_it_is_in() {
    for _ in 0..8 {
        let mut stage = Stage::new();
        stage.notes =
            vec![Note::Event(at(990), gap(Stream::Screen, 990)), Note::Event(at(1020), gap(Stream::Screen, 1020))];
        let Event::Gap(of_sound) = gap(Stream::Audio, 1010) else { panic!("a gap") };
        stage.sounds = vec![SoundNews::Gap(at(1010), Source::Synthetic, of_sound)];
        let (control, clock) = (stage.running.control.clone(), Arc::clone(&stage.clock));
        let mark = |ms: i64, text: &str| {
            clock.advance_to(at(ms));
            control.mark(Content(text.into()), clock.as_ref()).expect("a mark");
        };
        mark(900, "a");
        mark(1030, "b");
        clock.advance_to(at(1050));
        control.pause(clock.as_ref()).expect("a pause");
        clock.advance_to(at(1070));
        control.resume(clock.as_ref()).expect("its end");
        let [first, second] = stage.parts();
        let kinds = ["mark", "pause", "resume", "gap", "frame"];
        let mut of_first = words(&first, &kinds);
        of_first.sort_unstable();
        assert_eq!(of_first, [(500, "frame"), (900, "mark a"), (967, "frame"), (990, "gap screen")]);
        let mut of_second = words(&second, &kinds);
        of_second.sort_unstable();
        assert_eq!(
            of_second,
            [
                (1000, "frame"),
                (1010, "gap audio"),
                (1020, "gap screen"),
                (1030, "mark b"),
                (1050, "pause"),
                (1070, "resume")
            ]
        );
    }
}

#[test]
fn inputs_that_waited_around_the_seam_keep_their_own_times() {
    for _ in 0..8 {
        let mut stage = Stage::new();
        // More than are taken in one turn.
        stage.inputs =
            (0..1200).map(|ms| key(400 + ms / 2, ms % 2 == 0)).chain([key(1000, true), key(1001, false)]).collect();
        let [first, second] = stage.parts();
        assert_eq!(words(&first, &["key"]).len(), 1200, "{first:?}");
        assert_eq!(words(&second, &["key"]), [(1000, "key true"), (1001, "key false")], "{second:?}");
    }
}

#[test]
fn a_seam_in_a_pause_states_no_held_key() {
    for resumes in [false, true] {
        let mut stage = Stage::new();
        stage.initial.keys = vec![(Some(HidUsage(4)), 38)];
        stage.clock.advance_to(at(900));
        stage.running.control.pause(stage.clock.as_ref()).expect("a pause");
        if resumes {
            stage.clock.advance_to(at(1300));
            stage.running.control.resume(stage.clock.as_ref()).expect("its end");
        }
        let [first, second] = stage.parts();
        let kinds = ["key", "held", "pause", "resume", "{"];
        assert_eq!(words(&first, &kinds), [(400, "held key true"), (900, "pause")], "{first:?}");
        let mut expect = vec![(1000, "pause")];
        if resumes {
            // What is held when it goes on is stated then.
            expect.extend([(1300, "resume"), (1300, "held key true")]);
        }
        assert_eq!(words(&second, &kinds), expect, "{second:?}");
    }
}
