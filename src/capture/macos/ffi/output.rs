//! What a stream of ScreenCaptureKit delivers, on a queue of the system's own, and why it ends.

#![expect(unsafe_code, reason = "the receiver is a class of Objective-C, and pixels are in memory of the system")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use objc2::rc::Retained;
use objc2::runtime::{NSObject, NSObjectProtocol};
use objc2::{AnyThread, DefinedClass, define_class, msg_send};
use objc2_core_foundation::CFRetained;
use objc2_core_media::CMSampleBuffer;
use objc2_core_video::{
    CVPixelBuffer, CVPixelBufferGetBaseAddress, CVPixelBufferGetBytesPerRow, CVPixelBufferGetHeight,
    CVPixelBufferGetPixelFormatType, CVPixelBufferGetWidth, CVPixelBufferLockBaseAddress, CVPixelBufferLockFlags,
    CVPixelBufferUnlockBaseAddress, kCVReturnSuccess,
};
use objc2_foundation::{NSArray, NSError};
use objc2_screen_capture_kit::{
    SCStream, SCStreamDelegate, SCStreamFrameInfoContentRect, SCStreamFrameInfoContentScale,
    SCStreamFrameInfoDisplayTime, SCStreamFrameInfoScaleFactor, SCStreamFrameInfoStatus, SCStreamOutput,
    SCStreamOutputType,
};

use super::reading;
use crate::base::time::{Clock, MonoNs};
use crate::capture::Latest;
use crate::capture::letterbox::Picture;
use crate::capture::macos::frames::{Delivery, Placed, delivery};
use crate::capture::macos::host_time::Timebase;

/// Four bytes a pixel: blue, green, red, and one that says nothing here.
pub(super) const BGRA: u32 = u32::from_be_bytes(*b"BGRA");
/// `SCStreamErrorUserDeclined`: there is no right to record the screen.
const DECLINED: isize = -3801;
/// `SCStreamErrorUserStopped`: the person has ended it, in the menu bar.
const STOPPED: isize = -3817;

/// Why there is no stream, or not any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::capture::macos) enum Refused {
    /// The right to record the screen was not given.
    NotAllowed,
    /// The person has ended it.
    ByPerson,
    /// What was asked for is not there.
    Missing,
    /// The system says this.
    Said(String),
}

impl Refused {
    pub(super) fn of(error: &NSError) -> Self {
        match error.code() {
            DECLINED => Self::NotAllowed,
            STOPPED => Self::ByPerson,
            code => Self::Said(format!("{} ({code})", error.localizedDescription())),
        }
    }

    /// Of a pointer that is null where nothing went wrong.
    pub(super) fn of_pointer(error: *mut NSError) -> Option<Self> {
        // SAFETY: the system hands over null or an error that lives for the call.
        unsafe { error.as_ref() }.map(Self::of)
    }

    pub(super) fn silent(limit: Duration) -> Self {
        Self::Said(format!("the system did not answer in {} s", limit.as_secs()))
    }
}

/// A picture in the system's memory.
pub(in crate::capture::macos) struct Pixels(CFRetained<CVPixelBuffer>);

// SAFETY: references of Core Foundation are counted atomically, and the buffer is only read, under its lock.
unsafe impl Send for Pixels {}

impl Pixels {
    /// Its size, pixels.
    pub(in crate::capture::macos) fn size(&self) -> (u32, u32) {
        let whole = |length: usize| u32::try_from(length).unwrap_or(0);
        (whole(CVPixelBufferGetWidth(&self.0)), whole(CVPixelBufferGetHeight(&self.0)))
    }

