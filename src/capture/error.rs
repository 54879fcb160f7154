//! Why a source cannot be opened, or cannot go on.

/// The portable backend for pictures, by the name that it is chosen by.
pub(crate) const XCAP: &str = "xcap";

/// Why a source cannot be opened or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no display to connect to.
    #[error("no display: {detail}")]
    NoDisplay {
        /// What the system said.
        detail: String,
    },
    /// There is no Wayland compositor to connect to; an X server may be there all the same.
    #[error("no Wayland compositor: {detail}")]
    NoCompositor {
        /// What the system said.
        detail: String,
    },
    /// There is no desktop portal that hands out the screen; another way may be there all the same.
    #[error("no desktop portal hands out the screen: {detail}")]
    NoPortal {
        /// What the system said.
        detail: String,
    },
    /// The desktop's portal hands out no screen, or what it handed out cannot be recorded.
    #[error("the desktop's portal hands out no screen: {detail}")]
    Portal {
        /// Why.
        detail: String,
        /// What can be done about it.
        hint: &'static str,
    },
    /// The desktop is Wayland, of which this display shows nothing or a part.
    #[error("a Wayland desktop cannot be recorded: {detail}")]
    Wayland {
        /// What says so.
        detail: String,
        /// What can be done instead.
        hint: &'static str,
    },
    /// The system has not given the right to it.
    #[error("{detail}")]
    NotAllowed {
        /// Who may not do what.
        detail: String,
        /// How the right is given.
        hint: String,
    },
    /// The X server lets this connection see and hear nothing of others.
    #[error("the X server {display} does not trust this connection: it gets neither pictures nor inputs")]
    Untrusted {
        /// Which display.
        display: String,
    },
    /// The target does not exist.
    #[error("no such target: {wanted}")]
    NoTarget {
        /// What was asked for.
        wanted: String,
    },
    /// There is no such device of sound.
    #[error("no such source of sound: {wanted}")]
    NoDevice {
        /// What was asked for.
        wanted: String,
    },
    /// The target has a size that cannot be recorded.
    #[error("cannot record a surface of {width}x{height} pixels: {why}")]
    BadSize {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// What is wrong with it.
        why: String,
        /// The nearest size that can be recorded, as a hint.
        nearest: Option<(u32, u32)>,
    },
    /// The backend lacks something that was asked for.
    #[error("{backend} cannot provide {what}: {detail}")]
    Unavailable {
        /// Which backend.
        backend: &'static str,
        /// Which stream or ability.
        what: String,
        /// Why.
        detail: String,
    },
    /// The source was there and is no more.
    #[error("{what} is gone: {detail}")]
    Gone {
        /// `display`, `window`, `screen`.
        what: &'static str,
        /// What the system said.
        detail: String,
    },
    /// The system refused something it should not have.
    #[error("{what} failed: {detail}")]
    System {
        /// The operation.
        what: &'static str,
        /// What the system said.
        detail: String,
    },
}

impl CaptureError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoDisplay { .. } => {
                let has_displays = cfg!(all(unix, not(target_os = "macos")));
                let first = if has_displays { "set DISPLAY to a running X server, or " } else { "" };
                Some(format!("{first}try the built-in picture with --source synthetic"))
            }
            Self::NoCompositor { .. } => Some("set WAYLAND_DISPLAY to a running Wayland compositor, or use --screen-backend auto".into()),
            Self::NoPortal { .. } => Some(
                "on a Wayland desktop install xdg-desktop-portal and the part of it for your desktop (-gnome, -kde, -wlr), or use --screen-backend auto".into(),
            ),
            Self::Wayland { hint, .. } | Self::Portal { hint, .. } => Some((*hint).into()),
            Self::NotAllowed { hint, .. } => Some(hint.clone()),
            Self::Untrusted { .. } => Some(
                "`ssh -X` makes such connections; log in with `ssh -Y`, or run watchcap on the machine whose screen it is"
                    .into(),
            ),
            Self::NoTarget { .. } => Some("`watchcap targets` lists what can be recorded".into()),
            Self::NoDevice { .. } => Some("`watchcap targets` lists the devices that can be recorded".into()),
            Self::BadSize { nearest, .. } => nearest.map(|(width, height)| format!("{width}x{height} can be recorded")),
            Self::Unavailable { what, .. } if what == "lock" => {
                Some("record where logind runs, or allow it with --allow-missing lock".into())
            }
            Self::Unavailable { what, .. } if what == "input" => {
                Some("go on without it with --allow-missing input".into())
            }
            Self::Unavailable { what, .. } if what == "audio" => {
                Some("record without sound (--audio off), or the built-in clicks with --audio synthetic".into())
            }
            Self::Unavailable { backend, what, .. } if what == "screen" && *backend != XCAP && cfg!(feature = "capture-xcap") => {
                Some(format!("try another one with --screen-backend {XCAP}"))
            }
            Self::Unavailable { .. } => Some("`watchcap doctor` says what can be recorded here".into()),
            Self::Gone { .. } | Self::System { .. } => None,
        }
    }
}
