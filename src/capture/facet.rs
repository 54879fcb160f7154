//! The abilities of input sources: what recordings promise of their inputs.

use std::fmt;

/// One kind of input that a source may report, or one thing it may know of inputs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Facet {
    /// Keys.
    Keys,
    /// Buttons of pointers.
    Buttons,
    /// Wheels.
    Wheel,
    /// Relative motion.
    Motion,
    /// The pointer's position.
    Position,
    /// Which window is active.
    Focus,
    /// When what is typed must not be known ([`crate::capture::RawInput::Secret`]). Proves something only in a source that also
    /// gives [`Facet::Keys`] and [`Facet::Focus`]: the order of a secret and the keys around it is that of one source.
    Redaction,
    /// Gamepads. Recorded where there are some; no recording needs them ([`FacetSet::PROMISED`]).
    Gamepads,
}

impl Facet {
    /// All, in the order in which they are listed everywhere.
    pub const ALL: [Self; 8] = [
        Self::Keys,
        Self::Buttons,
        Self::Wheel,
        Self::Motion,
        Self::Position,
        Self::Focus,
        Self::Redaction,
        Self::Gamepads,
    ];

    /// Returns the name that `--allow-missing` takes and `doctor` prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Buttons => "buttons",
            Self::Wheel => "wheel",
            Self::Motion => "motion",
            Self::Position => "position",
            Self::Focus => "focus",
            Self::Redaction => "redaction",
            Self::Gamepads => "gamepads",
        }
    }

    /// Returns the name in the log and in the metadata, where two have longer names.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Motion => "relative_motion",
            Self::Redaction => "tells_secrets",
            other => other.name(),
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A set of [`Facet`]s.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct FacetSet(u8);

impl FacetSet {
    /// No facet.
    pub const NONE: Self = Self(0);
    /// Every facet.
    pub const ALL: Self = Self::of(&Facet::ALL);
    /// What recordings promise of a keyboard, a mouse and windows: every facet but gamepads.
    pub const PROMISED: Self = Self::ALL.without(Self::of(&[Facet::Gamepads]));

    /// Returns the set of these facets.
    pub const fn of(facets: &[Facet]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < facets.len() {
            set |= facets[at].bit();
            at += 1;
        }
        Self(set)
    }

    /// Returns whether a facet is among them.
    pub const fn has(self, facet: Facet) -> bool {
        self.0 & facet.bit() != 0
    }

    /// Returns what is in either set.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns what is in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether no facet is among them.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the facets, in the order of [`Facet::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Facet> {
        Facet::ALL.into_iter().filter(move |facet| self.has(*facet))
    }

    /// Returns what recordings can rely on of a source with these facets: without [`Facet::Redaction`] where it proves nothing.
    #[must_use]
    pub const fn proven(self) -> Self {
        if self.has(Facet::Keys) && self.has(Facet::Focus) { self } else { self.without(Self::of(&[Facet::Redaction])) }
    }
}

impl fmt::Display for FacetSet {
    /// Writes the names, with commas between.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.iter().map(Facet::name).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for FacetSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{{{self}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_keep_what_was_put_in_and_list_it_in_order() {
        let some = FacetSet::of(&[Facet::Focus, Facet::Keys]);
        assert_eq!(some.to_string(), "keys,focus");
        assert_eq!(FacetSet::PROMISED.without(some).to_string(), "buttons,wheel,motion,position,redaction");
        assert_eq!(FacetSet::ALL.without(FacetSet::PROMISED).to_string(), "gamepads");
        assert_eq!(FacetSet::ALL.iter().count(), Facet::ALL.len());
        assert!(FacetSet::NONE.is_empty() && FacetSet::ALL.without(FacetSet::ALL).is_empty());
    }

    #[test]
    fn redaction_proves_nothing_without_keys_and_focus_of_the_same_source() {
        for lacking in [Facet::Keys, Facet::Focus] {
            let facets = FacetSet::ALL.without(FacetSet::of(&[lacking]));
            assert!(!facets.proven().has(Facet::Redaction), "without {}", lacking.name());
        }
        assert_eq!(FacetSet::ALL.proven(), FacetSet::ALL);
    }
}
