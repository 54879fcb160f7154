//! Signs of a Wayland desktop, of which nothing is recorded, and what can be done there.

/// How a program is recorded on a Wayland desktop: on a server of its own.
pub(crate) const OTHER_SERVER: &str = "log in with an X11 session (\"on Xorg\"), or record a program on an X server of its own: \
     Xephyr -screen 1280x720 :7 & then start it, and watchcap, with DISPLAY=:7";
/// The variable of the environment that says that this is a Wayland session, with its value. Only Linux has such sessions.
pub fn session() -> Option<String> {
    if cfg!(target_os = "linux") { said_by(|name| std::env::var(name).ok()) } else { None }
}

fn said_by(get: impl Fn(&str) -> Option<String>) -> Option<String> {
    if let Some(display) = get("WAYLAND_DISPLAY").filter(|display| !display.is_empty()) {
        return Some(format!("WAYLAND_DISPLAY={display}"));
    }
    get("XDG_SESSION_TYPE").filter(|kind| kind == "wayland").map(|kind| format!("XDG_SESSION_TYPE={kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_variable_says_wayland() {
        let said = |display: &'static str, kind: &'static str| {
            said_by(|name| Some(if name == "WAYLAND_DISPLAY" { display } else { kind }.to_owned()))
        };
        assert_eq!(said("wayland-0", "x11").as_deref(), Some("WAYLAND_DISPLAY=wayland-0"));
        assert_eq!(said("", "wayland").as_deref(), Some("XDG_SESSION_TYPE=wayland"));
        assert_eq!(said("", "x11"), None);
        assert_eq!(said_by(|_| None), None);
    }
}
