//! What the stream has sent: the newest buffer with pixels, kept until a newer one comes, and the pointer.
//!
//! Invariant: a buffer is held only as long as the stream has it. When the stream takes one back, which it does with all of them at once, what is
//! held is let go of without being given back.

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
    }

    /// Takes in a buffer; it is given back at once when it has no pixels.
    pub(crate) fn sent(&mut self, mut buffer: Buffer<'static>) {
        let arrival = now();
        let header = buffer.find_meta::<MetaHeader>();
        let stamp = header.map_or(0, MetaHeader::pts);
        let is_whole = !header.is_some_and(|header| header.flags().contains(MetaHeaderFlags::CORRUPTED));
        let moved = self.point(&buffer, stamp, arrival);
        let shown = if is_whole { self.shown_by(&mut buffer) } else { None };
        let is_picture = shown.is_some();
        if let Some((layout, area, transform)) = shown {
            self.overtaken = self.overtaken.saturating_add(u32::from(self.is_new));
            if (0..=OLDEST_NS).contains(&(arrival - stamp)) {
                self.late = self.late.max(arrival - stamp);
            }
            // The one before is given back.
            self.shown = Some(Shown { buffer, layout, area, transform });
        }
        if is_picture || (moved && self.draws && self.shown.is_some()) {
            (self.is_new, self.stamp, self.arrival) = (true, stamp, arrival);
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

    /// Takes in what a buffer says of the pointer; returns whether it is drawn in another way now.
    fn point(&mut self, buffer: &Buffer<'static>, stamp: i64, arrival: i64) -> bool {
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
            self.places.push(Place { stamp, arrival, at });
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
    pub(crate) fn answer(&mut self, request: Request) -> Answer {
        let now = now();
        let mut answer = Answer {
            now,
            late: std::mem::take(&mut self.late),
            overtaken: std::mem::take(&mut self.overtaken),
            rate_mhz: self.format.map_or(0, |format| format.rate_mhz),
            places: std::mem::take(&mut self.places),
            ..Answer::default()
        };
        if self.end.is_none() && (self.is_new || request.whole) {
            self.put(&mut answer);
        }
        if let Some(why) = &self.end {
            (answer.kind, answer.text) = (Kind::End, why.clone());
        }
        answer
    }

    fn put(&mut self, answer: &mut Answer) {
        let (Some(shown), Some(format)) = (&mut self.shown, self.format) else { return };
        let data = shown.buffer.datas_mut().first_mut().and_then(|data| data.data().map(|data| &*data));
        let is_there = data.is_some_and(|data| shown.layout.copy(shown.area, data, &mut self.scratch));
        let is_new = std::mem::take(&mut self.is_new);
        if !is_there {
            // What it says of its rows is not so: as one without pixels.
            return;
        }
        if self.draws {
            self.pointer.draw(shown.area, format.is_red_first, &mut self.scratch);
        }
        let (width, height) = shown.area.size;
        if self.scratch.len() as u64 > self.room {
            return self.ends(format!("a picture of {width}x{height} is larger than what can be taken"));
        }
        if let Err(error) = self.memory.write_all_at(&self.scratch, 0) {
            return self.ends(format!("the picture cannot be handed over: {error}"));
        }
        answer.kind = if is_new { Kind::New } else { Kind::Again };
        (answer.size, answer.is_red_first, answer.transform) = (shown.area.size, format.is_red_first, shown.transform);
        (answer.stamp, answer.arrival) = (self.stamp, self.arrival);
    }
}
