//! Desktops with a portal of a test's own (`scripts/desktops/rig.sh`): sway of Debian testing in a folder of its own, or GNOME of this system. They take
//! packages of hundreds of megabytes, so only `make test-desktops` has them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Running;

/// The account that desktops run as: they refuse root.
const NOBODY: u32 = 65534;
/// Names the folder with Debian testing.
const ROOT: &str = "WATCHCAP_TEST_DESKTOPS";

/// Which desktop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sway,
    Gnome,
}

/// A running desktop.
pub(crate) struct Desktop {
    rig: Option<Running>,
    /// Its folder, as programs outside of it see it.
    folder: PathBuf,
    variables: Vec<(String, OsString)>,
    _kept: tempfile::TempDir,
}

impl Desktop {
    /// Starts one with a monitor of this size; `None`, with a word, where it was not asked for.
    pub(crate) fn start(kind: Kind, (width, height): (u32, u32)) -> Option<Self> {
        let Some(forky) = std::env::var_os(ROOT).map(PathBuf::from) else {
            println!("skipped: NOT TESTED on a desktop with a portal: `make test-desktops` does");
            return None;
        };
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/desktops");
        let (name, root) = match kind {
            Kind::Sway => ("sway", forky),
            Kind::Gnome => ("gnome", PathBuf::new()),
        };
        let above = if kind == Kind::Sway { root.join("tmp") } else { std::env::temp_dir() };
        let kept = tempfile::Builder::new().prefix("rig").tempdir_in(above).expect("a folder");
        let folder = kept.path().to_path_buf();
        for script in ["rig.sh", "portal.py"] {
            std::fs::copy(scripts.join(script), folder.join(script)).expect("a script");
        }
        rustix::fs::chown(&folder, Some(rustix::fs::Uid::from_raw(NOBODY)), Some(rustix::fs::Gid::from_raw(NOBODY)))
            .expect("as root");
        // As the desktop itself sees it.
        let inside = match kind {
            Kind::Sway => Path::new("/").join(folder.strip_prefix(&root).expect("below")),
            Kind::Gnome => folder.clone(),
        };
        let mut command = if kind == Kind::Sway {
            let mut command = Command::new("chroot");
            command.arg(&root).arg("setpriv");
            command
        } else {
            Command::new("setpriv")
        };
        command.args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "env",
            "-i",
            "PATH=/usr/bin:/bin:/usr/sbin",
        ]);
        command.arg(inside.join("rig.sh")).args([
            name.into(),
            inside.clone().into_os_string(),
            format!("{width}x{height}").into(),
        ]);
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let rig = Running(command.spawn().expect("a desktop"));
        let began = Instant::now();
        let told = loop {
            if let Ok(told) = std::fs::read_to_string(folder.join("told")) {
                break told;
            }
            let said = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_mins(2), "{name} does not start:\n{}", said());
            std::thread::sleep(Duration::from_millis(100));
        };
        let variables = told.lines().filter_map(|line| line.split_once('=')).map(|(variable, value)| {
            let value = value.replace(&*inside.to_string_lossy(), &folder.to_string_lossy());
            (variable.to_owned(), OsString::from(value))
        });
        let variables = variables.collect();
        std::fs::create_dir(folder.join("out")).expect("a folder");
        let desktop = Self { rig: Some(rig), folder, variables, _kept: kept };
        desktop.gives("out");
        Some(desktop)
    }

    /// Lets its user have a file or folder.
    fn gives(&self, name: &str) {
        let owner = (rustix::fs::Uid::from_raw(NOBODY), rustix::fs::Gid::from_raw(NOBODY));
        rustix::fs::chown(self.folder.join(name), Some(owner.0), Some(owner.1)).expect("as root");
    }

    /// A program on it, run by its user.
    pub(crate) fn runs(&self, program: &Command) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.arg(program.get_program()).args(program.get_args());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (variable, value) in program.get_envs() {
            if let Some(value) = value {
                command.env(variable, value);
            }
        }
        command.envs(self.variables.iter().cloned());
        command
    }

    /// A folder for recordings.
    pub(crate) fn out(&self) -> PathBuf {
        self.folder.join("out")
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A file in a folder that its user may write to.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join("out").join(name)
    }

    /// Asks the stand-in of GNOME's dialog for something.
    pub(crate) fn asks(&self, name: &str, text: &str) {
        let part = self.folder.join("part");
        std::fs::write(&part, text).expect("a file");
        self.gives("part");
        std::fs::rename(&part, self.folder.join(name)).expect("a name");
    }

    /// Ends one of its programs at once.
    pub(crate) fn kills(&self, program: &str) {
        let pid = std::fs::read_to_string(self.folder.join("pids").join(program)).expect("it was started");
        let (code, _, err) = super::run(Command::new("kill").args(["-9", pid.trim()]));
        assert_eq!(code, 0, "{program} does not run: {err}");
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some(rig) = self.rig.take() {
            rig.stop("TERM", Duration::from_secs(20));
        }
    }
}
