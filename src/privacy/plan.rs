//! Everything that a recording keeps out: masks, windows, keys, and the profile that asks for them.

use super::exclude::Exclusions;
use super::fact::{PrivacyFact, RegionFact};
use super::keys::KeyRules;
use super::mask::{AskedBy, Mask, OutsidePicture};
use crate::base::event::Area;
use std::sync::Arc;

/// Everything that a recording keeps out.
#[derive(Clone, Default)]
pub struct Plan {
    /// Areas that are black in every picture.
    pub masks: Vec<Mask>,
    /// Windows that are masked wherever they are, and whose input is withheld.
    pub exclusions: Arc<Exclusions>,
    /// Which keys are recorded with their codes.
    pub keys: KeyRules,
    /// Name of the profile in force from start to end.
    pub profile: Option<String>,
    /// How the profile is chosen.
    pub choice: Choice,
    /// The profile that fits a window that was open before the sources were; taken when the windows are not followed.
    pub at_start: Option<FoundProfile>,
}

/// How a profile is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Choice {
    /// None is.
    #[default]
    None,
    /// By its name.
    Named,
    /// By the windows, which are followed from start to end.
    Auto,
    /// By the windows that were there when recording began: the source does not follow them.
    AutoAtStart,
}

impl Choice {
    /// The word in the metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Named => "named",
            Self::Auto => "auto",
            Self::AutoAtStart => "auto_at_start",
        }
    }
}

/// A profile that fits a window.
#[derive(Clone)]
pub struct FoundProfile {
    /// Its name.
    pub name: String,
    /// Its masks, of the whole picture.
    pub masks: Vec<Mask>,
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
    /// The input source tells which window is active.
    pub tells_focus: bool,
    /// Windows are told by their program, too.
    pub names_programs: bool,
    /// Inputs are recorded only while the recorded window has the focus.
    pub only_with_focus: bool,
}

impl Plan {
    /// Whole windows must be masked, so the screen source must know them.
    pub fn masks_windows(&self) -> bool {
        self.exclusions.has_rules()
    }

    /// The plan once it is known whether the screen source follows windows. One that does not has the masks of the profile that fits a window
    /// that was open before, as if it were named.
    #[must_use]
    pub fn settled(mut self, follows_windows: bool) -> Self {
        if self.choice == Choice::Auto && !follows_windows {
            self.choice = Choice::AutoAtStart;
            if let Some(FoundProfile { name, masks }) = self.at_start.take() {
                self.profile = Some(name);
                self.masks.extend(masks);
            }
        }
        self
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
    pub fn to_fact(&self, real: InForce) -> PrivacyFact {
        let areas = self.areas(real.surface);
        let chat_masked = areas.iter().any(|(_, mask)| mask.reason == "chat");
        let chat_keys = !real.input || self.keys.withholds_chat(real.tells_focus);
        let region = |(area, mask): (Area, &Mask)| RegionFact {
            x: Some(area.x),
            y: Some(area.y),
            width: Some(area.width),
            height: Some(area.height),
            source: Some(mask.asked_by.name().to_owned()),
            reason: Some(mask.reason.clone()),
        };
        let excluded = if real.masks_windows && (real.hides_secrets || !real.input) {
            self.exclusions.names(real.names_programs)
        } else {
            Vec::new()
        };
        PrivacyFact {
            chat_redacted: Some(chat_masked && chat_keys),
            notifications_masked: Some(real.masks_windows && self.exclusions.notifications),
            pii_regions: Some(areas.into_iter().map(region).collect()),
            excluded_apps: Some(excluded),
            profile: self.profile.clone(),
            profile_choice: Some(self.choice.name().to_owned()),
            chat_keys_withheld: Some(chat_keys),
            input_only_with_focus: Some(real.only_with_focus),
            keys: real.input.then(|| self.keys.policy.name().to_owned()),
            ..PrivacyFact::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::mask::Place;

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
            tells_focus: false,
            names_programs: false,
            only_with_focus: false,
        };
        let said = |text: &str| plan(text, AskedBy::Profile, "chat").to_fact(real).chat_redacted;
        assert_eq!((said("0,600,100,100"), said("2000,2000,10,10")), (Some(true), Some(false)));
    }
}
