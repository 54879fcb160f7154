//! What the pointer did in a batch, handed over event by event: places, motion, buttons, wheels, and what no device did.
//!
//! Two ways to know it: from the server's record of its pointer ([`super::tap`]), or, without one, from where the pointer is at the end
//! of the batch ([`super::path`]). Both end in the same list.

use super::decode::{Decoded, Pushed, mapped, push, raw_of};
use super::join::{self, Act, Joined};
use super::meaning::{Fits, Kind};
use super::path::{self, Meaning, Point, Step};
use super::source::Xi2;
use super::tap::{Deed, Done, Tap};
use crate::base::event::{Axis, Source};
use crate::base::time::MonoNs;
use crate::capture::{InputSink, RawInput};

/// One thing of a batch, in order.
pub(super) enum Happened {
    Pointer(PointerDid),
    /// An event that is not the pointer's: its arrival, its sequence number.
    Other(MonoNs, u64, Decoded),
}

/// What the pointer did, with the place that it had then.
pub(super) struct PointerDid {
    /// The server's milliseconds; `None` for what was found out by asking.
    time: Option<u32>,
    arrival: MonoNs,
    sequence: Option<u64>,
    at: Option<Point>,
    act: Did,
}

enum Did {
    /// No device did it.
    Warp,
    Button {
        number: u32,
        pressed: bool,
        source: Option<u16>,
    },
    Move {
        moved: bool,
        motion: Option<(f64, f64)>,
        unproved: bool,
        scrolls: Vec<(Axis, f64)>,
    },
}

impl Xi2 {
    /// Asks the server for a record of what its pointer does.
    pub(super) fn follow_pointer(&mut self, display: Option<&str>) {
        match Tap::open(display, &self.conn, self.root, self.clock.as_ref()) {
            Ok(tap) => {
                self.tap = Some(tap);
                self.description.warps = Some("record");
            }
            Err(why) => {
                tracing::warn!(target: "capture", why, "moves of the pointer by programs are seen 20 times a second only");
            }
        }
    }

    fn tap_ended(&mut self, why: &super::tap::Dead) {
        tracing::warn!(target: "capture", %why, "the server tells no more what its pointer does");
        self.tap = None;
        self.description.warps = Some("poll");
        // What it did since is found by asking.
        self.stale = true;
    }

    pub(super) fn read_tap(&mut self) {
        let clock = self.clock.as_ref();
        if let Some(Err(why)) = self.tap.as_mut().map(|tap| tap.read(clock)) {
            self.tap_ended(&why);
        }
    }

    /// What the pointer did up to the last question for it; `None` when the server does not say.
    pub(super) fn deeds_before_the_answer(&mut self) -> Option<Vec<Done>> {
        let clock = self.clock.as_ref();
        match self.tap.as_mut()?.take(clock) {
            Ok((done, replaced)) => {
                if replaced > 0 {
                    tracing::warn!(target: "capture", replaced, "the pointer was moved more often than can be written");
                }
                Some(done)
            }
            Err(why) => {
                self.tap_ended(&why);
                None
            }
        }
    }

    /// Everything of the batch in order, with what the pointer did; `end` is where it is now.
    pub(super) fn happened(&mut self, decoded: Vec<(MonoNs, u64, Decoded)>, end: Option<Point>) -> Vec<Happened> {
        let (mut happened, open) = match self.deeds_before_the_answer() {
            Some(done) => self.joined(decoded, &done),
            None => (self.walked(decoded, end), false),
        };
        // Something moved it that nobody tells.
        let near = |(a, b): (Point, Point)| (a.0 - b.0).abs() < 1.0 && (a.1 - b.1).abs() < 1.0;
        let known = self.at == end || self.at.zip(end).is_some_and(near);
        if !known && !open {
            let warp = PointerDid { time: None, arrival: self.located, sequence: None, at: end, act: Did::Warp };
            happened.push(Happened::Pointer(warp));
        }
        self.at = end;
        happened
    }

    /// Also whether something may have moved the pointer since, which is told without its place.
    fn joined(&mut self, decoded: Vec<(MonoNs, u64, Decoded)>, done: &[Done]) -> (Vec<Happened>, bool) {
        let raws: Vec<_> = decoded.iter().filter_map(|(.., event)| raw_of(event)).collect();
        let joined = join::join(&raws, done, self.at, self.size);
        let open = join::is_open(&raws, &joined);
        let gaps = join::has_gaps(&raws, &joined);
        let mut joined = joined.into_iter();
        let mut out = Vec::with_capacity(decoded.len() + done.len());
        for (arrival, sequence, event) in decoded {
            if raw_of(&event).is_none() {
                out.push(Happened::Other(arrival, sequence, event));
                continue;
            }
            for joined in joined.by_ref() {
                match joined {
                    Joined::Alone(done) => self.alone(done, &mut out),
                    Joined::Raw(_, deed) => {
                        self.with_deed((arrival, sequence, event), deed, gaps, &mut out);
                        break;
                    }
                }
            }
        }
        for joined in joined {
            if let Joined::Alone(done) = joined {
                self.alone(done, &mut out);
            }
        }
        (out, open)
    }

    /// What no device did.
    fn alone(&mut self, done: Done, out: &mut Vec<Happened>) {
        let act = match done.deed {
            // To where it was already.
            Deed::Motion if done.at == self.at => return,
            Deed::Motion => Did::Warp,
            Deed::Press(number) => Did::Button { number: number.into(), pressed: true, source: None },
            Deed::Release(number) => Did::Button { number: number.into(), pressed: false, source: None },
        };
        self.at = done.at;
        let (time, arrival) = (Some(done.time), done.arrival);
        out.push(Happened::Pointer(PointerDid { time, arrival, sequence: None, at: done.at, act }));
    }

