//! Where the sign on the screen may be seen in the pictures that are taken.

use std::sync::Arc;

use crate::base::event::{Area, Surface};
use crate::base::time::Clock;
use crate::capture::recording_sign::SignAreas;
use crate::capture::{ScreenDescription, ScreenSource};

/// Where the sign may be seen in pictures of the screen.
pub(super) struct SignMask {
    areas: Arc<SignAreas>,
    clock: Arc<dyn Clock>,
    /// Where the surface is.
    surface: Surface,
}

impl SignMask {
    /// Of pictures of this surface; `None` where they show one window alone.
    pub(super) fn of(areas: Arc<SignAreas>, screen: &ScreenDescription, clock: Arc<dyn Clock>) -> Option<Self> {
        screen.window_id.is_none().then_some(Self { areas, clock, surface: screen.surface })
    }

    /// The surface has moved.
    pub(super) fn follow(&mut self, surface: Surface) {
        self.surface = surface;
    }

    /// The areas of the picture that was just taken.
    pub(super) fn areas(&self, source: &dyn ScreenSource) -> Vec<Area> {
        let places = self.areas.at(self.clock.now());
        places.into_iter().filter_map(|place| place.on(self.surface)).map(|area| source.place(area)).collect()
    }

    /// Whether any of it may be seen now, whatever size the picture is drawn at.
    pub(super) fn is_any(&self) -> bool {
        self.areas.at(self.clock.now()).into_iter().any(|place| place.on(self.surface).is_some())
    }
}
