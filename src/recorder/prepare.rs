//! From captured pixels to a picture for the encoder: a free buffer, the conversion, the masks.
//!
//! Converts in the screen's thread: the memory shared with the screen is free again afterwards, and less crosses to the encoder.

use crossbeam_channel::Receiver;

use super::masking::Masking;
use crate::capture::{CaptureError, ScreenSource};
use crate::encode::convert::Bgrx;
use crate::encode::driver::Driver;
use crate::encode::error::EncodeError;
use crate::encode::masked::{Masked, Unmasked};
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
}

impl Prepare {
    /// With the buffers that come back through `pool`.
    pub(super) fn new(pool: Receiver<Unmasked>) -> Self {
        Self { pool, spare: None }
    }

    /// The picture last taken, with its masks painted; `None` when no buffer is free.
    pub(super) fn picture(
        &mut self,
        source: &mut dyn ScreenSource,
        masking: &Masking,
    ) -> Result<Option<Masked>, CaptureError> {
        let Some(mut buffer) = self.spare.take().or_else(|| self.pool.try_recv().ok()) else { return Ok(None) };
        let pixels = source.frame()?;
        let pixels = Bgrx { data: pixels.data, stride: pixels.stride, width: pixels.width, height: pixels.height };
        buffer
            .write(pixels)
            .map_err(|error| CaptureError::System { what: "colour conversion", detail: error.to_string() })?;
        Ok(Some(masking.paint(buffer)))
    }

    /// Takes the buffer of a picture back that found no room.
    pub(super) fn give_back(&mut self, picture: Option<Masked>) {
        self.spare = picture.and_then(Masked::reuse).or(self.spare.take());
    }
}
