//! How windows are named: one rule for `--app`, `--exclude-app`, `--window-title`, `--exclude-title`, the configuration and profiles.
//!
//! Case does not count, and `*` stands for any characters. An application is compared whole, with the class and with the instance
//! of a window; a title may have anything around what is asked for. Names are rules of ours or the person's, never captured
//! content.

/// Whether a window is of an application: its class or its instance is what `pattern` says, as a whole.
pub fn app_fits(pattern: &str, class: &str, instance: &str) -> bool {
    let pattern = pattern.trim().to_lowercase();
    [class, instance].iter().any(|name| !name.is_empty() && is_whole(&pattern, &name.to_lowercase()))
}

/// Whether what `part` says is somewhere in a title.
pub fn title_fits(part: &str, title: &str) -> bool {
    is_part(&part.trim().to_lowercase(), &title.to_lowercase())
}

/// Whether a name as a whole is what a pattern says; both in lower case.
pub(super) fn is_whole(pattern: &str, name: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(begin) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    name.strip_suffix(end).is_some_and(|name| is_part(middle, name))
}

/// Whether the pieces between the `*` of a pattern stand in a text, in their order; both in lower case.
pub(super) fn is_part(pattern: &str, text: &str) -> bool {
    let mut rest = text;
    pattern.split('*').all(|piece| match rest.split_once(piece) {
        Some((_, behind)) => {
            rest = behind;
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_whole_names_of_class_or_instance() {
        for pattern in ["XTerm", "xterm", "uxterm", " UXTerm ", "x*", "*term", "u*m", "*xt*", "*", "x*e*m", "xterm*"] {
            assert!(app_fits(pattern, "XTerm", "uxterm"), "{pattern:?}");
        }
        for pattern in ["term", "xterm2", "y*", "xt", "", "*x", "xterm*m", "x*m*e*"] {
            assert!(!app_fits(pattern, "XTerm", "uxterm"), "{pattern:?}");
        }
        assert!(!app_fits("", "", "") && !app_fits("*", "", ""), "a window without a name is of no application");
    }

    #[test]
    fn titles_are_named_by_a_part() {
        for part in ["report", "Report", "june", "re*june", "*", "", " report ", "port*.od*"] {
            assert!(title_fits(part, "Report June.odt - Writer"), "{part:?}");
        }
        for part in ["reports", "june*report", "x", "*x*"] {
            assert!(!title_fits(part, "Report June.odt - Writer"), "{part:?}");
        }
    }
}
