//! The sign on the screen of a recording that was split: as its first part has it, with the times of all parts in which it was not shown; none where a
//! part says nothing of one.

use crate::session::metadata::ScreenSign;

/// Joins what parts say of it, each with its begin on the clock of `t_ns`. A time that lasted to the end of a part goes on in the next one, or ends with it.
pub(super) fn join<'a>(parts: impl Iterator<Item = (i64, Option<&'a ScreenSign>)>) -> Option<ScreenSign> {
    let mut all: Option<ScreenSign> = None;
    for (begin, sign) in parts {
        let sign = sign?;
        let Some(all) = &mut all else {
            all = Some(sign.clone());
            continue;
        };
        let mut away = sign.away.iter().cloned().peekable();
        if let Some(last) = all.away.last_mut().filter(|last| last.until_ns.is_none()) {
            last.until_ns = away.next_if(|first| first.from_ns <= begin).map_or(Some(begin), |first| first.until_ns);
        }
        all.away.extend(away);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::metadata::SignAway;

    fn sign(away: &[(i64, Option<i64>)]) -> ScreenSign {
        let spell = |(from_ns, until_ns): &(i64, Option<i64>)| SignAway {
            from_ns: *from_ns,
            until_ns: *until_ns,
            ..SignAway::default()
        };
        ScreenSign { shown: true, away: away.iter().map(spell).collect(), ..ScreenSign::default() }
    }

    #[test]
    fn a_time_that_reaches_over_seams_is_one_and_those_of_later_parts_are_kept() {
        let of = |parts: &[(i64, Option<ScreenSign>)]| {
            let joined = join(parts.iter().map(|(begin, sign)| (*begin, sign.as_ref())))?;
            Some(joined.away.iter().map(|away| (away.from_ns, away.until_ns)).collect::<Vec<_>>())
        };
        let lasts =
            [(0, Some(sign(&[(5, None)]))), (10, Some(sign(&[(10, None)]))), (20, Some(sign(&[(20, Some(25))])))];
        assert_eq!(of(&lasts), Some(vec![(5, Some(25))]));
        assert_eq!(of(&lasts[..2]), Some(vec![(5, None)]));
        // It was shown again at the seam, and lost once more.
        let again = [(0, Some(sign(&[(1, Some(2)), (5, None)]))), (10, Some(sign(&[(12, None)])))];
        assert_eq!(of(&again), Some(vec![(1, Some(2)), (5, Some(10)), (12, None)]));
        assert_eq!(of(&[(0, Some(sign(&[]))), (10, Some(sign(&[(11, Some(12))])))]), Some(vec![(11, Some(12))]));
        // What a part says nothing of is not said of all.
        for parts in [[None, None], [None, Some(sign(&[]))], [Some(sign(&[])), None]] {
            let [first, second] = parts;
            assert_eq!(of(&[(0, first), (10, second)]), None);
        }
    }
}
