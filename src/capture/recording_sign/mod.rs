//! The small sign on the screen that says that it is recorded: what a display must do for it, how it looks, where it stands, and where it may be seen.
//!
//! A display shows it in a window or surface of its own that takes neither keys nor clicks ([`RecordingSign`]). What of it can be in a picture
//! is told by [`SignAreas`], and masked there. Names nothing of a platform.

mod areas;
pub mod badge;
mod place;
mod seam;

pub use self::areas::{Place, SignAreas};
pub use self::place::{Corner, INSET, Recorded, Room, Spot, spot, with_halo};
pub use self::seam::{OpenSign, RecordingSign, SIGN, SignDescription, SignPlan, SignState, WantedSign};
