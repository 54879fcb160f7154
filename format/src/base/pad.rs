//! Gamepads: their controls by the names of this format, and what they do.
//!
//! The controls are those of the standard mapping of the W3C (<https://www.w3.org/TR/gamepad/#remapping>), which numbers them and gives no names: each
//! name here stands for one of its numbers ([`PadControl::standard`]).

/// Most gamepads at once: their numbers are below this.
pub const MAX_PADS: u8 = 16;

/// A control of a gamepad with the standard mapping.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[expect(missing_docs, reason = "the names say it; FORMAT.md says which is which on a pad")]
pub enum PadControl {
    South,
    East,
    West,
    North,
    LeftShoulder,
    RightShoulder,
    LeftTrigger,
    RightTrigger,
    Back,
    Start,
    LeftStick,
    RightStick,
    DpadUp,
    DpadDown,
    DpadLeft,
    DpadRight,
    Guide,
    LeftX,
    LeftY,
    RightX,
    RightY,
}

/// Where the W3C lists a control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StandardPlace {
    /// `buttons[n]`.
    Button(u8),
    /// `axes[n]`.
    Axis(u8),
}

impl PadControl {
    /// Every control: the buttons in the order of their numbers, then the axes in that of theirs.
    pub const ALL: [Self; 21] = [
        Self::South,
        Self::East,
        Self::West,
        Self::North,
        Self::LeftShoulder,
        Self::RightShoulder,
        Self::LeftTrigger,
        Self::RightTrigger,
        Self::Back,
        Self::Start,
        Self::LeftStick,
        Self::RightStick,
        Self::DpadUp,
        Self::DpadDown,
        Self::DpadLeft,
        Self::DpadRight,
        Self::Guide,
        Self::LeftX,
        Self::LeftY,
        Self::RightX,
        Self::RightY,
    ];
    /// How many of them are buttons.
    pub const BUTTONS: usize = 17;

    /// Returns the name in `events.parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::South => "south",
            Self::East => "east",
            Self::West => "west",
            Self::North => "north",
            Self::LeftShoulder => "left_shoulder",
            Self::RightShoulder => "right_shoulder",
            Self::LeftTrigger => "left_trigger",
            Self::RightTrigger => "right_trigger",
            Self::Back => "back",
            Self::Start => "start",
            Self::LeftStick => "left_stick",
            Self::RightStick => "right_stick",
            Self::DpadUp => "dpad_up",
            Self::DpadDown => "dpad_down",
            Self::DpadLeft => "dpad_left",
            Self::DpadRight => "dpad_right",
            Self::Guide => "guide",
            Self::LeftX => "left_x",
            Self::LeftY => "left_y",
            Self::RightX => "right_x",
            Self::RightY => "right_y",
        }
    }

    /// Returns the control with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|control| control.name() == name)
    }

    /// Returns where the W3C lists it.
    pub fn standard(self) -> StandardPlace {
        let place = Self::ALL.iter().position(|control| *control == self).unwrap_or_default();
        match place.checked_sub(Self::BUTTONS) {
            None => StandardPlace::Button(place as u8),
            Some(axis) => StandardPlace::Axis(axis as u8),
        }
    }

    /// Whether it is pressed and not tilted: told as an axis it goes from 0 to 1. Triggers do, and shoulders where they can.
    pub fn is_one_sided(self) -> bool {
        matches!(self.standard(), StandardPlace::Button(_))
    }
}

/// What a gamepad says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PadAbout {
    /// Its name.
    pub name: String,
    /// Who made it, by the number of the bus.
    pub vendor: Option<u16>,
    /// What it is, by the maker's number.
    pub product: Option<u16>,
    /// Its controls have names.
    pub standard: bool,
}

/// What happened to a gamepad.
#[derive(Clone, PartialEq, Debug)]
pub enum PadChange {
    /// It is there.
    Connected(PadAbout),
    /// It is gone. Nothing of it is held.
    Disconnected,
    /// A button changed.
    Button {
        /// Which; `None` for one that the standard mapping does not have.
        control: Option<PadControl>,
        /// The system's own code.
        native: u32,
        /// Went down, else up.
        pressed: bool,
    },
    /// A stick or a trigger moved.
    Axis {
        /// Which, likewise.
        control: Option<PadControl>,
        /// The system's own code.
        native: u32,
        /// Where it is: -1 to 1, of a trigger 0 to 1 ([`PadControl::is_one_sided`]); 0 is at rest.
        value: f32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_control_has_one_name_and_one_place() {
        let names: std::collections::BTreeSet<_> = PadControl::ALL.iter().map(|control| control.name()).collect();
        assert_eq!(names.len(), PadControl::ALL.len());
        for control in PadControl::ALL {
            assert_eq!(PadControl::named(control.name()), Some(control));
        }
        assert_eq!(PadControl::named("turbo"), None);
        assert_eq!(PadControl::Guide.standard(), StandardPlace::Button(16));
        assert_eq!(
            (PadControl::LeftX.standard(), PadControl::RightY.standard()),
            (StandardPlace::Axis(0), StandardPlace::Axis(3))
        );
    }
}
