//! Pictures through wlr-screencopy.
//!
//! One frame is always asked for; it comes once something has changed. Invariants:
//! - A new picture carries the time at which it was presented ([`guard`]), so what it shows is never newer.
//! - That nothing changed is said of a time by which the compositor would have told ([`Lag`]); `capture_us` says by how much a repeat can be
//!   older than its time: that, and one refresh, since a frame is copied at the next refresh after it was asked for.
//! - A picture is read only between a frame that is ready and the next one that is asked for, when the compositor does not write.
//!
//! It does not know windows, and so covers none.

use std::sync::Arc;
use std::time::Duration;

use wayland_protocols_wlr::screencopy::v1::client::zwlr_screencopy_frame_v1::ZwlrScreencopyFrameV1;

use super::buffer::Buffer;
use super::connection::{BACKEND, Desk, compositor};
use super::find::{Subject, find};
use crate::base::event::{Area, Surface};
use crate::base::time::{Clock, MonoNs};
use crate::capture::letterbox::{Letterbox, Picture};
use crate::capture::presented::guard;
use crate::capture::presented::lag::Lag;
use crate::capture::{Absence, BgraView, CaptureError, FacetSet, Look, ScreenDescription, ScreenSource, Target};

/// How long the compositor may take to say how a frame would lie, when recording starts.
const FIRST_WORD: Duration = Duration::from_secs(3);
/// How long a look waits for the compositor to describe a frame, so that it can be copied at the next refresh: the answer is under a
/// millisecond away, unless the compositor is busy; then the next look goes on.
const SHORTLY: Duration = Duration::from_millis(4);
/// How long a look that must have a picture waits for it: some refreshes.
const WHOLE: Duration = Duration::from_millis(250);
/// The period that is allowed for where the compositor tells no refresh rate.
const REFRESH_US: u32 = 16_667;
/// Frames in a row that the compositor may fail to copy: at one a look, some seconds.
const MAX_FAILED: u32 = 200;

/// Opens the screen of the compositor that the environment names.
///
/// # Errors
/// As [`Desk::open`]; [`CaptureError::NoTarget`], [`CaptureError::BadSize`], and [`CaptureError::Unavailable`] for what cannot be copied.
pub(super) fn open(
    target: &Target,
    cursor: bool,
    wait: Duration,
    clock: Arc<dyn Clock>,
) -> Result<Box<dyn ScreenSource>, CaptureError> {
    let mut desk = Desk::open()?;
    let subject = find(&desk.state.outputs, target)?;
    let frame = ask(&mut desk, &subject, cursor)?;
    let is_described = desk
        .wait(clock.as_ref(), clock.now().plus(FIRST_WORD), |state| state.shot.is_described || state.shot.has_failed)?;
    let lacks = |detail: String| CaptureError::Unavailable { backend: BACKEND, what: "screen".into(), detail };
    let Some(layout) = desk.state.shot.layout.filter(|_| is_described) else {
        let offered = desk.state.shot.unread.take();
        return Err(lacks(offered.map_or_else(
            || "the compositor does not copy this monitor".into(),
            |format| format!("the compositor copies in a format that is not known here: {format}"),
        )));
    };
    let buffer = Buffer::new(&desk.shm, layout, &desk.handle())?;
    let gone = || lacks("the monitor went away".into());
    let output = subject.find(&desk.state.outputs).ok_or_else(gone)?;
    let area = subject.surface(output, layout.size);
    let description = ScreenDescription {
        backend: format!("{BACKEND}-wlr"),
        surface: area,
        refresh_hz: output.refresh_hz(),
        cursor,
        sees_changes: true,
        target: subject.called.clone(),
        window_id: None,
        masks_windows: false,
        display_server: Some(format!("Wayland: {}", compositor())),
        names_programs: false,
        hands_in: FacetSet::NONE,
    };
    let out = vec![0; area.width as usize * area.height as usize * 4];
    let refresh_us = output.refresh_hz().map_or(REFRESH_US, |hz| (1e6 / hz).ceil() as u32);
    let mut screen = CopyScreen {
        desk,
        clock,
        subject,
        cursor,
        wait,
        refresh_us,
        frame: Some(frame),
        buffer,
        description,
        area,
        told: area,
        out,
        detour: None,
        lag: Lag::default(),
        looked: MonoNs(i64::MIN),
        asked: MonoNs(i64::MAX),
        last: None,
        vouched: None,
        away: None,
        failed: 0,
    };
    screen.copy(false)?;
    Ok(Box::new(screen))
}