    /// Hands its pixels to `read`.
    ///
    /// # Errors
    /// When they cannot be read, or are of another format than was asked for.
    pub(in crate::capture::macos) fn with<T>(&self, read: impl FnOnce(Picture<'_>) -> T) -> Result<T, String> {
        if CVPixelBufferGetPixelFormatType(&self.0) != BGRA {
            return Err("the pictures are of another format than was asked for".into());
        }
        // SAFETY: the buffer lives; it is unlocked below.
        let locked = unsafe { CVPixelBufferLockBaseAddress(&self.0, CVPixelBufferLockFlags::ReadOnly) };
        if locked != kCVReturnSuccess {
            return Err(format!("a picture cannot be read ({locked})"));
        }
        let (width, height) = self.size();
        let (start, stride) = (CVPixelBufferGetBaseAddress(&self.0), CVPixelBufferGetBytesPerRow(&self.0));
        let is_whole = !start.is_null() && stride >= width as usize * 4;
        let result = is_whole.then(|| {
            // SAFETY: while it is locked the buffer has that many rows of that many bytes from there on, and nobody writes to it.
            let data = unsafe { std::slice::from_raw_parts(start.cast::<u8>(), stride * height as usize) };
            read(Picture { data, stride, width, height })
        });
        // SAFETY: it was locked above, with the same flags.
        let unlocked = unsafe { CVPixelBufferUnlockBaseAddress(&self.0, CVPixelBufferLockFlags::ReadOnly) };
        tracing::trace!(unlocked, "a picture was read");
        result.ok_or_else(|| "a picture has no pixels".to_owned())
    }
}

/// What came with a delivery.
pub(in crate::capture::macos) struct Shot {
    pub(in crate::capture::macos) pixels: Pixels,
    pub(in crate::capture::macos) placed: Option<Placed>,
    /// When it was delivered.
    pub(in crate::capture::macos) arrival: MonoNs,
}

/// What the stream said last, of what is no picture.
#[derive(Default)]
pub(super) struct Said {
    pub(super) is_away: AtomicBool,
    pub(super) ended: Mutex<Option<Refused>>,
}

/// What the receiver puts its deliveries into, and what it stamps them by.
pub(super) struct Ivars {
    pub(super) shots: Latest<Shot>,
    pub(super) said: Arc<Said>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timebase: Timebase,
}

define_class!(
    // SAFETY: NSObject asks nothing of its subclasses, and the class implements no Drop.
    #[unsafe(super(NSObject))]
    #[name = "WatchcapStreamOutput"]
    #[ivars = Ivars]
    pub(super) struct Output;

    unsafe impl NSObjectProtocol for Output {}

    unsafe impl SCStreamOutput for Output {
        #[unsafe(method(stream:didOutputSampleBuffer:ofType:))]
        fn delivered(&self, _stream: &SCStream, sample: &CMSampleBuffer, kind: SCStreamOutputType) {
            if kind == SCStreamOutputType::Screen {
                self.ivars().take(sample);
            }
        }
    }

    unsafe impl SCStreamDelegate for Output {
        #[unsafe(method(stream:didStopWithError:))]
        fn stopped(&self, _stream: &SCStream, error: &NSError) {
            lock(&self.ivars().said.ended).get_or_insert(Refused::of(error));
            self.ivars().shots.close();
        }
    }
);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Output {
    pub(super) fn new(ivars: Ivars) -> Retained<Self> {
        let this = Self::alloc().set_ivars(ivars);
        // SAFETY: the initialiser of NSObject.
        unsafe { msg_send![super(this), init] }
    }
}

impl Ivars {
    fn take(&self, sample: &CMSampleBuffer) {
        let arrival = self.clock.now();
        // SAFETY: the sample lives for the call; it has attachments of its own, or none.
        let all = unsafe { sample.sample_attachments_array(false) };
        let words = all.as_deref().map(reading::list).and_then(NSArray::firstObject);
        let Some(words) = words else { return };
        // SAFETY: constants of the system's.
        let (status, time, rect, shrunk, scale) = unsafe {
            (
                SCStreamFrameInfoStatus,
                SCStreamFrameInfoDisplayTime,
                SCStreamFrameInfoContentRect,
                SCStreamFrameInfoContentScale,
                SCStreamFrameInfoScaleFactor,
            )
        };
        // SAFETY: the sample lives for the call.
        let pixels = unsafe { sample.image_buffer() };
        let status = reading::number(&words, status).map(|status| status as i64);
        match (delivery(status, pixels.is_some()), pixels) {
            (Delivery::Picture, Some(pixels)) => {
                self.said.is_away.store(false, Ordering::SeqCst);
                let stamp = reading::whole(&words, time).unwrap_or(0);
                let placed = reading::points(&words, rect).map(|content| Placed {
                    content,
                    scale: reading::number(&words, scale).unwrap_or(1.0),
                    shrunk: reading::number(&words, shrunk).unwrap_or(1.0),
                });
                // Of what was overtaken the buffer goes back to the system.
                drop(
                    self.shots
                        .put(self.timebase.stamp(stamp, arrival), Shot { pixels: Pixels(pixels), placed, arrival }),
                );
            }
            (Delivery::Still, _) => self.said.is_away.store(false, Ordering::SeqCst),
            (Delivery::Away, _) => self.said.is_away.store(true, Ordering::SeqCst),
            _ => {}
        }
    }
}
