//! The devices of the system, and which of them is meant. A device that plays is recorded as what it plays.

use cpal::traits::{DeviceTrait as _, HostTrait as _};
use cpal::{Device, SupportedStreamConfig};

use crate::capture::CaptureError;
use crate::capture::sound::{SoundDevice, SoundRole, SoundWanted};

/// The name of the backend.
pub(super) const NAME: &str = "cpal";

/// Says why the system does not give its sound.
pub(super) fn unavailable(error: &cpal::Error) -> CaptureError {
    CaptureError::Unavailable { backend: NAME, what: "audio".into(), detail: error.to_string() }
}

/// A device, and as what it is recorded.
pub(super) struct Found {
    /// The device.
    pub(super) device: Device,
    /// What it hears.
    pub(super) role: SoundRole,
}

impl Found {
    /// Returns its name, by which it is asked for.
    pub(super) fn id(&self) -> String {
        self.device.id().map(|id| id.to_string()).unwrap_or_default()
    }

    /// Returns how it gives its sound when nobody asks for anything.
    pub(super) fn config(&self) -> Result<SupportedStreamConfig, cpal::Error> {
        match self.role {
            SoundRole::System => self.device.default_output_config(),
            SoundRole::Microphone => self.device.default_input_config(),
        }
    }
}

fn all() -> Result<Vec<Found>, cpal::Error> {
    let mut found = Vec::new();
    for device in cpal::default_host().devices()? {
        let roles = [(device.supports_output(), SoundRole::System), (device.supports_input(), SoundRole::Microphone)];
        for (_, role) in roles.into_iter().filter(|(is, _)| *is) {
            found.push(Found { device: device.clone(), role });
        }
    }
    Ok(found)
}

fn default(role: SoundRole) -> Option<Found> {
    let host = cpal::default_host();
    let device = match role {
        SoundRole::System => host.default_output_device(),
        SoundRole::Microphone => host.default_input_device(),
    };
    device.map(|device| Found { device, role })
}

/// Lists the devices.
///
/// # Errors
/// [`CaptureError::Unavailable`] when the system does not tell.
pub(super) fn list() -> Result<Vec<SoundDevice>, CaptureError> {
    let defaults = [SoundRole::System, SoundRole::Microphone].map(|role| default(role).map(|found| (found.id(), role)));
    let listed = |found: Found| {
        let (id, config) = (found.id(), found.config().ok());
        SoundDevice {
            is_default: defaults.iter().flatten().any(|(other, role)| *other == id && *role == found.role),
            id,
            title: found.device.to_string(),
            role: found.role,
            rate: config.as_ref().map(SupportedStreamConfig::sample_rate),
            channels: config.as_ref().map(SupportedStreamConfig::channels),
        }
    };
    Ok(all().map_err(|error| unavailable(&error))?.into_iter().map(listed).collect())
}

/// Returns the device that is wanted.
///
/// # Errors
/// [`CaptureError::NoDevice`] when there is none, [`CaptureError::Unavailable`] when the system does not tell.
pub(super) fn find(wanted: &SoundWanted) -> Result<Found, CaptureError> {
    let found = match wanted {
        SoundWanted::Role(role) => default(*role),
        SoundWanted::Device(id) => {
            all().map_err(|error| unavailable(&error))?.into_iter().find(|found| found.id() == *id)
        }
    };
    found.ok_or_else(|| CaptureError::NoDevice { wanted: wanted.shown().to_owned() })
}
