//! The synthetic inputs: the script's, in time.

use std::sync::Arc;
use std::time::Duration;

use super::script::{STEP_NS, Script};
use crate::base::event::{Content, Source};
use crate::base::time::{Clock, MonoNs};
use crate::capture::{
    CaptureError, Facet, FacetSet, InitialState, InputDescription, InputSink, InputSource, RawInput, StopFlag,
};

/// Hands over the part of the script that its facets name.
pub(super) struct SyntheticInput {
    pub(super) script: Script,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) backend: &'static str,
    pub(super) facets: FacetSet,
    /// How long after its time an input is handed over.
    pub(super) late: Duration,
}

impl SyntheticInput {
    /// Returns what of an input this source reports.
    fn sees(&self, input: &RawInput) -> bool {
        self.facets.has(match input {
            RawInput::Key { .. } => Facet::Keys,
            RawInput::Button { .. } => Facet::Buttons,
            RawInput::Wheel { .. } => Facet::Wheel,
            RawInput::Motion { .. } => Facet::Motion,
            RawInput::Pad { .. } => Facet::Gamepads,
            _ => Facet::Focus,
        })
    }
}

impl InputSource for SyntheticInput {
    fn describe(&self) -> InputDescription {
        let devices = [
            (Facet::Keys, "scripted keyboard"),
            (Facet::Buttons, "scripted mouse"),
            (Facet::Gamepads, Script::GAMEPAD),
        ];
        InputDescription {
            backend: self.backend.into(),
            devices: devices
                .into_iter()
                .filter(|(facet, _)| self.facets.has(*facet))
                .map(|(_, name)| name.into())
                .collect(),
            keyboard_layout: None,
            warps: None,
            poll_us: None,
            facets: self.facets,
        }
    }

    fn initial(&self) -> InitialState {
        InitialState {
            pointer: self.facets.has(Facet::Position).then(|| self.script.pointer(0)),
            pads: if self.facets.has(Facet::Gamepads) { vec![Script::pad_connected()] } else { Vec::new() },
            ..InitialState::default()
        }
    }

    fn run(self: Box<Self>, sink: &InputSink, stop: &StopFlag) -> Result<(), CaptureError> {
        while self.script.begin.get().is_none() {
            if stop.is_set() {
                return Ok(());
            }
            self.clock.sleep_until(MonoNs(self.clock.now().0 + 200_000));
        }
        let Some(begin) = self.script.begin.get().copied() else { return Ok(()) };
        let focus = RawInput::Focus {
            window_id: "0x1".into(),
            title: Content("watchcap synthetic desktop".into()),
            app: "watchcap".into(),
            pid: Some(std::process::id()),
        };
        if self.sees(&focus) {
            sink.send(begin, Source::Synthetic, focus);
        }
        let mut step = 1;
        while !stop.is_set() {
            let t = MonoNs(begin.0 + step as i64 * STEP_NS);
            self.clock.sleep_until(t.plus(self.late));
            for input in self.script.inputs(step).chain(Script::pad(step)).filter(|input| self.sees(input)) {
                sink.send(t, Source::Synthetic, input);
            }
            step += 1;
        }
        Ok(())
    }
}
