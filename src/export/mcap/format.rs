//! The format `mcap`: one file a session, with the channels of OWA or of Foxglove.

use super::file::McapFile;
use super::foxglove::Foxglove;
use super::owa::Owa;
use super::{file, foxglove, owa};
use crate::base::event::Stream;
use crate::base::progress::{Progress, Step};
use crate::export::error::ExportError;
use crate::export::format::{Format, Piece};
use crate::export::kind::FormatKind;
use crate::export::opt::Opt;
use crate::export::options::{McapFor, Options};
use crate::export::out::{Out, is_beside};
use crate::export::sound::{Told, Track};
use crate::export::source::{PROGRESS_ROWS, Source};
use crate::export::steps;
use crate::export::video::open_video;
use crate::media::frames::FrameReader;
use crate::session::layout;
use crate::session::table::row::{OwnedRow, event_type};

/// Profile of the file for OWA's tools, which open no other one.
const OWA_PROFILE: &str = "owa";

/// The format.
pub struct Mcap;

impl FormatKind for Mcap {
    fn name(&self) -> &'static str {
        "mcap"
    }

    fn about(&self) -> &'static str {
        "MCAP for OWA's tools, with the video beside it; and one for Foxglove with every row and the video in it"
    }

    fn version(&self) -> u32 {
        2
    }

    fn takes(&self) -> &'static [Opt] {
        &[Opt::Span, Opt::ExcludeRedacted, Opt::OnlyAccepted, Opt::McapFor, Opt::Sound]
    }

    fn needs(&self) -> &'static [Stream] {
        &[Stream::Screen, Stream::Input]
    }

    fn has_gamepads(&self, options: &Options) -> bool {
        // The rows as they are; OWA has no message for them here.
        options.mcap_for != Some(McapFor::Owa)
    }

    fn makes(&self, file: &str, stem: &str, _: &str) -> bool {
        is_beside(file, stem, |rest| matches!(rest, "mp4" | "mcap" | "foxglove.mcap"))
    }
}

impl Format for Mcap {
    fn copies_pictures(&self, _options: &Options) -> bool {
        true
    }

    fn export(&self, piece: &Piece<'_>, out: &mut Out, progress: Progress<'_>) -> Result<(), ExportError> {
        let wants = |reader| piece.options.mcap_for.is_none_or(|asked| asked == reader);
        let source = piece.source;
        let has_video = !source.frames.is_empty();
        let metadata = source.reader().metadata();
        let span = steps::span(source, piece.options)?;
        let zero = zero(source);

        let mut owa = None;
        if wants(McapFor::Owa) {
            let video = has_video.then(|| out.name("mp4"));
            if let Some(video) = &video {
                out.bring(video, &layout::frames_path(source.dir()))?;
            }
            let size = size(source, has_video)?;
            let file = begin(piece, out, "mcap", OWA_PROFILE, &owa::TOPICS)?;
            owa = Some((Owa::new(size, video, metadata.window_id.clone()), file));
        }
        let mut foxglove = None;
        if wants(McapFor::Foxglove) {
            let video = if has_video { Some(open_video(source)?) } else { None };
            let sounds = if piece.options.sound { Track::all(source)? } else { Vec::new() };
            let file = begin(piece, out, "foxglove.mcap", "", &foxglove::topics(&sounds))?;
            foxglove = Some((Foxglove::new(video, sounds), file));
        } else if piece.options.sound {
            out.note("the sound is left out: OWA has no place for it, and the file for Foxglove was not asked for");
        }

        // Whether what is at a moment may be told, and is known.
        let told = |t_ns: i64| {
            let withheld = piece.options.exclude_redacted && source.redacted.hold(t_ns);
            span.holds(t_ns) && !withheld && source.is_accepted(t_ns)
        };
        let known = |t_ns: i64| told(t_ns) && !source.pauses.hold(t_ns) && !source.screen_gaps.hold(t_ns);

        let heard = Told::of(source, piece.options)?;
        let heard = |from_ns, until_ns| heard.holds(from_ns, until_ns);

        let mut rows = source.reader().events().rows();
        let (of, mut done) = (source.reader().events().len(), 0_u64);
        let mut row = OwnedRow::default();
        while rows.next_into(&mut row)? {
            done += 1;
            if done.is_multiple_of(PROGRESS_ROWS) {
                progress(Step { what: "rows", done, of });
            }
            let time = row.t_ns.saturating_add(zero);
            let is_told = if row.event_type == event_type::REDACT {
                span.holds(row.t_ns) && source.is_accepted(row.t_ns)
            } else {
                told(row.t_ns)
            };
            if let Some((say, (file, failed))) = &mut owa {
                say.until(row.t_ns, &known, zero, file).map_err(&*failed)?;
                if is_told { say.row(&row, time, file).map_err(&*failed)? } else { say.skip(&row) }
            }
            if let Some((say, (file, failed))) = &mut foxglove {
                say.sound(row.t_ns, &heard, zero, file, failed)?;
                if is_told { say.row(&row, time, file, failed)? } else { say.skip(&row) }
            }
        }
        if let Some((mut say, (mut file, failed))) = owa {
            say.until(source.span_ns.1, &known, zero, &mut file).map_err(&failed)?;
            file.finish().map_err(&failed)?;
            out.tell(say.told());
            if let Some(note) = say.note() {
                out.note(note);
            }
        }
        if let Some((mut say, (mut file, failed))) = foxglove {
            say.sound(i64::MAX, &heard, zero, &mut file, &failed)?;
            out.tell_sound(say.has_sound());
            file.finish().map_err(&failed)?;
        }
        Ok(())
    }
}

/// A file, and what makes an error of the export of one of its own.
type Begun = (McapFile, Box<dyn Fn(::mcap::McapError) -> ExportError>);

fn begin(
    piece: &Piece<'_>,
    out: &mut Out,
    suffix: &str,
    profile: &str,
    topics: &[file::Topic],
) -> Result<Begun, ExportError> {
    let (file, path) = out.create(&out.name(suffix))?;
    let about = piece.manifest.to_line().map_err(|source| ExportError::Json { path: path.clone(), source })?;
    let failed = Box::new(move |source| ExportError::Mcap { path: path.clone(), source });
    let file = McapFile::new(file, profile, topics, &about).map_err(&failed)?;
    Ok((file, failed))
}

/// Width and height of the picture, to which positions are relative: what the session says, else its video.
fn size(source: &Source, has_video: bool) -> Result<Option<[u32; 2]>, ExportError> {
    if let Some(size) = source.reader().metadata().resolution {
        return Ok(Some([size.width, size.height]));
    }
    if !has_video {
        return Ok(None);
    }
    let (width, height) = FrameReader::open(&layout::frames_path(source.dir()))?.surface();
    Ok(Some([width, height]))
}

/// What turns a `t_ns` into nanoseconds since 1970: the first anchor, so that times keep their distances. Without an anchor messages have
/// the session's own clock.
fn zero(source: &Source) -> i64 {
    let anchor = source.reader().metadata().clock.anchors.first();
    anchor.map_or(0, |anchor| anchor.realtime_ns.saturating_sub(anchor.monotonic_ns))
}
