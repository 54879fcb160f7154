//! Which window is active, as the compositor tells: the kernel's devices do not know where their keys go.
//!
//! A thread follows the compositor ([`watch`]) through its own protocol for scripts ([`sway`]) or the list of windows that many have ([`toplevels`]), and says two things: what changed, and up to
//! when all changes are known. By the second, keys are held until it is certain where they went ([`super::hold`]).

mod desk;
mod find;
mod listed;
mod sway;
mod sway_tree;
mod toplevels;
mod watch;

pub(super) use self::desk::Active;
pub(super) use self::find::find;
pub(super) use self::watch::{ActiveWatch, Turn};
