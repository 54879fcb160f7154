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
use self::mask::{AskedBy, Mask, OutsidePicture};
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

    /// Checks that what a person asked to be covered is on a surface of this size. What a profile asks for is laid out like a game's
    /// display: what is not on the surface of that is not shown there either.
    ///
    /// # Errors
    /// [`OutsidePicture`] for the first mask of which nothing is.
    pub fn check_masks(&self, surface: (u32, u32)) -> Result<(), OutsidePicture> {
        let mut asked = self.masks.iter().filter(|mask| mask.asked_by != AskedBy::Profile);
        match asked.find(|mask| mask.place.resolve(surface).is_none()) {
            Some(Mask { place, asked_by, .. }) => {
                Err(OutsidePicture { area: place.to_string(), asked_by: *asked_by, picture: surface })
            }
            None => Ok(()),
        }
    }

    /// The fixed masks on a surface of this size, with their reasons; those of which nothing is there are left out.
    pub fn areas(&self, surface: (u32, u32)) -> Vec<(Area, &Mask)> {
        self.masks.iter().filter_map(|mask| Some((mask.place.resolve(surface)?, mask))).collect()
    }

    /// The fact for the log: only what is in force.
    pub fn to_fact(&self, real: InForce) -> Value {
        let areas = self.areas(real.surface);
        let chat_masked = areas.iter().any(|(_, mask)| mask.reason == "chat");
        let chat_keys = !real.input || self.keys.withholds_chat();
        let regions: Vec<Value> = areas
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

#[cfg(test)]
mod tests {
    use super::mask::Place;
    use super::*;

    fn plan(text: &str, asked_by: AskedBy, reason: &str) -> Plan {
        let place = Place::parse(text).expect("a place");
        Plan { masks: vec![Mask { place, asked_by, reason: reason.into() }], ..Plan::default() }
    }

    #[test]
    fn a_mask_that_a_person_asked_for_is_in_the_picture_or_refused() {
        for asked_by in [AskedBy::Flag, AskedBy::Config] {
            let check = |text: &str| plan(text, asked_by, "mask").check_masks((1280, 720));
            assert_eq!(
                (check("1270,710,100,100"), check("-5,0,6,6"), check("0%,90%,25%,10%")),
                (Ok(()), Ok(()), Ok(()))
            );
            let refused = check("2000,2000,10,10").expect_err("it is outside");
            assert_eq!(refused.to_string(), "the mask 2000,2000,10,10 is not inside the picture of 1280x720 pixels");
            assert_eq!(refused.hint().contains("configuration"), asked_by == AskedBy::Config);
            for outside in ["1280,0,10,10", "0,720,10,10", "-10,0,10,10", "100%,0%,10%,10%"] {
                assert!(check(outside).is_err(), "{outside} was accepted");
            }
        }
        assert_eq!(plan("2000,2000,10,10", AskedBy::Profile, "chat").check_masks((1280, 720)), Ok(()));
    }

    #[test]
    fn chat_that_no_mask_is_on_is_not_said_to_be_redacted() {
        let real = InForce {
            surface: (1280, 720),
            masks_windows: true,
            input: false,
            hides_secrets: false,
            only_with_focus: false,
        };
        let said = |text: &str| plan(text, AskedBy::Profile, "chat").to_fact(real)["chat_redacted"].clone();
        assert_eq!((said("0,600,100,100"), said("2000,2000,10,10")), (json!(true), json!(false)));
    }
}
