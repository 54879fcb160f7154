//! The worker: decodes, scales and encodes pictures in a thread of its own, so that the screen never waits for one.
//!
//! Invariants: of the requests that wait, only the latest is served; of the answers that wait, only the latest is kept; the
//! cache stays below its bounds; a terminal that stores pictures by id is given [`KITTY_IDS`] and never another. A decoder
//! that panics is an answer that says so.
//!
//! When nothing is asked it decodes ahead: a few frames on, or, going back, the group of frames it is in and the one before, so
//! that a step back finds its picture scaled. What is farthest from the playhead leaves the cache first.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use fast_image_resize::Resizer;
use image::{DynamicImage, RgbImage};
use ratatui::layout::Size;
use ratatui_image::Resize;
use ratatui_image::picker::{Capability, Picker, ProtocolType};
use ratatui_image::protocol::{Protocol, kitty::Kitty};

use crate::lens::Part;
use crate::picture::{Drawing, draw, magnified, scale};
use crate::text::clean;
use crate::timeline::{Direction, Picture, Pictures};

/// Name of the thread; the panic hook knows it by this.
pub(crate) const THREAD: &str = "watchcap-pictures";
/// Scaled pictures that are kept: four groups of half a second at 60 frames a second.
const CACHE_PICTURES: usize = 128;
/// Bytes of scaled pictures that are kept, whatever their number. Half-blocks on 200 columns are 143 × 80 × 3 = 34 KB each,
/// 4.4 MB for all 128; pixels at their largest (see `view::picture`) are 1280 × 720 × 3 = 2.8 MB each, so 34 of them: a group
/// of half a second at 60 frames a second.
const CACHE_BYTES: usize = 96 << 20;
/// Frames that are decoded ahead: a quarter of a second at 30 frames a second.
const AHEAD: u64 = 8;
/// While a key repeats a frame is decoded when that takes no more decodes than this; else the nearest one that costs less is
/// shown. 1080p takes 5 to 11 ms a decode, and a key repeats every 33 ms.
const HURRIED_DECODES: u64 = 3;
/// Frames that are decoded before a look at whether another picture is wanted by now.
const STRIDE: u64 = 4;
/// A seek that takes more decodes than this shows the keyframe first: at 11 ms each, as measured for 1080p, nothing would be seen for
/// 90 ms.
const LONG_DECODES: u64 = 8;
/// The ids under which pictures are stored in a terminal that speaks kitty's protocol: the next picture replaces the one
/// before the last. (A new id for each would fill the terminal's memory: nothing deletes the old ones.) Two, so that the
/// picture on the screen is whole while the next is on its way. An id is a colour to the protocol: 24 bits.
pub(crate) const KITTY_IDS: [u32; 2] = [0x0057_4301, 0x0057_4302];

/// A picture that is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// Of which frame.
    pub(crate) frame: u64,
    /// It fits into this, pixels.
    pub(crate) bounds: (u32, u32),
    /// Only this part of it.
    pub(crate) part: Option<Part>,
    /// A key repeats: any picture near the frame will do when that one takes long.
    pub(crate) hurry: bool,
    /// Which way the playhead goes.
    pub(crate) heading: Direction,
    /// What to draw into it, where the terminal shows pixels.
    pub(crate) drawing: Drawing,
}

/// A picture as it can be drawn.
#[derive(Clone)]
pub(crate) enum Drawable {
    /// Pixels that become cells.
    Pixels(Arc<Picture>),
    /// Escape sequences of a graphics protocol.
    Graphics(Arc<Protocol>),
}

/// What the worker is told.
enum Order {
    /// To answer.
    Show(Request),
    /// Only to have the picture ready: what is drawn into it is not known yet.
    Prepare(Request),
}

/// What became of a request.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The request.
    pub(crate) request: Request,
    /// The frame whose picture it is: another than the one asked for only in a hurry.
    pub(crate) frame: u64,
    /// The picture, or why there is none.
    pub(crate) result: Result<Drawable, String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer {{ request: {:?}, frame: {}, ok: {} }}", self.request, self.frame, self.result.is_ok())
    }
}

/// The end of a one-place mailbox that puts in: what waits there is replaced.
struct Mailbox<T> {
    sender: Sender<T>,
    receiver: Receiver<T>,
}

impl<T> Mailbox<T> {
    fn new() -> (Self, Receiver<T>) {
        let (sender, receiver) = bounded(1);
        (Self { sender, receiver: receiver.clone() }, receiver)
    }

    fn post(&self, mut item: T) {
        while let Err(TrySendError::Full(back)) = self.sender.try_send(item) {
            // Whoever wins this race, the place is free now.
            drop(self.receiver.try_recv());
            item = back;
        }
    }
}

/// The player's hold on its worker. Dropping it ends the thread after the picture it is at.
pub(crate) struct Worker {
    orders: Mailbox<Order>,
    /// The latest answer, when there is a new one.
    pub(crate) answers: Receiver<Answer>,
}

