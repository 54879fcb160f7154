//! Makes the page of one session.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::gathered::{Gathered, HEAT, Presses, Second};
use super::{arrays, known, page, rows};
use crate::base::files;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::base::shown::counted;
use crate::inspect::qa::run::{self as qa, Limits, QaError};
use crate::session::layout;
use crate::session::metadata::readers_of;
use crate::session::refusal::Refusal;
use crate::session::seal::{self, SealError};
use crate::session::sealed::SealedSession;
use crate::session::table::read::ReadError;

/// Videos up to this size are put into the page: a browser has them in memory, and opens such a page in a second or two.
pub const EMBED_BYTES: u64 = 64 << 20;
/// Largest video that can be put into a page when that is asked for: browsers stop at strings of some hundred megabytes.
pub const MAX_EMBED_BYTES: u64 = 300 << 20;

/// Whether the video is put into the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Embed {
    /// Up to [`EMBED_BYTES`].
    #[default]
    Auto,
    /// Whatever its size, up to [`MAX_EMBED_BYTES`].
    Always,
    /// Never: the page plays the session's file.
    Never,
}

/// A page that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Made {
    /// Where.
    pub path: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// The video is in it; otherwise it plays the session's own file, at this path from the page.
    pub video: Video,
    /// What not every browser plays, where the video is that.
    pub readers: Option<&'static str>,
    /// How many events were too many for it.
    pub left_out: u64,
}

/// Where a page has its video from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Video {
    /// It is in the page.
    Embedded,
    /// From the session's folder.
    Beside(String),
    /// There is none.
    None,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The session is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be checked.
    #[error(transparent)]
    Checks(#[from] QaError),
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Something else has the page's name.
    #[error("{} is there, and it is no report of watchcap", path.display())]
    Taken {
        /// What.
        path: PathBuf,
    },
    /// The page would be in a session.
    #[error("{} is in a session, whose files are sealed", path.display())]
    Inside {
        /// Where.
        path: PathBuf,
    },
    /// The video is too large to be put into a page.
    #[error("the video has {} MB, more than the {} MB that a page can hold", bytes / 1_000_000, MAX_EMBED_BYTES / 1_000_000)]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// A file cannot be worked with.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The page cannot be written.
    #[error(transparent)]
    Write(#[from] SealError),
}

impl ReportError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(error) => error.hint(),
            Self::Checks(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Taken { .. } => Some("give another name with --out, or remove that file".into()),
            Self::Inside { .. } => Some("give a name outside of the session with --out".into()),
            Self::TooLarge { .. } => Some("leave out --embed: the page then plays the session's own file".into()),
            Self::Io(_) => None,
            Self::Write(error) => error.hint(),
        }
    }
}

/// The name of a session's page when none was given: beside its folder.
pub fn beside(dir: &Path) -> PathBuf {
    let dir = dir.canonicalize().unwrap_or_else(|_missing| dir.to_path_buf());
    let mut name = dir.file_name().unwrap_or_default().to_os_string();
    name.push(".report.html");
    dir.with_file_name(name)
}

/// Refuses a name that something else has, or that is in a session.
pub(super) fn check_target(path: &Path) -> Result<(), ReportError> {
    if layout::enclosing(path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))).is_some() {
        return Err(ReportError::Inside { path: path.to_path_buf() });
    }
    if files::is_free(path) {
        return Ok(());
    }
    let taken = || ReportError::Taken { path: path.to_path_buf() };
    let file = files::open_regular(path).map_err(|_not_ours| taken())?;
    let mut begin = [0; page::BEGIN.len()];
    let read = crate::base::file_at::read_exact_at(&file, &mut begin, 0);
    if read.is_ok() && begin == page::BEGIN.as_bytes() { Ok(()) } else { Err(taken()) }
}

/// Makes the page of the session in `dir`.
///
/// # Errors
/// When the session is not sealed or not what was sealed, cannot be read, or the page cannot be written.
pub fn report(dir: &Path, out: &Path, embed: Embed, progress: &mut dyn FnMut(Step)) -> Result<Made, ReportError> {
    check_target(out)?;
    let session = SealedSession::open(dir)?;
    session.verify(progress)?;
    let mut pass = rows::Pass::new(rows::zero(session.reader())?);
    let checks = qa::check_session(dir, &session, &Limits::default(), &mut |row| pass.take(row), progress)?;
    let gathered = pass.finish();
    let metadata = session.metadata();
    let name = dir.canonicalize().unwrap_or_else(|_missing| dir.to_path_buf());
    let title = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (video, embedded) = video(dir, out, metadata.frames, embed)?;
    let over = checks.checks.iter().filter(|check| check.value.is_some() && !check.ok).count();
    let verdict = match over {
        0 => "Every file is as it was sealed, and no check is over its limit.".to_owned(),
        _ => format!("Every file is as it was sealed; {} over the limit: see below.", counted(over as u64, "check")),
    };
    let findings = |check: &qa::Check| {
        let places = check.findings.iter().take(20).map(|found| json!([gathered.zero.time(found.from_ns), found.what]));
        json!({
            "name": check.name, "measures": check.measures, "value": check.value, "limit": check.limit, "ok": check.ok,
            "count": check.count, "findings": places.collect::<Vec<_>>(),
        })
    };
    let data = json!({
        "title": title,
        "verdict": { "ok": over == 0, "text": verdict },
        "facts": known::facts(metadata),
        "made": format!("Made by watchcap {} of the sealed session {}.", env!("CARGO_PKG_VERSION"), metadata.session_id),
        "zero": gathered.zero.0.to_string(),
        "video": video_json(&video, metadata.codec_string.as_deref()),
        "checks": checks.checks.iter().map(findings).collect::<Vec<_>>(),
        "known": known::tables(metadata, &session.identity().to_string(), gathered.intervals),
        "metadata": metadata,
    });
    let data = merged(data, columns(&gathered));
    let text = page::session(&title, &data, &embedded);
    seal::publish_bytes(out, text.as_bytes())?;
    let readers = metadata.codec_string.as_deref().and_then(readers_of).filter(|_| video != Video::None);
    Ok(Made { path: out.to_path_buf(), bytes: text.len() as u64, video, readers, left_out: gathered.left_out })
}

