//! The words in which a backend tells of windows, of the keyboard, and of what it learnt of a window by asking it.

use crate::base::event::Area;

use super::judged::Judged;

/// A window that lies on the desktop by itself, with its frame. The number is the backend's own; no two windows that exist at a time share one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WindowId(pub u64);

/// The program that a window belongs to: its connection to the display, or its process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ClientId(pub u64);

/// A window that the policy did not know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewWindow {
    /// Where it is on the desktop, with its frame.
    pub area: Area,
    /// It can be seen, or could be if nothing lay over it.
    pub shown: bool,
    /// No window manager places it.
    pub unmanaged: bool,
    /// Whose it is; `None`: the system's own, or not known.
    pub client: Option<ClientId>,
    /// It was made just now. (Else it was there before the backend listened, or inside another window.)
    pub is_new: bool,
}

/// Where a window is among the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stacking {
    /// Over all others.
    Top,
    /// Under all others.
    Bottom,
    /// Directly over this one.
    Above(WindowId),
}

/// What happened to a window. Of windows that are not known, only [`WindowEvent::Appeared`] counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WindowEvent {
    /// It is there, over all others.
    Appeared(WindowId, NewWindow),
    /// It has another place, size or order.
    Placed {
        /// Which.
        window: WindowId,
        /// Where it is on the desktop, with its frame.
        area: Area,
        /// No window manager places it.
        unmanaged: bool,
        /// Where it is among the others.
        stacking: Stacking,
    },
    /// Its corner is somewhere else; size and order are as before.
    Moved {
        /// Which.
        window: WindowId,
        /// Left and top edge on the desktop.
        corner: (i32, i32),
    },
    /// Its order is another.
    Restacked(WindowId, Stacking),
    /// It can be seen from now on.
    Shown {
        /// Which.
        window: WindowId,
        /// No window manager places it.
        unmanaged: bool,
    },
    /// It cannot be seen any more.
    Hidden(WindowId),
    /// It is no more, or is inside another one now.
    Went {
        /// Which.
        window: WindowId,
        /// The one that it is inside of now, which must be asked again.
        into: Option<WindowId>,
    },
    /// What it says of itself may be something else: it must be asked again.
    Changed(WindowId),
    /// The desktop has another width and height.
    Desktop(u32, u32),
}

/// What happened to the keyboard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyboardEvent {
    /// What is typed goes to a window; `None`: to the desktop itself, or to whatever lies under the pointer.
    Came(Option<WindowId>),
    /// It does not go there any more.
    Went(Option<WindowId>),
    /// Somebody takes the keyboard without the focus, or gives it back.
    Grab(GrabNews),
}

/// What is told of a grab of the keyboard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GrabNews {
    /// Nobody has grabbed it.
    Free,
    /// It is grabbed at this window. (One that is not known is another one than those that are.)
    At(WindowId),
    /// It is grabbed, and it is not known at which window.
    Somewhere,
    /// It is grabbed still, at the window that was told last.
    Still,
}

/// The window that the person works with, as the system tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ActiveWindow {
    /// The window that it is, or is inside of; `None`: none that is known.
    pub window: Option<WindowId>,
    /// Whose it is.
    pub client: Option<ClientId>,
    /// A window manager places it.
    pub managed: bool,
}

/// A window that must be asked what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unasked {
    /// Which.
    pub window: WindowId,
    /// No window manager places it.
    pub unmanaged: bool,
    /// It was never asked.
    pub is_first: bool,
}

/// What a window is, learnt by asking it.
#[derive(Clone, PartialEq, Debug)]
pub struct Told {
    /// What it, and what is inside of it, says.
    pub judged: Judged,
    /// Nothing below it can be seen through it: it fills its area and blends with nothing.
    pub opaque: bool,
    /// Something of it can be seen; false: it only takes input.
    pub paints: bool,
    /// How far the edges of the game's window are inside its own: left, top, right, bottom. Zero where it is the window itself.
    pub inset: [i32; 4],
}
