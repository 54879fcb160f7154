//! What of a desktop is recorded, and what there is to choose from.

use crate::base::event::{Content, Surface};
#[cfg(doc)]
use crate::privacy::names;

/// What to record of the screen.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Target {
    /// The primary monitor.
    #[default]
    Primary,
    /// A monitor, by its name (`DP-1`) or its number in `watchcap targets`.
    Monitor(String),
    /// A window by its identifier, as printed by `watchcap targets` (`0x1c00007`; decimal is accepted too).
    WindowId(String),
    /// The first window with this in its title ([`names::title_fits`]).
    WindowTitle(String),
    /// The first window of this application ([`names::app_fits`]).
    WindowApp(String),
    /// A part of the desktop, in desktop pixels.
    Region {
        /// Left edge.
        x: i32,
        /// Top edge.
        y: i32,
        /// Width, even.
        width: u32,
        /// Height, even.
        height: u32,
    },
}

impl Target {
    /// Whether it is a window, of which input is recorded only while it has the focus.
    pub fn is_window(&self) -> bool {
        matches!(self, Self::WindowId(_) | Self::WindowTitle(_) | Self::WindowApp(_))
    }

    /// What of a window was asked for, behind how it was found; empty when nothing was but the window itself.
    pub fn asked(&self) -> String {
        match self {
            Self::WindowTitle(part) => format!(", title {part:?}"),
            Self::WindowApp(app) => format!(", app {app:?}"),
            Self::Primary | Self::Monitor(_) | Self::WindowId(_) | Self::Region { .. } => String::new(),
        }
    }
}

/// A monitor or window that can be recorded: one line of `watchcap targets`.
#[derive(Clone, PartialEq, Debug)]
pub struct TargetInfo {
    /// `monitor` or `window`.
    pub kind: &'static str,
    /// What selects it: a monitor's name, a window's identifier.
    pub id: String,
    /// A window's title, a monitor's model where known.
    pub title: Content,
    /// A window's application: its class.
    pub app: String,
    /// The other name of its application: its instance.
    pub instance: String,
    /// A window's process.
    pub pid: Option<u32>,
    /// Where it is, where the system tells.
    pub surface: Option<Surface>,
    /// A monitor's refresh rate.
    pub refresh_hz: Option<f64>,
    /// The primary monitor, or the active window.
    pub primary: bool,
}
