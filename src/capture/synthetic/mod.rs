//! The built-in synthetic desktop: a moving picture with a machine-readable frame barcode, and scripted input. Always compiled;
//! the demo, tests and benchmarks use it where there is no display.
//!
//! Picture and input follow one script: a picture taken at time `t` shows the state after every scripted input up to `t`, so a
//! recording of it is aligned by construction, and any misalignment found in the session was made on the way.

pub(super) mod backend;
mod barcode;
mod clicks;
mod input;
mod open;
mod paint;
mod pushing;
mod screen;
mod script;

pub use self::barcode::Barcode;
pub use self::clicks::{CLICK_EVERY_NS, CLICKS, Clicks, Hole, Shows, open_clicks};
pub use self::open::{MAX_SIZE, MIN_SIZE, gamepad_sources, pushing_sources, sources, split_sources};
pub use self::pushing::Pushing;
pub use self::script::STEP_NS;
