//! What can happen to the player: the closed list of its messages.
//!
//! Everything that changes the player goes through here, so a session of it can be replayed in a test.

use crate::desk::Report;
use crate::keys::Chord;
use crate::worker::Answer;

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Msg {
    /// A key was pressed.
    Key(Chord),
    /// The mouse was pressed or dragged at a cell.
    Point {
        /// From the left, 0-based.
        column: u16,
        /// From the top, 0-based.
        row: u16,
        /// It was pressed here, not dragged to here.
        press: bool,
    },
    /// The wheel turned over a cell.
    Scroll {
        /// From the left, 0-based.
        column: u16,
        /// From the top, 0-based.
        row: u16,
        /// Away from the person.
        up: bool,
    },
    /// The terminal has another size.
    Resize {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// Time has passed, nanoseconds.
    Tick(u64),
    /// A picture is ready, or cannot be had.
    Picture(Answer),
    /// The desk has something to say.
    Report(Report),
    /// Nothing is heard, and why.
    NoSound(String),
    /// The system asks the program to end.
    Terminate,
}