    fn with_deed(
        &mut self,
        (arrival, sequence, event): (MonoNs, u64, Decoded),
        deed: Option<Done>,
        gaps: bool,
        out: &mut Vec<Happened>,
    ) {
        let before = self.at;
        match (deed, &event) {
            (Some(deed), _) => self.at = deed.at,
            // It moved the pointer, and the record does not say where to.
            (None, Decoded::Move { step, .. }) if join::moves(*step) => self.at = None,
            (None, _) => {}
        }
        let (time, act) = match event {
            Decoded::Button { time, source, physical, pressed } => {
                let number = match deed.map(|deed| deed.deed) {
                    Some(Deed::Press(number) | Deed::Release(number)) => u32::from(number),
                    // Its deed may be one of those that are missing.
                    _ if gaps => mapped(physical, &self.mapping),
                    // It did nothing: it is switched off, or another mouse holds it.
                    _ => return,
                };
                (time, Did::Button { number, pressed, source: Some(source) })
            }
            Decoded::Move { time, source, step, raw, scrolls } => {
                let kind = self.kind(source);
                let fits = match (step, before, deed.and_then(|deed| deed.at)) {
                    (Step::Numbers(x, y), Some(before), Some(after)) if kind != Kind::Kernel => {
                        Some(Fits::of(before, after, (x, y), self.size))
                    }
                    _ => None,
                };
                let meaning = self.proofs.judge(source, kind, fits);
                (time, moved(step, raw, scrolls, meaning))
            }
            Decoded::Key { .. } | Decoded::Other(_) => return,
        };
        let did = PointerDid { time: Some(time), arrival, sequence: Some(sequence), at: self.at, act };
        out.push(Happened::Pointer(did));
    }

    /// Without the server's record: places that a walk from the last known one to `end` proves.
    fn walked(&mut self, decoded: Vec<(MonoNs, u64, Decoded)>, end: Option<Point>) -> Vec<Happened> {
        let steps: Vec<Step> = decoded
            .iter()
            .filter_map(|(.., event)| raw_of(event))
            .map(|raw| if let Act::Move(step) = raw.act { step } else { Step::Still })
            .collect();
        let mut places = Vec::new();
        let proof = path::walk(self.at, &steps, end, self.size, &mut places);
        if !steps.is_empty() {
            self.at = end;
        }
        let mut places = places.into_iter();
        let mut out = Vec::with_capacity(decoded.len());
        for (arrival, sequence, event) in decoded {
            let mut did = |time, act| {
                let at = places.next().flatten();
                out.push(Happened::Pointer(PointerDid {
                    time: Some(time),
                    arrival,
                    sequence: Some(sequence),
                    at,
                    act,
                }));
            };
            match event {
                Decoded::Button { time, source, physical, pressed } => {
                    let number = mapped(physical, &self.mapping);
                    did(time, Did::Button { number, pressed, source: Some(source) });
                }
                Decoded::Move { time, source, step, raw, scrolls } => {
                    let kind = self.devices.get(source).map_or(Kind::Kernel, |device| device.kind);
                    let meaning = self.proofs.judge_batch(source, kind, proof);
                    did(time, moved(step, raw, scrolls, meaning));
                }
                event => out.push(Happened::Other(arrival, sequence, event)),
            }
        }
        out
    }

    fn kind(&self, source: u16) -> Kind {
        self.devices.get(source).map_or(Kind::Kernel, |device| device.kind)
    }

    /// Hands over one thing that the pointer did.
    pub(super) fn pointer_did(&mut self, did: PointerDid, sink: &InputSink) {
        let PointerDid { time, arrival, sequence, at: position, act } = did;
        if let Some(sequence) = sequence {
            self.guard.reached(sequence);
        }
        let t = match time {
            Some(time) => self.stamps.stamp(time, arrival),
            None => self.stamps.at(arrival),
        };
        match act {
            Did::Warp => sink.send(t, Source::Xi2, RawInput::Motion { position, motion: None, warped: true }),
            Did::Button { number, pressed, source } => {
                let scrolls = |axis| self.devices.scrolls(source, axis);
                let input = match push(number, pressed, scrolls) {
                    None => return,
                    Some(Pushed::Button(button)) => RawInput::Button { button, pressed, position },
                    Some(Pushed::Wheel(axis, delta)) => RawInput::Wheel { axis, delta, hi_res: false, position },
                    Some(Pushed::Nameless) => {
                        RawInput::Lost { reason: "button_without_name", count: Some(1), until: t }
                    }
                };
                sink.send(t, Source::Xi2, input);
            }
            Did::Move { moved, motion, unproved, scrolls } => {
                if unproved {
                    self.unproved.count(t);
                } else if motion.is_some() {
                    self.unproved.close();
                }
                if moved {
                    sink.send(t, Source::Xi2, RawInput::Motion { position, motion, warped: false });
                }
                for (axis, delta) in scrolls {
                    sink.send(t, Source::Xi2, RawInput::Wheel { axis, delta, hi_res: true, position });
                }
                self.tell_unproved(t, sink);
            }
        }
    }

    /// Reports motions whose meaning stayed open, when it is time.
    pub(super) fn tell_unproved(&mut self, now: MonoNs, sink: &InputSink) {
        if let Some((from, until, count)) = self.unproved.take(now) {
            sink.send(from, Source::Xi2, RawInput::Unproved { count, until });
        }
    }
}

fn moved(step: Step, raw: Option<(f64, f64)>, scrolls: Vec<(Axis, f64)>, meaning: Meaning) -> Did {
    let unproved = matches!(step, Step::Numbers(..)) && meaning == Meaning::Unknown;
    let motion = raw.filter(|_| meaning == Meaning::Relative);
    Did::Move { moved: step != Step::Still, motion, unproved, scrolls }
}
