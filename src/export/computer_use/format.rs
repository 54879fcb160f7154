//! The format `computer-use`: a line of JSON for each action, and the pictures that the lines name.
//!
//! Keeps the invariants that a picture before an action shows nothing that came after its begin; that the one behind it shows nothing that
//! the next action did; and that of time in which nobody saw the inputs nothing is said, not even that somebody waited.

use std::io::{BufWriter, Write as _};

use serde_json::{Map, Value, json};

use super::gather::{Action, Gather, Kind, Unsaid};
use super::place::Place;
use super::shots::{self, FOLDER, Shots};
use crate::base::event::Stream;
use crate::base::io_error::IoError;
use crate::base::progress::{Progress, Step};
use crate::base::shown::counted;
use crate::export::error::ExportError;
use crate::export::format::{Format, Piece};
use crate::export::kind::FormatKind;
use crate::export::opt::Opt;
use crate::export::out::{Out, is_beside};
use crate::export::source::{PROGRESS_ROWS, Source};
use crate::export::steps;
use crate::export::video::{check_size, open_video};
use crate::session::span::Span;
use crate::session::stills;
use crate::session::table::row::OwnedRow;

/// Nothing is done for this time: somebody waits. Also how long a picture behind an action is waited for, at the most.
const WAIT_NS: i64 = 1_000_000_000;
/// Pictures that are missing for so long: nobody knows what was shown.
const HOLE_NS: i64 = 250_000_000;
/// End of the name of the list.
const LIST: &str = "computer-use.jsonl";

/// The format.
pub struct ComputerUse;

impl FormatKind for ComputerUse {
    fn name(&self) -> &'static str {
        "computer-use"
    }

    fn about(&self) -> &'static str {
        "JSON lines of clicks, drags, scrolls, text and chords, each with the picture before and after it"
    }

    fn version(&self) -> u32 {
        2
    }

    fn takes_stills(&self) -> bool {
        true
    }

    fn makes(&self, file: &str, stem: &str, _: &str) -> bool {
        is_beside(file, stem, |rest| {
            let picture = rest.strip_prefix(FOLDER).and_then(|rest| rest.strip_prefix('/'));
            rest == LIST || picture.is_some_and(shots::is_name)
        })
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::Span, Opt::ExcludeRedacted, Opt::OnlyAccepted, Opt::Resize]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }
}

impl Format for ComputerUse {
    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let source = piece.source;
        if source.frames.is_empty() {
            return Err(ExportError::NoFrames { path: source.dir().to_path_buf() });
        }
        let video = open_video(source)?;
        let surface = video.surface();
        if let Some(size) = piece.options.resize {
            check_size(&video, size)?;
        }
        let size = piece.options.resize.unwrap_or(surface);
        let (file, path) = out.create(&out.name_beside(LIST))?;
        let mut list = List {
            source,
            span: steps::span(source, piece.options)?,
            exclude_redacted: piece.options.exclude_redacted,
            holes: source.screen_gaps.of_at_least(HOLE_NS),
            size,
            shots: Shots::new(video, size, source),
            before: None,
            waiting: None,
            lines: 0,
        };
        let mut file = BufWriter::with_capacity(1 << 18, file);
        let mut write = |line: Value| Ok(writeln!(file, "{line}").map_err(IoError::at("write", &path))?);

        let metadata = source.reader().metadata();
        let mut gather = Gather::new(metadata, surface);
        let mut rows = source.reader().events().rows();
        let (of, mut done) = (source.reader().events().len(), 0_u64);
        let mut row = OwnedRow::default();
        while rows.next_into(&mut row)? {
            gather.take(&row, &mut |action| list.push(action, out, &mut write))?;
            done += 1;
            if done.is_multiple_of(PROGRESS_ROWS) {
                progress(Step { what: "actions", done, of });
            }
        }
        gather.end(&mut |action| list.push(action, out, &mut write))?;
        list.end(out, &mut write)?;
        let (lines, unsaid) = (list.lines, gather.unsaid);
        file.flush().map_err(IoError::at("write", &path))?;
        let exact = list.shots.exact();
        out.tell(told(lines, unsaid, exact));
        out.tell_stills(exact > 0);
        let of = stills::count(source.reader().metadata()).unwrap_or_default();
        if of > 0 {
            let all = counted(of, "PNG picture");
            out.note(format!(
                "{exact} of {all} of the session: taken for frames that the list names; the others are left out"
            ));
        }
        if let Some(note) = note(unsaid) {
            out.note(note);
        }
        Ok(())
    }
}

