//! The PNG pictures of a session against its metadata: each that is told is there, is of a frame, has the size of the surface and decodes;
//! and no other is there.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use super::options::VerifyOptions;
use super::report::{Kind, Report};
use crate::base::files;
use crate::base::id::FrameRef;
use crate::base::progress::Step;
use crate::media::png;
use crate::session::layout;
use crate::session::metadata::Metadata;
use crate::session::seal;
use crate::session::stills::{self, Told};

pub(super) fn check_stills(
    dir: &Path,
    metadata: &Metadata,
    options: VerifyOptions,
    report: &mut Report,
    progress: &mut dyn FnMut(Step),
) {
    let told = match stills::told(metadata) {
        Told::Nothing => return,
        Told::Of(frames) => frames,
        Told::Wrong => {
            let what = || "the list of PNG pictures is no list of frames in order".to_owned();
            return report.add(Kind::Png, layout::METADATA_FILE, None, None, what);
        }
    };
    // What cannot be listed was reported with the files.
    let listed = seal::list_files(dir).map(|listing| listing.files).unwrap_or_default();
    let there: BTreeSet<FrameRef> = listed.iter().filter_map(|name| stills::frame_of(name)).collect();
    for frame in there.iter().filter(|frame| told.binary_search(frame).is_err()) {
        let what = || "the metadata do not tell of it".to_owned();
        report.add(Kind::Png, &stills::path_of(*frame), None, Some(frame.0), what);
    }
    let size = stills::size(metadata);
    let of = told.len() as u64;
    for (done, frame) in told.into_iter().enumerate() {
        let name = stills::path_of(frame);
        let fault = if frame.0 >= metadata.frames {
            Some("there is no frame of this number".to_owned())
        } else if !there.contains(&frame) {
            Some("it is not there as a regular file".to_owned())
        } else {
            check(&dir.join(&name), size, options, report).err()
        };
        if let Some(what) = fault {
            report.add(Kind::Png, &name, None, Some(frame.0), || what);
        }
        progress(Step { what: "png", done: done as u64 + 1, of });
    }
}

fn check(path: &Path, size: Option<(u32, u32)>, options: VerifyOptions, report: &mut Report) -> Result<(), String> {
    let size = size.ok_or("the metadata say no size of pictures")?;
    let file = files::open_regular(path).map_err(|error| error.to_string())?;
    let (len, most) = (file.metadata().map_err(|error| error.to_string())?.len(), png::most_bytes(size));
    if len > most {
        return Err(format!("it has {len} bytes, more than a picture of this size can have"));
    }
    report.png_pictures += 1;
    if options.decode_frames {
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        png::decode(&bytes, size).map_err(|error| error.to_string())?;
        report.png_decoded += 1;
    }
    Ok(())
}
