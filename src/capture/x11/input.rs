//! XInput2 raw events of every device, on a connection of their own, with the active window in the same order.
//!
//! Events are read in batches: all that is there, then one question for the pointer's position when something in the
//! batch needs it. An event carries the sequence number of the last request that the server had handled before it,
//! which tells what happened before the answer. What the pointer did up to that question, event by event, comes from the server's
//! record of it ([`tap`]), and is joined with what devices did ([`join`]): so each event has its own place, and what no device did
//! is known as such. A server without that record tells the place of a batch's end; the others have theirs from [`path::walk`], or none
//! where that walk does not end where the pointer is, and moves by programs are found by asking now and then.
//!
//! Auto-repeat: servers of the X.Org family make it above the raw events, so a held key sends one raw press and nothing
//! is invented here. A raw press with the repeat flag, or of a key that the same device holds already (an injector that repeats by
//! itself), is handed over as a repeat, never as a press. Of a key on two keyboards what the master does is handed over ([`held`]).
//! A key whose release was not sent (a device unplugged while held) is released when the server's own key map says that it is up.
//!
//! Motion is raw, device counts. Devices that post places have none ([`meaning`] says how they are recognised); what cannot be proved
//! has none either, and is reported.
//!
//! Wheels: from the scrolling axes of a device that has them, else from the press of buttons 4 to 7; the server sends
//! both for one turn, so only one is ever read.
//!
//! What it does not do: keys by character (that is the layout's business, which is told when it changes), touch, pressure; a button beyond the nine
//! that X11 names is reported as lost, since the format has no name for it. While another client has grabbed the
//! server, the question for the position waits, and so does the order to stop.

mod batch;
mod clock;
mod decode;
mod devices;
mod held;
mod join;
mod keyboard;
mod keys;
mod meaning;
mod open;
mod path;
mod pointer;
mod refused;
mod run;
mod skipped;
mod source;
mod stamp;
mod tap;
mod unasked;
mod unproved;
mod watch;
mod windows;

pub use self::open::open;
pub use self::watch::ServerWatch;
