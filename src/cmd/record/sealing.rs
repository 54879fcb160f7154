//! Seals a part of a recording beside it, by a process of its own: what sealing takes of memory is given back when it ends, a fault in it is none of
//! the recording, and it runs after everything else. Sealed in the recorder's process, the memory of a day in parts of an hour grew from 75 to 330 MB.

use std::path::Path;
use std::process::Command;

use indicatif::ProgressBar;

use crate::base::child::{own_program, run_last};
use crate::base::files::trust;
use crate::cmd::failure::Outcome;
use crate::cmd::{finalize, text};
use crate::session::loss::MaxDropped;

/// How a part is sealed.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// The log stays in any case.
    pub(super) keep_log: bool,
    /// More dropped frames than these are a loss.
    pub(super) max_dropped: MaxDropped,
    /// What became of it is told as JSON.
    pub(super) json: bool,
}

impl How {
    fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.args(["finalize", "--max-dropped", &self.max_dropped.0.to_string()]);
        for (asked, flag) in [(self.json, "--json"), (self.keep_log, "--keep-log"), (text::is_quiet(), "--quiet")] {
            if asked {
                command.arg(flag);
            }
        }
        if trust::is_allowed() {
            command.arg(trust::ALLOW_FLAG);
        }
        // All that it says is said again here, and goes to the log file from here. It takes nothing from the configuration, which may have been
        // edited since the recording began.
        command.env_remove("WATCHCAP_LOG_FILE").env_remove("WATCHCAP_CONFIG").arg("--").arg(folder);
        command
    }
}

/// Seals a part and says what became of it.
///
/// # Errors
/// Why it is not sealed.
pub(super) fn seal(folder: &Path, how: How, line: &ProgressBar) -> Result<Outcome, String> {
    let output = match own_program().and_then(|program| run_last(&mut how.command(&program, folder))) {
        Ok(output) => output,
        Err(error) => {
            tracing::warn!(%error, "a part is sealed by the recorder itself, since no other process can be started");
            let done =
                crate::finalize::finalize(folder, how.keep_log, &mut |_| {}).map_err(|error| error.to_string())?;
            return Ok(line.suspend(|| finalize::tell(folder, &done, how.max_dropped, how.json)));
        }
    };
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let outcome = match output.status.code() {
        Some(0) => Outcome::Clean,
        Some(3) => Outcome::Lossy,
        code => {
            let why = said.trim().trim_start_matches("error: ");
            let ended = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
            return Err(if why.is_empty() {
                format!("the process that seals it ended with {ended}")
            } else {
                why.to_owned()
            });
        }
    };
    line.suspend(|| {
        out.lines().for_each(text::out);
        // A process that was to be quiet has said its warnings.
        said.lines().for_each(if text::is_quiet() { text::warn } else { text::say });
    });
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_asked_as_the_recording_was() {
        let words = |how: How| -> Vec<String> {
            let command = how.command(Path::new("watchcap"), Path::new("-out/s"));
            command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
        };
        let how = How { keep_log: false, max_dropped: MaxDropped(2.5), json: false };
        assert_eq!(words(how), ["finalize", "--max-dropped", "2.5", "--", "-out/s"]);
        let command = how.command(Path::new("watchcap"), Path::new("s"));
        let without: Vec<_> = command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        assert_eq!(without, ["WATCHCAP_CONFIG", "WATCHCAP_LOG_FILE"]);
        let how = How { keep_log: true, json: true, ..how };
        assert_eq!(words(how), ["finalize", "--max-dropped", "2.5", "--json", "--keep-log", "--", "-out/s"]);
    }
}
