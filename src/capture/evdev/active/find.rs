//! Which compositor is asked: the one that the environment names.

use super::desk::Desk;
use super::sway::Sway;

/// Where sway listens, as it tells its programs.
const SWAY: &str = "SWAYSOCK";

/// Returns the compositor of this desktop and its name; `None` for one that does not tell, or where there is none.
pub(crate) fn find() -> Option<(&'static str, Box<dyn Desk>)> {
    // Outside of a Wayland desktop the variable is that of another one.
    std::env::var_os("WAYLAND_DISPLAY")?;
    let path = std::env::var_os(SWAY)?;
    match Sway::connect(path.as_ref()) {
        Ok(sway) => Some(("sway", Box::new(sway))),
        Err(error) => {
            tracing::warn!(target: "capture", %error, "sway does not tell which window is active");
            None
        }
    }
}
