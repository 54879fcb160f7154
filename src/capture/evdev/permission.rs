//! How the devices can be read: by this process itself, or by those that `watchcap-input-helper` lends, for which the person is asked.

use std::ffi::OsString;
use std::path::Path;

use super::device::{Device, Wants};
use super::folder::{Folder, Found, NAME};
use crate::capture::CaptureError;

/// Where the helper is, which polkit knows by this name (`scripts/package/org.watchcap.input-helper.policy`).
const HELPER: &str = "/usr/libexec/watchcap-input-helper";
/// What asks the person and starts the helper. Not by a name that is looked for in `PATH`: it is typed a password into.
const PKEXEC: &str = "/usr/bin/pkexec";
/// Another program in the place of both, for tests, and only as tests build it.
#[cfg(debug_assertions)]
const PKEXEC_ENV: &str = "WATCHCAP_PKEXEC";
/// The most devices that are named in a message.
const MAX_NAMED: usize = 6;

/// A way to the devices.
pub(super) enum Way {
    /// They may be read.
    Own(Folder, Found),
    /// The helper lends them: what is started for that, and which may be read without it.
    Lent(Vec<OsString>, Folder, Found),
}

impl Way {
    /// Finds the way to the devices of a folder.
    ///
    /// # Errors
    /// [`CaptureError::Unavailable`] when there is none.
    pub(super) fn find(folder: &Path, wants: Wants) -> Result<Self, CaptureError> {
        let mut folder = Folder::open(folder, wants);
        let found = folder.scan();
        match helper() {
            // Nobody is asked for the sake of a power button.
            _ if found.has_input() && !found.lacks => Ok(Self::Own(folder, found)),
            Ok(command) if !found.denied.is_empty() => Ok(Self::Lent(command, folder, found)),
            _ if found.has_input() => Ok(Self::Own(folder, found)),
            lacks => Err(none_found(&found.denied, lacks.err().as_deref())),
        }
    }

    /// What is said of it before it is gone: which devices may be read, and which are asked for.
    pub(super) fn told(&self) -> Option<String> {
        match self {
            Self::Own(..) => None,
            Self::Lent(_, _, found) => Some(told(found)),
        }
    }
}

/// The command that starts the helper.
fn helper() -> Result<Vec<OsString>, String> {
    #[cfg(debug_assertions)]
    if let Some(named) = std::env::var_os(PKEXEC_ENV).filter(|named| !named.is_empty()) {
        return Ok(vec![named, HELPER.into()]);
    }
    for program in [HELPER, PKEXEC] {
        if !Path::new(program).is_file() {
            return Err(format!("{program} is not installed"));
        }
    }
    Ok(vec![PKEXEC.into(), HELPER.into()])
}

fn told(found: &Found) -> String {
    let own: Vec<&str> = found.devices.iter().map(|(_, Device { name, .. })| name.as_str()).collect();
    let own = if own.is_empty() { "none may be read".to_owned() } else { format!("may be read: {}", own.join(", ")) };
    format!(
        "{own}; may not: {}; watchcap-input-helper lends these for a recording, and polkit asks for that when it starts",
        named(&found.denied)
    )
}

fn named(names: &[String]) -> String {
    let more = names.len().saturating_sub(MAX_NAMED);
    let told = names[..names.len() - more].join(", ");
    if more == 0 { told } else { format!("{told} and {more} more") }
}

/// Why no device can be read.
pub(super) fn none_found(denied: &[String], lacks: Option<&str>) -> CaptureError {
    let detail = if denied.is_empty() {
        "there are none".into()
    } else {
        let lacks = lacks.map_or_else(String::new, |lacks| format!(" ({lacks})"));
        format!(
            "these may not be read: {}. Install watchcap-input-helper{lacks}, with watchcap's Debian package or `sudo make install-input-helper` in its \
             sources: it lends them for a recording alone, and asks for that. The group `input` would let every program of yours hear all keys",
            named(denied)
        )
    };
    CaptureError::Unavailable { backend: NAME, what: "input".into(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_devices_and_recommends_the_helper_and_not_the_group() {
        let names: Vec<String> = (0..9).map(|n| format!("Keyboard {n}")).collect();
        let told = none_found(&names, Some("/usr/bin/pkexec is not installed")).to_string();
        assert!(told.contains("Keyboard 5 and 3 more") && !told.contains("Keyboard 6"), "{told}");
        for word in ["sudo make install-input-helper", "/usr/bin/pkexec is not installed", "every program of yours"] {
            assert!(told.contains(word), "{told}");
        }
        assert!(none_found(&[], None).to_string().ends_with("there are none"));
    }
}
