//! What one recording takes its pictures, inputs and sound from.

use super::input::OpenInput;
use super::recording_sign::WantedSign;
use super::screen::OpenScreen;
use super::sound::OpenSound;

/// The sources of one recording, not yet open.
pub struct Sources {
    /// Opens the screen.
    pub screen: OpenScreen,
    /// Opens each of the inputs; none when input is not recorded.
    pub inputs: Vec<OpenInput>,
    /// Opens each device of sound, in the order of their tracks; none when sound is not recorded.
    pub sounds: Vec<OpenSound>,
    /// The sign on the screen, where one is wanted.
    pub sign: Option<WantedSign>,
}
