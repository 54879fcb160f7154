//! Opens synthetic recordings: the usual one, and those that tests need.

use std::sync::Arc;
use std::time::Duration;

use super::input::SyntheticInput;
use super::pushing::{self, Pushing};
use super::screen::SyntheticScreen;
use super::script::Script;
use crate::base::time::Clock;
use crate::capture::{CaptureError, Facet, FacetSet, OpenInput, Sources};

/// Smallest picture: 40 cells of 2 pixels and a margin.
pub const MIN_SIZE: (u32, u32) = (96, 64);
/// Largest picture that the encoder takes.
pub const MAX_SIZE: (u32, u32) = (3840, 2160);

/// Both sources of a synthetic recording.
///
/// # Errors
/// [`CaptureError::BadSize`] when the size is odd or out of range.
pub fn sources(size: (u32, u32), clock: &Arc<dyn Clock>, input: bool) -> Result<Sources, CaptureError> {
    let script = checked(size)?;
    let (screen_script, screen_clock) = (script.clone(), Arc::clone(clock));
    let input_clock = Arc::clone(clock);
    Ok(Sources {
        screen: Box::new(move |_outlets| Ok(Box::new(SyntheticScreen::new(screen_script, screen_clock)))),
        inputs: Vec::from_iter(
            input.then(|| scripted("synthetic", FacetSet::PROMISED, Duration::ZERO, script, input_clock)),
        ),
        sounds: Vec::new(),
        sign: None,
    })
}

/// The same recording with a scripted gamepad beside keyboard and mouse.
///
/// # Errors
/// As [`sources`].
pub fn gamepad_sources(size: (u32, u32), clock: &Arc<dyn Clock>) -> Result<Sources, CaptureError> {
    let script = checked(size)?;
    let (screen_script, screen_clock) = (script.clone(), Arc::clone(clock));
    Ok(Sources {
        screen: Box::new(move |_outlets| Ok(Box::new(SyntheticScreen::new(screen_script, screen_clock)))),
        inputs: vec![scripted("synthetic", FacetSet::ALL, Duration::ZERO, script, Arc::clone(clock))],
        sounds: Vec::new(),
        sign: None,
    })
}

fn checked(size: (u32, u32)) -> Result<Script, CaptureError> {
    let (width, height) = size;
    if width % 2 != 0 || height % 2 != 0 {
        let nearest = Some((width.next_multiple_of(2), height.next_multiple_of(2)));
        return Err(CaptureError::BadSize { width, height, why: "both sides must be even".into(), nearest });
    }
    if width < MIN_SIZE.0 || height < MIN_SIZE.1 || width > MAX_SIZE.0 || height > MAX_SIZE.1 {
        let nearest = Some((width.clamp(MIN_SIZE.0, MAX_SIZE.0), height.clamp(MIN_SIZE.1, MAX_SIZE.1)));
        return Err(CaptureError::BadSize { width, height, why: "out of range".into(), nearest });
    }
    Ok(Script { begin: Arc::default(), size })
}

/// The same recording with two inputs, a keyboard and a pointer, of which the pointer hands over some time after it moved.
///
/// # Errors
/// As [`sources`].
pub fn split_sources(size: (u32, u32), clock: &Arc<dyn Clock>, late: Duration) -> Result<Sources, CaptureError> {
    let script = checked(size)?;
    let keyboard = FacetSet::of(&[Facet::Keys, Facet::Focus, Facet::Redaction]);
    let (screen_script, screen_clock) = (script.clone(), Arc::clone(clock));
    let pointer = FacetSet::PROMISED.without(keyboard);
    Ok(Sources {
        screen: Box::new(move |_outlets| Ok(Box::new(SyntheticScreen::new(screen_script, screen_clock)))),
        inputs: vec![
            scripted("synthetic-keyboard", keyboard, Duration::ZERO, script.clone(), Arc::clone(clock)),
            scripted("synthetic-pointer", pointer, late, script, Arc::clone(clock)),
        ],
        sounds: Vec::new(),
        sign: None,
    })
}

/// The same recording with a screen that pushes: it makes a picture each 20 ms, delivers each of them up to 60 ms late, so that some overtake
/// others, and knows only of what was delivered. It can hide itself, and hand in where the pointer is.
///
/// # Errors
/// As [`sources`].
pub fn pushing_sources(size: (u32, u32), clock: &Arc<dyn Clock>, how: Pushing) -> Result<Sources, CaptureError> {
    let script = checked(size)?;
    let (screen_script, screen_clock) = (script.clone(), Arc::clone(clock));
    let of_screen = if how.hands_in { FacetSet::of(&[Facet::Position]) } else { FacetSet::NONE };
    Ok(Sources {
        screen: Box::new(move |outlets| pushing::open(screen_script, screen_clock, how, outlets)),
        inputs: vec![scripted(
            "synthetic",
            FacetSet::PROMISED.without(of_screen),
            Duration::ZERO,
            script,
            Arc::clone(clock),
        )],
        sounds: Vec::new(),
        sign: None,
    })
}

fn scripted(
    backend: &'static str,
    facets: FacetSet,
    late: Duration,
    script: Script,
    clock: Arc<dyn Clock>,
) -> OpenInput {
    Box::new(move || Ok(Box::new(SyntheticInput { script, clock, backend, facets, late })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{ManualClock, MonoNs, UtcNs};

    #[test]
    fn impossible_sizes_are_refused_with_the_nearest_one() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(MonoNs(0), UtcNs(0)));
        for (size, near) in [((641, 480), (642, 480)), ((10, 10), (96, 64)), ((8000, 480), (3840, 480))] {
            let Err(CaptureError::BadSize { nearest, .. }) = sources(size, &clock, true) else {
                panic!("{size:?} was accepted")
            };
            assert_eq!(nearest, Some(near));
        }
    }
}
