//! What one recording takes its pictures and inputs from.

use super::input::OpenInput;
use super::screen::OpenScreen;

/// The screen and the inputs of one recording, not yet open.
pub struct Sources {
    /// Opens the screen.
    pub screen: OpenScreen,
    /// Opens each of the inputs; none when input is not recorded.
    pub inputs: Vec<OpenInput>,
}
