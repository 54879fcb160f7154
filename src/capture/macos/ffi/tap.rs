//! A tap that listens to the events of the session, in the run loop of the thread that opened it.

#![expect(unsafe_code, reason = "the tap calls back through C, with a pointer of ours")]

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::rc::Rc;
use std::time::Duration;

use objc2::rc::autoreleasepool;
use objc2_core_foundation::{
    CFMachPort, CFRetained, CFRunLoop, CFRunLoopRunResult, CFRunLoopSource, kCFRunLoopDefaultMode,
};
use objc2_core_graphics::{
    CGEvent, CGEventField, CGEventTapLocation, CGEventTapOptions, CGEventTapPlacement, CGEventTapProxy, CGEventType,
};

use super::desk;
use crate::capture::macos::follow::{Act, TapEvent};

/// The kinds of events that are listened to.
const KINDS: [CGEventType; 14] = [
    CGEventType::KeyDown,
    CGEventType::KeyUp,
    CGEventType::FlagsChanged,
    CGEventType::MouseMoved,
    CGEventType::LeftMouseDragged,
    CGEventType::RightMouseDragged,
    CGEventType::OtherMouseDragged,
    CGEventType::LeftMouseDown,
    CGEventType::LeftMouseUp,
    CGEventType::RightMouseDown,
    CGEventType::RightMouseUp,
    CGEventType::OtherMouseDown,
    CGEventType::OtherMouseUp,
    CGEventType::ScrollWheel,
];
/// What the system calls, as C has it: of what is no event it may hand over null.
type Callback =
    unsafe extern "C-unwind" fn(CGEventTapProxy, CGEventType, Option<NonNull<CGEvent>>, *mut c_void) -> *mut CGEvent;
/// The same as the bindings have it, for which there always is an event.
type Bound = unsafe extern "C-unwind" fn(CGEventTapProxy, CGEventType, NonNull<CGEvent>, *mut c_void) -> *mut CGEvent;
/// The most events that are taken before what they mean is told.
const MOST: usize = 1024;

type Heard = RefCell<Vec<TapEvent>>;

/// A tap. It listens only: what it hears goes on as it is, and it cannot change it.
pub(in crate::capture::macos) struct Tap {
    port: CFRetained<CFMachPort>,
    source: CFRetained<CFRunLoopSource>,
    run_loop: CFRetained<CFRunLoop>,
    heard: Rc<Heard>,
}

fn act(kind: CGEventType, event: &CGEvent) -> Option<Act> {
    let whole = |field| CGEvent::integer_value_field(Some(event), field);
    let part = |field| CGEvent::double_value_field(Some(event), field);
    let code = || u16::try_from(whole(CGEventField::KeyboardEventKeycode)).ok();
    let is_iso = || desk::is_iso(whole(CGEventField::KeyboardEventKeyboardType));
    Some(match kind {
        CGEventType::KeyDown | CGEventType::KeyUp => Act::Key {
            code: code()?,
            is_iso: is_iso(),
            down: kind == CGEventType::KeyDown,
            repeat: whole(CGEventField::KeyboardEventAutorepeat) != 0,
        },
        CGEventType::FlagsChanged => {
            Act::Modifiers { code: code()?, is_iso: is_iso(), flags: CGEvent::flags(Some(event)).0 }
        }
        CGEventType::LeftMouseDown | CGEventType::RightMouseDown | CGEventType::OtherMouseDown => {
            Act::Button { number: whole(CGEventField::MouseEventButtonNumber), down: true }
        }
        CGEventType::LeftMouseUp | CGEventType::RightMouseUp | CGEventType::OtherMouseUp => {
            Act::Button { number: whole(CGEventField::MouseEventButtonNumber), down: false }
        }
        CGEventType::MouseMoved
        | CGEventType::LeftMouseDragged
        | CGEventType::RightMouseDragged
        | CGEventType::OtherMouseDragged => Act::Moved {
            accelerated: (part(CGEventField::MouseEventDeltaX), part(CGEventField::MouseEventDeltaY)),
            plain: (
                part(CGEventField::EventUnacceleratedPointerMovementX),
                part(CGEventField::EventUnacceleratedPointerMovementY),
            ),
        },
        CGEventType::ScrollWheel => Act::Wheel {
            lines: (
                part(CGEventField::ScrollWheelEventFixedPtDeltaAxis1),
                part(CGEventField::ScrollWheelEventFixedPtDeltaAxis2),
            ),
            points: (
                part(CGEventField::ScrollWheelEventPointDeltaAxis1),
                part(CGEventField::ScrollWheelEventPointDeltaAxis2),
            ),
            smooth: whole(CGEventField::ScrollWheelEventIsContinuous) != 0,
        },
        _ => return None,
    })
}

