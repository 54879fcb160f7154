//! The screen: where everything is, and the order in which it is drawn.
//!
//! Invariant: drawing reads [`App`](crate::app::App) and nothing else, and no size of terminal makes it panic. The same [`Layout`] that
//! places the parts tells which of them the mouse is over.

pub(crate) mod cells;
mod detail;
mod draw;
pub(crate) mod framed;
mod help;
pub(crate) mod hints;
mod input;
mod keys;
pub(crate) mod lanes;
mod layout;
mod pad;
mod picture;
mod popup;
mod status;
mod timeline;

pub(crate) use self::draw::{NOTICE_TIME, draw};
#[cfg(test)]
pub(crate) use self::keys::of as key_hints;
pub(crate) use self::layout::{Layout, layout};
pub(crate) use detail::row_at;
pub(crate) use help::length as help_length;
pub(crate) use input::BUTTONS;
pub(crate) use picture::{bounds as picture_bounds, message, paint};
