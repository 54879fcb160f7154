//! Tests of what is withheld: no code of a key that went down in the span, and nothing else.

use proptest::prelude::*;

use super::*;

const SPAN: Span = Span { from: 100, until: 200 };

fn what(span: Span) -> What<'static> {
    What { span, begin_ns: 0, pixels: None, keys: true, titles: true, sound: false, reason: "x" }
}

fn plain(t_ns: i64, kind: &str) -> OwnedRow {
    OwnedRow { t_ns, event_type: kind.into(), ..OwnedRow::default() }
}

fn key_row(t_ns: i64, kind: &str, code: i32, repeat: bool) -> OwnedRow {
    let mut row = OwnedRow { key_code: Some(code), ..plain(t_ns, kind) };
    row.repeat = (kind == event_type::KEY_DOWN).then_some(repeat);
    row.metadata.push_int(key::NATIVE, i64::from(code) + 100);
    row.metadata.push_str(key::CODE, "KeyX");
    row
}

fn until(mut row: OwnedRow, until_ns: i64, entries: &[(&str, &str)]) -> OwnedRow {
    row.metadata.push_int(key::UNTIL_NS, until_ns);
    for (name, value) in entries {
        row.metadata.push_str(name, value);
    }
    row
}

/// The rows as they are after redacting.
fn changed(what: &What<'_>, rows: &[OwnedRow]) -> Vec<OwnedRow> {
    let mut changer = Changer::new(what, &[]);
    let change = |row: &OwnedRow| {
        let mut row = row.clone();
        changer.change(&mut row);
        row
    };
    rows.iter().map(change).collect()
}

fn is_withheld(row: &OwnedRow) -> bool {
    let told = row.key_code.is_some() || [key::CODE, key::NATIVE].iter().any(|name| row.metadata.get(name).is_some());
    assert_ne!(told, row.metadata.get(key::REDACTED).is_some(), "a code is withheld in every form, or in none");
    !told
}