/// What is told: that the tap was turned off, of which nothing else is read, or an event.
fn told(kind: CGEventType, event: Option<NonNull<CGEvent>>) -> Option<TapEvent> {
    match kind {
        CGEventType::TapDisabledByTimeout => return Some(TapEvent::off(false)),
        CGEventType::TapDisabledByUserInput => return Some(TapEvent::off(true)),
        _ => {}
    }
    // SAFETY: of the kinds that were asked for the system hands over an event that lives for the call.
    let event = unsafe { event?.as_ref() };
    let (act, at) = (act(kind, event)?, CGEvent::location(Some(event)));
    Some(TapEvent { stamp: CGEvent::timestamp(Some(event)), at: (at.x, at.y), act })
}

unsafe extern "C-unwind" fn tapped(
    _: CGEventTapProxy,
    kind: CGEventType,
    event: Option<NonNull<CGEvent>>,
    heard: *mut c_void,
) -> *mut CGEvent {
    // SAFETY: it is the list of the tap, which lives as long as its source is in the run loop ([`Tap`]), and is used in this thread alone.
    let heard = unsafe { &*heard.cast::<Heard>() };
    if let (Some(told), Ok(mut heard)) = (told(kind, event), heard.try_borrow_mut()) {
        heard.push(told);
    }
    event.map_or(std::ptr::null_mut(), NonNull::as_ptr)
}

impl Tap {
    /// Opens one, which listens from now on; `None` when the system refuses.
    pub(in crate::capture::macos) fn open() -> Option<Self> {
        let mask = KINDS.iter().fold(0_u64, |mask, kind| mask | 1 << kind.0);
        let heard: Rc<Heard> = Rc::default();
        let info = Rc::as_ptr(&heard).cast_mut().cast::<c_void>();
        // SAFETY: a pointer that may be null is passed as one that may not is.
        let callback = unsafe { std::mem::transmute::<Callback, Bound>(tapped) };
        // SAFETY: the callback has the type that is asked for. Its pointer is to the list that the tap keeps, behind its source.
        let port = unsafe {
            CGEvent::tap_create(
                CGEventTapLocation::SessionEventTap,
                CGEventTapPlacement::HeadInsertEventTap,
                CGEventTapOptions::ListenOnly,
                mask,
                Some(callback),
                info,
            )
        }?;
        let source = CFMachPort::new_run_loop_source(None, Some(&port), 0)?;
        let run_loop = CFRunLoop::current()?;
        // SAFETY: a constant of the system's.
        run_loop.add_source(Some(&source), unsafe { kCFRunLoopDefaultMode });
        let tap = Self { port, source, run_loop, heard };
        tap.turn_on();
        Some(tap)
    }

    /// Waits for events, at most for so long, and takes those that are there. Returns false when there is nothing to wait for, and it did not.
    pub(in crate::capture::macos) fn listen(&self, limit: Duration, into: &mut Vec<TapEvent>) -> bool {
        let waited = autoreleasepool(|_| {
            // SAFETY: a constant of the system's.
            let mode = unsafe { kCFRunLoopDefaultMode };
            let mut result = CFRunLoop::run_in_mode(mode, limit.as_secs_f64(), true);
            while result == CFRunLoopRunResult::HandledSource && self.heard.borrow().len() < MOST {
                result = CFRunLoop::run_in_mode(mode, 0.0, true);
            }
            result != CFRunLoopRunResult::Finished
        });
        into.append(&mut self.heard.borrow_mut());
        waited
    }

    /// Whether the system still calls it.
    pub(in crate::capture::macos) fn is_on(&self) -> bool {
        CGEvent::tap_is_enabled(&self.port)
    }

    /// Asks the system to call it again.
    pub(in crate::capture::macos) fn turn_on(&self) {
        CGEvent::tap_enable(&self.port, true);
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        CGEvent::tap_enable(&self.port, false);
        // SAFETY: a constant of the system's.
        self.run_loop.remove_source(Some(&self.source), unsafe { kCFRunLoopDefaultMode });
        // Nothing is called back from here on.
        self.port.invalidate();
    }
}
