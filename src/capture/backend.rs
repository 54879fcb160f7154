//! The seam of platforms: one [`Backend`] is one way to a screen, to inputs, to sound, or to several of them.

use std::sync::Arc;
use std::time::Duration;

use super::error::CaptureError;
use super::facet::FacetSet;
use super::input::OpenInput;
use super::recording_sign::{OpenSign, SignPlan};
use super::screen::OpenScreen;
use super::sound::{OpenSound, SoundDevice, SoundPlan};
use super::target::{Target, TargetInfo};
use crate::base::time::Clock;
use crate::privacy::exclude::Exclusions;

/// What `--allow-missing` calls it that nobody tells whether the screen is locked.
pub const LOCK: &str = "lock";

/// What is asked of a screen.
#[derive(Clone)]
pub struct ScreenPlan {
    /// What is recorded.
    pub target: Target,
    /// The pointer is drawn into the pictures.
    pub cursor: bool,
    /// Windows that must not be seen.
    pub exclusions: Arc<Exclusions>,
    /// How long a window that was closed, or a monitor that was switched off, is waited for.
    pub wait_target: Duration,
    /// Stamps the pictures.
    pub clock: Arc<dyn Clock>,
}

/// Gamepads that are there.
pub struct Gamepads {
    /// Names of those that are there and may be read.
    pub names: Vec<String>,
    /// Opens them, and those that come later.
    pub open: OpenInput,
}

/// What is asked of inputs.
#[derive(Clone)]
pub struct InputPlan {
    /// Windows whose input must not be known.
    pub exclusions: Arc<Exclusions>,
    /// Gamepads are reported, by backends that have them.
    pub gamepads: bool,
    /// Input may be taken where nobody tells that the screen is locked, by backends that hear what is typed there.
    pub may_miss_lock: bool,
    /// Period of polling, for backends that poll.
    pub poll_period: Duration,
    /// Stamps the inputs.
    pub clock: Arc<dyn Clock>,
}

/// Streams that a backend is wanted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Pictures.
    pub screen: bool,
    /// Inputs.
    pub input: bool,
    /// Sound.
    pub sound: bool,
}

/// What a system gave when it was asked: the permission, and what belongs to it (a session of a portal, a token).
#[derive(Clone, Default)]
pub struct Grant(Option<Arc<dyn std::any::Any + Send + Sync>>);

impl Grant {
    /// Returns a grant with what only the backend itself can read.
    pub fn of<T: Send + Sync + 'static>(inside: T) -> Self {
        Self(Some(Arc::new(inside)))
    }

    /// Returns what the backend put in, when it is of this type.
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.as_deref().and_then(|inside| inside.downcast_ref())
    }
}

/// What there is to record.
#[derive(Clone, PartialEq, Debug)]
pub enum Targets {
    /// These, each with its name.
    List(Vec<TargetInfo>),
    /// The system shows the person a choice when recording starts, and lists nothing before.
    Picker,
}

/// One way to a screen, to inputs, to sound, or to several of them. The registry lists those of a build in the order in which `auto` tries them.
pub trait Backend: Sync {
    /// Returns the name that flags take and the documentation lists.
    fn name(&self) -> &'static str;

    /// Describes it in a few words, for the help.
    fn about(&self) -> &'static str;

    /// Returns the streams that it has.
    fn serves(&self) -> Wanted;

    /// Returns whether it was made for this system. Portable ones are used where no native one serves.
    fn is_native(&self) -> bool;

    /// Returns the facets that a person who chose this backend by name is known to do without.
    fn lacks(&self) -> FacetSet {
        FacetSet::NONE
    }

    /// Looks whether it can work here, without a dialog.
    ///
    /// # Errors
    /// Why it cannot.
    fn ready(&self) -> Result<(), CaptureError>;

    /// Says what there is, where opening it would ask the person; `None` for a backend that is tried by opening it.
    ///
    /// # Errors
    /// Why it is not there.
    fn offers(&self) -> Result<Option<String>, CaptureError> {
        Ok(None)
    }

    /// Says what of the session and of this process bears on what can be recorded, on systems where something does.
    fn session(&self) -> Option<String> {
        None
    }

    /// Asks the system, and through it the person, for what is wanted. Called once, before anything is opened.
    ///
    /// # Errors
    /// [`CaptureError::Unavailable`] when it was refused.
    fn ask(&self, _wanted: Wanted) -> Result<Grant, CaptureError> {
        Ok(Grant::default())
    }

    /// Has the system ask the person for the right that this backend needs, where that is asked for once and for all, and says what came of it; `None`
    /// for a backend that needs none, or for which the person is asked at each recording. Recording itself does not call it.
    ///
    /// # Errors
    /// Why nobody can be asked.
    fn request(&self) -> Result<Option<String>, CaptureError> {
        Ok(None)
    }

    /// Lists what can be recorded; `None` for a backend that has no screen.
    ///
    /// # Errors
    /// [`CaptureError::NoDisplay`] when there is no display.
    fn targets(&self) -> Result<Option<Targets>, CaptureError> {
        Ok(None)
    }

    /// Returns the kind of the display server, on systems that have several.
    ///
    /// # Errors
    /// [`CaptureError::NoDisplay`] when there is no display.
    fn display_kind(&self) -> Result<Option<&'static str>, CaptureError> {
        Ok(None)
    }

    /// Whether a window can be recorded alone here, where what else is on the screen could not be masked.
    fn offers_window_alone(&self) -> bool {
        false
    }

    /// Prepares the screen; `None` for a backend that has none.
    fn screen(&self, _plan: &ScreenPlan, _grant: &Grant) -> Option<OpenScreen> {
        None
    }

    /// Prepares the sign beside this backend's screen that says that it is recorded; `None` for a backend that has none.
    fn sign(&self, _plan: &SignPlan) -> Option<OpenSign> {
        None
    }

    /// Prepares the inputs, each a source of its own; none for a backend that has none.
    fn inputs(&self, _plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        Vec::new()
    }

    /// Prepares the gamepads, as a source beside another one of keys and the mouse; `None` for a backend that has none.
    ///
    /// # Errors
    /// Why those that are there may not be recorded.
    fn gamepads(&self, _plan: &InputPlan) -> Result<Option<Gamepads>, CaptureError> {
        Ok(None)
    }

    /// Lists the devices of sound; none for a backend that has none.
    ///
    /// # Errors
    /// [`CaptureError::Unavailable`] when the system does not tell.
    fn sounds(&self) -> Result<Vec<SoundDevice>, CaptureError> {
        Ok(Vec::new())
    }

    /// Prepares a device of sound; `None` for a backend that has none. That the device is not there is said when it is opened, by
    /// [`CaptureError::NoDevice`].
    fn sound(&self, _plan: &SoundPlan, _grant: &Grant) -> Option<OpenSound> {
        None
    }
}
