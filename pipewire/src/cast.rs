//! What the stream has sent: the newest buffer with pixels, kept until a newer one comes, and the pointer.
//!
//! Invariant: a buffer is held only as long as the stream has it. When the stream takes one back, which it does with all of them at once, what is
//! held is let go of without being given back. The time of what is handed out is that of the newest in it, of the picture and of the pointer that is drawn
//! into it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use pipewire::buffer::Buffer;
use pipewire::spa;
use pipewire::spa::buffer::ChunkFlags;
use pipewire::spa::buffer::meta::{MetaCursor, MetaHeader, MetaHeaderFlags, MetaVideoCrop, Metadata};
use pipewire::spa::param::video::{VideoFormat, VideoInfoRaw};
use rustix::time::{ClockId, clock_gettime};

use crate::pixels::{Area, Layout};
use crate::pointer::{Image, Pointer};
use crate::wire::{Answer, Kind, Place, Request};

/// The most places of the pointer that are kept for one answer: a second of a mouse of 1000 Hz. The last ones stay.
const MAX_PLACES: usize = 1024;
/// A stamp that is older than this when it arrives is none of this clock: it says nothing of how late pictures are.
const OLDEST_NS: i64 = 1_000_000_000;

/// The time of the monotonic clock, nanoseconds.
pub(crate) fn now() -> i64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// How a picture is turned; the library's own type of this needs a feature that does not compile everywhere.
#[repr(transparent)]
struct Transform(u32);

impl Metadata for Transform {
    const META_TYPE: u32 = spa::sys::SPA_META_VideoTransform;
}

/// The format that was agreed on.
#[derive(Clone, Copy)]
struct Format {
    size: (u32, u32),
    is_red_first: bool,
    rate_mhz: u32,
}

/// A picture that was sent.
struct Shown {
    buffer: Buffer<'static>,
    layout: Layout,
    area: Area,
    transform: u8,
}

/// What was sent, and what of it was handed out.
pub(crate) struct Cast {
    memory: File,
    /// Bytes of the memory.
    room: u64,
    draws: bool,
    format: Option<Format>,
    shown: Option<Shown>,
    pointer: Pointer,
    /// There is something to be seen that was not handed out.
    is_new: bool,
    stamp: i64,
    arrival: i64,
    late: i64,
    pictures: u32,
    overtaken: u32,
    places: Vec<Place>,
    /// Why no picture will come any more.
    end: Option<String>,
    scratch: Vec<u8>,
}

impl Cast {
    /// Returns one to which nothing was sent yet. `draws`: the pointer is drawn into the pictures.
    pub(crate) fn new(memory: File, room: u64, draws: bool) -> Self {
        Self {
            memory,
            room,
            draws,
            format: None,
            shown: None,
            pointer: Pointer::default(),
            is_new: false,
            stamp: 0,
            arrival: 0,
            late: 0,
            pictures: 0,
            overtaken: 0,
            places: Vec::new(),
            end: None,
            scratch: Vec::new(),
        }
    }

    /// No picture will come any more; the first reason stands.
    pub(crate) fn ends(&mut self, why: impl Into<String>) {
        self.end.get_or_insert_with(|| why.into());
    }

    /// Returns whether the answer to a request is there.
    pub(crate) fn has_answer(&self) -> bool {
        self.is_new || self.end.is_some()
    }

    /// Takes in the format that was agreed on.
    pub(crate) fn agreed(&mut self, info: VideoInfoRaw) {
        let is_red_first = match info.format() {
            VideoFormat::BGRx | VideoFormat::BGRA => false,
            VideoFormat::RGBx | VideoFormat::RGBA => true,
            other => return self.ends(format!("the stream has a format that is not read here: {other:?}")),
        };
        let (size, rate) = (info.size(), info.max_framerate());
        let mhz = u64::from(rate.num) * 1000 / u64::from(rate.denom.max(1));
        let rate_mhz = u32::try_from(mhz).unwrap_or(0);
        self.format = Some(Format { size: (size.width, size.height), is_red_first, rate_mhz });
    }

