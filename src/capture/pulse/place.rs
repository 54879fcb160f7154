//! Where the server listens, and the secret that it knows its users by: as libpulse looks for them.

use std::path::{Path, PathBuf};

use crate::base::files;

/// Bytes of a cookie.
const COOKIE_BYTES: u64 = 256;

/// Where a server is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// These sockets, the first that answers.
    Sockets(Vec<PathBuf>),
    /// Somewhere else, by the words of `PULSE_SERVER`: clocks of two machines cannot be compared.
    Elsewhere(String),
}

/// Returns where the server of this session listens.
pub(super) fn of_session() -> Place {
    place(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn place(variable: impl Fn(&str) -> Option<String>) -> Place {
    if let Some(named) = variable("PULSE_SERVER") {
        // Servers apart by spaces; each may begin with the machine that it is meant for, in braces.
        let sockets: Vec<PathBuf> = named.split_ascii_whitespace().filter_map(socket).collect();
        return if sockets.is_empty() { Place::Elsewhere(named) } else { Place::Sockets(sockets) };
    }
    let own = variable("PULSE_RUNTIME_PATH").map(|folder| Path::new(&folder).join("native"));
    let session = variable("XDG_RUNTIME_DIR").map(|folder| Path::new(&folder).join("pulse/native"));
    let system = Some(PathBuf::from("/var/run/pulse/native"));
    Place::Sockets([own, session, system].into_iter().flatten().collect())
}

fn socket(server: &str) -> Option<PathBuf> {
    let server = match server.strip_prefix('{') {
        Some(rest) => rest.split_once('}')?.1,
        None => server,
    };
    let path = server.strip_prefix("unix:").unwrap_or(server);
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// Returns the cookie; zeros where there is none, which is enough for servers that ask for none. Another length would be an error to them.
pub(super) fn cookie() -> Vec<u8> {
    let named = std::env::var_os("PULSE_COOKIE").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let usual = home.iter().flat_map(|home| [".config/pulse/cookie", ".pulse-cookie"].map(|name| home.join(name)));
    named
        .into_iter()
        .chain(usual)
        .find_map(|path| files::read_at_most(&path, COOKIE_BYTES).ok())
        .unwrap_or_default()
        .into_iter()
        .chain(std::iter::repeat(0))
        .take(COOKIE_BYTES as usize)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Place {
        place(|name| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_server_is_where_libpulse_looks() {
        let sockets = |paths: &[&str]| Place::Sockets(paths.iter().map(PathBuf::from).collect());
        assert_eq!(of(&[("PULSE_SERVER", "unix:/a/b"), ("XDG_RUNTIME_DIR", "/run")]), sockets(&["/a/b"]));
        assert_eq!(of(&[("PULSE_SERVER", "{abc}unix:/a tcp:far /b")]), sockets(&["/a", "/b"]));
        assert_eq!(of(&[("PULSE_SERVER", "tcp:far:4713")]), Place::Elsewhere("tcp:far:4713".into()));
        assert_eq!(
            of(&[("PULSE_RUNTIME_PATH", "/p"), ("XDG_RUNTIME_DIR", "/run")]),
            sockets(&["/p/native", "/run/pulse/native", "/var/run/pulse/native"])
        );
    }
}
