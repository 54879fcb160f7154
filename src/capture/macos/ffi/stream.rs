//! A stream of ScreenCaptureKit: asked for, told what to leave out, and its pictures read.
//!
//! Deliveries come on a queue of the system's own; what they hold is put into a [`Latest`], from which the recorder takes it. Invariant: what the stream says
//! that it leaves out ([`Stream::out`]) the system has confirmed; from the moment at which something is to be seen again it is not said any more.

#![expect(unsafe_code, reason = "the interface is Objective-C's: its calls promise nothing to the compiler")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use block2::RcBlock;
use dispatch2::DispatchQueue;
use objc2::rc::{Retained, autoreleasepool};
use objc2::runtime::{NSObjectProtocol, ProtocolObject};
use objc2::{AnyThread, sel};
use objc2_core_foundation::{CGPoint, CGRect, CGSize};
use objc2_core_graphics::kCGColorSpaceSRGB;
use objc2_foundation::{NSArray, NSError};
use objc2_screen_capture_kit::{
    SCContentFilter, SCShareableContent, SCStream, SCStreamConfiguration, SCStreamOutputType,
};

use super::desk;
use super::output::{BGRA, Ivars, Output, Refused, Said, Shot, lock};
use crate::base::time::Clock;
use crate::capture::Latest;
use crate::capture::macos::points::Points;
use crate::capture::macos::roster::Kept;

/// What a stream is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::capture::macos) enum Of {
    Display(u32),
    Window(u32),
}

/// What is asked of a stream.
#[derive(Clone, Debug)]
pub(in crate::capture::macos) struct Request {
    pub(in crate::capture::macos) of: Of,
    /// The part of a display, points from its corner; all of it without.
    pub(in crate::capture::macos) part: Option<Points>,
    /// Size of the pictures, pixels.
    pub(in crate::capture::macos) size: (u32, u32),
    pub(in crate::capture::macos) cursor: bool,
    pub(in crate::capture::macos) kept: Kept,
}

/// What to show of the content that there is, and what of it is left out by that.
fn filter(content: &SCShareableContent, of: Of, kept: &Kept) -> Option<(Retained<SCContentFilter>, Kept)> {
    let mut out = Kept::default();
    // SAFETY: these read properties of objects that live, and make a filter of them.
    unsafe {
        let windows = content.windows();
        let id = match of {
            Of::Window(id) => {
                let window = windows.iter().find(|window| window.windowID() == id)?;
                return Some((
                    SCContentFilter::initWithDesktopIndependentWindow(SCContentFilter::alloc(), &window),
                    out,
                ));
            }
            Of::Display(id) => id,
        };
        let display = content.displays().iter().find(|display| display.displayID() == id)?;
        let apps: Vec<_> = content
            .applications()
            .iter()
            .filter(|app| {
                let pid = u32::try_from(app.processID()).unwrap_or(0);
                let app = (pid, app.bundleIdentifier().to_string());
                kept.apps.contains(&app) && out.apps.insert(app)
            })
            .collect();
        // Exceptions: windows of applications that are shown, which are not.
        let apart: Vec<_> = windows
            .iter()
            .filter(|window| kept.windows.contains(&window.windowID()) && out.windows.insert(window.windowID()))
            .collect();
        let filter = SCContentFilter::initWithDisplay_excludingApplications_exceptingWindows(
            SCContentFilter::alloc(),
            &display,
            &NSArray::from_retained_slice(&apps),
            &NSArray::from_retained_slice(&apart),
        );
        Some((filter, out))
    }
}

/// Carries what the system made to the thread that waits for it.
struct Carried<T>(T);

// SAFETY: filters are not changed after they were made, and may be used in any thread.
unsafe impl Send for Carried<(Retained<SCContentFilter>, Kept)> {}

/// Has the system say what there is, and makes a filter of it.
fn filter_of(of: Of, kept: &Kept, limit: Duration) -> Result<(Retained<SCContentFilter>, Kept), Refused> {
    let (answers, answer) = crossbeam_channel::bounded(1);
    let kept = kept.clone();
    let block = RcBlock::new(move |content: *mut SCShareableContent, error: *mut NSError| {
        // SAFETY: null, or an object that lives for the call.
        let made = match unsafe { content.as_ref() } {
            Some(content) => filter(content, of, &kept).map(Carried).ok_or(Refused::Missing),
            None => Err(Refused::of_pointer(error).unwrap_or(Refused::Missing)),
        };
        // Nobody waits any more where it came too late.
        drop(answers.try_send(made));
    });
    // SAFETY: the block has the type that is asked for, and is kept by the system until it was called.
    unsafe {
        SCShareableContent::getShareableContentExcludingDesktopWindows_onScreenWindowsOnly_completionHandler(
            false, false, &block,
        );
    }
    answer.recv_timeout(limit).unwrap_or_else(|_| Err(Refused::silent(limit))).map(|made| made.0)
}

fn configuration(request: &Request, size: (u32, u32)) -> Retained<SCStreamConfiguration> {
    // SAFETY: these set properties of a new object. The name of the colour space is a constant of the system's, and stays.
    unsafe {
        let asked = SCStreamConfiguration::new();
        asked.setWidth(size.0 as usize);
        asked.setHeight(size.1 as usize);
        asked.setPixelFormat(BGRA);
        asked.setColorSpaceName(kCGColorSpaceSRGB);
        asked.setShowsCursor(request.cursor);
        if let Some(Points { x, y, width, height }) = request.part {
            asked.setSourceRect(CGRect { origin: CGPoint { x, y }, size: CGSize { width, height } });
        }
        // Since macOS 14; before, a window's picture has no shadow.
        if asked.respondsToSelector(sel!(setIgnoreShadowsSingleWindow:)) {
            asked.setIgnoreShadowsSingleWindow(true);
        }
        asked
    }
}

