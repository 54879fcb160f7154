//! What the metadata say of the sign on the screen, from the facts of the log.

use crate::log::setup::Setup;
use crate::session::metadata::{Extra, ScreenSign, SignAway};

/// Returns whether, where and when a sign was shown; `None` where none was wanted.
pub(super) fn of(setup: &Setup, begin_ns: i64) -> Option<ScreenSign> {
    let fact = setup.sign.as_ref()?;
    let shown = fact.shown == Some(true);
    let spell = |from_ns, until_ns, reason: &Option<String>| SignAway {
        from_ns,
        until_ns,
        reason: reason.clone().unwrap_or_default(),
        extra: Extra::new(),
    };
    let never = (!shown).then(|| spell(begin_ns, None, &fact.reason));
    let away = setup.sign_away.iter().filter_map(|away| Some(spell(away.from_ns?, away.until_ns, &away.reason)));
    Some(ScreenSign {
        shown,
        by: fact.by.clone(),
        monitor: fact.monitor.clone(),
        corner: fact.corner.clone(),
        in_picture: fact.in_picture,
        away: never.into_iter().chain(away).collect(),
        extra: Extra::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::fact::{SignAwayFact, SignFact};

    #[test]
    fn a_sign_that_was_never_shown_was_away_from_the_begin_and_none_was_wanted_is_no_sign() {
        assert_eq!(of(&Setup::default(), 7), None);
        let fact = SignFact { shown: Some(false), reason: Some("unavailable".into()), ..SignFact::default() };
        let sign = of(&Setup { sign: Some(fact), ..Setup::default() }, 7).expect("it was wanted");
        let away: Vec<_> = sign.away.iter().map(|away| (away.from_ns, away.until_ns, away.reason.as_str())).collect();
        assert_eq!((sign.shown, away), (false, vec![(7, None, "unavailable")]));
    }

    #[test]
    fn a_sign_that_was_lost_says_when() {
        let away = SignAwayFact { from_ns: Some(20), until_ns: Some(30), reason: Some("gone".into()) };
        let fact =
            SignFact { shown: Some(true), by: Some("x11".into()), in_picture: Some(true), ..SignFact::default() };
        let setup = Setup { sign: Some(fact), sign_away: vec![away, SignAwayFact::default()], ..Setup::default() };
        let sign = of(&setup, 7).expect("it was wanted");
        assert_eq!((sign.shown, sign.by.as_deref(), sign.in_picture), (true, Some("x11"), Some(true)));
        let away: Vec<_> = sign.away.iter().map(|away| (away.from_ns, away.until_ns, away.reason.as_str())).collect();
        assert_eq!(away, [(20, Some(30), "gone")]);
    }
}