    /// The stream takes its buffers back.
    pub(crate) fn lets_go(&mut self) {
        if let Some(shown) = self.shown.take() {
            // To give it back now would be to give what is not the stream's any more.
            std::mem::forget(shown.buffer);
        }
        // What was to be seen of it went with it.
        self.is_new = false;
    }

    /// Takes in a buffer; it is given back at once when it has no pixels.
    pub(crate) fn sent(&mut self, mut buffer: Buffer<'static>) {
        let arrival = now();
        let header = buffer.find_meta::<MetaHeader>();
        let stamp = header.map_or(0, MetaHeader::pts);
        let is_whole = !header.is_some_and(|header| header.flags().contains(MetaHeaderFlags::CORRUPTED));
        let shown = if is_whole { self.shown_by(&mut buffer) } else { None };
        let held = shown.as_ref().map(|(_, area, _)| *area).or_else(|| self.shown.as_ref().map(|shown| shown.area));
        let corner = held.map_or((0, 0), |area| area.at);
        let moved = self.point(&buffer, corner, stamp, arrival);
        let is_picture = shown.is_some();
        if let Some((layout, area, transform)) = shown {
            self.overtaken = self.overtaken.saturating_add(u32::from(self.is_new));
            self.pictures = self.pictures.saturating_add(1);
            // The one before is given back.
            self.shown = Some(Shown { buffer, layout, area, transform });
        }
        if is_picture || (moved && self.draws && self.shown.is_some()) {
            let t = time_of(stamp, arrival);
            self.late = self.late.max(arrival.saturating_sub(t));
            (self.is_new, self.stamp, self.arrival) = (true, t.max(self.stamp), arrival);
        }
    }

    /// Returns how the pixels of a buffer lie; `None` when there are none: some are sent for the pointer alone.
    fn shown_by(&self, buffer: &mut Buffer<'static>) -> Option<(Layout, Area, u8)> {
        let format = self.format?;
        let crop = buffer.find_meta::<MetaVideoCrop>().map(|crop| {
            let region = crop.meta_region();
            (region.position().x, region.position().y, region.size().width, region.size().height)
        });
        let transform =
            buffer.find_meta::<Transform>().map_or(0, |transform| u8::try_from(transform.0).unwrap_or(u8::MAX));
        let data = buffer.datas_mut().first_mut()?;
        let chunk = data.chunk();
        let is_empty = chunk.size() == 0 || chunk.flags().contains(ChunkFlags::CORRUPTED);
        let layout = Layout { size: format.size, offset: chunk.offset(), stride: chunk.stride() };
        (!is_empty && data.data().is_some()).then(|| (layout, layout.part(crop), transform))
    }

    /// Takes in what a buffer says of the pointer, where the part of the picture that counts begins at `corner`; returns whether it is drawn in another way now.
    fn point(&mut self, buffer: &Buffer<'static>, corner: (u32, u32), stamp: i64, arrival: i64) -> bool {
        let Some(cursor) = buffer.find_meta::<MetaCursor>() else { return false };
        let before = (self.pointer.at, self.pointer.hot);
        if cursor.id() == 0 {
            self.pointer.at = None;
            return before.0.is_some();
        }
        let at = (cursor.position().x, cursor.position().y);
        if before.0 != Some(at) {
            if self.places.len() == MAX_PLACES {
                self.places.remove(0);
            }
            self.places.push(Place { stamp, arrival, at: from_corner(at, corner) });
        }
        self.pointer.at = Some(at);
        let Some(bitmap) = cursor.bitmap() else { return before.0 != Some(at) };
        let is_red_first = matches!(bitmap.format(), VideoFormat::RGBA | VideoFormat::RGBx);
        let size = (bitmap.size().width, bitmap.size().height);
        let image = bitmap.bitmap_data().and_then(|data| Image::of(size, bitmap.stride(), is_red_first, data));
        self.pointer.hot = (cursor.hotspot().x, cursor.hotspot().y);
        self.pointer.image = image.unwrap_or_default();
        true
    }

