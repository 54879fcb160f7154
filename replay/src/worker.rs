//! The worker: decodes, scales and encodes pictures in a thread of its own, so that the screen never waits for one.
//!
//! Invariants: of the requests that wait, only the latest is served; of the answers that wait, only the latest is kept; the
//! cache stays below its bounds; a terminal that stores pictures by id is given [`KITTY_IDS`] and never another. A decoder
//! that panics is an answer that says so.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use fast_image_resize::Resizer;
use image::{DynamicImage, RgbImage};
use ratatui::layout::Size;
use ratatui_image::Resize;
use ratatui_image::picker::{Capability, Picker, ProtocolType};
use ratatui_image::protocol::{Protocol, kitty::Kitty};

use crate::picture::{Pointer, draw_pointer, scale};
use crate::text::clean;
use crate::timeline::{Picture, Pictures};

/// Name of the thread; the panic hook knows it by this.
pub(crate) const THREAD: &str = "watchcap-pictures";
/// Scaled pictures that are kept: two seconds at 30 fps and a few more, for stepping to and fro.
const CACHE_PICTURES: usize = 64;
/// Bytes of scaled pictures that are kept, whatever their number. Half-blocks on 200 columns are 143 × 80 × 3 = 34 KB each,
/// 2.2 MB for all 64; pixels at their largest (see `view::picture`) are 1280 × 720 × 3 = 2.8 MB each, so 24 of them.
const CACHE_BYTES: usize = 64 << 20;
/// The ids under which pictures are stored in a terminal that speaks kitty's protocol: the next picture replaces the one
/// before the last. (A new id for each would fill the terminal's memory: nothing deletes the old ones.) Two, so that the
/// picture on the screen is whole while the next is on its way. An id is a colour to the protocol: 24 bits.
pub(crate) const KITTY_IDS: [u32; 2] = [0x0057_4301, 0x0057_4302];

/// A picture that is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// Of which frame.
    pub(crate) frame: u64,
    /// It fits into this, pixels.
    pub(crate) bounds: (u32, u32),
    /// The pointer to draw into it, where the terminal shows pixels.
    pub(crate) pointer: Option<Pointer>,
}

/// A picture as it can be drawn.
#[derive(Clone)]
pub(crate) enum Drawable {
    /// Pixels that become cells.
    Pixels(Arc<Picture>),
    /// Escape sequences of a graphics protocol.
    Graphics(Arc<Protocol>),
}

/// What became of a request.
#[derive(Clone)]
pub(crate) struct Answer {
    /// The request.
    pub(crate) request: Request,
    /// The picture, or why there is none.
    pub(crate) result: Result<Drawable, String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer {{ request: {:?}, ok: {} }}", self.request, self.result.is_ok())
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
    requests: Mailbox<Request>,
    /// The latest answer, when there is a new one.
    pub(crate) answers: Receiver<Answer>,
}

impl Worker {
    /// Starts the thread. With a picker, pictures are encoded for its graphics protocol.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(pictures: Box<dyn Pictures>, picker: Option<Picker>) -> std::io::Result<Self> {
        let (requests, inbox) = Mailbox::new();
        let (outbox, answers) = Mailbox::new();
        let mut studio = Studio::new(pictures, picker);
        std::thread::Builder::new().name(THREAD.into()).spawn(move || {
            while let Ok(request) = inbox.recv() {
                outbox.post(Answer { request, result: studio.serve(request) });
            }
        })?;
        Ok(Self { requests, answers })
    }

    /// Asks for a picture instead of any that was asked for and not begun.
    pub(crate) fn ask(&self, request: Request) {
        self.requests.post(request);
    }
}

/// A scaled picture by the frame and the bounds it was made for.
type Cached = ((u64, (u32, u32)), Arc<Picture>);

/// What the thread works with.
struct Studio {
    pictures: Box<dyn Pictures>,
    picker: Option<Picker>,
    resizer: Resizer,
    /// Latest used first.
    cache: VecDeque<Cached>,
    encoded: usize,
}

impl Studio {
    fn new(pictures: Box<dyn Pictures>, picker: Option<Picker>) -> Self {
        Self { pictures, picker, resizer: Resizer::new(), cache: VecDeque::new(), encoded: 0 }
    }

    fn serve(&mut self, request: Request) -> Result<Drawable, String> {
        // The state behind an unwind is the decoder's and the cache's; the decoder is told nothing about it and may
        // panic again, the cache is only changed after the picture is whole.
        catch_unwind(AssertUnwindSafe(|| self.make(request)))
            .unwrap_or_else(|_| Err("the decoder failed on this frame (it panicked)".into()))
            .map_err(|problem| clean(&problem))
    }

