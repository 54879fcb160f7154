//! What may be recorded: pure decisions, applied before anything is opened, encoded or appended.

pub mod chat;
pub mod consent;
pub mod exclude;
pub mod keys;
pub mod mask;
pub mod profile;
pub mod spans;

use std::sync::Arc;

use serde_json::{Value, json};

use self::exclude::Exclusions;
use self::keys::KeyRules;
use self::mask::Mask;
use crate::event::Area;

/// Everything that a recording keeps out.
#[derive(Clone, Default)]
pub struct Plan {
    /// Areas that are black in every picture.
    pub masks: Vec<Mask>,
    /// Windows that are masked wherever they are, and whose input is withheld.
    pub exclusions: Arc<Exclusions>,
    /// Which keys are recorded with their codes.
    pub keys: KeyRules,
    /// Name of the profile in force.
    pub profile: Option<String>,
}

/// What of a plan the sources that were opened can do.
#[derive(Clone, Copy, Debug)]
pub struct InForce {
    /// Size of the surface at the start, pixels.
    pub surface: (u32, u32),
    /// The screen source tells where excluded windows are, or they cannot be in the picture.
    pub masks_windows: bool,
    /// Inputs are recorded.
    pub input: bool,
    /// The input source tells when what is typed must not be known.
    pub hides_secrets: bool,
    /// Inputs are recorded only while the recorded window has the focus.
    pub only_with_focus: bool,
}

impl Plan {
    /// Windows must be masked, so the screen source must know them.
    pub fn masks_windows(&self) -> bool {
        !self.exclusions.is_empty()
    }

    /// The fixed masks on a surface of this size, with their reasons.
    pub fn areas(&self, surface: (u32, u32)) -> Vec<(Area, &Mask)> {
        self.masks.iter().filter_map(|mask| Some((mask.place.resolve(surface)?, mask))).collect()
    }

    /// The fact for the log: only what is in force.
    pub fn to_fact(&self, real: InForce) -> Value {
        let chat_masked = self.masks.iter().any(|mask| mask.reason == "chat");
        let chat_keys = !real.input || self.keys.withholds_chat();
        let regions: Vec<Value> = self
            .areas(real.surface)
            .into_iter()
            .map(|(area, mask)| {
                json!({
                    "x": area.x, "y": area.y, "width": area.width, "height": area.height,
                    "source": mask.asked_by.name(), "reason": mask.reason,
                })
            })
            .collect();
        let excluded = if real.masks_windows && (real.hides_secrets || !real.input) {
            self.exclusions.names()
        } else {
            Vec::new()
        };
        json!({
            "chat_redacted": chat_masked && chat_keys,
            "notifications_masked": real.masks_windows && self.exclusions.notifications,
            "pii_regions": regions,
            "excluded_apps": excluded,
            "profile": self.profile,
            "input_only_with_focus": real.only_with_focus,
            "keys": real.input.then(|| self.keys.policy.name()),
        })
    }
}
