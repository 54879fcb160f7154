//! Where pictures, inputs and sound come from: the seams [`ScreenSource`], [`InputSource`] and [`sound::SoundSource`], and what they hand over.
//!
//! Sources only produce. They do not know the log, the encoder or each other; the recorder's one loop puts what they
//! say in order. No type of a platform appears in the seams, so everything above them can be tested without a screen.

mod absence;
pub mod backend;
#[cfg(all(any(windows, target_os = "macos"), feature = "sound"))]
mod cpal_sound;
mod error;
#[cfg(all(target_os = "linux", feature = "evdev"))]
mod evdev;
mod facet;
pub mod flash;
mod input;
mod latest;
#[cfg(any(
    test,
    feature = "capture-xcap",
    all(target_os = "linux", any(feature = "x11", feature = "wayland", feature = "wayland-portal")),
    all(windows, feature = "windows-native"),
    all(target_os = "macos", feature = "macos-native")
))]
mod letterbox;
mod look;
#[cfg(any(test, all(target_os = "macos", feature = "macos-native")))]
mod macos;
mod outlets;
pub mod pacing;
pub mod portable;
#[cfg(any(
    test,
    all(target_os = "linux", any(feature = "wayland", feature = "wayland-portal")),
    all(target_os = "macos", feature = "macos-native"),
    all(windows, feature = "windows-native")
))]
mod presented;
#[cfg(all(target_os = "linux", any(feature = "x11", feature = "evdev")))]
mod process;
#[cfg(all(target_os = "linux", feature = "sound"))]
mod pulse;
mod raw;
pub mod recording_sign;
pub mod registry;
mod screen;
mod sink;
pub mod sound;
mod sources;
pub mod synthetic;
mod target;
pub mod wayland;
#[cfg(all(target_os = "linux", feature = "wayland"))]
mod wayland_copy;
#[cfg(all(target_os = "linux", feature = "wayland-portal"))]
mod wayland_portal;
#[cfg(any(test, all(windows, feature = "windows-native")))]
mod windows;
#[cfg(all(target_os = "linux", feature = "x11"))]
pub mod x11;

pub use self::absence::Absence;
pub use self::error::CaptureError;
#[cfg(any(feature = "capture-xcap", all(target_os = "linux", feature = "x11")))]
pub(crate) use self::error::XCAP;
pub use self::facet::{Facet, FacetSet};
pub use self::input::{InitialState, InputDescription, InputSource, OpenInput};
pub use self::latest::Latest;
pub use self::look::{Behind, Look};
pub use self::outlets::Outlets;
pub use self::raw::{RawInput, StampedInput};
pub use self::screen::{BgraView, OpenScreen, ScreenDescription, ScreenSource};
pub use self::sink::{InputSink, StopFlag};
pub use self::sources::Sources;
pub use self::target::{Target, TargetInfo};
pub use crate::privacy::cover::Covered;
