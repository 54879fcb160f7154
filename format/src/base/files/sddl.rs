//! Rights to files as Windows writes them down (the security descriptor definition language): what gives something to its owner alone, and whether
//! others have a right to it. Pure.
//!
//! Invariant: what cannot be read counts as open to others.

/// Who may use something whatever its rights say: the system itself, and administrators, who can take any right.
const ABOVE_RIGHTS: [&str; 2] = ["SY", "BA"];
/// Stand for the owner, and for whoever makes something below.
const OWNER: [&str; 2] = ["OW", "CO"];

/// Rights of the owner alone, that nothing above adds to. `below` is what hands them down: flags of inheritance, or nothing.
pub(super) fn of_owner(sid: &str, below: &str) -> String {
    format!("O:{sid}D:P(A;{below};FA;;;{sid})")
}

/// Whether nobody but the owner, which has to be `own`, has a right to something with this descriptor; as the same conversion wrote both.
pub(super) fn is_private(descriptor: &str, own: &str) -> bool {
    let known = |who: &str| who == own || ABOVE_RIGHTS.contains(&who);
    let Some(owner) = part(descriptor, "O:") else { return false };
    let Some((_, entries)) = part(descriptor, "D:").and_then(|list| list.split_once('(')) else { return false };
    known(owner)
        && entries.split('(').all(|entry| {
            let fields: Vec<&str> = entry.trim_end_matches(')').split(';').collect();
            let [kind, _, _, _, _, who] = fields[..] else { return false };
            // Those that deny take nothing away from what the others must not give.
            kind == "D" || kind == "A" && (known(who) || OWNER.contains(&who))
        })
}

/// The part of a descriptor behind its letter, up to the next one. Parts are in the order O, G, D, S.
fn part<'a>(descriptor: &'a str, letter: &str) -> Option<&'a str> {
    let (_, behind) = descriptor.split_once(letter)?;
    let end = ["G:", "D:", "S:"].iter().filter_map(|next| behind.find(next)).min();
    Some(&behind[..end.unwrap_or(behind.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "S-1-5-21-0-0-0-1000";

    #[test]
    fn what_is_given_to_the_owner_is_private_and_more_is_not() {
        assert!(is_private(&of_owner(ME, ""), ME) && is_private(&of_owner(ME, "OICI"), ME));
        for (rights, private) in [
            ("D:AI(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;OICIID;FA;;;S-1-5-21-0-0-0-1000)", true),
            ("D:(A;;FA;;;S-1-5-21-0-0-0-1000)(A;OICIIO;GA;;;CO)", true),
            ("D:(D;;FA;;;WD)(A;;FA;;;OW)S:(AU;SA;FA;;;WD)", true),
            ("D:AI(A;;FA;;;S-1-5-21-0-0-0-1000)(A;;0x1200a9;;;BU)", false),
            ("D:P(A;;FR;;;WD)", false),
            ("D:P(A;;FA;;;S-1-5-21-0-0-0-1001)", false),
            // One with a condition, of which nothing is known here.
            ("D:(XA;;FX;;;S-1-5-21-0-0-0-1000;(@User.Title))", false),
            ("D:", false),
            ("D:NO_ACCESS_CONTROL", false),
            ("", false),
        ] {
            assert_eq!(is_private(&format!("O:{ME}G:DU{rights}"), ME), private, "{rights}");
        }
        assert!(!is_private(&of_owner("S-1-5-21-0-0-0-1001", ""), ME), "it is somebody else's");
        assert!(!is_private("D:(A;;FA;;;SY)", ME), "it is nobody's");
    }
}
