//! Why there is no picture of what is recorded at the moment, although the recording goes on.

/// What keeps the recorded surface away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Absence {
    /// The window is not shown: minimised, or on another desktop of a window manager that unmaps such windows.
    WindowMinimised,
    /// The window was closed; one that takes its place is waited for.
    WindowGone,
    /// The monitor was switched off or disconnected; it is waited for.
    MonitorGone,
    /// The desktop became too small for the region; a larger one is waited for.
    RegionGone,
    /// The system shows another desktop: it is locked, or asks for consent.
    ScreenLocked,
    /// The system took the pictures away (another mode, a program in full screen, a graphics card that was reset), and gives them again.
    AccessLost,
    /// The program that takes the pictures from PipeWire has ended; it is started again.
    CastInterrupted,
    /// The system has stopped to deliver pictures; they are asked for again.
    StreamStopped,
}

impl Absence {
    /// The word in `gap` rows.
    pub fn reason(self) -> &'static str {
        match self {
            Self::WindowMinimised => "window_minimised",
            Self::WindowGone => "window_gone",
            Self::MonitorGone => "monitor_gone",
            Self::RegionGone => "region_gone",
            Self::ScreenLocked => "screen_locked",
            Self::AccessLost => "access_lost",
            Self::CastInterrupted => "cast_interrupted",
            Self::StreamStopped => "stream_stopped",
        }
    }

    /// What happened, for people.
    pub fn told(self) -> &'static str {
        match self {
            Self::WindowMinimised => "the recorded window is minimised, or on another desktop",
            Self::WindowGone => {
                "the recorded window was closed, and one that takes its place is waited for (--wait-target)"
            }
            Self::MonitorGone => "the recorded monitor was switched off, and is waited for (--wait-target)",
            Self::RegionGone => "the recorded region is not on the desktop any more, and is waited for (--wait-target)",
            Self::ScreenLocked => "the system shows another desktop: it is locked, or asks for consent",
            Self::AccessLost => {
                "the system has taken the pictures away: another mode, a program in full screen, or a graphics card that was reset"
            }
            Self::CastInterrupted => {
                "the program that takes the pictures from PipeWire has ended, and is started again"
            }
            Self::StreamStopped => "the system has stopped to deliver pictures, and is asked for them again",
        }
    }
}
