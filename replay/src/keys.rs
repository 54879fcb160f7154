//! Which key does what: one table, read by the dispatcher, printed by the help screen and looked up by the line of keys, so that they
//! cannot disagree.
//!
//! Owns the choice of keys: mpv's where it has them (space, `.` `,`, `l`, backspace, page keys), asciinema's digits, vi's `/`,
//! `n`, `g`; lower case goes on, upper case goes back. It names keys in its own words; the terminal library's are translated
//! in `terminal.rs`.

use crate::timeline::{Lane, Verdict};

/// A key of the keyboard, as the player knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    /// A character, with whatever shift it took to type it.
    Char(char),
    /// The arrow to the left.
    Left,
    /// The arrow to the right.
    Right,
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Tab.
    Tab,
    /// Escape.
    Esc,
    /// Return.
    Enter,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
}

/// A key with its modifiers. Shift counts only with keys that are no characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Chord {
    /// The key.
    pub(crate) key: Key,
    /// Shift was held.
    pub(crate) shift: bool,
    /// Control was held.
    pub(crate) control: bool,
}

impl Chord {
    /// A key by itself.
    pub(crate) const fn plain(key: Key) -> Self {
        Self { key, shift: false, control: false }
    }

    /// A key with shift.
    pub(crate) const fn shift(key: Key) -> Self {
        Self { key, shift: true, control: false }
    }

    /// A key with control.
    pub(crate) const fn control(key: Key) -> Self {
        Self { key, shift: false, control: true }
    }

    /// How it is written on the line of keys.
    pub(crate) fn name(self) -> String {
        let key = match self.key {
            Key::Char(' ') => "space",
            Key::Char(c) => return format!("{}{c}", if self.control { "ctrl-" } else { "" }),
            Key::Left => "←",
            Key::Right => "→",
            Key::Up => "↑",
            Key::Down => "↓",
            Key::Home => "Home",
            Key::End => "End",
            Key::PageUp => "PgUp",
            Key::PageDown => "PgDn",
            Key::Tab => "Tab",
            Key::Esc => "Esc",
            Key::Enter => "Enter",
            Key::Backspace => "Bksp",
            Key::Delete => "Del",
        };
        match (self.shift, self.control) {
            (true, _) => format!("shift-{key}"),
            (_, true) => format!("ctrl-{key}"),
            _ => key.to_owned(),
        }
    }
}

/// What a jump goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Goal {
    /// An event of the table.
    Listed,
    /// An event of a lane; of keys and buttons only those that go down.
    Lane(Lane),
}

/// What a key can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Play or pause.
    Toggle,
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
    /// Play in real time.
    RealTime,
    /// Let the sound be heard, or not.
    Sound,
    /// The range A–B begins here.
    SetA,
    /// The range A–B ends here.
    SetB,
    /// Play A–B again and again, or not.
    Loop,
    /// Forget A–B.
    ForgetRange,
    /// To the frame after or (-1) before.
    Frame(i8),
    /// By this many seconds.
    Seconds(i8),
    /// To the first instant.
    Start,
    /// To the last instant; stays there while the recording grows.
    End,
    /// To this many tenths of the recording.
    Tenth(u8),
    /// Asks where to go.
    Goto,
    /// To the next or (-1) previous.
    Jump(Goal, i8),
    /// Asks what to search for.
    Search,
    /// Stops a search, drops the filter, forgets a notice: whatever is there, in this order.
    Back,
    /// Closer to the playhead (1) or further away (-1).
    Zoom(i8),
    /// The whole recording.
    ZoomOut,
    /// Later (1) or earlier (-1) by half of what is seen.
    Pan(i8),
    /// Sets a mark.
    Mark,
    /// Asks for a verdict.
    Verdict,
    /// Asks what to export.
    Export,
    /// Show all rows, or only the notable ones.
    AllRows,
    /// Show events or details.
    Panel,
    /// Show what lies over the picture, or not.
    Overlay,
    /// Magnify the picture, more, or not.
    Magnify,
    /// Move the magnifier by hand.
    Lens(i8, i8),
    /// The magnifier goes where the pointer goes.
    LensFollow,
    /// Other colours.
    Theme,
    /// Show or leave the help.
    Help,
    /// Stop the program until the shell goes on with it.
    Suspend,
    /// To the next recording of the queue, or (-1) the one before.
    Recording(i8),
    /// Takes back the last verdict that was given.
    Undo,
    /// Leave the recording: to the list of the queue, where there is one.
    Close,
    /// Leave the player.
    Quit,
}

/// A line of the table.
pub(crate) struct Binding<A: 'static = Action> {
    /// What each of its keys does.
    pub(crate) acts: &'static [(Chord, A)],
    /// How the help writes the keys.
    pub(crate) keys: &'static str,
    /// How the help says what they do.
    pub(crate) says: &'static str,
    /// The help starts a new group with this line.
    pub(crate) group: Option<&'static str>,
}