impl Worker {
    /// Starts the thread. With a picker, pictures are encoded for its graphics protocol.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(pictures: Box<dyn Pictures>, picker: Option<Picker>) -> std::io::Result<Self> {
        let (orders, inbox) = Mailbox::new();
        let (outbox, answers) = Mailbox::new();
        let mut studio = Studio::new(pictures, picker);
        std::thread::Builder::new().name(THREAD.into()).spawn(move || {
            loop {
                let order =
                    if studio.ahead.is_empty() { inbox.recv().map_err(TryRecvError::from) } else { inbox.try_recv() };
                match order {
                    Ok(order) => studio.follow(order, &|| !inbox.is_empty(), &mut |answer| outbox.post(answer)),
                    Err(TryRecvError::Empty) => studio.decode_ahead(),
                    Err(TryRecvError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { orders, answers })
    }

    /// Asks for a picture instead of any that was asked for and not begun.
    pub(crate) fn ask(&self, request: Request) {
        self.orders.post(Order::Show(request));
    }

    /// Has a picture decoded that will be asked for, instead of any that was asked for and not begun.
    pub(crate) fn prepare(&self, request: Request) {
        self.orders.post(Order::Prepare(request));
    }
}

/// A scaled picture by the frame and the bounds it was made for.
type Cached = ((u64, (u32, u32)), Arc<Picture>);

/// What the thread works with.
struct Studio {
    pictures: Box<dyn Pictures>,
    picker: Option<Picker>,
    resizer: Resizer,
    cache: Vec<Cached>,
    /// The frame that the decoder takes next without going back to a keyframe.
    next: u64,
    /// What to decode when nothing is asked, in this order.
    ahead: VecDeque<u64>,
    /// The frame and the bounds that were asked for last.
    target: (u64, (u32, u32)),
    encoded: usize,
}

impl Studio {
    fn new(pictures: Box<dyn Pictures>, picker: Option<Picker>) -> Self {
        Self {
            pictures,
            picker,
            resizer: Resizer::new(),
            cache: Vec::new(),
            next: 0,
            ahead: VecDeque::new(),
            target: (0, (0, 0)),
            encoded: 0,
        }
    }

    /// Does what it is told. Where that takes many decodes, gives it up when something else is wanted by now, and shows the keyframe
    /// until the right picture is there.
    fn follow(&mut self, order: Order, outdated: &dyn Fn() -> bool, answer: &mut dyn FnMut(Answer)) {
        let (request, show) = match order {
            Order::Show(request) => (request, true),
            Order::Prepare(request) => (request, false),
        };
        self.target = (request.frame, request.bounds);
        self.ahead.clear();
        // The state behind an unwind is the decoder's and the cache's; the decoder is told nothing about it and may
        // panic again, the cache is only changed after the picture is whole.
        let frame = catch_unwind(AssertUnwindSafe(|| self.choose(&request))).unwrap_or(request.frame);
        if frame == request.frame && !self.holds(frame, request.bounds) {
            let (from, first) = self.begin(frame);
            if show && !request.hurry && from == first && frame - from >= LONG_DECODES {
                let result = self.made(first, &request);
                if result.is_ok() {
                    answer(Answer { request: request.clone(), frame: first, result });
                }
            }
            // What fails here fails again below, and says why.
            while self.approach(frame) > 0 {
                if outdated() {
                    return;
                }
            }
        }
        if show {
            let result = self.made(frame, &request);
            answer(Answer { request: request.clone(), frame, result });
        } else {
            drop(catch_unwind(AssertUnwindSafe(|| self.scaled(frame, request.bounds))));
        }
        if !request.hurry {
            self.ahead = catch_unwind(AssertUnwindSafe(|| self.plan(&request))).unwrap_or_default();
        }
    }

    /// A picture for a request, or why there is none.
    fn made(&mut self, frame: u64, request: &Request) -> Result<Drawable, String> {
        let panicked = "the decoder failed on this frame (it panicked)";
        catch_unwind(AssertUnwindSafe(|| self.make(frame, request)))
            .unwrap_or_else(|_| Err(panicked.into()))
            .map_err(|problem| clean(&problem))
    }

    /// Decodes a few frames on the way to one; answers with how many are left, 0 when it cannot be decoded.
    fn approach(&mut self, frame: u64) -> u64 {
        let left = catch_unwind(AssertUnwindSafe(|| self.pictures.approach(frame, STRIDE)));
        let Ok(Ok(left)) = left else { return 0 };
        self.next = frame.saturating_add(1).saturating_sub(left);
        left
    }

    /// Where decoding begins for a frame, and the first frame of its group.
    fn begin(&mut self, frame: u64) -> (u64, u64) {
        let group = catch_unwind(AssertUnwindSafe(|| self.pictures.group(frame)));
        let first = group.map_or(frame, |group| group.start.min(frame));
        (if (first..=frame).contains(&self.next) { self.next } else { first }, first)
    }

    /// The frame to show: in a hurry one that does not cost much.
    fn choose(&mut self, request: &Request) -> u64 {
        let frame = request.frame;
        if !request.hurry || self.holds(frame, request.bounds) {
            return frame;
        }
        let (from, first) = self.begin(frame);
        if frame - from < HURRIED_DECODES {
            return frame;
        }
        // The latest one before it that is there, else the keyframe.
        let held = self.cache.iter().filter(|((_, bounds), _)| *bounds == request.bounds).map(|((held, _), _)| *held);
        held.filter(|held| (first..frame).contains(held)).max().unwrap_or(first)
    }

    /// What to decode when there is time.
    fn plan(&mut self, request: &Request) -> VecDeque<u64> {
        let frame = request.frame;
        let pixels = u64::from(request.bounds.0) * u64::from(request.bounds.1) * 3;
        // Not so much that it would push itself out of the cache.
        let room = (CACHE_BYTES as u64 / pixels.max(1)).min(CACHE_PICTURES as u64).saturating_sub(2);
        let wanted: Vec<u64> = match request.heading {
            Direction::Forward => (frame.saturating_add(1)..frame.saturating_add(1 + AHEAD.min(room))).collect(),
            Direction::Back => {
                let own = self.pictures.group(frame);
                let before = own.start.checked_sub(1).map_or(0..0, |last| self.pictures.group(last));
                let keep =
                    |range: std::ops::Range<u64>, room: u64| range.start.max(range.end.saturating_sub(room))..range.end;
                let own = keep(own.start.min(frame)..frame, room);
                let before = keep(before, room - (own.end - own.start));
                own.chain(before).collect()
            }
        };
        wanted.into_iter().filter(|frame| !self.holds(*frame, request.bounds)).collect()
    }

    /// Decodes the next frame of the plan. One that cannot be shown ends the plan: what is behind it builds on it, or is not
    /// there.
    fn decode_ahead(&mut self) {
        let Some(frame) = self.ahead.pop_front() else { return };
        let bounds = self.target.1;
        let done = catch_unwind(AssertUnwindSafe(|| self.scaled(frame, bounds).is_ok()));
        if !done.unwrap_or(false) {
            self.ahead.clear();
        }
    }

    fn make(&mut self, frame: u64, request: &Request) -> Result<Drawable, String> {
        let scaled = self.scaled(frame, request.bounds)?;
        let scaled = match request.part {
            Some(part) => Arc::new(magnified(&scaled, part)),
            None => scaled,
        };
        if self.picker.is_none() {
            return Ok(Drawable::Pixels(scaled));
        }
        let mut picture = Picture::clone(&scaled);
        draw(&mut picture, &request.drawing);
        self.encode(picture)
    }

    fn holds(&self, frame: u64, bounds: (u32, u32)) -> bool {
        self.cache.iter().any(|(key, _)| *key == (frame, bounds))
    }

    fn scaled(&mut self, frame: u64, bounds: (u32, u32)) -> Result<Arc<Picture>, String> {
        let key = (frame, bounds);
        if let Some((_, picture)) = self.cache.iter().find(|(cached, _)| *cached == key) {
            return Ok(Arc::clone(picture));
        }
        let picture = self.pictures.picture(frame, bounds)?;
        self.next = frame.saturating_add(1);
        let picture = Arc::new(scale(&mut self.resizer, picture, bounds)?);
        self.cache.push((key, Arc::clone(&picture)));
        let bytes = |cache: &[Cached]| cache.iter().map(|(_, picture)| picture.rgb.len()).sum::<usize>();
        while self.cache.len() > 1 && (self.cache.len() > CACHE_PICTURES || bytes(&self.cache) > CACHE_BYTES) {
            let (target, of_target) = self.target;
            // Of other bounds first, then what is far from where the playhead is.
            let useless = |(at, bounds): (u64, (u32, u32))| (bounds != of_target, at.abs_diff(target));
            let Some(worst) = (0..self.cache.len()).max_by_key(|i| useless(self.cache[*i].0)) else { break };
            self.cache.swap_remove(worst);
        }
        Ok(picture)
    }

    fn encode(&mut self, picture: Picture) -> Result<Drawable, String> {
        let Some(picker) = &self.picker else { return Err("no graphics protocol".into()) };
        let (width, height) = (picture.width, picture.height);
        let pixels = RgbImage::from_raw(width, height, picture.rgb).ok_or("the picture has too few bytes")?;
        let image = DynamicImage::ImageRgb8(pixels);
        let font = picker.font_size();
        let cells = |pixels: u32, cell: u16| pixels.div_ceil(u32::from(cell.max(1))).min(u32::from(u16::MAX)) as u16;
        let size = Size::new(cells(width, font.width), cells(height, font.height));
        let protocol = if picker.protocol_type() == ProtocolType::Kitty {
            let id = KITTY_IDS[self.encoded % KITTY_IDS.len()];
            let deflate = picker.capabilities().contains(&Capability::KittyCompression);
            Kitty::new(image, size, id, picker.tmux_detected(), deflate).map(Protocol::Kitty)
        } else {
            picker.new_protocol(image, size, Resize::Fit(None))
        };
        self.encoded += 1;
        protocol
            .map(|protocol| Drawable::Graphics(Arc::new(protocol)))
            .map_err(|error| format!("the terminal cannot show this picture: {error}"))
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
