//! How many pictures a second an encoder holds on this machine: measured by encoding, before a recording relies on it.

use std::time::Duration;

use super::ask::Ask;
use super::driver::Driver;
use super::error::EncodeError;
use super::gop::Gop;
use super::masked::Masked;
use super::settings::EncodeSettings;
use crate::base::id::FrameRef;
use crate::base::time::{Clock, MonoNs};
use crate::media::picture::{FrameStamp, Planar};

/// Different pictures that are shown in turn.
const PICTURES: u32 = 6;
/// Fewest that are encoded: an IDR, and enough behind it to say something of the others.
const LEAST: u64 = 12;

/// Encodes moving pictures for `within`, as fast as the encoder takes them, and returns how many it made a second. Nothing else should run.
///
/// # Errors
/// When the encoder fails.
pub fn held(
    mut driver: Driver,
    settings: &EncodeSettings,
    clock: &dyn Clock,
    within: Duration,
) -> Result<u32, EncodeError> {
    let pictures: Vec<Masked> = (0..PICTURES).map(|n| Masked::not_captured(moving(settings, n))).collect();
    let mut gop = Gop::new(settings.gop_ns, settings.fps);
    let begin = clock.now();
    let (mut given, mut made) = (0_u64, 0_u64);
    while given < LEAST || clock.now().since(begin) < within {
        let t = MonoNs(given as i64 * 1_000_000_000 / i64::from(settings.fps.max(1)));
        let ask: Ask = gop.ask(FrameStamp { frame_ref: FrameRef(given), t });
        driver.encode(&pictures[(given % u64::from(PICTURES)) as usize], ask)?;
        given += 1;
        while driver.next_unit().is_some() {
            made += 1;
        }
    }
    driver.finish()?;
    while driver.next_unit().is_some() {
        made += 1;
    }
    let seconds = clock.now().since(begin).as_secs_f64().max(1e-6);
    Ok((made as f64 / seconds).min(f64::from(u32::MAX)) as u32)
}

/// A picture as a game has it: half of it moves on, the other half stands, and a part is new each time.
fn moving(settings: &EncodeSettings, n: u32) -> Planar {
    let (width, height) = (settings.width, settings.height);
    let mut picture = Planar::new(settings.sampling, width, height);
    let (luma, u, v) = picture.planes_mut();
    let mut state = n.wrapping_mul(0x9e37_79b9) | 1;
    for (at, sample) in luma.iter_mut().enumerate() {
        let (column, row) = (at as u32 % width, at as u32 / width);
        let moved = if row < height / 2 { column + 5 * n } else { column };
        let texture = (((moved / 3) * 7) ^ ((row / 3) * 13)) % 64;
        *sample = (60 + texture + if (moved / 40 + row / 24).is_multiple_of(2) { 70 } else { 0 }) as u8;
        if row > height * 7 / 8 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = (*sample & 0xf0) | (state >> 28) as u8;
        }
    }
    for (at, sample) in u.iter_mut().chain(v).enumerate() {
        *sample = (100 + (at as u32 / 64 + n) % 50) as u8;
    }
    picture
}