/// A [`Binding`], in one line.
pub(crate) const fn bind<A>(
    group: Option<&'static str>,
    keys: &'static str,
    says: &'static str,
    acts: &'static [(Chord, A)],
) -> Binding<A> {
    Binding { acts, keys, says, group }
}

pub(crate) const fn c(key: char) -> Chord {
    Chord::plain(Key::Char(key))
}

pub(crate) const fn k(key: Key) -> Chord {
    Chord::plain(key)
}

const fn to(lane: Lane, by: i8) -> Action {
    Action::Jump(Goal::Lane(lane), by)
}

/// Every key of the player.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(Some("play"), "space p", "play or pause", &[(c(' '), Action::Toggle), (c('p'), Action::Toggle)]),
    bind(
        None,
        "+ -",
        "faster, slower (also ↑ ↓)",
        &[
            (c('+'), Action::Faster),
            (c('='), Action::Faster),
            (c('>'), Action::Faster),
            (k(Key::Up), Action::Faster),
            (c('-'), Action::Slower),
            (c('<'), Action::Slower),
            (k(Key::Down), Action::Slower),
        ],
    ),
    bind(None, "Bksp M", "real time; sound (at 1×)", &[(k(Key::Backspace), Action::RealTime), (c('M'), Action::Sound)]),
    bind(None, "a b", "range A–B begins, ends here", &[(c('a'), Action::SetA), (c('b'), Action::SetB)]),
    bind(None, "l L", "loop A–B, forget A–B", &[(c('l'), Action::Loop), (c('L'), Action::ForgetRange)]),
    bind(
        Some("move"),
        "← →",
        "frame back, on (also , .)",
        &[
            (k(Key::Left), Action::Frame(-1)),
            (c(','), Action::Frame(-1)),
            (k(Key::Right), Action::Frame(1)),
            (c('.'), Action::Frame(1)),
        ],
    ),
    bind(
        None,
        "shift ← →",
        "second back, on",
        &[(Chord::shift(Key::Left), Action::Seconds(-1)), (Chord::shift(Key::Right), Action::Seconds(1))],
    ),
    bind(
        None,
        "PgUp PgDn",
        "ten seconds back, on",
        &[(k(Key::PageUp), Action::Seconds(-10)), (k(Key::PageDown), Action::Seconds(10))],
    ),
    bind(
        None,
        "ctrl ← →",
        "minute back, on (also { })",
        &[
            (Chord::control(Key::Left), Action::Seconds(-60)),
            (c('{'), Action::Seconds(-60)),
            (Chord::control(Key::Right), Action::Seconds(60)),
            (c('}'), Action::Seconds(60)),
        ],
    ),
    bind(None, "Home End", "start; end, and stay there", &[(k(Key::Home), Action::Start), (k(Key::End), Action::End)]),
    bind(
        None,
        "0 … 9",
        "0 % … 90 % of it",
        &[
            (c('0'), Action::Tenth(0)),
            (c('1'), Action::Tenth(1)),
            (c('2'), Action::Tenth(2)),
            (c('3'), Action::Tenth(3)),
            (c('4'), Action::Tenth(4)),
            (c('5'), Action::Tenth(5)),
            (c('6'), Action::Tenth(6)),
            (c('7'), Action::Tenth(7)),
            (c('8'), Action::Tenth(8)),
            (c('9'), Action::Tenth(9)),
        ],
    ),
    bind(None, "g", "go to frame, time, percent", &[(c('g'), Action::Goto)]),
    bind(
        Some("jump to the next, previous"),
        "] [",
        "event of the table",
        &[(c(']'), Action::Jump(Goal::Listed, 1)), (c('['), Action::Jump(Goal::Listed, -1))],
    ),
    bind(None, "k K", "key going down", &[(c('k'), to(Lane::Key, 1)), (c('K'), to(Lane::Key, -1))]),
    bind(None, "c C", "click", &[(c('c'), to(Lane::Click, 1)), (c('C'), to(Lane::Click, -1))]),
    bind(None, "w W", "wheel", &[(c('w'), to(Lane::Wheel, 1)), (c('W'), to(Lane::Wheel, -1))]),
    bind(None, "f F", "focus change", &[(c('f'), to(Lane::Focus, 1)), (c('F'), to(Lane::Focus, -1))]),
    bind(None, "d D", "gap: data that is missing", &[(c('d'), to(Lane::Gap, 1)), (c('D'), to(Lane::Gap, -1))]),
    bind(None, "' \"", "mark or remark", &[(c('\''), to(Lane::Mark, 1)), (c('"'), to(Lane::Mark, -1))]),
    bind(None, "/", "search and filter", &[(c('/'), Action::Search)]),
    bind(
        None,
        "n N",
        "what was searched for",
        &[(c('n'), Action::Jump(Goal::Listed, 1)), (c('N'), Action::Jump(Goal::Listed, -1))],
    ),
    bind(None, "Esc", "stop search, drop filter", &[(k(Key::Esc), Action::Back)]),
    bind(Some("timeline"), "z Z", "zoom in, out", &[(c('z'), Action::Zoom(1)), (c('Z'), Action::Zoom(-1))]),
    bind(None, "( )", "pan to the left, right", &[(c('('), Action::Pan(-1)), (c(')'), Action::Pan(1))]),
    bind(None, "\\", "the whole of it", &[(c('\\'), Action::ZoomOut)]),
    bind(Some("review"), "m", "mark this instant", &[(c('m'), Action::Mark)]),
    bind(None, "v", "verdict on A–B or on all", &[(c('v'), Action::Verdict)]),
    bind(None, "u", "take the last verdict back", &[(c('u'), Action::Undo)]),
    bind(None, "s S", "next recording, previous", &[(c('s'), Action::Recording(1)), (c('S'), Action::Recording(-1))]),
    bind(None, "o", "export the frame or A–B", &[(c('o'), Action::Export)]),
    bind(Some("show"), "e", "motion and frames too", &[(c('e'), Action::AllRows)]),
    bind(None, "Tab i", "events or details", &[(k(Key::Tab), Action::Panel), (c('i'), Action::Panel)]),
    bind(None, "h", "what lies over the picture", &[(c('h'), Action::Overlay)]),
    bind(None, "x", "magnify: 1:1, 2:1, whole", &[(c('x'), Action::Magnify)]),
    bind(None, "t", "other colours", &[(c('t'), Action::Theme)]),
    bind(None, "?", "this help", &[(c('?'), Action::Help)]),
    bind(None, "q", "leave; of a queue: its list", &[(c('q'), Action::Close)]),
    bind(
        None,
        "ctrl-C -Z",
        "quit; stop for the shell",
        &[(Chord::control(Key::Char('c')), Action::Quit), (Chord::control(Key::Char('z')), Action::Suspend)],
    ),
];

