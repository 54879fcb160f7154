//! The name that was probably meant.

/// Most edits between what was written and what was meant, for each three letters of it.
const LETTERS_AN_EDIT: usize = 3;
/// Longest name that is compared, bytes: far above any key's.
const LONGEST: usize = 64;

/// Returns the known name that is nearest to `name`; none when none is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let (edits, found) = known.map(|known| (distance(name, known), known)).min()?;
    (edits <= name.chars().count().max(LETTERS_AN_EDIT) / LETTERS_AN_EDIT).then_some(found)
}

/// Edits from one word to another: a letter more, less, another one, or two neighbours exchanged.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for (i, of_a) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, of_b) in b.iter().enumerate() {
            let changed = rows[i][j] + usize::from(of_a != of_b);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *of_a == b[j - 1] && a[i - 1] == *of_b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_found_and_what_is_far_is_not() {
        let known = || ["fps", "bitrate_kbps", "gop", "quality", "consent"].into_iter();
        assert_eq!(nearest("fsp", known()), Some("fps"));
        assert_eq!(nearest("bitrat_kbps", known()), Some("bitrate_kbps"));
        assert_eq!(nearest("quallity", known()), Some("quality"));
        assert_eq!(nearest("colour", known()), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), known()), None);
        assert_eq!((distance("", "ab"), distance("ab", "ab"), distance("ab", "ba")), (2, 0, 1));
    }
}
