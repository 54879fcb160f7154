//! Polled inputs, as the registry knows them.

use std::sync::Arc;

use super::{input, refuse_deaf, refuse_wayland};
use crate::capture::backend::{Backend, Grant, InputPlan, Wanted};
use crate::capture::{CaptureError, Facet, FacetSet, OpenInput};

/// Inputs by polling.
pub(crate) struct Poll;

impl Backend for Poll {
    fn name(&self) -> &'static str {
        "poll"
    }
    fn about(&self) -> &'static str {
        "Portable, by polling: sees no wheel and may miss short taps"
    }
    fn serves(&self) -> Wanted {
        Wanted { input: true, ..Wanted::default() }
    }
    fn is_native(&self) -> bool {
        false
    }
    fn lacks(&self) -> FacetSet {
        FacetSet::of(&[Facet::Wheel, Facet::Motion, Facet::Focus])
    }
    fn ready(&self) -> Result<(), CaptureError> {
        refuse_wayland()?;
        refuse_deaf()
    }
    fn ask(&self, _wanted: Wanted) -> Result<Grant, CaptureError> {
        refuse_deaf().map(|()| Grant::default())
    }
    fn inputs(&self, plan: &InputPlan, _grant: &Grant) -> Vec<OpenInput> {
        let (clock, period) = (Arc::clone(&plan.clock), plan.poll_period);
        vec![Box::new(move || input::open(clock, period))]
    }
}
