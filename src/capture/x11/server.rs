//! Facts of the X server: its kind, vendor and version, and the scale that the desktop announces.
//!
//! Each is measured or none: what a server does not tell is not guessed. Reads only.

use std::path::Path;

use x11rb::connection::{Connection, RequestConnection};
use x11rb::errors::ReplyError;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::rust_connection::RustConnection;

use super::failure;
use crate::capture::CaptureError;

/// The extension by which Xwayland 23.1 and later announce themselves.
const XWAYLAND: &str = "XWAYLAND";
/// The most that is read of the resource database, units of 4 bytes: 64 KiB. Databases have some kilobytes.
const RESOURCES_UNITS: u32 = 16 << 10;
/// Dots per inch at a scale of 1, for every toolkit.
const DPI_OF_ONE: f32 = 96.0;
/// Scales outside of this range are no wish of anybody.
const SCALES: std::ops::RangeInclusive<f32> = 0.25..=16.0;
/// The longest lock file and program name that are read, bytes; a lock file has 11, a name at most 15.
const MAX_LINE: u64 = 64;
/// Longest vendor that is taken over, characters.
const MAX_VENDOR: usize = 64;

/// Returns the server's kind where it can be told, its vendor and its version: `X11 (Xvfb, The X.Org Foundation 21.1.7)`.
///
/// # Errors
/// The display is gone.
pub(super) fn name(conn: &RustConnection, display: Option<&str>) -> Result<String, CaptureError> {
    let setup = conn.setup();
    let vendor: String =
        String::from_utf8_lossy(&setup.vendor).chars().filter(|c| !c.is_control()).take(MAX_VENDOR).collect();
    let is_xwayland = conn.extension_information(XWAYLAND).map_err(|error| failure::connection(&error))?.is_some();
    let kind = if is_xwayland { Some("Xwayland".to_owned()) } else { program(display) };
    Ok(described(kind.as_deref(), vendor.trim(), setup.release_number))
}

fn described(kind: Option<&str>, vendor: &str, release: u32) -> String {
    let version = version(vendor, release);
    let of_vendor =
        [vendor, version.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let parts: Vec<&str> = kind.into_iter().chain([of_vendor.as_str()]).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "X11".into() } else { format!("X11 ({})", parts.join(", ")) }
}

/// The version in a release number. X.Org counts 10,000,000 for the generation, 100,000 for the major, 1,000 for the minor and 1 for
/// the patch number, and dropped the generation from its names with 21; other vendors' numbers are left as they are.
fn version(vendor: &str, release: u32) -> String {
    if release == 0 {
        return String::new();
    }
    if !vendor.contains("X.Org") {
        return release.to_string();
    }
    let (generation, major, minor, patch) =
        (release / 10_000_000, release / 100_000 % 100, release / 1000 % 100, release % 1000);
    let patch = if patch > 0 { format!(".{patch}") } else { String::new() };
    match (generation, major) {
        (1, 21..) => format!("{major}.{minor}{patch}"),
        _ => format!("{generation}.{major}.{minor}{patch}"),
    }
}

/// Returns the name of the program that serves a local display, by the server's lock file; none when that is not an X server's name. (The
/// lock of an Xwayland is its compositor's.)
fn program(display: Option<&str>) -> Option<String> {
    let parsed = parse_display(display).ok().filter(|parsed| parsed.host.is_empty())?;
    let line = |path: String| crate::base::files::read_text_at_most(Path::new(&path), MAX_LINE).ok();
    let pid: u32 = line(format!("/tmp/.X{}-lock", parsed.display))?.trim().parse().ok()?;
    let name = line(format!("/proc/{pid}/comm"))?;
    let name = name.trim_end();
    let is_server = name.starts_with('X') && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    is_server.then(|| name.to_owned())
}

/// Returns how many device pixels the desktop wants for a logical pixel: `Xft.dpi` of the resource database, which settings daemons
/// write for programs to go by, over 96. None where nobody wrote it. What monitors say of their size in millimetres is no wish of the
/// desktop, and often wrong.
///
/// # Errors
/// The display is gone.
pub(super) fn scale(conn: &RustConnection) -> Result<Option<f32>, CaptureError> {
    let Some(screen) = conn.setup().roots.first() else { return Ok(None) };
    let reply = conn
        .get_property(false, screen.root, AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING, 0, RESOURCES_UNITS)
        .map_err(|error| failure::connection(&error))?
        .reply();
    match reply {
        Ok(reply) => Ok(scale_of(&reply.value)),
        Err(ReplyError::X11Error(_)) => Ok(None),
        Err(ReplyError::ConnectionError(error)) => Err(failure::connection(&error)),
    }
}

/// The scale in a resource database; the last entry counts, as in Xlib.
fn scale_of(resources: &[u8]) -> Option<f32> {
    let line = |line: &[u8]| -> Option<f32> {
        let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        (name.trim() == "Xft.dpi").then(|| value.trim().parse().ok())?
    };
    let dpi = resources.split(|byte| *byte == b'\n').filter_map(line).next_back()?;
    Some(dpi / DPI_OF_ONE).filter(|scale| SCALES.contains(scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_as_far_as_it_tells() {
        let xorg = "The X.Org Foundation";
        assert_eq!(described(Some("Xvfb"), xorg, 12_101_007), "X11 (Xvfb, The X.Org Foundation 21.1.7)");
        assert_eq!(described(None, xorg, 12_013_000), "X11 (The X.Org Foundation 1.20.13)");
        assert_eq!(described(None, xorg, 12_101_099), "X11 (The X.Org Foundation 21.1.99)");
        assert_eq!(described(Some("Xwin"), "Colin Harrison", 11_400), "X11 (Xwin, Colin Harrison 11400)");
        assert_eq!(described(None, "", 0), "X11");
    }

    #[test]
    fn a_scale_is_what_somebody_wrote() {
        assert_eq!(scale_of(b"Xft.antialias:\t1\nXft.dpi:\t144\n*color: x\n"), Some(1.5));
        assert_eq!(scale_of(b"Xft.dpi: 96\nXft.dpi: 192"), Some(2.0));
        for unknown in [&b""[..], b"Xft.hinting: 1", b"Xft.dpi: large", b"Xft.dpi: 0", b"Xft.dpi: 1e9", b"\xff\xfe:1"] {
            assert_eq!(scale_of(unknown), None);
        }
    }
}
