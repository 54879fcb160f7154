//! A finding, and what a list of them comes to.

use std::fmt::Display;

use crate::base::shown;

/// Longest finding, bytes: what a file says may be quoted in it, and is no longer than a paragraph of a table then.
const MAX_DETAIL: usize = 1024;

/// One finding.
pub(super) struct Check {
    pub(super) name: String,
    pub(super) ok: bool,
    pub(super) detail: String,
    /// What can be done about it.
    pub(super) hint: Option<String>,
}

impl Check {
    #[expect(clippy::needless_pass_by_value, reason = "made for it by every caller")]
    pub(super) fn ok(name: impl Into<String>, detail: String) -> Self {
        Self { name: name.into(), ok: true, detail: shown::short(&detail, MAX_DETAIL).into_owned(), hint: None }
    }

    pub(super) fn no(name: impl Into<String>, error: &impl Display, hint: Option<String>) -> Self {
        let detail = shown::short(&error.to_string(), MAX_DETAIL).into_owned();
        let hint = hint.map(|hint| shown::short(&hint, MAX_DETAIL).into_owned());
        Self { name: name.into(), ok: false, detail, hint }
    }

    /// Returns whether it is of this kind: the beginning of its name.
    pub(super) fn is_of(&self, kind: &str) -> bool {
        self.name.starts_with(kind)
    }
}

/// What of that without which nothing is recorded fails: disk, configuration and the trial, every encoder, and every way to the screen.
pub(super) fn missing(checks: &[Check]) -> Vec<&str> {
    let none_of = |kind: &str| !checks.iter().any(|check| check.ok && check.is_of(kind));
    // Why no way to the screen works is no fault beside it; nor is a way of several that does not work.
    let needed = ["disk", "configuration", "trial"];
    let failed = checks.iter().filter(|check| !check.ok && needed.iter().any(|kind| check.is_of(kind)));
    let encoder = none_of("encoder").then_some("encoder");
    let screen = none_of("screen").then_some("screen");
    encoder.into_iter().chain(failed.map(|check| check.name.as_str())).chain(screen).collect()
}

/// What to do about what is missing, each advice once; nothing about one way of several when another one works.
pub(super) fn advice(checks: &[Check]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for kind in ["encoder", "disk", "configuration", "screen", "input", "trial"] {
        let ways = || checks.iter().filter(|check| check.is_of(kind));
        if ways().any(|check| check.ok) {
            continue;
        }
        for hint in ways().filter_map(|check| check.hint.as_ref()).map(|hint| format!("hint: {hint}")) {
            if !lines.contains(&hint) {
                lines.push(hint);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_given_once_and_only_where_no_way_works() {
        let no = |name| Check::no(name, &"no display", Some("set DISPLAY".into()));
        let dark = [no("screen (x11)"), no("screen (xcap)"), no("input (xi2)"), no("input (poll)")];
        let lines = advice(&dark);
        assert_eq!(lines, ["hint: set DISPLAY"]);
        let light =
            [Check::ok("screen (x11)", "x11".into()), no("screen (xcap)"), Check::ok("input (poll)", "x".into())];
        assert_eq!(advice(&light), Vec::<String>::new());
    }

    #[test]
    fn a_machine_without_any_screen_cannot_record_and_one_without_inputs_can() {
        let no = |name| Check::no(name, &"no display", None);
        let ok = |name| Check::ok(name, "x".into());
        assert_eq!(
            missing(&[ok("encoder (a)"), no("encoder (b)"), ok("disk (.)"), no("screen (x11)"), no("screen (xcap)")]),
            ["screen"]
        );
        let deaf = [ok("encoder"), ok("screen (x11)"), no("screen (xcap)"), no("input (xi2)"), no("arriving")];
        assert_eq!(missing(&deaf), Vec::<&str>::new());
        assert_eq!(missing(&[no("encoder"), no("configuration"), ok("screen (xcap)")]), ["encoder", "configuration"]);
        assert_eq!(missing(&[ok("encoder"), ok("screen (x11)"), no("trial"), no("terminal")]), ["trial"]);
    }
}
