//! Real parts for the tests: an X server, the built program and its example clients, the Python readers, a terminal.
//!
//! Each part stops what it started when it is dropped. Missing parts fail loudly and say how to get them.

#[cfg(all(target_os = "linux", feature = "wayland-portal"))]
pub(crate) mod desktop;
#[cfg(target_os = "linux")]
pub(crate) mod device;
pub(crate) mod late;
#[cfg(all(target_os = "linux", feature = "evdev"))]
pub(crate) mod logind;
#[cfg(all(target_os = "linux", feature = "wayland-portal"))]
pub(crate) mod portal;
pub(crate) mod sway;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Held by tests that mount images: the system gives a loop device that one of them lets go to the next before it is quite free.
pub(crate) static LOOP_DEVICES: Mutex<()> = Mutex::new(());

/// An X server of the test's own, on a free display number.
pub(crate) struct Display {
    server: Child,
    pub(crate) name: String,
}

impl Display {
    /// Starts one with a screen of this size.
    pub(crate) fn start(width: u32, height: u32) -> Self {
        let mut server = Command::new("Xvfb");
        server.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            &format!("{width}x{height}x24"),
            "-nolisten",
            "tcp",
            "-noreset",
        ]);
        Self::spawn(server, "Xvfb is missing: run scripts/setup.sh test")
    }

    /// Starts any server that says its number on standard output.
    pub(crate) fn spawn(mut server: Command, missing: &str) -> Self {
        let mut server = server.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect(missing);
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("its output")).read_line(&mut number).expect("a display number");
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// Ends the server at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.server.kill().expect("a server to kill");
        self.server.wait().expect("its end");
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// A program that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Asks it to end (SIGTERM or SIGINT) and waits; panics when it takes longer than `limit`.
    pub(crate) fn stop(mut self, signal: &str, limit: Duration) -> (i32, Duration) {
        let asked = Instant::now();
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &id]).status().expect("kill").success());
        loop {
            if let Some(status) = self.0.try_wait().expect("its state") {
                return (status.code().unwrap_or(-1), asked.elapsed());
            }
            assert!(asked.elapsed() < limit, "it did not end within {limit:?} of SIG{signal}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for it to end by itself.
    pub(crate) fn wait(mut self) -> i32 {
        self.0.wait().expect("its end").code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The program under test, with an empty configuration.
pub(crate) fn watchcap() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_watchcap"));
    command.env_remove("WATCHCAP_CONSENT").env_remove("WATCHCAP_OUT").env("XDG_CONFIG_HOME", "/nonexistent");
    command.stdin(Stdio::null());
    command
}

/// Runs the program and answers with its exit code, standard output and standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

/// Leaves the mark of a try that was interrupted, as `session/work.rs` writes it.
pub(crate) fn mark(dir: &Path, verb: &str, of: &str) {
    let mark = serde_json::json!({ "watchcap": "0.1.0", "verb": verb, "of": of, "replaces": true });
    let path = dir.join("begun.tmp");
    std::fs::write(&path, mark.to_string()).expect("a mark");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    }
}

/// One of the example programs that `cargo test` builds beside the tests.
pub(crate) fn example(name: &str) -> Command {
    let tests = std::env::current_exe().expect("the test's own path");
    let dir = tests.parent().and_then(Path::parent).expect("the folder of the build").join("examples");
    let path = dir.join(name);
    assert!(path.is_file(), "{} is missing: run the whole `cargo test`", path.display());
    Command::new(path)
}

/// The interpreter that has the Python readers.
pub(crate) fn venv_python() -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("WATCHCAP_PYTHON").map_or_else(|| root.join(".venv/bin/python"), PathBuf::from);
    assert!(python.is_file(), "{} is missing: run scripts/setup.sh test", python.display());
    Command::new(python)
}

/// A Python program of `tests/python`, to be run by the readers' own interpreter.
pub(crate) fn python_command(program: &str) -> Command {
    let mut command = venv_python();
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(program));
    command
}

/// A Python program of `tests/python`, run by the readers' own interpreter; panics with its output when it fails.
#[must_use = "what it printed holds the figures"]
pub(crate) fn python(program: &str, args: &[&Path]) -> String {
    let mut command = python_command(program);
    command.args(args);
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{program} failed:\n{out}{err}");
    out
}

/// A short synthetic recording in `dir`, made by the program; answers with its folder.
pub(crate) fn synthetic(dir: &Path, name: &str, extra: &[&str]) -> PathBuf {
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--duration", "2s", "--session", name]);
    command.arg("--out").arg(dir).args(extra);
    let (code, _, err) = run(&mut command);
    assert!(code == 0 || code == 3, "recording failed with {code}:\n{err}");
    dir.join(name)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("its kind").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("a copy");
        }
    }
}

/// Every file below a folder by its relative name, with its bytes, sorted.
pub(crate) fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    fn walk(dir: &Path, base: &Path, out: &mut Vec<(String, Vec<u8>)>) {
        for entry in std::fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, base, out);
            } else {
                let name = path.strip_prefix(base).expect("below the base").to_string_lossy().into_owned();
                out.push((name, std::fs::read(&path).expect("its bytes")));
            }
        }
    }
    let mut out = Vec::new();
    walk(dir, dir, &mut out);
    out.sort();
    out
}

/// Makes a folder that only its owner can enter, and those above it.
pub(crate) fn private_dir(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path).expect("a folder");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("its mode");
}