    fn make(&mut self, request: Request) -> Result<Drawable, String> {
        let scaled = self.scaled(request.frame, request.bounds)?;
        if self.picker.is_none() {
            return Ok(Drawable::Pixels(scaled));
        }
        let mut picture = Picture::clone(&scaled);
        if let Some(pointer) = request.pointer {
            draw_pointer(&mut picture, pointer);
        }
        self.encode(picture)
    }

    fn scaled(&mut self, frame: u64, bounds: (u32, u32)) -> Result<Arc<Picture>, String> {
        let key = (frame, bounds);
        if let Some(found) = self.cache.iter().position(|(cached, _)| *cached == key)
            && let Some(entry) = self.cache.remove(found)
        {
            let picture = Arc::clone(&entry.1);
            self.cache.push_front(entry);
            return Ok(picture);
        }
        let picture = self.pictures.picture(frame, bounds)?;
        let picture = Arc::new(scale(&mut self.resizer, picture, bounds)?);
        self.cache.push_front((key, Arc::clone(&picture)));
        let mut bytes = 0;
        let keep = self.cache.iter().take(CACHE_PICTURES).take_while(|(_, picture)| {
            bytes += picture.rgb.len();
            bytes <= CACHE_BYTES
        });
        let keep = keep.count();
        self.cache.truncate(keep);
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
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Color;
    use ratatui::widgets::Widget;

    use super::*;

    struct Counting(Arc<AtomicUsize>);

    impl Pictures for Counting {
        fn picture(&mut self, frame: u64, _: (u32, u32)) -> Result<Picture, String> {
            self.0.fetch_add(1, Ordering::SeqCst);
            assert!(frame != 13, "an unlucky frame");
            let side = if frame >= 1000 { 3000 } else { 8 };
            Ok(Picture { width: side, height: side, rgb: vec![frame as u8; (side * side * 3) as usize] })
        }
        fn group(&mut self, frame: u64) -> std::ops::Range<u64> {
            let first = frame - frame % 10;
            first..first + 10
        }
    }

    fn studio(picker: Option<Picker>) -> (Studio, Arc<AtomicUsize>) {
        let decoded = Arc::new(AtomicUsize::new(0));
        (Studio::new(Box::new(Counting(Arc::clone(&decoded))), picker), decoded)
    }

    fn request(frame: u64) -> Request {
        Request { frame, bounds: (8, 8), pointer: None }
    }

    #[test]
    fn a_mailbox_keeps_the_latest() {
        let (mailbox, receiver) = Mailbox::new();
        (0..100).for_each(|i| mailbox.post(i));
        assert_eq!(receiver.try_recv(), Ok(99));
        assert!(receiver.is_empty());
    }

    #[test]
    fn the_cache_serves_again_and_stays_below_both_bounds() {
        let (mut studio, decoded) = studio(None);
        for _ in 0..3 {
            assert!(studio.serve(request(1)).is_ok());
        }
        assert_eq!(decoded.load(Ordering::SeqCst), 1);
        (100..300).for_each(|frame| drop(studio.serve(request(frame))));
        assert_eq!(studio.cache.len(), CACHE_PICTURES);
        // 3000 × 3000 × 3 = 27 MB each: two fit.
        for frame in 1000..1004 {
            assert!(studio.serve(Request { frame, bounds: (3000, 3000), pointer: None }).is_ok());
        }
        let bytes: usize = studio.cache.iter().map(|(_, picture)| picture.rgb.len()).sum();
        assert!(bytes <= CACHE_BYTES && studio.cache.len() == 2, "{} pictures, {bytes} bytes", studio.cache.len());
    }

    #[test]
    fn a_decoder_that_panics_is_an_answer_and_the_next_frame_is_served() {
        let worker = Worker::start(Box::new(Counting(Arc::default())), None).expect("a thread");
        for (frame, ok) in [(13, false), (14, true)] {
            worker.ask(request(frame));
            let answer = worker.answers.recv_timeout(std::time::Duration::from_secs(20)).expect("an answer");
            assert_eq!((answer.request.frame, answer.result.is_ok()), (frame, ok));
        }
    }

    #[test]
    fn a_kitty_terminal_stores_two_pictures_however_many_are_shown() {
        let mut picker = Picker::halfblocks();
        picker.set_protocol_type(ProtocolType::Kitty);
        let (mut studio, _) = studio(Some(picker));
        let mut ids = std::collections::BTreeSet::new();
        for frame in 20..40 {
            let Ok(Drawable::Graphics(protocol)) = studio.serve(request(frame)) else { panic!("no picture") };
            let mut buffer = Buffer::empty(Rect::new(0, 0, 4, 4));
            ratatui_image::Image::new(&protocol).render(buffer.area, &mut buffer);
            let Color::Rgb(r, g, b) = buffer[(0, 0)].fg else { panic!("no id") };
            ids.insert(u32::from_be_bytes([0, r, g, b]));
            assert!(buffer[(0, 0)].symbol().contains("\u{1b}_G"), "the picture is transmitted");
        }
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), KITTY_IDS);
    }
}
