//! `vpt`: a video on a constant-rate grid and one line of JSON for each of its frames, in the shape of the contractor data of OpenAI's
//! Video-Pre-Training, so that its loaders read it.
//!
//! Picture *n* is the last frame at or before the time of step *n*; line *n* is what was done from then on. docs/EXPORTS.md says what of
//! that shape is measured here, and what is not.

use std::io::{BufWriter, Write as _};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::error::ExportError;
use super::format::{Format, Piece};
use super::inputs::{self, Action};
use super::kind::FormatKind;
use super::lerobot::LEFT_OUT;
use super::opt::Opt;
use super::options::Options;
use super::out::Out;
use super::sound::Sounds;
use super::source::Source;
use super::steps::{self, Step};
use super::video::{check_size, constant_rate, open_video};
use crate::base::event::Stream;
use crate::base::io_error::IoError;
use crate::base::progress::{self, Progress};

/// Steps per second when nothing was asked for: that of the contractor data.
const FPS: u32 = 20;
/// Pictures between two reports of progress.
const PROGRESS_STEPS: usize = 32;

/// The format.
pub struct Vpt;

impl FormatKind for Vpt {
    fn name(&self) -> &'static str {
        "vpt"
    }

    fn about(&self) -> &'static str {
        "mp4 on a constant-rate grid and a line of JSON per frame, like OpenAI's VPT data"
    }

    fn version(&self) -> u32 {
        3
    }

    fn makes(&self, file: &str, name: &str, _: &str) -> bool {
        super::out::is_beside(file, &stem(name), |rest| matches!(rest, "mp4" | "jsonl"))
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::Fps, Opt::Span, Opt::ExcludeRedacted, Opt::OnlyAccepted, Opt::Resize, Opt::KeepUnknown]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }
}

impl Format for Vpt {
    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let source = piece.source;
        let fps = piece.options.fps.unwrap_or(FPS);
        let all = steps::steps(source, &Options { fps: Some(fps), ..piece.options.clone() })?;
        let (mut steps, unit) = known(source, all.clone(), progress)?;
        if piece.options.keep_unknown {
            steps.clone_from(&all);
        }
        if steps.is_empty() {
            return Err(ExportError::NothingKnown { path: source.dir().to_path_buf(), steps: all.len() });
        }
        let left_out = all.len() - steps.len();
        let stem = stem(piece.name);
        if stem != piece.name {
            out.note(format!("its files are named {stem}: loaders of this format end a name at the first dot"));
        }
        out.tell(json!({ LEFT_OUT: left_out, "motion": unit.name() }));

        let mut video = open_video(source)?;
        let size = piece.options.resize.unwrap_or(video.index().coded);
        check_size(&video, size)?;
        let (_, path) = out.create(&format!("{stem}.mp4"))?;
        let sounds = Sounds::of(source, piece.options)?;
        constant_rate(&mut video, &steps, &sounds, &path, (size, fps), &mut |n, _| {
            if n.is_multiple_of(PROGRESS_STEPS) {
                progress(progress::Step { what: "pictures", done: n as u64, of: steps.len() as u64 });
            }
        })?;

        let (file, path) = out.create(&format!("{stem}.jsonl"))?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        let lines = Lines { source, size, unit };
        inputs::for_each(source, &steps, progress, &mut |index, step, action| {
            let line = lines.line(index, step, &action);
            Ok(writeln!(file, "{line}").map_err(IoError::at("write", &path))?)
        })?;
        Ok(file.flush().map_err(IoError::at("write", &path))?)
    }
}

/// The name of a session's files: without a dot, since loaders of this format take what stands before the first one for it. A name that has
/// one gets eight digits of its hash, so that `a.b` and `a_b` stay apart.
fn stem(name: &str) -> String {
    if !name.contains('.') {
        return name.to_owned();
    }
    let digest: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    let [a, b, c, d, ..] = digest;
    format!("{}_{:08x}", name.replace('.', "_"), u32::from_be_bytes([a, b, c, d]))
}

/// What motion is measured in: one thing in a whole session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    /// What the mouse reported.
    Counts,
    /// How far the pointer went, in pixels of the video: no row of the session says what a mouse reported.
    Pixels,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Pixels => "pixels",
        }
    }

    /// Motion of a step; `None` when nobody knows.
    fn motion(self, action: &Action, size: (u32, u32)) -> Option<(f64, f64)> {
        match self {
            // A program that moves the pointer moves no mouse.
            Self::Counts if action.moves == 0 => Some((0.0, 0.0)),
            Self::Counts => action.dx.zip(action.dy),
            Self::Pixels if action.moves == 0 && action.warps == 0 => Some((0.0, 0.0)),
            Self::Pixels => {
                let ((from_x, from_y), (x, y)) = (action.at_begin?, action.x.zip(action.y)?);
                let went = |from: f32, to: f32, side: u32| (f64::from(to) - f64::from(from)) * f64::from(side);
                Some((went(from_x, x, size.0), went(from_y, y, size.1)))
            }
        }
    }
}