/// A stream that runs.
pub(in crate::capture::macos) struct Stream {
    inner: Retained<SCStream>,
    output: Retained<Output>,
    request: Request,
    shots: Latest<Shot>,
    said: Arc<Said>,
    out: Arc<Mutex<Kept>>,
    is_asked: Arc<AtomicBool>,
}

impl Stream {
    /// Starts one, and waits until the system says that it has: at most `limit` for each of its two answers.
    ///
    /// # Errors
    /// Why it has not.
    pub(in crate::capture::macos) fn start(
        request: Request,
        clock: Arc<dyn Clock>,
        limit: Duration,
    ) -> Result<Self, Refused> {
        autoreleasepool(|_| {
            let (filter, out) = filter_of(request.of, &request.kept, limit)?;
            let (shots, said) = (Latest::default(), Arc::new(Said::default()));
            let ivars = Ivars { shots: shots.clone(), said: Arc::clone(&said), clock, timebase: desk::timebase() };
            let output = Output::new(ivars);
            let delegate = ProtocolObject::from_ref(&*output);
            // SAFETY: all of them live, and the stream keeps what it needs of them.
            let stream = unsafe {
                SCStream::initWithFilter_configuration_delegate(
                    SCStream::alloc(),
                    &filter,
                    &configuration(&request, request.size),
                    Some(delegate),
                )
            };
            let queue = DispatchQueue::new("watchcap.pictures", None);
            let receiver = ProtocolObject::from_ref(&*output);
            // SAFETY: as above.
            let added = unsafe {
                stream.addStreamOutput_type_sampleHandlerQueue_error(receiver, SCStreamOutputType::Screen, Some(&queue))
            };
            added.map_err(|error| Refused::of(&error))?;
            let (answers, answer) = crossbeam_channel::bounded(1);
            let block = RcBlock::new(move |error: *mut NSError| drop(answers.try_send(Refused::of_pointer(error))));
            // SAFETY: the block has the type that is asked for, and is kept by the system until it was called.
            unsafe { stream.startCaptureWithCompletionHandler(Some(&block)) };
            let is_asked = Arc::default();
            let this = Self { inner: stream, output, request, shots, said, out: Arc::new(Mutex::new(out)), is_asked };
            match answer.recv_timeout(limit) {
                Ok(None) => Ok(this),
                Ok(Some(refused)) => Err(refused),
                Err(_) => Err(Refused::silent(limit)),
            }
        })
    }

    /// The mailbox of its pictures.
    pub(in crate::capture::macos) fn shots(&self) -> &Latest<Shot> {
        &self.shots
    }

    /// Whether it said last that there is nothing to be seen.
    pub(in crate::capture::macos) fn is_away(&self) -> bool {
        self.said.is_away.load(Ordering::SeqCst)
    }

    /// Why it has ended, when it has.
    pub(in crate::capture::macos) fn ended(&self) -> Option<Refused> {
        lock(&self.said.ended).clone()
    }

    /// What the system has said that it leaves out.
    pub(in crate::capture::macos) fn out(&self) -> Kept {
        lock(&self.out).clone()
    }

    /// Has pictures made of another size.
    pub(in crate::capture::macos) fn resize(&self, size: (u32, u32)) {
        autoreleasepool(|_| {
            let asked = configuration(&self.request, size);
            // SAFETY: both live; the stream takes what it needs of them.
            unsafe { self.inner.updateConfiguration_completionHandler(&asked, None) };
        });
    }

    /// Has this left out, and nothing else. One order at a time: does nothing while the last one is not done.
    pub(in crate::capture::macos) fn leave_out(&self, kept: &Kept) {
        if self.is_asked.swap(true, Ordering::SeqCst) {
            return;
        }
        {
            let mut out = lock(&self.out);
            *out = out.common(kept);
        }
        let (stream, of, kept) = (self.inner.clone(), self.request.of, kept.clone());
        let (out, is_asked) = (Arc::clone(&self.out), Arc::clone(&self.is_asked));
        let block = RcBlock::new(move |content: *mut SCShareableContent, _error: *mut NSError| {
            // SAFETY: null, or an object that lives for the call.
            let made = unsafe { content.as_ref() }.and_then(|content| filter(content, of, &kept));
            let Some((filter, found)) = made else { return is_asked.store(false, Ordering::SeqCst) };
            let (out, is_asked) = (Arc::clone(&out), Arc::clone(&is_asked));
            let done = RcBlock::new(move |error: *mut NSError| {
                if error.is_null() {
                    lock(&out).clone_from(&found);
                }
                is_asked.store(false, Ordering::SeqCst);
            });
            // SAFETY: both live; the block has the type that is asked for.
            unsafe { stream.updateContentFilter_completionHandler(&filter, Some(&done)) };
        });
        // SAFETY: as above.
        unsafe {
            SCShareableContent::getShareableContentExcludingDesktopWindows_onScreenWindowsOnly_completionHandler(
                false, false, &block,
            );
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let receiver = ProtocolObject::from_ref(&*self.output);
        // SAFETY: both live. What is still delivered finds the output, which the system keeps as long as it needs it.
        let removed = unsafe {
            self.inner.stopCaptureWithCompletionHandler(None);
            self.inner.removeStreamOutput_type_error(receiver, SCStreamOutputType::Screen)
        };
        tracing::trace!(removed = removed.is_ok(), "the stream was ended");
    }
}