    /// Answers a request: puts the newest picture into the memory, if it is wanted.
    ///
    /// # Errors
    /// Why the process cannot go on: there is a picture, and it is not known what it shows, so nothing true can be answered.
    pub(crate) fn answer(&mut self, request: Request) -> Result<Answer, String> {
        let now = now();
        let mut answer = Answer {
            now,
            late: std::mem::take(&mut self.late),
            pictures: std::mem::take(&mut self.pictures),
            overtaken: std::mem::take(&mut self.overtaken),
            rate_mhz: self.format.map_or(0, |format| format.rate_mhz),
            places: std::mem::take(&mut self.places),
            ..Answer::default()
        };
        if self.end.is_none() && (self.is_new || request.whole) {
            self.put(&mut answer)?;
        }
        if let Some(why) = &self.end {
            (answer.kind, answer.text) = (Kind::End, why.clone());
        }
        Ok(answer)
    }

    fn put(&mut self, answer: &mut Answer) -> Result<(), String> {
        let (Some(shown), Some(format)) = (&mut self.shown, self.format) else { return Ok(()) };
        let data = shown.buffer.datas_mut().first_mut().and_then(|data| data.data().map(|data| &*data));
        let is_there = data.is_some_and(|data| shown.layout.copy(shown.area, data, &mut self.scratch));
        let is_new = std::mem::take(&mut self.is_new);
        let (width, height) = shown.area.size;
        if !is_there {
            return Err(format!("a picture of {width}x{height} is not all in its buffer: {:?}", shown.layout));
        }
        if self.draws {
            self.pointer.draw(shown.area, format.is_red_first, &mut self.scratch);
        }
        if self.scratch.len() as u64 > self.room {
            self.ends(format!("a picture of {width}x{height} is larger than what can be taken"));
            return Ok(());
        }
        if let Err(error) = self.memory.write_all_at(&self.scratch, 0) {
            self.ends(format!("the picture cannot be handed over: {error}"));
            return Ok(());
        }
        answer.kind = if is_new { Kind::New } else { Kind::Again };
        (answer.size, answer.is_red_first, answer.transform) = (shown.area.size, format.is_red_first, shown.transform);
        (answer.stamp, answer.arrival) = (self.stamp, self.arrival);
        Ok(())
    }
}

/// Returns the time of what was sent: its stamp where that can be, else its arrival.
fn time_of(stamp: i64, arrival: i64) -> i64 {
    if (0..=OLDEST_NS).contains(&arrival.saturating_sub(stamp)) { stamp } else { arrival }
}

/// Returns a place in the part of the picture that begins at this corner.
fn from_corner(at: (i32, i32), corner: (u32, u32)) -> (i32, i32) {
    (at.0.saturating_sub_unsigned(corner.0), at.1.saturating_sub_unsigned(corner.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_that_cannot_be_is_the_arrival() {
        let arrival = 50_000_000_000;
        assert_eq!(time_of(49_999_000_000, arrival), 49_999_000_000);
        for stamp in [i64::MIN, -1, 0, 12_000, arrival + 1, i64::MAX] {
            assert_eq!(time_of(stamp, arrival), arrival, "{stamp}");
        }
    }

    #[test]
    fn a_place_is_told_from_the_corner_of_what_is_shown() {
        assert_eq!(from_corner((30, 20), (0, 0)), (30, 20));
        assert_eq!(from_corner((30, 20), (10, 25)), (20, -5));
        assert_eq!(from_corner((i32::MIN, 0), (u32::MAX, u32::MAX)), (i32::MIN, i32::MIN));
    }
}
