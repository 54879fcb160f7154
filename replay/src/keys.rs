//! Which key does what: one table, read by the dispatcher and printed by the help screen, so that they cannot disagree.
//!
//! It names keys in its own words; the terminal library's are translated in `terminal.rs`.

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

    const fn control(key: Key) -> Self {
        Self { key, shift: false, control: true }
    }
}

/// What a key can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Play or pause.
    Toggle,
    /// To the frame after or (-1) before.
    Frame(i8),
    /// By this many seconds.
    Seconds(i8),
    /// To the first instant.
    Start,
    /// To the last instant.
    End,
    /// To the next or (-1) previous event of the table.
    Event(i8),
    /// Play faster.
    Faster,
    /// Play slower.
    Slower,
    /// Show all rows, or only the notable ones.
    AllRows,
    /// Show events or details.
    Panel,
    /// Show or leave the help.
    Help,
    /// Leave the help, or the player.
    Quit,
}

/// A line of the table.
pub(crate) struct Binding {
    /// The keys that do it.
    pub(crate) chords: &'static [Chord],
    /// What they do.
    pub(crate) action: Action,
    /// How the help writes the keys.
    pub(crate) keys: &'static str,
    /// How the help says what they do.
    pub(crate) says: &'static str,
    /// The help starts a new group with this line.
    pub(crate) group: Option<&'static str>,
}

/// A [`Binding`], in one line.
const fn bind(
    group: Option<&'static str>,
    keys: &'static str,
    says: &'static str,
    action: Action,
    chords: &'static [Chord],
) -> Binding {
    Binding { chords, action, keys, says, group }
}

/// Every key of the player.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(Some("play"), "space", "play or pause", Action::Toggle, &[Chord::plain(Key::Char(' '))]),
    bind(
        None,
        "+",
        "faster",
        Action::Faster,
        &[Chord::plain(Key::Char('+')), Chord::plain(Key::Char('=')), Chord::plain(Key::Up)],
    ),
    bind(None, "-", "slower", Action::Slower, &[Chord::plain(Key::Char('-')), Chord::plain(Key::Down)]),
    bind(Some("move"), "→", "next frame", Action::Frame(1), &[Chord::plain(Key::Right)]),
    bind(None, "←", "previous frame", Action::Frame(-1), &[Chord::plain(Key::Left)]),
    bind(None, "shift →", "one second on", Action::Seconds(1), &[Chord::shift(Key::Right)]),
    bind(None, "shift ←", "one second back", Action::Seconds(-1), &[Chord::shift(Key::Left)]),
    bind(None, "PageDown", "ten seconds on", Action::Seconds(10), &[Chord::plain(Key::PageDown)]),
    bind(None, "PageUp", "ten seconds back", Action::Seconds(-10), &[Chord::plain(Key::PageUp)]),
    bind(None, "]", "next event", Action::Event(1), &[Chord::plain(Key::Char(']'))]),
    bind(None, "[", "previous event", Action::Event(-1), &[Chord::plain(Key::Char('['))]),
    bind(None, "Home", "start", Action::Start, &[Chord::plain(Key::Home)]),
    bind(None, "End", "end", Action::End, &[Chord::plain(Key::End)]),
    bind(Some("show"), "m", "motion and frames too", Action::AllRows, &[Chord::plain(Key::Char('m'))]),
    bind(None, "Tab", "events or details", Action::Panel, &[Chord::plain(Key::Tab), Chord::plain(Key::Char('i'))]),
    bind(None, "?", "this help", Action::Help, &[Chord::plain(Key::Char('?')), Chord::plain(Key::Char('h'))]),
    bind(
        None,
        "q Esc",
        "quit",
        Action::Quit,
        &[Chord::plain(Key::Char('q')), Chord::plain(Key::Esc), Chord::control(Key::Char('c'))],
    ),
];

/// What a chord asks for.
pub(crate) fn action(chord: Chord) -> Option<Action> {
    BINDINGS.iter().find(|binding| binding.chords.contains(&chord)).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_chord_is_bound_twice_and_every_binding_is_reached() {
        let mut seen: Vec<Chord> = Vec::new();
        for binding in BINDINGS {
            assert!(!binding.chords.is_empty() && !binding.keys.is_empty() && !binding.says.is_empty());
            for chord in binding.chords {
                assert!(!seen.contains(chord), "{chord:?} is bound twice");
                seen.push(*chord);
                assert_eq!(action(*chord), Some(binding.action));
            }
        }
        assert_eq!(action(Chord::plain(Key::Char('z'))), None);
    }
}