/// Asks for a frame of the subject.
fn ask(desk: &mut Desk, subject: &Subject, cursor: bool) -> Result<ZwlrScreencopyFrameV1, CaptureError> {
    let Some(output) = subject.find(&desk.state.outputs) else {
        return Err(CaptureError::Gone { what: "screen", detail: "the monitor went away".into() });
    };
    let output = output.proxy.clone();
    desk.state.shot = desk.state.shot.next();
    let frame = desk.manager.capture_output(i32::from(cursor), &output, &desk.handle(), desk.state.shot.number);
    desk.flush()?;
    Ok(frame)
}

/// The picture is of another size than at the start: it is read here and scaled into the picture handed out.
struct Detour {
    size: (u32, u32),
    pixels: Vec<u8>,
    letterbox: Letterbox,
}

struct CopyScreen {
    desk: Desk,
    clock: Arc<dyn Clock>,
    subject: Subject,
    cursor: bool,
    /// How long a monitor that was switched off is waited for.
    wait: Duration,
    refresh_us: u32,
    /// The frame that was asked for.
    frame: Option<ZwlrScreencopyFrameV1>,
    buffer: Buffer,
    description: ScreenDescription,
    /// Where the surface is, and where it was said to be.
    area: Surface,
    told: Surface,
    /// The picture that is handed out; its size never changes.
    out: Vec<u8>,
    detour: Option<Detour>,
    lag: Lag,
    /// When everything that had arrived was read last.
    looked: MonoNs,
    /// When the frame was given memory to be copied into.
    asked: MonoNs,
    /// The time of the last picture.
    last: Option<MonoNs>,
    /// The latest time that was vouched for.
    vouched: Option<MonoNs>,
    /// Since when the monitor is gone.
    away: Option<MonoNs>,
    failed: u32,
}

impl CopyScreen {
    /// Gives the frame that was described memory to be copied into, once something has changed or at the next refresh.
    fn copy(&mut self, when_changed: bool) -> Result<(), CaptureError> {
        let shot = &mut self.desk.state.shot;
        let (Some(frame), true, false) = (&self.frame, shot.is_described, shot.is_copying) else { return Ok(()) };
        let Some(layout) = shot.layout else {
            shot.has_failed = true;
            return Ok(());
        };
        shot.is_copying = true;
        if layout != self.buffer.layout {
            self.buffer = Buffer::new(&self.desk.shm, layout, &self.desk.handle())?;
        }
        if when_changed {
            frame.copy_with_damage(&self.buffer.proxy);
        } else {
            frame.copy(&self.buffer.proxy);
        }
        self.desk.flush()?;
        self.asked = self.clock.now();
        Ok(())
    }

    /// Asks for the next frame, and has it copied as soon as it is described.
    fn ask(&mut self, when_changed: bool) -> Result<(), CaptureError> {
        self.give_up_frame();
        self.frame = Some(ask(&mut self.desk, &self.subject, self.cursor)?);
        let until = self.clock.now().plus(SHORTLY);
        self.desk.wait(self.clock.as_ref(), until, |state| state.shot.is_described || state.shot.has_failed)?;
        self.copy(when_changed)
    }

    fn give_up_frame(&mut self) {
        if let Some(frame) = self.frame.take() {
            frame.destroy();
        }
    }

