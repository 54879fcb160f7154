//! A Wayland desktop of a test's own: sway without a monitor or devices (headless), of this system or of Debian testing.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Running, run};

/// The account that sway runs as when the tests run as root, which it refuses.
const NOBODY: u32 = 65534;
/// Names the folder with Debian testing, which `make test-desktops` makes.
const ROOT: &str = "WATCHCAP_TEST_DESKTOPS";
/// Starts a program inside of that folder, with what the system has of `/proc` and `/dev`; nobody else sees these mounts.
const INSIDE: &str = "for at in proc dev; do mount --rbind /$at $0/$at || exit 1; done; exec chroot $0 \"$@\"";

/// A running sway.
pub(crate) struct Sway {
    pub(crate) compositor: Option<Running>,
    home: tempfile::TempDir,
    /// `DISPLAY` and `WAYLAND_DISPLAY`, as its programs have them; no X server unless it was asked for.
    pub(crate) x11: String,
    pub(crate) wayland: String,
    socket: String,
}

impl Sway {
    /// Starts one with a monitor of this size, `HEADLESS-1`; with its X server, or without.
    pub(crate) fn start(size: (u32, u32), xwayland: bool) -> Self {
        Self::start_in(None, size, xwayland)
    }

    /// Starts that of Debian testing; `None`, with a word, where it was not asked for.
    pub(crate) fn start_newer(size: (u32, u32)) -> Option<Self> {
        let Some(root) = std::env::var_os(ROOT).map(PathBuf::from) else {
            println!("skipped: NOT TESTED on sway of Debian testing: `make test-desktops` does");
            return None;
        };
        Some(Self::start_in(Some(&root), size, false))
    }

    fn start_in(root: Option<&Path>, size: (u32, u32), xwayland: bool) -> Self {
        let home = match root {
            Some(root) => tempfile::tempdir_in(root.join("tmp")),
            None => tempfile::tempdir(),
        };
        let home = home.expect("a folder");
        // As sway itself sees it.
        let inside = match root {
            Some(root) => Path::new("/").join(home.path().strip_prefix(root).expect("below")),
            None => home.path().to_path_buf(),
        };
        let (config, told, log) = (home.path().join("config"), home.path().join("told"), home.path().join("log"));
        // Xwayland lets in its own user only; the test may be root.
        let admit = if xwayland { "xhost +local: >/dev/null; " } else { "" };
        let tell = format!("{admit}echo $SWAYSOCK $WAYLAND_DISPLAY $DISPLAY > {}/told", inside.display());
        let (width, height) = size;
        let x = if xwayland { "force" } else { "disable" };
        let text = format!(
            "output HEADLESS-1 resolution {width}x{height} position 0 0\ndefault_border none\nxwayland {x}\nexec sh -c \"{tell}\"\n"
        );
        std::fs::write(&config, text).expect("a configuration");
        let mut command = if rustix::process::geteuid().is_root() {
            std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o755)).expect("open to it");
            rustix::fs::chown(home.path(), Some(rustix::fs::Uid::from_raw(NOBODY)), None).expect("its own");
            std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o700)).expect("its own");
            let mut command = match root {
                Some(root) => {
                    let mut command = Command::new("unshare");
                    command.args(["--mount", "sh", "-c", INSIDE]).arg(root).arg("setpriv");
                    command
                }
                None => Command::new("setpriv"),
            };
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "sway"]);
            command
        } else {
            Command::new("sway")
        };
        command.args(["-d", "-c"]).arg(inside.join("config")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", &inside).env("XDG_RUNTIME_DIR", &inside).env("XDG_SESSION_TYPE", "wayland");
        command.env("WLR_BACKENDS", "headless").env("WLR_RENDERER", "pixman").env("WLR_LIBINPUT_NO_DEVICES", "1");
        let out = std::fs::File::create(&log).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out);
        let compositor = Running(command.spawn().expect("sway is missing: run scripts/setup.sh test"));
        let began = Instant::now();
        loop {
            let said = std::fs::read_to_string(&told).unwrap_or_default();
            let words: Vec<&str> = said.split_whitespace().collect();
            if let [socket, wayland, x11 @ ..] = words.as_slice()
                && said.ends_with('\n')
                && x11.is_empty() != xwayland
            {
                let x11 = x11.first().copied().unwrap_or_default();
                // As programs outside see it.
                let socket = home.path().join(Path::new(socket).file_name().expect("a name"));
                let socket = socket.to_string_lossy().into_owned();
                let (wayland, x11) = ((*wayland).to_owned(), x11.to_owned());
                return Self { compositor: Some(compositor), home, x11, wayland, socket };
            }
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(30), "sway does not start:\n{}", said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The folder of its sockets.
    pub(crate) fn runtime_dir(&self) -> &Path {
        self.home.path()
    }

    /// Lets a program run on it.
    pub(crate) fn admit<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("XDG_RUNTIME_DIR", self.runtime_dir()).env("WAYLAND_DISPLAY", &self.wayland);
        command.env("XDG_SESSION_TYPE", "wayland").env("XDG_CURRENT_DESKTOP", "sway").env("SWAYSOCK", &self.socket);
        command.env_remove("DISPLAY")
    }

    /// Has it do something; panics when it does not.
    pub(crate) fn does(&self, what: &str) {
        let (code, out, err) = run(Command::new("swaymsg").args(["-s", &self.socket, what]));
        assert_eq!(code, 0, "{what}: {out}{err}");
    }

    /// Has it do something that it may refuse.
    pub(crate) fn tries(&self, what: &str) {
        run(Command::new("swaymsg").args(["-s", &self.socket, what]));
    }

    /// Waits until a window of an application is there, and has the focus.
    pub(crate) fn waits_for_focus(&self, app_id: &str) {
        let began = Instant::now();
        let is_focused = |node: &serde_json::Value| node["app_id"] == app_id && node["focused"] == true;
        loop {
            let (_, tree, _) = run(Command::new("swaymsg").args(["-s", &self.socket, "-r", "-t", "get_tree"]));
            let mut left = vec![serde_json::from_str(&tree).unwrap_or_default()];
            while let Some(node) = left.pop() {
                if is_focused(&node) {
                    return;
                }
                for inside in ["nodes", "floating_nodes"] {
                    left.extend(node[inside].as_array().into_iter().flatten().cloned());
                }
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{app_id} does not get the focus:\n{tree}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A place for a log of a program that runs on it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}
