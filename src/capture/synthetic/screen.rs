//! The synthetic screen that is asked for pictures.

use std::sync::Arc;

use super::paint::Painter;
use super::script::Script;
use crate::base::event::Surface;
use crate::base::time::Clock;
use crate::capture::{BgraView, CaptureError, FacetSet, Look, ScreenDescription, ScreenSource};

/// Paints a picture whenever it is asked for one.
pub(super) struct SyntheticScreen {
    script: Script,
    clock: Arc<dyn Clock>,
    painter: Painter,
}

impl SyntheticScreen {
    pub(super) fn new(script: Script, clock: Arc<dyn Clock>) -> Self {
        Self { painter: Painter::new(script.clone()), script, clock }
    }
}

/// Describes the synthetic desktop.
pub(super) fn describe((width, height): (u32, u32)) -> ScreenDescription {
    ScreenDescription {
        backend: "synthetic".into(),
        surface: Surface { x: 0, y: 0, width, height, scale: None },
        refresh_hz: None,
        cursor: true,
        sees_changes: true,
        target: "synthetic desktop".into(),
        window_id: None,
        // There are no windows.
        masks_windows: true,
        display_server: None,
        names_programs: true,
        hands_in: FacetSet::NONE,
        settings: Vec::new(),
    }
}

impl ScreenSource for SyntheticScreen {
    fn describe(&self) -> ScreenDescription {
        describe(self.script.size)
    }

    fn look(&mut self, _whole: bool) -> Result<Look, CaptureError> {
        let t = self.clock.now();
        self.script.begin.get_or_init(|| t);
        self.painter.paint(self.script.step(t));
        // The picture shows the script at `t`; how long it took to paint is the cost of having it.
        let capture_us = self.clock.now().since(t).as_micros() as u32;
        Ok(Look::new(t, capture_us))
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        Ok(self.painter.view())
    }
}
