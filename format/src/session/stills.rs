//! Reads and writes what the metadata of a session say of its PNG pictures: `streams.screen.settings.png`.
//!
//! Owns the names of these settings, and which files they are of. Metadata without them are of a session in which none were asked for, or
//! of an older one, which says nothing of pictures that lie in it.

use serde_json::{Map, Value, json};

use super::layout;
use super::metadata::Metadata;
use crate::base::event::Stream;
use crate::base::id::FrameRef;

/// The setting: an object of those below.
pub const PNG: &str = "png";
/// Seconds between two bursts; null without a timer.
pub const EVERY_S: &str = "every_s";
/// Frames that a burst takes.
pub const FRAMES: &str = "frames";
/// What else a picture is taken on: `key`, `click`.
pub const ON: &str = "on";
/// The frames of which there is a picture, in order.
pub const PICTURES: &str = "pictures";
/// Pictures that were wanted and not taken, since there was no room for them; null when it is not known.
pub const SKIPPED: &str = "skipped";
/// Pictures that were taken and are not there; null when it is not known.
pub const LOST: &str = "lost";

/// The most pictures of one session.
pub const MAX_PICTURES: usize = 65_536;

/// Returns the path of a frame's picture inside a session, as the seal names it.
pub fn path_of(frame: FrameRef) -> String {
    format!("{}/{}", layout::DEBUG_DIR, layout::debug_frame_name(frame))
}

/// Returns the frame of which a file of a session is the picture, by its path in the session.
pub fn frame_of(path: &str) -> Option<FrameRef> {
    layout::debug_frame_of(path.strip_prefix(layout::DEBUG_DIR)?.strip_prefix('/')?)
}

/// What the metadata say of the pictures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// These frames have one, in order.
    Of(Vec<FrameRef>),
    /// Something that is no list of frames in order.
    Wrong,
}

/// Returns of which frames there are pictures.
pub fn told(metadata: &Metadata) -> Told {
    let Some(settings) = settings(metadata) else { return Told::Nothing };
    let frames = |list: &Vec<Value>| list.iter().map(|frame| frame.as_u64().map(FrameRef)).collect::<Option<Vec<_>>>();
    match settings.get(PICTURES).and_then(Value::as_array).and_then(frames) {
        Some(list) if list.len() <= MAX_PICTURES && list.is_sorted_by(|a, b| a.0 < b.0) => Told::Of(list),
        _ => Told::Wrong,
    }
}

/// Returns how many pictures there are; `None` when the metadata say nothing of them.
pub fn count(metadata: &Metadata) -> Option<u64> {
    Some(settings(metadata)?.get(PICTURES)?.as_array()?.len() as u64)
}

/// Returns how many pictures were wanted and not taken.
pub fn skipped(metadata: &Metadata) -> Option<u64> {
    settings(metadata)?.get(SKIPPED)?.as_u64()
}

/// Returns the size of the pictures: that of the surface, which the video has too, each odd side grown by one.
pub fn size(metadata: &Metadata) -> Option<(u32, u32)> {
    let coded = metadata.resolution?;
    let of_surface = metadata.surface.as_ref().map(|surface| (surface.width, surface.height));
    let fits = |(width, height): &(u32, u32)| {
        let grown = |side: u32| side.checked_next_multiple_of(2);
        (grown(*width), grown(*height)) == (Some(coded.width), Some(coded.height))
    };
    Some(of_surface.filter(fits).unwrap_or((coded.width, coded.height)))
}

/// Returns the settings, when the metadata have them.
pub fn settings(metadata: &Metadata) -> Option<&Map<String, Value>> {
    metadata.streams.get(Stream::Screen.name())?.settings.get(PNG)?.as_object()
}

/// Says in the metadata of a session that is made of another which of its pictures are in it. Nothing is said where nothing was.
pub fn keep(metadata: &mut Metadata, frames: &[FrameRef]) {
    if let Some(settings) =
        metadata.streams.get_mut(Stream::Screen.name()).and_then(|info| info.settings.get_mut(PNG)?.as_object_mut())
    {
        settings.insert(PICTURES.to_owned(), frames.iter().map(|frame| json!(frame.0)).collect());
        for key in [SKIPPED, LOST] {
            // How many of those that the whole lacks are of this part, nothing says.
            if settings.get(key).is_some_and(|number| number.as_u64() != Some(0)) {
                settings.insert(key.to_owned(), Value::Null);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::session::metadata::samples::bare;
    use crate::session::metadata::{Extra, Resolution, StreamInfo, SurfaceInfo};

    fn with(png: Value) -> Metadata {
        let mut metadata = bare("s");
        let settings = BTreeMap::from([(PNG.to_owned(), png)]);
        let (source, reason) = (None, None);
        let info = StreamInfo { status: "recorded".into(), source, reason, settings, extra: Extra::new() };
        metadata.streams.insert("screen".into(), info);
        metadata
    }

    #[test]
    fn frames_are_told_in_order_or_wrong() {
        assert_eq!(told(&bare("s")), Told::Nothing);
        let of = |list: &[u64]| Told::Of(list.iter().copied().map(FrameRef).collect());
        assert_eq!(told(&with(json!({ "pictures": [] }))), of(&[]));
        assert_eq!(told(&with(json!({ "pictures": [0, 7] }))), of(&[0, 7]));
        for wrong in [json!({}), json!({ "pictures": [7, 7] }), json!({ "pictures": [-1] }), json!({ "pictures": 3 })] {
            assert_eq!(told(&with(wrong.clone())), Told::Wrong, "{wrong}");
        }
        assert_eq!(told(&with(json!(3))), Told::Nothing);
    }

    #[test]
    fn a_part_says_which_it_kept_and_not_what_the_whole_lost() {
        let mut metadata = with(json!({ "pictures": [0, 7], "skipped": 2, "lost": 0 }));
        keep(&mut metadata, &[FrameRef(3)]);
        assert_eq!(told(&metadata), Told::Of(vec![FrameRef(3)]));
        assert_eq!((count(&metadata), skipped(&metadata)), (Some(1), None));
        assert_eq!(settings(&metadata).and_then(|settings| settings.get(LOST)?.as_u64()), Some(0));
        let mut none = bare("s");
        keep(&mut none, &[FrameRef(3)]);
        assert_eq!(none, bare("s"));
    }

    #[test]
    fn a_surface_that_does_not_fit_the_video_says_no_size() {
        let mut metadata = bare("s");
        metadata.resolution = Some(Resolution { width: 8, height: 6 });
        for (width, height, size) in [(7, 6, (7, 6)), (u32::MAX, u32::MAX, (8, 6)), (9, 6, (8, 6))] {
            metadata.surface = Some(SurfaceInfo { x: 0, y: 0, width, height, scale: None });
            assert_eq!(super::size(&metadata), Some(size));
        }
    }

    #[test]
    fn paths_name_frames() {
        assert_eq!(path_of(FrameRef(42)), "debug/frame_0000000042.png");
        assert_eq!(frame_of("debug/frame_0000000042.png"), Some(FrameRef(42)));
        for other in
            ["frame_0000000042.png", "debug/x.png", "debugframe_0000000042.png", "debug/../frame_0000000042.png"]
        {
            assert_eq!(frame_of(other), None, "{other}");
        }
    }
}