/// The steps of which everything is known, and what motion is measured in. A line has no word for what is not known, and a loader takes what
/// is not there for something that was not done.
fn known(source: &Source, steps: Vec<Step>, progress: Progress<'_>) -> Result<(Vec<Step>, Unit), ExportError> {
    let mut is_told = false;
    // Whether each is known in counts, and in pixels.
    let mut known: Vec<[bool; 2]> = Vec::with_capacity(steps.len());
    inputs::for_each(source, &steps, progress, &mut |_, _, action| {
        is_told |= action.moves > 0 && action.dx.is_some();
        let sure = !action.input_gap
            && !action.unseen.keys
            && !action.unseen.mouse
            && action.keys_unknown == 0
            && action.buttons_unknown == 0
            && action.wheel_x.is_some()
            && action.wheel_y.is_some();
        known.push([Unit::Counts, Unit::Pixels].map(|unit| sure && unit.motion(&action, (1, 1)).is_some()));
        Ok(())
    })?;
    let unit = if is_told { Unit::Counts } else { Unit::Pixels };
    let steps = steps.into_iter().zip(known).filter(|(_, known)| known[unit as usize]).map(|(step, _)| step).collect();
    Ok((steps, unit))
}

struct Lines<'a> {
    source: &'a Source,
    size: (u32, u32),
    unit: Unit,
}

impl Lines<'_> {
    fn line(&self, index: usize, step: &Step, action: &Action) -> Value {
        let at = action.x.zip(action.y);
        let at = at.map(|(x, y)| (f64::from(x) * f64::from(self.size.0), f64::from(y) * f64::from(self.size.1)));
        let (dx, dy) = self.unit.motion(action, self.size).unzip();
        let keys = |set: &inputs::KeySet| set.iter().map(key_name).collect::<Vec<_>>();
        // A key that was only tapped counts as down in its step.
        let mut held = action.keys;
        held.0.iter_mut().zip(action.keys_pressed.0).for_each(|(held, pressed)| *held |= pressed);
        let marks = self.source.marks.between(step.start_ns, step.end_ns);
        let marks: Vec<_> = marks.iter().map(|mark| mark.text.as_deref()).collect();
        let buttons = |mask: u8| (0..8).filter(|bit| mask & (1 << bit) != 0).collect::<Vec<u8>>();
        json!({
            "mouse": {
                "x": at.map(|at| at.0), "y": at.map(|at| at.1), "dx": dx, "dy": dy, "dwheel": action.wheel_y.filter(|_| !action.unseen.wheel),
                "buttons": buttons(action.buttons | action.buttons_pressed), "newButtons": buttons(action.buttons_pressed),
            },
            "keyboard": { "keys": keys(&held), "newKeys": keys(&action.keys_pressed), "chars": "" },
            "isGuiOpen": null, "hotbar": 0,
            "tick": index, "milli": self.wall_ms(step.start_ns),
            "t_ns": step.start_ns, "frame_ref": step.frame,
            "task": self.source.about.task, "subtask": self.source.subtask_at(step.start_ns), "marks": marks,
        })
    }

    /// The wall clock at a moment, milliseconds since 1970, by the last reading of both clocks before it.
    fn wall_ms(&self, t_ns: i64) -> Option<i64> {
        let anchors = &self.source.reader().metadata().clock.anchors;
        let at = anchors.partition_point(|anchor| anchor.monotonic_ns <= t_ns).saturating_sub(1);
        let anchor = anchors.get(at)?;
        Some(anchor.realtime_ns.saturating_add(t_ns.saturating_sub(anchor.monotonic_ns)).div_euclid(1_000_000))
    }
}

