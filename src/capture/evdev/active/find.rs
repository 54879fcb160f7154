//! Which compositor is asked, and how: the one that the environment names; sway by its own protocol, which tells processes too.

use super::desk::Desk;
use super::sway::Sway;
use super::toplevels::Toplevels;

/// Where sway listens, as it tells its programs.
const SWAY: &str = "SWAYSOCK";

/// Returns the compositor of this desktop and its name; `None` for one that does not tell, or where there is none.
pub(crate) fn find() -> Option<(&'static str, Box<dyn Desk>)> {
    // Outside of a Wayland desktop the variable is that of another one.
    std::env::var_os("WAYLAND_DISPLAY")?;
    if let Some(path) = std::env::var_os(SWAY) {
        match Sway::connect(path.as_ref()) {
            Ok(sway) => return Some(("sway", Box::new(sway))),
            Err(error) => tracing::warn!(target: "capture", %error, "sway does not tell which window is active"),
        }
    }
    match Toplevels::connect() {
        Ok(list) => Some(("the compositor's list of windows", Box::new(list?))),
        Err(error) => {
            tracing::warn!(target: "capture", %error, "the compositor does not tell which window is active");
            None
        }
    }
}
