//! What is recorded is gone for a while: it is waited for, as long as was asked, and taken up again.

use std::sync::Arc;
use std::time::Duration;

use x11rb::protocol::xproto::{ConnectionExt as _, Window};

use super::super::failure::{self, alive, there};
use super::super::popups::Popups;
use super::super::window::WindowTrack;
use super::super::windows::{Followed, Windows};
use super::waiting::{Sought, Waiting};
use super::{FIRST_PAINT_MS, Pixels, Subject, X11Screen, watch};
use crate::capture::{Absence, CaptureError, Look};

/// How often it is looked for. Windows and monitors take longer than this to come.
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl X11Screen {
    /// A picture could not be taken: when the surface is gone, it is waited for from now on.
    pub(super) fn lose(&mut self, error: CaptureError) -> Result<Look, CaptureError> {
        let CaptureError::Gone { what: what @ ("window" | "screen"), detail } = error else { return Err(error) };
        let absence = match &self.subject {
            Subject::Window(_) => Absence::WindowGone,
            Subject::Monitor { .. } => Absence::MonitorGone,
            Subject::Region => Absence::RegionGone,
        };
        let now = self.clock.now();
        let (since, detail) = self.waiting.take().map_or((now, detail), |waiting| (waiting.since, waiting.detail));
        if now.since(since) >= self.wait || self.seeker.as_ref().is_some_and(super::Seeker::is_hopeless) {
            return Err(CaptureError::Gone { what, detail });
        }
        self.waiting = Some(Waiting { since, looked: now, absence, what, detail });
        Ok(Look::Hidden { since, why: absence })
    }

    /// Looks whether what is waited for is there.
    ///
    /// # Errors
    /// [`CaptureError::Gone`] when it was waited for long enough, or cannot come any more.
    pub(super) fn seek(&mut self) -> Result<Sought, CaptureError> {
        self.read_events()?;
        let now = self.clock.now();
        let Some(waiting) = &mut self.waiting else { return Ok(Sought::There(None)) };
        let (since, absence) = (waiting.since, waiting.absence);
        if now.since(waiting.looked) < LOOK_EVERY && now.since(since) < self.wait {
            return Ok(Sought::Absent(since, absence));
        }
        waiting.looked = now;
        let Some(seeker) = &mut self.seeker else {
            // A monitor or a region: following it says whether it is there, and `lose` whether it is too late.
            self.size_stale = true;
            return Ok(Sought::There(None));
        };
        let hopeless = seeker.is_hopeless();
        if let Some(window) = seeker.find(&self.conn, since)?
            && self.adopt(window)?
        {
            return Ok(Sought::There(Some(super::targets::window_id(window))));
        }
        let Some(waiting) = self.waiting.take_if(|_| hopeless || now.since(since) >= self.wait) else {
            return Ok(Sought::Absent(since, absence));
        };
        Err(CaptureError::Gone { what: waiting.what, detail: waiting.detail })
    }

    /// Records this window from now on; `false` when it cannot be.
    fn adopt(&mut self, id: Window) -> Result<bool, CaptureError> {
        let attributes = self.conn.get_window_attributes(id).map_err(|error| failure::connection(&error))?;
        let Some(attributes) = there(attributes.reply())? else { return Ok(false) };
        let pixels = Pixels::of(super::Connection::setup(&self.conn), attributes.visual);
        if pixels.ok().as_ref() != Some(self.out.pixels()) {
            return Ok(false);
        }
        let Some(track) = alive(WindowTrack::new(&self.conn, self.root, id))? else { return Ok(false) };
        let Some(damage) = alive(watch(&self.conn, id))? else { return Ok(false) };
        if let Some(popups) = self.popups.take() {
            popups.close(&self.conn)?;
        }
        self.popups = Some(Popups::open(&self.conn, (self.root, self.screen), &track)?);
        self.windows = Windows::open(&self.conn, self.root, Arc::clone(&self.exclusions), Followed::Window(id))?;
        if let Some(seeker) = &mut self.seeker {
            seeker.follow(&self.conn, id)?;
        }
        if let Subject::Window(old) = &mut self.subject {
            old.unmapped(&self.conn)?;
        }
        self.damage = damage;
        self.subject = Subject::Window(track);
        (self.damaged, self.remapped, self.parent_stale) = (false, false, true);
        (self.size_stale, self.all_dirty) = (true, true);
        self.waiting = None;
        // As at the start: the picture was blanked.
        self.clock.sleep_until(self.clock.now().plus(Duration::from_millis(FIRST_PAINT_MS)));
        tracing::info!(target: "capture", window = id, "another window took the place of the recorded one");
        Ok(true)
    }
}