fn told(lines: u64, unsaid: Unsaid, exact: u64) -> Value {
    json!({
        "actions": lines,
        "exact_pictures": exact,
        "unsaid": {
            "keys_withheld": unsaid.withheld, "keys_without_code": unsaid.without_code, "keys_without_layout": unsaid.without_layout,
            "not_composed": unsaid.not_composed, "buttons_cut": unsaid.cut,
        },
        "assumed": ["caps_lock_off_at_start", "num_lock_on_at_start", "no_input_method"],
    })
}

/// What people should know of what became no action.
fn note(unsaid: Unsaid) -> Option<String> {
    let some = |count: u64, what: &str, why: &str| (count > 0).then(|| format!("{} {why}", counted(count, what)));
    let parts = [
        some(unsaid.withheld, "key press", "withheld"),
        some(unsaid.without_code, "key press", "without a code"),
        some(unsaid.not_composed, "mark", "that goes onto no character"),
        some(unsaid.cut, "button press", "cut off"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    let layout = (unsaid.without_layout > 0).then(|| {
        let keys = counted(unsaid.without_layout, "key press");
        format!("what {keys} wrote is not known, since the keyboard's layout is not: they are chords by their codes")
    });
    let lost = (!parts.is_empty()).then(|| format!("no action was made of {}", parts.join(", ")));
    let all: Vec<_> = lost.into_iter().chain(layout).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// The list while it is written: an action waits for the next one, which says until when it has a picture behind it.
struct List<'a> {
    source: &'a Source,
    span: Span,
    exclude_redacted: bool,
    holes: crate::export::spans::Spans,
    size: (u32, u32),
    shots: Shots,
    /// When the last action ended, whether it is told or not.
    before: Option<i64>,
    waiting: Option<Action>,
    lines: u64,
}

impl List<'_> {
    fn push(
        &mut self,
        action: Action,
        out: &mut Out,
        write: &mut dyn FnMut(Value) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let ended = self.before.unwrap_or(action.t_ns);
        self.flush(action.t_ns, out, write)?;
        if self.before.is_some() && self.is_wait(ended, action.t_ns) {
            let mut line = self.line("wait", (ended, action.t_ns));
            line.insert("seconds".into(), json!((action.t_ns - ended) as f64 / 1e9));
            self.pictures(&mut line, ended.saturating_add(WAIT_NS), action.t_ns, out)?;
            self.write(line, write)?;
        }
        self.before = Some(ended.max(action.until_ns));
        self.waiting = Some(action).filter(|action| self.is_told(action.t_ns, action.until_ns));
        Ok(())
    }

    fn end(
        &mut self,
        out: &mut Out,
        write: &mut dyn FnMut(Value) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        self.flush(i64::MAX, out, write)
    }

    /// Whether nothing was done between two moments, for certain and for long enough.
    fn is_wait(&self, from: i64, until: i64) -> bool {
        let source = self.source;
        let unseen = source.blind.between(from, until);
        until.saturating_sub(from) >= WAIT_NS
            && self.is_told(from, until)
            && ![&source.pauses, &source.input_gaps].into_iter().any(|spans| spans.touch(from, until))
            && !unseen.keys
            && !unseen.mouse
    }

    /// Whether what was done between two moments may be told.
    fn is_told(&self, from: i64, until: i64) -> bool {
        let is_redacted = || self.source.redacted.touch(from, until.saturating_add(1));
        self.span.holds(from) && self.source.is_accepted(from) && !(self.exclude_redacted && is_redacted())
    }

    /// Writes the action that waits; the next one begins at `next`.
    fn flush(
        &mut self,
        next: i64,
        out: &mut Out,
        write: &mut dyn FnMut(Value) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let Some(action) = self.waiting.take() else { return Ok(()) };
        let mut line = self.line(name(&action.kind), (action.t_ns, action.until_ns));
        self.say(&mut line, &action);
        let behind = next.min(action.until_ns.saturating_add(WAIT_NS)).max(action.until_ns);
        self.pictures(&mut line, action.t_ns, behind, out)?;
        self.write(line, write)
    }

    fn write(
        &mut self,
        line: Map<String, Value>,
        write: &mut dyn FnMut(Value) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        self.lines += 1;
        write(Value::Object(line))
    }

    fn line(&self, action: &str, (t_ns, until_ns): (i64, i64)) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("action".into(), json!(action));
        line.insert("t_ns".into(), json!(t_ns));
        line.insert("until_ns".into(), json!(until_ns));
        line.insert("task".into(), json!(self.source.about.task));
        line.insert("subtask".into(), json!(self.source.subtask_at(t_ns)));
        line
    }

    fn say(&self, line: &mut Map<String, Value>, action: &Action) {
        self.say_place(line, "", action.place);
        line.insert("modifiers".into(), json!(action.modifiers));
        match &action.kind {
            Kind::Click { button, clicks } => {
                line.insert("button".into(), json!(button));
                line.insert("clicks".into(), json!(clicks));
            }
            Kind::Drag { button, to } => {
                line.insert("button".into(), json!(button));
                self.say_place(line, "to_", *to);
            }
            Kind::Scroll { dx, dy } => {
                line.insert("dx".into(), json!(dx));
                line.insert("dy".into(), json!(dy));
            }
            Kind::Type { text } => drop(line.insert("text".into(), json!(text))),
            Kind::Hotkey { keys, codes, repeats } => {
                line.insert("keys".into(), json!(keys));
                line.insert("codes".into(), json!(codes));
                line.insert("repeats".into(), json!(repeats));
            }
        }
    }

    fn say_place(&self, line: &mut Map<String, Value>, prefix: &str, place: Option<Place>) {
        for (axis, part, side) in
            [("x", place.map(|place| place.x), self.size.0), ("y", place.map(|place| place.y), self.size.1)]
        {
            // Positions are float32: of a whole number of pixels they may lie a little below it.
            let pixel = part.map(|part| (part * f64::from(side) + 1e-3).floor() as i64);
            line.insert(format!("{prefix}{axis}"), json!(pixel));
            line.insert(format!("{prefix}{axis}_fraction"), json!(part));
        }
    }

    /// The pictures before and behind something.
    fn pictures(
        &mut self,
        line: &mut Map<String, Value>,
        before: i64,
        behind: i64,
        out: &mut Out,
    ) -> Result<(), ExportError> {
        for (name, t_ns) in [("before", before), ("after", behind)] {
            let picture = match self.shown(t_ns) {
                None => Value::Null,
                Some(frame) => json!({
                    "frame_ref": frame, "t_ns": self.source.frames[frame].t_ns, "image": self.shots.take(frame, out)?,
                }),
            };
            line.insert(name.into(), picture);
        }
        Ok(())
    }

    /// The frame that is shown at a moment; none where nobody knows, or where it may not be told.
    fn shown(&self, t_ns: i64) -> Option<usize> {
        let frames = &self.source.frames;
        let frame = frames.partition_point(|frame| frame.t_ns <= t_ns).checked_sub(1)?;
        let taken = frames[frame].t_ns;
        let is_missing = self.holes.hold(t_ns) && taken != t_ns;
        let is_withheld = self.exclude_redacted && self.source.redacted.touch(taken, t_ns.saturating_add(1));
        (!is_missing && !is_withheld && self.source.is_accepted(taken)).then_some(frame)
    }
}

/// The name of an action.
fn name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Click { button, .. } if button == "right" => "right_click",
        Kind::Click { clicks: 1, .. } => "click",
        Kind::Click { .. } => "double_click",
        Kind::Drag { .. } => "drag",
        Kind::Scroll { .. } => "scroll",
        Kind::Type { .. } => "type",
        Kind::Hotkey { .. } => "hotkey",
    }
}