/// Keys that do something else while the picture is magnified.
pub(crate) const LENS: &[Binding] = &[
    bind(
        Some("while it is magnified"),
        "← → ↑ ↓",
        "another part (frames: , .)",
        &[
            (k(Key::Left), Action::Lens(-1, 0)),
            (k(Key::Right), Action::Lens(1, 0)),
            (k(Key::Up), Action::Lens(0, -1)),
            (k(Key::Down), Action::Lens(0, 1)),
        ],
    ),
    bind(None, "X", "where the pointer is", &[(c('X'), Action::LensFollow)]),
];

/// What a chord asks for.
pub(crate) fn action(chord: Chord) -> Option<Action> {
    find(BINDINGS, chord)
}

/// What a chord asks for by a table.
pub(crate) fn find<A: Copy>(table: &[Binding<A>], chord: Chord) -> Option<A> {
    let acts = table.iter().flat_map(|binding| binding.acts);
    acts.copied().find(|(bound, _)| *bound == chord).map(|(_, action)| action)
}

/// The key of an action: the first one of the table that does it.
pub(crate) fn key_of<A: PartialEq>(table: &[Binding<A>], action: &A) -> Option<String> {
    let acts = table.iter().flat_map(|binding| binding.acts);
    acts.into_iter().find(|(_, bound)| bound == action).map(|(chord, _)| chord.name())
}

/// The keys of the choice of a verdict. In capitals: without a note, and on to the next recording of the queue.
pub(crate) const VERDICTS: [(char, Verdict, &str); 3] = [
    ('a', Verdict::Accept, "accept: fit for use"),
    ('r', Verdict::Reject, "reject: not to be used"),
    ('l', Verdict::Look, "needs a look"),
];

/// What can be chosen of exports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Take {
    /// The picture of the frame.
    Frame,
    /// The range A–B.
    Excerpt,
    /// Nothing more: the export that runs is to stop.
    Cancel,
}

/// The keys of the choice of an export.
pub(crate) const TAKES: [(char, Take, &str); 3] =
    [('p', Take::Frame, "picture"), ('e', Take::Excerpt, "excerpt"), ('x', Take::Cancel, "cancel the one that runs")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chord_is_bound_twice_and_every_binding_is_reached() {
        let mut seen: Vec<Chord> = Vec::new();
        for binding in BINDINGS {
            assert!(!binding.acts.is_empty() && !binding.keys.is_empty() && !binding.says.is_empty());
            for (chord, act) in binding.acts {
                assert!(!seen.contains(chord), "{chord:?} is bound twice");
                seen.push(*chord);
                assert_eq!(action(*chord), Some(*act));
            }
        }
        assert_eq!(action(Chord::plain(Key::Char('~'))), None);
        for (chord, act) in BINDINGS.iter().flat_map(|binding| binding.acts) {
            let name = key_of(BINDINGS, act).expect("a key");
            let first = seen.iter().find(|seen| action(**seen) == Some(*act)).expect("it was seen");
            assert_eq!(name, first.name(), "{chord:?}");
        }
    }
}
