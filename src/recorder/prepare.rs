//! From captured pixels to a picture for the encoder: a free buffer, the conversion, the masks.
//!
//! Converts in the screen's thread: the memory shared with the screen is free again afterwards, and less crosses to the encoder.

use crossbeam_channel::Receiver;

use super::masking::Masking;
use super::stills::Buffers;
use crate::capture::{CaptureError, ScreenSource};
use crate::encode::convert::{Bgrx, ConvertError};
use crate::encode::driver::Driver;
use crate::encode::error::EncodeError;
use crate::encode::masked::{Masked, Unmasked};
use crate::encode::still::MaskedStill;
use crate::media::picture::PixelFormat;

/// The format in which pictures are prepared: the first that the encoder takes and that can be made.
pub(super) fn format(encoder: &Driver) -> Result<PixelFormat, EncodeError> {
    let first = encoder.takes().iter().copied().find(|format| Unmasked::makes(*format));
    first.ok_or_else(|| EncodeError::NoFormat { encoder: encoder.describe().name })
}

/// Prepares pictures.
pub(super) struct Prepare {
    pool: Receiver<Unmasked>,
    /// The buffer of a picture that found no room.
    spare: Option<Unmasked>,
    stills: Buffers,
}

/// What is made of the picture last taken, its masks painted.
#[derive(Default)]
pub(super) struct Prepared {
    /// For the encoder, when it is to be encoded.
    pub(super) image: Option<Masked>,
    /// For a PNG, when one is wanted and a buffer is free.
    pub(super) still: Option<MaskedStill>,
}

impl Prepare {
    /// With the buffers that come back through `pool`, and those of PNG pictures.
    pub(super) fn new(pool: Receiver<Unmasked>, stills: Buffers) -> Self {
        Self { pool, spare: None, stills }
    }

    /// The picture last taken, for the encoder when it is to be `encoded`, for a PNG when a `still` is wanted; `None` when no buffer is free for
    /// the encoder.
    pub(super) fn picture(
        &mut self,
        source: &mut dyn ScreenSource,
        masking: &Masking,
        encoded: bool,
        still: bool,
    ) -> Result<Option<Prepared>, CaptureError> {
        let mut buffer = None;
        if encoded {
            buffer = self.spare.take().or_else(|| self.pool.try_recv().ok());
            if buffer.is_none() {
                return Ok(None);
            }
        }
        let mut still = still.then(|| self.stills.take()).flatten();
        if buffer.is_none() && still.is_none() {
            return Ok(Some(Prepared::default()));
        }
        let pixels = source.frame()?;
        let pixels = Bgrx { data: pixels.data, stride: pixels.stride, width: pixels.width, height: pixels.height };
        let failed =
            |error: ConvertError| CaptureError::System { what: "colour conversion", detail: error.to_string() };
        if let Some(still) = &mut still {
            still.write(&pixels).map_err(failed)?;
        }
        if let Some(buffer) = &mut buffer {
            buffer.write(pixels).map_err(failed)?;
        }
        Ok(Some(Prepared {
            image: buffer.map(|buffer| masking.paint(buffer)),
            still: still.map(|still| masking.paint_still(still)),
        }))
    }

    /// Takes the buffers of a picture back that found no room.
    pub(super) fn give_back(&mut self, picture: Option<Masked>, still: Option<MaskedStill>) {
        self.spare = picture.and_then(Masked::reuse).or(self.spare.take());
        if let Some(still) = still {
            self.stills.give_back(still.reuse());
        }
    }
}
