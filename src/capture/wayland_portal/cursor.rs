//! In which of the ways that a desktop has the pointer is asked for.

/// The pointer is left out of the pictures.
const HIDDEN: u32 = 1;
/// It is drawn into them by the desktop.
const EMBEDDED: u32 = 2;
/// It is told beside them: where it is, and how it looks.
const METADATA: u32 = 4;

/// A way to the pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Way {
    /// As the portal calls it.
    pub(super) mode: u32,
    /// The program beside this one draws it into the pictures.
    pub(super) draws: bool,
    /// It is in the pictures.
    pub(super) is_shown: bool,
    /// Its places are told.
    pub(super) is_told: bool,
}

/// Chooses the way in which the pointer is in the pictures, or not, as is `wanted`; where places are of use, one that tells them.
pub(super) fn choose(offered: u32, wanted: bool, places: bool) -> Way {
    let told = Way { mode: METADATA, draws: wanted, is_shown: wanted, is_told: true };
    let drawn = Way { mode: EMBEDDED, draws: false, is_shown: true, is_told: false };
    let hidden = Way { mode: HIDDEN, draws: false, is_shown: false, is_told: false };
    let order = match (wanted, places) {
        (true, true) => [told, drawn, hidden],
        (false, true) => [told, hidden, drawn],
        (true, false) => [drawn, told, hidden],
        (false, false) => [hidden, told, drawn],
    };
    // A portal of before it could be asked draws none.
    order.into_iter().find(|way| offered & way.mode != 0).unwrap_or(hidden)
}

/// Names what a desktop has.
pub(super) fn names(offered: u32) -> String {
    let all = [(HIDDEN, "left out"), (EMBEDDED, "drawn in"), (METADATA, "told beside the pictures")];
    let named: Vec<_> = all.into_iter().filter_map(|(mode, name)| (offered & mode != 0).then_some(name)).collect();
    if named.is_empty() { "left out".to_owned() } else { named.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pointer_is_in_the_pictures_as_was_asked_where_the_desktop_can() {
        for offered in 0..8 {
            for wanted in [false, true] {
                for places in [false, true] {
                    let way = choose(offered, wanted, places);
                    assert!(offered & way.mode != 0 || (offered, way.mode) == (0, HIDDEN), "{offered} {way:?}");
                    let can = if wanted { EMBEDDED | METADATA } else { HIDDEN | METADATA };
                    assert!(way.is_shown == wanted || offered & can == 0, "{offered} {wanted} {way:?}");
                    assert_eq!(way.is_told, way.mode == METADATA);
                    assert!(!places || way.is_told || offered & METADATA == 0, "{offered} {way:?}");
                }
            }
        }
        assert_eq!(choose(3, true, true).mode, EMBEDDED, "xdg-desktop-portal-wlr");
        assert_eq!(names(7), "left out, drawn in, told beside the pictures");
        assert_eq!((names(3).as_str(), names(0).as_str()), ("left out, drawn in", "left out"));
    }
}