fn merged(mut data: Value, more: Value) -> Value {
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}

fn columns(gathered: &Gathered) -> Value {
    let presses = |presses: &Presses| {
        json!({
            "down": arrays::i32s(&presses.down), "up": arrays::i32s(&presses.up), "name": arrays::i32s(&presses.name),
            "x": arrays::u16s(&presses.x), "y": arrays::u16s(&presses.y),
        })
    };
    let of = |take: fn(&Second) -> u16| arrays::u16s(&gathered.seconds.iter().map(take).collect::<Vec<_>>());
    json!({
        "span": [gathered.span.0, gathered.span.1],
        "names": gathered.names.list(),
        "frames": arrays::i32s(&gathered.frames),
        "pointer": {
            "t": arrays::i32s(&gathered.pointer_t), "x": arrays::u16s(&gathered.pointer_x), "y": arrays::u16s(&gathered.pointer_y),
        },
        "keys": presses(&gathered.keys),
        "buttons": presses(&gathered.buttons),
        "wheel": {
            "t": arrays::i32s(&gathered.wheel_t), "delta": arrays::f32s(&gathered.wheel_delta),
            "sideways": arrays::u16s(&gathered.wheel_sideways),
        },
        "focus": {
            "t": arrays::i32s(&gathered.focus_t), "app": arrays::i32s(&gathered.focus_app),
            "title": arrays::i32s(&gathered.focus_title),
        },
        "seconds": {
            "keys": of(|second| second.keys), "clicks": of(|second| second.clicks), "wheel": of(|second| second.wheel),
            "moves": of(|second| second.moves), "frames": of(|second| second.frames), "fresh": of(|second| second.fresh),
            "interval": of(|second| second.interval), "capture": of(|second| second.capture), "encode": of(|second| second.encode),
        },
        "heat": { "columns": HEAT.0, "rows": HEAT.1, "ms": arrays::f32s(&gathered.heat) },
        "spans": gathered.spans,
        "marks": gathered.marks,
        "left_out": gathered.left_out,
    })
}

fn video_json(video: &Video, codec: Option<&str>) -> Value {
    let told = codec.and_then(readers_of).map(|readers| format!(", {readers}")).unwrap_or_default();
    let codec = format!("{}{told}", codec.unwrap_or("unknown codec"));
    match video {
        Video::Embedded => json!({ "embedded": true, "codec": codec }),
        Video::Beside(href) => json!({ "embedded": false, "href": href, "codec": codec }),
        Video::None => json!({ "embedded": false, "href": null, "why": "The session has no video.", "codec": codec }),
    }
}

/// Where the page has the video from, and the video in base64 when it is put into it.
fn video(dir: &Path, out: &Path, frames: u64, embed: Embed) -> Result<(Video, String), ReportError> {
    if frames == 0 {
        return Ok((Video::None, String::new()));
    }
    let path = layout::frames_path(dir);
    let bytes = files::look(&path).map_err(IoError::at("look at", &path))?.len;
    let most = match embed {
        Embed::Auto => EMBED_BYTES,
        Embed::Always => MAX_EMBED_BYTES,
        Embed::Never => 0,
    };
    if bytes <= most {
        let video = files::read_at_most(&path, most).map_err(IoError::at("read", &path))?;
        return Ok((Video::Embedded, arrays::text(&video)));
    }
    if embed == Embed::Always {
        return Err(ReportError::TooLarge { bytes });
    }
    Ok((Video::Beside(way(out, &path)), String::new()))
}

/// The path from a page to a file, as a link.
pub(super) fn way(page: &Path, file: &Path) -> String {
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_unknown| path.to_path_buf());
    let from = page.parent().map(|dir| dir.canonicalize().unwrap_or_else(|_missing| whole(dir)));
    let (from, to) = (from.unwrap_or_default(), file.canonicalize().unwrap_or_else(|_missing| whole(file)));
    let (from, to): (Vec<_>, Vec<_>) = (from.components().collect(), to.components().collect());
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let ups = std::iter::repeat_n("..".to_owned(), from.len() - same);
    let downs = to[same..].iter().map(|part| encoded(&part.as_os_str().to_string_lossy()));
    ups.chain(downs).collect::<Vec<_>>().join("/")
}

/// A name in a link.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_the_page_to_the_file() {
        assert_eq!(way(Path::new("/a/b/page.html"), Path::new("/a/c d/frames.mp4")), "../c%20d/frames.mp4");
        assert_eq!(way(Path::new("/a/page.html"), Path::new("/a/s#1/frames.mp4")), "s%231/frames.mp4");
    }

    #[test]
    fn only_a_page_of_ours_is_replaced() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("page.html");
        check_target(&path).expect("it is free");
        std::fs::write(&path, "<!doctype html>\n<p>mine</p>".repeat(9)).expect("a file");
        assert!(matches!(check_target(&path), Err(ReportError::Taken { .. })));
        std::fs::write(&path, format!("{}rest", page::BEGIN)).expect("a file");
        check_target(&path).expect("it is ours");
    }
}