    /// Reads the frame that is ready into the picture that is handed out.
    fn take(&mut self) -> Result<(), CaptureError> {
        let size = self.buffer.layout.size;
        let start = (self.description.surface.width, self.description.surface.height);
        let is_flipped = self.desk.state.shot.is_flipped;
        if let Some((corner, _)) = self.subject.part {
            self.buffer.read(is_flipped, corner, &mut self.out, start)?;
        } else if size == start {
            self.detour = None;
            self.buffer.read(is_flipped, (0, 0), &mut self.out, start)?;
        } else {
            let fits = self.detour.take().filter(|detour| detour.size == size);
            let detour = self.detour.insert(fits.unwrap_or_else(|| Detour {
                size,
                pixels: vec![0; size.0 as usize * size.1 as usize * 4],
                letterbox: Letterbox::fitted(size, start),
            }));
            self.buffer.read(is_flipped, (0, 0), &mut detour.pixels, size)?;
            let picture = Picture { data: &detour.pixels, stride: size.0 as usize * 4, width: size.0, height: size.1 };
            let (width, height) = start;
            let mut view = BgraView { data: &mut self.out, stride: width as usize * 4, width, height };
            detour.letterbox.apply(picture, &mut view);
        }
        if let Some(output) = self.subject.find(&self.desk.state.outputs) {
            self.area = self.subject.surface(output, size);
        }
        Ok(())
    }

    /// The monitor is not there: waits for it, as long as was asked.
    fn absent(&mut self) -> Result<Look, CaptureError> {
        self.give_up_frame();
        let now = self.clock.now();
        let since = *self.away.get_or_insert(now);
        if now.since(since) >= self.wait {
            let detail = format!("{} was switched off or disconnected", self.subject.called);
            return Err(CaptureError::Gone { what: "screen", detail });
        }
        Ok(Look::Hidden { since, why: Absence::MonitorGone })
    }

    /// The frame is ready: hands it out, and asks for the next one.
    fn new_picture(&mut self, stamp: i64, arrival: MonoNs, before: MonoNs) -> Result<Look, CaptureError> {
        self.take()?;
        let t = guard::time_of(stamp, arrival, self.last);
        // When it was looked for last it had been asked for, and was not told of: that late it was.
        let late = if self.asked <= before { before.0 - t.0 } else { 0 };
        self.lag.saw(late, self.vouched.is_some_and(|vouched| t < vouched));
        (self.last, self.failed) = (Some(t), 0);
        let capture_us = u32::try_from((arrival.0 - t.0).max(0) / 1000).unwrap_or(u32::MAX);
        let surface = (self.area != std::mem::replace(&mut self.told, self.area)).then_some(self.area);
        self.ask(true)?;
        Ok(Look::New { t, capture_us, surface, renewed: None })
    }
}

impl ScreenSource for CopyScreen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn look(&mut self, whole: bool) -> Result<Look, CaptureError> {
        let before = std::mem::replace(&mut self.looked, self.clock.now());
        self.desk.read()?;
        if self.subject.find(&self.desk.state.outputs).is_none() {
            return self.absent();
        }
        if self.away.take().is_some() || (whole && self.desk.state.shot.ready.is_none() && self.last.is_some()) {
            // What stood there when it went is not what stands there now; a frame that waits for a change may wait for ever.
            self.ask(false)?;
        } else if self.frame.is_none() || self.desk.state.shot.has_failed {
            self.failed += 1;
            if self.failed > MAX_FAILED {
                return Err(CaptureError::System {
                    what: "taking a picture",
                    detail: "the compositor does not copy any more".into(),
                });
            }
            self.ask(false)?;
        } else {
            self.copy(true)?;
        }
        if whole {
            let until = self.clock.now().plus(WHOLE);
            self.desk.wait(self.clock.as_ref(), until, |state| state.shot.ready.is_some() || state.shot.has_failed)?;
        }
        if let Some(stamp) = self.desk.state.shot.ready {
            let arrival = self.clock.now();
            return self.new_picture(stamp, arrival, before);
        }
        let allowed = self.lag.allowed_ns();
        let until = MonoNs(self.looked.0 - allowed);
        self.vouched = self.vouched.max(Some(until));
        let stale_us = u32::try_from(allowed / 1000).unwrap_or(u32::MAX).saturating_add(self.refresh_us);
        Ok(Look::same(until, stale_us))
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        let (width, height) = (self.description.surface.width, self.description.surface.height);
        Ok(BgraView { data: &mut self.out, stride: width as usize * 4, width, height })
    }

    fn place(&self, area: Area) -> Area {
        self.detour.as_ref().map_or(area, |detour| detour.letterbox.place(area))
    }
}
