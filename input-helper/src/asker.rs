//! Who asks, by the word of pkexec and of the kernel.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::PathBuf;

use rustix::net::{SocketType, sockopt};

/// Where pkexec says who asked.
const ASKER: &str = "PKEXEC_UID";

/// Who asks, and for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    /// The user who asked.
    pub(crate) uid: u32,
    /// The folder of the devices.
    pub(crate) devices: PathBuf,
    /// The socket of the system bus.
    pub(crate) bus: PathBuf,
    /// The devices are those of a test, which no kernel made.
    pub(crate) is_test: bool,
}

/// Reads the one variable, and that there is no argument.
///
/// # Errors
/// What is refused.
pub(crate) fn asked(args: &[OsString], uid: Option<OsString>) -> Result<Asked, String> {
    let Some(uid) = uid else { return asked_by_a_test(args) };
    let uid = uid.to_str().filter(|uid| uid.bytes().all(|byte| byte.is_ascii_digit())).and_then(|uid| uid.parse().ok());
    let uid = uid.filter(|uid| *uid != u32::MAX).ok_or_else(|| format!("{ASKER} is no user"))?;
    if !args.is_empty() {
        return Err("it takes no arguments".to_owned());
    }
    Ok(Asked { uid, devices: "/dev/input".into(), bus: "/run/dbus/system_bus_socket".into(), is_test: false })
}

/// Without pkexec only root starts it, for tests, and only as tests build it: what is given to others has no such way.
#[cfg(debug_assertions)]
fn asked_by_a_test(args: &[OsString]) -> Result<Asked, String> {
    let [test, devices, bus, uid] = args else { return Err(refused()) };
    let uid = uid.to_str().and_then(|uid| uid.parse().ok());
    match uid.filter(|_| test == "--test") {
        Some(uid) => Ok(Asked { uid, devices: devices.into(), bus: bus.into(), is_test: true }),
        None => Err(refused()),
    }
}

#[cfg(not(debug_assertions))]
fn asked_by_a_test(_args: &[OsString]) -> Result<Asked, String> {
    Err(refused())
}

fn refused() -> String {
    "it is started by watchcap through pkexec, which asks for the permission: watchcap record --input-backend evdev"
        .to_owned()
}

/// Looks who holds the other end of a socket: the process that made it. It must be of the user who asked.
///
/// # Errors
/// What is refused.
pub(crate) fn holder(socket: BorrowedFd<'_>, uid: u32) -> Result<u32, String> {
    let is_packets = sockopt::socket_type(socket).is_ok_and(|kind| kind == SocketType::SEQPACKET);
    let holder = sockopt::socket_peercred(socket).ok().filter(|_| is_packets);
    let holder = holder.ok_or_else(|| "its standard input is no socket of watchcap's".to_owned())?;
    if holder.uid.as_raw() != uid {
        return Err(format!("user {uid} asked, and its standard input is of user {}", holder.uid.as_raw()));
    }
    Ok(holder.pid.as_raw_nonzero().get().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn only_pkexec_says_who_asks_and_nothing_else_is_heard() {
        let args = |args: &[&str]| args.iter().map(OsString::from).collect::<Vec<_>>();
        let told = asked(&[], Some("1000".into())).expect("pkexec");
        assert_eq!((told.uid, told.is_test, told.devices.to_str()), (1000, false, Some("/dev/input")));
        for wrong in ["", "-1", "+5", "1000 ", "root", "4294967295", "4294967296", "0x10"] {
            assert!(asked(&[], Some(wrong.into())).is_err(), "{wrong}");
        }
        // What is for tests does not work through pkexec.
        let test = args(&["--test", "/tmp/devices", "/tmp/bus", "1000"]);
        for args in [&test, &args(&["--help"]), &args(&[""])] {
            assert!(asked(args, Some("1000".into())).is_err());
        }
        assert!(asked(&test, None).is_ok_and(|asked| asked.is_test));
        for args in [&[][..], &args(&["--test"]), &args(&["--version"])] {
            assert!(asked(args, None).is_err());
        }
    }

    #[test]
    fn the_kernel_tells_whose_the_socket_is() {
        let own = rustix::process::getuid().as_raw();
        let (ours, _theirs) = watchcap_input_helper::line::pair().expect("a pair");
        assert_eq!(holder(ours.as_fd(), own), Ok(std::process::id()));
        assert!(holder(ours.as_fd(), own + 1).is_err_and(|why| why.contains("asked")));
        let (stream, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
        assert!(holder(stream.as_fd(), own).is_err(), "a socket of another kind");
        let file = tempfile::tempfile().expect("a file");
        assert!(holder(file.as_fd(), own).is_err());
    }
}