/// A script of rows: `+a`, `-a` press and release a key (`a` is 1), `'` behind it for a repeat, `^` for what an edge states, `?` for a
/// repeat of which it is not told; `|` pauses, `>` goes on, `~20` is a gap of 20 ns, `!20` another window for as long, `.` a frame. Each row
/// is 10 ns behind the one before unless `=` stands before it. Answers with the keys, and `*` where the code is withheld.
fn told(script: &str) -> String {
    let mut rows = Vec::new();
    let mut t = 40;
    for word in script.split(' ') {
        let word = word.strip_prefix('=').unwrap_or_else(|| {
            t += 10;
            word
        });
        let rest = word.get(1..).unwrap_or_default();
        let length = || t + rest.parse::<i64>().expect("a length");
        let row = match word.as_bytes()[0] {
            sign @ (b'+' | b'-') => {
                let kind = if sign == b'+' { event_type::KEY_DOWN } else { event_type::KEY_UP };
                let code = i32::from(rest.as_bytes()[0] - b'a') + 1;
                let mut row = key_row(t, kind, code, rest.contains('\''));
                if rest.contains('^') {
                    row.metadata.push_flag(key::HELD);
                }
                if rest.contains('?') {
                    row.repeat = None;
                }
                row
            }
            b'|' => plain(t, event_type::PAUSE),
            b'>' => plain(t, event_type::RESUME),
            b'~' => until(plain(t, event_type::GAP), length(), &[(key::STREAM, "input")]),
            b'!' => until(plain(t, event_type::REDACT), length(), &[(key::WHAT, "input")]),
            _ => plain(t, event_type::FRAME),
        };
        rows.push(row);
    }
    let all = changed(&what(SPAN), &rows);
    let said = rows.iter().zip(&all).filter(|(row, _)| is_key(row)).map(|(was, is)| {
        let name = was.key_code.map_or('?', |code| char::from(b'a' + code as u8 - 1));
        let name = if is_withheld(is) { '*' } else { name };
        let repeat = if is.repeat == Some(true) { "'" } else { "" };
        format!("{}{name}{repeat}", if was.event_type == event_type::KEY_DOWN { '+' } else { '-' })
    });
    said.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_key_keeps_or_loses_its_code_for_the_whole_time_it_is_held() {
    // The span is from 100 to 200: the first row is at 50.
    assert_eq!(told("+a . . . . +b +a' -a +c -c . . . . . . . +b' -b +b -b"), "+a +* +*' -a +* -* +*' -* +b -b");
    // What is held when the span begins keeps its code, and so does what goes down behind it.
    assert_eq!(told("+a . . . . . . . . . . . . . . . . -a +b -b"), "+a -a +b -b");
}

#[test]
fn a_key_that_is_held_through_a_hole_stays_withheld_to_its_release() {
    // A pause in the span, and one that begins in it and ends behind it.
    assert_eq!(told(". . . . . +a -a^ =| . . . . . . . . . > =+a^ . -a +a -a"), "+* -* +* -* +a -a");
    assert_eq!(told(". . . . . +a . -a^ =| . > =+a^ . . . . . . . . -a +a -a"), "+* -* +* -* +a -a");
    // Let go in the pause: what is pressed behind it is told.
    assert_eq!(told(". . . . . +a -a^ =| . . . . . . . . . > . +a -a"), "+* -* +a -a");
    // Behind the span, through two pauses.
    assert_eq!(
        told(". . . . . +a . . . . . . . . . . . -a^ =| > =+a^ . -a^ =| > =+a^ +a' -a"),
        "+* -* +* -* +* +*' -*"
    );
    // A gap between the press and the release, with and without what edges state.
    assert_eq!(told(". . . . . +a . . . . . . . . . . . ~30 . . . . -a"), "+* -*");
    assert_eq!(told(". . . . . +a . . . . . . . . . . -a^ =~20 . . =+a^ . -a"), "+* -* +* -*");
    // The edge is stated late, or nothing says that there was one.
    assert_eq!(told(". . . . . +a . . . . . . . . . . -a^ =~20 . . . +a^ . -a"), "+* -* +* -*");
    assert_eq!(told(". . . . . +a . . . . . . . . . . -a^ . . . +a^ . -a"), "+* -* +* -*");
    // Another window has the focus.
    assert_eq!(told(". . . . . +a . . . . . . . . . -a^ =!40 . . . . =+a^ . -a +a"), "+* -* +* -* +a");
}

#[test]
fn a_press_that_nobody_saw_may_be_in_the_span() {
    // In a pause, in a window that was not recorded, in a gap.
    assert_eq!(told(". . . . . | . . . . . . . . . . . > =+a^ . -a +a -a"), "+* -* +a -a");
    assert_eq!(told(". . . . . !120 . . . . . . . . . . . . =+a^ . -a +a -a"), "+* -* +a -a");
    assert_eq!(told(". . . . . ~50 . . . . . . . . . . . . -a +a -a"), "-* +a -a");
    assert_eq!(told(". . . . . ~50 . . . . . . . . . . . . +a' -a +a -a"), "+*' -* +a -a");
    // They do not touch the span.
    assert_eq!(told(". . . . . +a -a . . . . . . . . . . | . > =+a^ . -a"), "+* -* +a -a");
    assert_eq!(told("+a -a . . . . . . . . . . . . . . . | . > =+a^ . -a"), "+a -a +a -a");
    assert_eq!(told("| . > =+a^ . -a . . . . . . . . . . . . . . . . +a -a"), "+a -a +a -a");
    // What was held before the pause keeps its code: its press has told it.
    assert_eq!(told("+a . . . . . . -a^ =| . . . . . . . . . . . > =+a^ -a"), "+a -a +a -a");
    // What is stated in the span has no code there, and then nowhere, so that presses and releases stay equal.
    assert_eq!(told("+a . . . . . . -a^ =| . > =+a^ . . . . . . . . -a"), "+a -a +* -*");
}

#[test]
fn repeats_that_are_not_told_from_presses_are_those_of_the_key_that_is_down() {
    assert_eq!(told(". . . . . +a? +a? . . . . . . . . . . . +a? -a +a? -a"), "+* +*' +*' -* +a -a");
    assert_eq!(told("+a? . . . . . +a? . . . . . . . . . . . +a? -a"), "+a +*' +a -a");
    // The release was lost: as when recording, the code stays withheld until the key is known to be up.
    assert_eq!(told(". . . . . +a . . . . . . . . . . . ~10 . . +a -a +a -a"), "+* +*' -* +a -a");
}

#[test]
fn a_key_is_the_same_by_either_of_its_codes() {
    let (down, up) = (event_type::KEY_DOWN, event_type::KEY_UP);
    let of = |t_ns, kind, code: Option<i32>, native: Option<&str>, w3c: Option<&str>| {
        let mut row = OwnedRow { key_code: code, ..plain(t_ns, kind) };
        for (name, value) in [(key::NATIVE, native), (key::CODE, w3c)] {
            if let Some(value) = value {
                row.metadata.push_str(name, value);
            }
        }
        row
    };
    let rows = [
        of(110, down, Some(20), Some("24"), Some("KeyQ")),
        of(210, down, Some(20), None, None),
        of(220, down, None, Some("24"), None),
        of(230, up, None, None, Some("KeyQ")),
        of(240, down, Some(20), Some("24"), Some("KeyQ")),
    ];
    let told: Vec<_> = changed(&what(SPAN), &rows).iter().map(is_withheld).collect();
    assert_eq!(told, [true, true, true, true, false]);
}

#[test]
fn what_other_programs_put_beside_the_code_is_not_kept_where_it_may_name_the_key() {
    let with = |mut row: OwnedRow, entries: &[(&str, &str)]| {
        for (name, value) in entries {
            row.metadata.push_str(name, value);
        }
        row
    };
    let keysym = [("keysym", "q"), ("text", "q")];
    let rows = [
        with(plain(50, "mouse_move"), &[("modifiers", "shift")]),
        with(key_row(110, event_type::KEY_DOWN, 20, false), &keysym),
        with(plain(120, "text_input"), &[("text", "q"), ("stream", "ime")]),
        OwnedRow { key_code: Some(20), ..plain(130, "key_char") },
        with(plain(140, event_type::FRAME), &[("keys_down", "q"), (key::BYTES, "9")]),
        with(plain(210, event_type::FRAME), &[("keys_down", "q"), (key::BYTES, "9")]),
        with(key_row(220, event_type::KEY_UP, 20, false), &keysym),
        with(plain(230, event_type::FRAME), &[("keys_down", "w")]),
        with(plain(150, event_type::OTHER_FRAME), &[("frame_ref", "7"), ("camera", "q")]),
    ];
    let what = what(SPAN);
    let mut changer = Changer::new(&what, &[]);
    let change = |mut row: OwnedRow| {
        changer.change(&mut row);
        row
    };
    let all: Vec<_> = rows.clone().map(change).to_vec();
    let text =
        |row: &OwnedRow| row.metadata.iter().flat_map(|(name, value)| [name, "=", value, " "]).collect::<String>();
    assert_eq!((&all[0], &all[7]), (&rows[0], &rows[7]));
    let told: Vec<_> = all[1..7].iter().map(|row| (row.key_code, text(row))).collect();
    let said = |text: &str| (None, text.to_owned());
    let bytes = said("bytes=9 ");
    let redacted = said("redacted=1 ");
    let ime = said("redacted=1 stream=ime ");
    assert_eq!(told, [redacted.clone(), ime, redacted.clone(), bytes.clone(), bytes, redacted]);
    assert_eq!(text(&all[8]), "frame_ref=7 ");
    assert_eq!((changer.keys, changer.redacted_keys, changer.foreign), (2, 2, 5));
}

#[test]
fn a_title_that_came_up_in_the_span_is_not_stated_at_the_edge_behind_it() {
    let focus = |t_ns, source: &str| {
        let mut row = OwnedRow { source: Some(source.into()), ..plain(t_ns, event_type::FOCUS) };
        row.metadata.push_str(key::TITLE, "a letter");
        row.metadata.push_str("url", "letters/1");
        row
    };
    let rows = [
        focus(90, "xi2"),
        focus(110, "xi2"),
        plain(150, event_type::PAUSE),
        plain(250, event_type::RESUME),
        focus(250, "recorder"),
        focus(300, "xi2"),
        plain(350, event_type::PAUSE),
        plain(360, event_type::RESUME),
        focus(360, "recorder"),
    ];
    let all = changed(&What { keys: false, ..what(SPAN) }, &rows);
    let shows: Vec<_> = all.iter().filter(|row| row.event_type == event_type::FOCUS).collect();
    let shown = |name: &str| shows.iter().map(|row| row.metadata.get(name).is_some()).collect::<Vec<_>>();
    assert_eq!(shown(key::TITLE), [true, false, false, true, true]);
    assert_eq!(shown("url"), [true, false, false, true, true]);
}

#[test]
fn what_is_held_at_the_begin_is_of_the_span_when_that_is() {
    let script = [plain(5, event_type::FRAME), key_row(20, event_type::KEY_UP, 7, false)];
    for (from, withheld) in [(0, true), (10, false)] {
        let what = What { span: Span { from, until: 40 }, begin_ns: 5, ..what(SPAN) };
        let mut changer = Changer::new(&what, &[7]);
        let mut rows = script.clone();
        for row in &mut rows {
            changer.change(row);
        }
        assert_eq!((is_withheld(&rows[1]), changer.followed.withholds_begin()), (withheld, withheld));
    }
}

/// Most keys of the model's keyboard.
const KEYS: usize = 3;

/// A recorder as it is: what it sees of a keyboard, and the rows that it writes.
#[derive(Default)]
struct Model {
    t: i64,
    /// Since when keys are down.
    down: [Option<i64>; KEYS],
    /// What the recorder believes: since when, whether the rows say so, whether its release may be lost.
    believed: [Option<(i64, bool, bool)>; KEYS],
    /// What was down at the edge behind which nothing is written: for their reader it is the same press that goes on behind it.
    hidden: [Option<i64>; KEYS],
    paused_since: Option<i64>,
    away_since: Option<i64>,
    losing_since: Option<i64>,
    /// Rows, with the key and the time of its press of those that are about one.
    rows: Vec<(OwnedRow, Option<(usize, i64)>)>,
    /// Times in which presses are not seen.
    holes: Vec<(i64, i64)>,
}

impl Model {
    fn is_recording(&self) -> bool {
        self.paused_since.is_none() && self.away_since.is_none()
    }

    fn key(&mut self, key: usize, press: i64, down: bool, repeat: bool, held: bool) {
        let kind = if down { event_type::KEY_DOWN } else { event_type::KEY_UP };
        let mut row = key_row(self.t, kind, key as i32 + 4, repeat);
        if held {
            row.metadata.push_flag(key::HELD);
        }
        self.rows.push((row, Some((key, press))));
    }

    /// The edge at which inputs are written no more, or again.
    fn edge(&mut self, begins: bool) {
        for key in 0..KEYS {
            if let Some((press, told, _)) = &mut self.believed[key]
                && *told != begins
            {
                *told = begins;
                if begins {
                    *press = self.hidden[key].unwrap_or(*press);
                } else {
                    self.hidden[key] = Some(*press);
                }
                let press = *press;
                self.key(key, press, begins, false, true);
            }
        }
        if begins {
            self.hidden = [None; KEYS];
        }
    }

    /// What the recorder hears of a key.
    fn hear(&mut self, key: usize, press: i64, down: bool, repeat: bool) {
        if self.losing_since.is_some() {
            return;
        }
        let writes = self.is_recording();
        let known = self.believed[key];
        // What the rows have as down goes on for their reader, also when its release and another press of it were lost.
        let press = known.filter(|_| !down || repeat).map_or(press, |(press, _, _)| press);
        if down {
            let known = known.filter(|(_, _, doubtful)| !doubtful);
            self.believed[key] = Some(known.map_or((press, writes, false), |(press, told, _)| (press, told, false)));
            if writes {
                self.key(key, press, true, repeat || known.is_some(), false);
            }
        } else {
            self.believed[key] = None;
            if known.map_or(writes, |(_, told, _)| told) {
                self.key(key, press, false, false, false);
            }
        }
    }

    fn step(&mut self, what: u8, key: usize) {
        self.t += 1;
        let t = self.t;
        match what {
            0..=5 => {
                if let Some(press) = self.down[key].take() {
                    self.hear(key, press, false, false);
                } else {
                    self.down[key] = Some(t);
                    self.hear(key, t, true, false);
                }
            }
            6 => {
                if let Some(press) = self.down[key] {
                    self.hear(key, press, true, true);
                }
            }
            7 if self.losing_since.is_none() => match self.paused_since.take() {
                None => {
                    self.edge(false);
                    self.rows.push((plain(t, event_type::PAUSE), None));
                    self.paused_since = Some(t);
                }
                Some(since) => {
                    self.rows.push((plain(t, event_type::RESUME), None));
                    self.holes.push((since, t));
                    if self.is_recording() {
                        self.edge(true);
                    }
                }
            },
            8 if self.losing_since.is_none() => match self.away_since.take() {
                None => {
                    self.edge(false);
                    self.away_since = Some(t);
                }
                Some(since) => {
                    self.holes.push((since, t));
                    let span = until(plain(since, event_type::REDACT), t, &[(key::WHAT, "input")]);
                    self.rows.push((span, None));
                    if self.is_recording() {
                        self.edge(true);
                    }
                }
            },
            9 if self.is_recording() => match self.losing_since.take() {
                None => self.losing_since = Some(t),
                Some(since) => {
                    self.holes.push((since, t));
                    let gap = until(plain(since, event_type::GAP), t, &[(key::STREAM, "input")]);
                    self.rows.push((gap, None));
                    self.believed.iter_mut().flatten().for_each(|(_, _, doubtful)| *doubtful = true);
                }
            },
            _ => self.rows.push((plain(t, event_type::FRAME), None)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Whatever is pressed, paused, lost and in other windows: no code that went down in a span is in any row, and everything else is as it
    /// was, unless nobody can tell.
    #[test]
    fn no_code_of_the_span_is_told_and_all_else_is(
        steps in prop::collection::vec((0_u8..12, 0_usize..KEYS), 1..120),
        spans in prop::collection::vec((0_i64..120, 0_i64..40), 1..3),
    ) {
        let mut model = Model::default();
        for (what, key) in steps {
            model.step(what, key);
        }
        // Everything ends, and is let go.
        for (open, what) in [(model.losing_since, 9), (model.away_since, 8), (model.paused_since, 7)] {
            if open.is_some() {
                model.step(what, 0);
            }
        }
        for key in 0..KEYS {
            if model.down[key].is_some() {
                model.step(0, key);
            }
        }
        let lossy = model.rows.iter().any(|(row, _)| row.event_type == event_type::GAP);
        model.rows.sort_by_key(|(row, _)| row.t_ns);
        let rows: Vec<_> = model.rows.iter().map(|(row, _)| row.clone()).collect();
        let spans: Vec<_> = spans.into_iter().map(|(from, length)| Span { from, until: from + length }).collect();
        // One after the other, each of what the last one made. Where releases are lost, the rows that the first one leaves have keys down that
        // were up, and nobody can tell any more: one step is judged.
        let spans = if lossy { &spans[..1] } else { &spans[..] };
        let all = spans.iter().fold(rows.clone(), |rows, span| changed(&what(*span), &rows));
        let told = || rows.iter().zip(&all).zip(&model.rows).map(|((was, is), (_, key))| (was, is, key));
        for (was, is, key) in told() {
            let Some((_, press)) = key else {
                prop_assert_eq!(was, is);
                continue;
            };
            let in_span = spans.iter().any(|span| span.holds(*press));
            prop_assert!(!in_span || is_withheld(is), "pressed at {press}, told at {}", is.t_ns);
        }
        // What must be told.
        for key in 0..KEYS {
            let own: Vec<_> = told().filter(|(_, _, of)| of.is_some_and(|(name, _)| name == key)).collect();
            for (at, (was, is, of)) in own.iter().enumerate() {
                let press = of.map_or(0, |(_, press)| press);
                let earlier = || own[..at].iter().filter(|(_, _, of)| of.is_some_and(|(_, other)| other == press));
                let down = was.event_type == event_type::KEY_DOWN;
                // It is down in a span, or stated in one.
                let in_span = |row: &OwnedRow| spans.iter().any(|span| span.holds(row.t_ns));
                let stated = |row: &OwnedRow| row.repeat == Some(false) && in_span(row);
                let by_rule = (down && in_span(was)) || earlier().any(|(was, _, _)| stated(was));
                // No row has the press, and it may have been where nobody looked while a span lasted.
                let has_press = own.iter().any(|(row, _, _)| row.t_ns == press && row.metadata.get(key::HELD).is_none());
                let released = own[..at].iter().rfind(|(row, _, _)| row.event_type == event_type::KEY_UP && row.metadata.get(key::HELD).is_none());
                let last = released.map_or(i64::MIN, |(row, _, _)| row.t_ns);
                let touching = |hole: &&(i64, i64)| spans.iter().any(|span| hole.0 <= span.until && hole.1 >= span.from);
                let in_hole = model.holes.iter().filter(touching).any(|(_, until)| *until > last);
                // Its last release is lost, and the press before that was withheld.
                let stays = lossy && own[..at].iter().rev().take_while(|(row, _, _)| row.t_ns > last).any(|(_, is, _)| is_withheld(is));
                if by_rule || spans.iter().any(|span| span.holds(press)) || (!has_press && in_hole) || stays {
                    continue;
                }
                prop_assert_eq!(was, is, "key {} pressed at {}", key, press);
            }
        }
        // As many presses as releases have no code.
        if !lossy {
            let count = |kind: &str| all.iter().filter(|row| row.event_type == kind && row.repeat != Some(true) && is_withheld(row)).count();
            prop_assert_eq!(count(event_type::KEY_DOWN), count(event_type::KEY_UP));
        }
    }
}
