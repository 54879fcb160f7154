//! The screen: where everything is, and the order in which it is drawn.
//!
//! Invariant: drawing reads [`App`](crate::app::App) and nothing else, and no size of terminal makes it panic. The same [`Layout`](layout::Layout) that
//! places the parts tells which of them the mouse is over.

mod cells;
mod detail;
mod draw;
mod help;
mod input;
mod lanes;
mod layout;
mod picture;
mod popup;
mod status;
mod timeline;

pub(crate) use self::draw::{NOTICE_TIME, draw};
pub(crate) use self::layout::layout;
pub(crate) use detail::row_at;
pub(crate) use help::length as help_length;
pub(crate) use input::BUTTONS;
pub(crate) use picture::bounds as picture_bounds;
