//! Names that a file or folder can have: one part of a path, on this system.

/// Characters that Windows allows in no name.
const FORBIDDEN: &str = "<>:\"|?*";

/// Names of devices on Windows, with any ending: `nul.txt` is one as well.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Returns why a folder cannot get this name here; `None` when it can.
pub fn why_not(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.contains(['/', '\\']) {
        Some("it is a path")
    } else if name.starts_with('.') {
        Some("it begins with a dot")
    } else if cfg!(windows) {
        why_not_on_windows(name)
    } else {
        None
    }
}

/// As [`why_not`], for what only Windows refuses or, worse, replaces by another name in silence.
fn why_not_on_windows(name: &str) -> Option<&'static str> {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |kind: &str| {
        stem.strip_prefix(kind)
            .is_some_and(|rest| matches!(rest, "¹" | "²" | "³") || matches!(rest.as_bytes(), [b'0'..=b'9']))
    };
    if name.chars().any(|c| c.is_control() || FORBIDDEN.contains(c)) {
        Some("Windows allows none of < > : \" | ? * in a name")
    } else if name.ends_with(['.', ' ']) {
        Some("Windows drops dots and spaces at the end of a name")
    } else if DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        Some("it is the name of a device on Windows")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_part_of_a_path() {
        for name in ["", "a/b", r"a\b", ".hidden", ".."] {
            assert!(why_not(name).is_some(), "{name:?}");
        }
        for name in ["session_20261129_233000", "boss run", "größer", "a.b"] {
            assert_eq!((why_not(name), why_not_on_windows(name)), (None, None), "{name:?}");
        }
        assert_eq!(why_not("a:b").is_some(), cfg!(windows));
    }

    #[test]
    fn windows_takes_no_devices_and_nothing_that_it_would_change() {
        for name in
            ["a:b", "x?y", "a\"b", "a\nb", "run.", "run ", "CON", "nul.txt", "Com1", "lpt9.log", "com¹", "CONIN$"]
        {
            assert!(why_not_on_windows(name).is_some(), "{name:?}");
        }
        for name in ["console", "com", "com10", "nuls", "company1", "aux-1"] {
            assert_eq!(why_not_on_windows(name), None, "{name:?}");
        }
    }
}