/// The name of a key as Minecraft (GLFW) writes it; `hid.N` for one that has none there.
pub fn key_name(usage: u8) -> String {
    /// By USB HID usage, from 0x28 on.
    const FROM_28: &[&str] = &[
        "enter",
        "escape",
        "backspace",
        "tab",
        "space",
        "minus",
        "equal",
        "left.bracket",
        "right.bracket",
        "backslash",
        "",
        "semicolon",
        "apostrophe",
        "grave.accent",
        "comma",
        "period",
        "slash",
        "caps.lock",
        "f1",
        "f2",
        "f3",
        "f4",
        "f5",
        "f6",
        "f7",
        "f8",
        "f9",
        "f10",
        "f11",
        "f12",
        "print.screen",
        "scroll.lock",
        "pause",
        "insert",
        "home",
        "page.up",
        "delete",
        "end",
        "page.down",
        "right",
        "left",
        "down",
        "up",
        "num.lock",
        "keypad.divide",
        "keypad.multiply",
        "keypad.subtract",
        "keypad.add",
        "keypad.enter",
        "keypad.1",
        "keypad.2",
        "keypad.3",
        "keypad.4",
        "keypad.5",
        "keypad.6",
        "keypad.7",
        "keypad.8",
        "keypad.9",
        "keypad.0",
        "keypad.decimal",
        "world.1",
        "menu",
        "",
        "keypad.equal",
        "f13",
        "f14",
        "f15",
        "f16",
        "f17",
        "f18",
        "f19",
        "f20",
        "f21",
        "f22",
        "f23",
        "f24",
    ];
    const FROM_E0: [&str; 8] = [
        "left.control",
        "left.shift",
        "left.alt",
        "left.win",
        "right.control",
        "right.shift",
        "right.alt",
        "right.win",
    ];
    let name = match usage {
        0x04..=0x1d => char::from(b'a' + usage - 0x04).to_string(),
        0x1e..=0x26 => char::from(b'1' + usage - 0x1e).to_string(),
        0x27 => "0".to_owned(),
        0xe0..=0xe7 => FROM_E0[usize::from(usage - 0xe0)].to_owned(),
        _ => {
            usize::from(usage).checked_sub(0x28).and_then(|at| FROM_28.get(at)).copied().unwrap_or_default().to_owned()
        }
    };
    if name.is_empty() { format!("hid.{usage}") } else { format!("key.keyboard.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::hid;

    #[test]
    fn a_stem_has_no_dot_and_is_one_session_s() {
        assert_eq!(stem("s_clip_0s700-1s400"), "s_clip_0s700-1s400");
        let stems = ["a.b", "a_b", "a..b", "a.b.", "a_.b"].map(stem);
        assert!(stems.iter().all(|stem| !stem.contains('.')), "{stems:?}");
        assert_eq!(stems.iter().collect::<std::collections::BTreeSet<_>>().len(), stems.len());
    }

    #[test]
    fn motion_that_nobody_knows_is_no_zero() {
        let size = (100, 50);
        let still = Action { dx: Some(0.0), dy: Some(0.0), ..Action::default() };
        assert_eq!(Unit::Counts.motion(&still, size), Some((0.0, 0.0)));
        assert_eq!(Unit::Pixels.motion(&still, size), Some((0.0, 0.0)));
        let unknown = Action { moves: 2, ..Action::default() };
        assert_eq!((Unit::Counts.motion(&unknown, size), Unit::Pixels.motion(&unknown, size)), (None, None));
        let warped = Action { warps: 1, at_begin: Some((0.5, 0.5)), x: Some(0.75), y: Some(0.25), ..Action::default() };
        assert_eq!(Unit::Counts.motion(&warped, size), Some((0.0, 0.0)));
        assert_eq!(Unit::Pixels.motion(&warped, size), Some((25.0, -12.5)));
        assert_eq!(Unit::Pixels.motion(&Action { at_begin: None, ..warped }, size), None);
    }

    #[test]
    fn names_are_those_of_the_same_physical_key() {
        let name = |code: &str| hid::usage_of_code(code).and_then(|usage| u8::try_from(usage.0).ok()).map(key_name);
        let pairs = [
            ("KeyA", "key.keyboard.a"),
            ("KeyZ", "key.keyboard.z"),
            ("Digit1", "key.keyboard.1"),
            ("Digit0", "key.keyboard.0"),
            ("Space", "key.keyboard.space"),
            ("Semicolon", "key.keyboard.semicolon"),
            ("F1", "key.keyboard.f1"),
            ("F12", "key.keyboard.f12"),
            ("Pause", "key.keyboard.pause"),
            ("ArrowUp", "key.keyboard.up"),
            ("NumLock", "key.keyboard.num.lock"),
            ("NumpadEnter", "key.keyboard.keypad.enter"),
            ("Numpad0", "key.keyboard.keypad.0"),
            ("NumpadDecimal", "key.keyboard.keypad.decimal"),
            ("IntlBackslash", "key.keyboard.world.1"),
            ("ContextMenu", "key.keyboard.menu"),
            ("NumpadEqual", "key.keyboard.keypad.equal"),
            ("F13", "key.keyboard.f13"),
            ("F24", "key.keyboard.f24"),
            ("ShiftLeft", "key.keyboard.left.shift"),
            ("ControlLeft", "key.keyboard.left.control"),
            ("MetaRight", "key.keyboard.right.win"),
        ];
        for (code, expected) in pairs {
            assert_eq!(name(code).as_deref(), Some(expected), "{code}");
        }
        let all: std::collections::BTreeSet<_> = (0..=u8::MAX).map(key_name).collect();
        assert_eq!(all.len(), 256, "two keys share a name");
    }
}
