//! Who sealed it: an SSH signature over `integrity.sha256`, beside it as `integrity.sha256.sig`.
//!
//! A seal finds damage and names no author: whoever changes a session can seal it anew. A signature does name one, and is as good as the
//! key behind it. OpenSSH's `ssh-keygen -Y` makes and checks it, so keys in an agent or on a token work, and nobody has to trust a
//! second implementation. The private key never enters this process.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::layout;
use super::seal::{self, SealError};

/// What the signature is for: one that was made for another purpose does not count.
pub const NAMESPACE: &str = "watchcap";
/// Largest signature, bytes: one of a 16,384-bit RSA key has 4 kB.
const MAX_BYTES: u64 = 64 << 10;
/// Largest list of allowed signers, bytes.
const MAX_SIGNERS: u64 = 1 << 20;
/// Most names that are tried of those that a list has for one key.
const MAX_NAMES: usize = 64;

/// Why a session could not be signed, or its signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// OpenSSH is not there.
    #[error("cannot run ssh-keygen: {source}")]
    NoTool {
        /// What the system said.
        source: std::io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The signature cannot be written.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// OpenSSH refuses to sign.
    #[error("ssh-keygen does not sign with {}: {said}", key.display())]
    Refused {
        /// The key.
        key: PathBuf,
        /// What it said.
        said: String,
    },
    /// There is no signature.
    #[error("{} is not signed", path.display())]
    NotSigned {
        /// The session's folder.
        path: PathBuf,
    },
    /// The signature is not one of this seal, or of none of the keys.
    #[error("the signature of {} is not one of {}: {said}", path.display(), signers.display())]
    Wrong {
        /// The session's folder.
        path: PathBuf,
        /// The keys.
        signers: PathBuf,
        /// What OpenSSH said.
        said: String,
    },
}

impl SignatureError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTool { .. } => Some("install OpenSSH's client (Debian: openssh-client)".into()),
            Self::Io { .. } => None,
            Self::Seal(error) => error.hint(),
            Self::Refused { .. } => {
                Some("give a private key, or a public one whose private half is in your agent".into())
            }
            Self::NotSigned { path } => {
                Some(format!("its owner signs it with: watchcap sign {} --key FILE", crate::base::shown::shell(path)))
            }
            Self::Wrong { .. } => {
                Some("ask the one who recorded it for the session and for the public key again".into())
            }
        }
    }
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, SignatureError> {
    crate::base::files::read_at_most(path, most)
        .map_err(|source| SignatureError::Io { path: path.to_path_buf(), source })
}

/// Runs ssh-keygen with `data` on its standard input. Returns whether it succeeded, what it wrote, and what it said.
fn ssh_keygen(arguments: &[&std::ffi::OsStr], data: &[u8]) -> Result<(bool, Vec<u8>, String), SignatureError> {
    let mut command = Command::new("ssh-keygen");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|source| SignatureError::NoTool { source })?;
    if let Some(mut input) = child.stdin.take()
        && let Err(error) = input.write_all(data)
    {
        // It refused before it had read all; what it says of that counts.
        tracing::debug!(%error, "ssh-keygen did not read the seal");
    }
    let output = child.wait_with_output().map_err(|source| SignatureError::NoTool { source })?;
    let said = String::from_utf8_lossy(&output.stderr).trim().lines().last().unwrap_or_default().to_owned();
    Ok((output.status.success(), output.stdout, said))
}

/// Signs the seal of a session with an SSH key, in the place of an older signature. Returns the signature's path.
///
/// # Errors
/// When there is no seal, ssh-keygen refuses, or the signature cannot be written.
pub fn sign(session: &Path, key: &Path) -> Result<PathBuf, SignatureError> {
    let sealed = read(&layout::integrity_path(session), seal::MAX_INTEGRITY_BYTES)?;
    let arguments = ["-Y", "sign", "-n", NAMESPACE, "-f"].map(AsRef::as_ref);
    let (signed, signature, said) = ssh_keygen(&[&arguments[..], &[key.as_os_str()]].concat(), &sealed)?;
    if !signed || signature.is_empty() {
        return Err(SignatureError::Refused { key: key.to_path_buf(), said });
    }
    let path = layout::signature_path(session);
    seal::publish_bytes(&path, &signature)?;
    Ok(path)
}

/// Checks that the seal of a session is signed by a key of `signers`: a public key, or a list as OpenSSH's `allowed_signers`. Returns the
/// signer's name: the list's, or the key's fingerprint.
///
/// # Errors
/// When there is no signature, it is not of this seal, or of none of the keys.
pub fn check(session: &Path, signers: &Path) -> Result<String, SignatureError> {
    let signature = layout::signature_path(session);
    match std::fs::symlink_metadata(&signature) {
        Ok(found) if found.is_file() && found.len() <= MAX_BYTES => {}
        _ => return Err(SignatureError::NotSigned { path: session.to_path_buf() }),
    }
    let sealed = read(&layout::integrity_path(session), seal::MAX_INTEGRITY_BYTES)?;
    let keys = read(signers, MAX_SIGNERS)?;
    let wrong =
        |said: String| SignatureError::Wrong { path: session.to_path_buf(), signers: signers.to_path_buf(), said };
    let by = |arguments: &[&str], files: &[(&str, &Path)], data: &[u8]| {
        let mut all: Vec<&std::ffi::OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        for (flag, path) in files {
            all.extend([flag.as_ref(), path.as_os_str()]);
        }
        ssh_keygen(&all, data)
    };
    if is_public_key(&keys) {
        let (good, out, said) = by(&["-Y", "check-novalidate", "-n", NAMESPACE], &[("-s", &signature)], &sealed)?;
        let (_, key, _) = by(&["-l"], &[("-f", signers)], &[])?;
        let fingerprint = |out: &[u8]| {
            let text = String::from_utf8_lossy(out).into_owned();
            text.split_whitespace().find(|word| word.starts_with("SHA256:")).map(str::to_owned)
        };
        return match (good, fingerprint(&out), fingerprint(&key)) {
            (true, Some(found), Some(wanted)) if found == wanted => Ok(found),
            (true, Some(found), _) => Err(wrong(format!("it was made with the key {found}"))),
            _ => Err(wrong(said)),
        };
    }
    let (_, names, mut said) = by(&["-Y", "find-principals"], &[("-s", &signature), ("-f", signers)], &[])?;
    for name in String::from_utf8_lossy(&names).lines().take(MAX_NAMES) {
        let (good, _, why) =
            by(&["-Y", "verify", "-n", NAMESPACE, "-I", name], &[("-s", &signature), ("-f", signers)], &sealed)?;
        if good {
            return Ok(name.to_owned());
        }
        said = why;
    }
    Err(wrong(said))
}

/// Whether a file is one public key; a list of signers begins its lines with names.
fn is_public_key(bytes: &[u8]) -> bool {
    [&b"ssh-"[..], b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"].iter().any(|kind| bytes.starts_with(kind))
}
