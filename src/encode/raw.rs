//! The C++ interface of OpenH264's encoder, and nothing more: open with raw parameters, encode, force an IDR.
//!
//! Invariant: the object behind the pointer is created, initialised and destroyed exactly once, is used by one thread at
//! a time, and no slice into its buffers outlives the call that made it. This is the only unsafe file of `encode`.
#![expect(unsafe_code, reason = "OpenH264 is a C++ library; its safe wrapper does not set the parameters needed")]

use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};

use openh264_sys2::source::APILoader;
use openh264_sys2::{
    ENCODER_OPTION_BITRATE, ENCODER_OPTION_TRACE_LEVEL, ISVCEncoder, ISVCEncoderVtbl, SBitrateInfo, SEncParamExt,
    SFrameBSInfo, SPATIAL_LAYER_0, SSourcePicture, videoFormatI420, videoFrameTypeIDR, videoFrameTypeSkip,
};

use crate::media::picture::Planar;

/// `WELS_LOG_QUIET` of `codec_app_def.h`: the library prints nothing to stderr.
const LOG_QUIET: c_int = 0;

/// What the library answered: the call and its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{call} answered {code}")]
pub(super) struct RawError {
    call: &'static str,
    code: i64,
}

/// What became of a picture.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// The encoder left the picture out; there are no NAL units.
    Skipped,
    /// An IDR.
    Idr,
    /// Another picture.
    Predicted,
}

/// An initialised encoder.
pub(super) struct RawEncoder {
    encoder: NonNull<ISVCEncoder>,
    /// Where the library writes what it made; kept because it is 10 KB.
    info: Box<SFrameBSInfo>,
}

// SAFETY: the object has no ties to the thread that made it; it is reached only through `&mut self`, so by one thread at
// a time, and its own worker threads are its own affair.
unsafe impl Send for RawEncoder {}

impl RawEncoder {
    /// An encoder with the parameters that `set` makes of the library's defaults.
    pub(super) fn open(set: impl FnOnce(&mut SEncParamExt)) -> Result<Self, RawError> {
        let mut encoder: *mut ISVCEncoder = ptr::null_mut();
        // SAFETY: the function writes a pointer to where it is told.
        let code = unsafe { APILoader::WelsCreateSVCEncoder(&raw mut encoder) };
        let Some(encoder) = NonNull::new(encoder).filter(|_| code == 0) else {
            return Err(RawError { call: "WelsCreateSVCEncoder", code: i64::from(code) });
        };
        let mut this = Self { encoder, info: Box::default() };
        let mut level = LOG_QUIET;
        this.call("SetOption", |vtbl, encoder| {
            // SAFETY: this option takes a pointer to an int and copies it.
            Some(unsafe { vtbl.SetOption?(encoder, ENCODER_OPTION_TRACE_LEVEL, (&raw mut level).cast::<c_void>()) })
        })?;
        let mut parameters = SEncParamExt::default();
        this.call("GetDefaultParams", |vtbl, encoder| {
            // SAFETY: fills the struct, which is of the type that the bindings were generated for.
            Some(unsafe { vtbl.GetDefaultParams?(encoder, &raw mut parameters) })
        })?;
        set(&mut parameters);
        this.call("InitializeExt", |vtbl, encoder| {
            // SAFETY: reads the struct; every field holds a value, set by the call before or by `set`.
            Some(unsafe { vtbl.InitializeExt?(encoder, &raw const parameters) })
        })?;
        Ok(this)
    }

    /// The library's version.
    pub(super) fn version() -> (u32, u32, u32) {
        // SAFETY: returns a struct of integers and touches nothing else.
        let version = unsafe { APILoader::WelsGetCodecVersion() };
        (version.uMajor, version.uMinor, version.uRevision)
    }

    /// Calls the library; a function that is missing or answers anything but 0 is an error.
    fn call(
        &mut self,
        name: &'static str,
        call: impl FnOnce(&ISVCEncoderVtbl, *mut ISVCEncoder) -> Option<c_int>,
    ) -> Result<(), RawError> {
        // SAFETY: the pointer came from WelsCreateSVCEncoder and is not destroyed before `self`; what it points at begins
        // with a pointer to a table of functions that lives as long as the library.
        let vtbl = unsafe { &**self.encoder.as_ptr() };
        match call(vtbl, self.encoder.as_ptr()) {
            Some(0) => Ok(()),
            code => Err(RawError { call: name, code: code.map_or(i64::MIN, i64::from) }),
        }
    }

    /// Hands the parameter sets to `each`, NAL unit by NAL unit, behind start codes.
    pub(super) fn parameter_sets(&mut self, each: impl FnMut(&[u8])) -> Result<(), RawError> {
        let info: *mut SFrameBSInfo = &raw mut *self.info;
        self.call("EncodeParameterSets", |vtbl, encoder| {
            // SAFETY: fills the struct, whose pointers then lead into buffers of the encoder.
            Some(unsafe { vtbl.EncodeParameterSets?(encoder, info) })
        })?;
        self.layers(each);
        Ok(())
    }

    /// Makes the next picture an IDR.
    pub(super) fn force_idr(&mut self) -> Result<(), RawError> {
        self.call("ForceIntraFrame", |vtbl, encoder| {
            // SAFETY: sets a flag in the encoder.
            Some(unsafe { vtbl.ForceIntraFrame?(encoder, true) })
        })
    }

    /// Changes the target bit rate, bits per second, from the next picture on.
    pub(super) fn set_bitrate(&mut self, bits: c_int) -> Result<(), RawError> {
        let mut info = SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bits };
        self.call("SetOption", |vtbl, encoder| {
            // SAFETY: this option takes a pointer to this struct and copies what is in it.
            Some(unsafe { vtbl.SetOption?(encoder, ENCODER_OPTION_BITRATE, (&raw mut info).cast::<c_void>()) })
        })
    }

    /// Encodes a picture of the size that the encoder was opened with and hands what was made to `each`, layer by layer,
    /// as Annex B.
    pub(super) fn encode(&mut self, picture: &Planar, ms: i64, each: impl FnMut(&[u8])) -> Result<Outcome, RawError> {
        let (y, u, v) = picture.planes();
        let (width, height) = (picture.width().cast_signed(), picture.height().cast_signed());
        let source = SSourcePicture {
            iColorFormat: videoFormatI420,
            iStride: [width, width / 2, width / 2, 0],
            pData: [y.as_ptr().cast_mut(), u.as_ptr().cast_mut(), v.as_ptr().cast_mut(), ptr::null_mut()],
            iPicWidth: width,
            iPicHeight: height,
            uiTimeStamp: ms,
            ..SSourcePicture::default()
        };
        let info: *mut SFrameBSInfo = &raw mut *self.info;
        self.call("EncodeFrame", |vtbl, encoder| {
            // SAFETY: the planes hold width × height samples at these strides ([`Planar`] keeps that) and live until the
            // call returns; the encoder copies them (`BuildSpatialPicList`) and does not write through the pointers.
            Some(unsafe { vtbl.EncodeFrame?(encoder, &raw const source, info) })
        })?;
        self.layers(each);
        Ok(match self.info.eFrameType {
            frame if frame == videoFrameTypeSkip => Outcome::Skipped,
            frame if frame == videoFrameTypeIDR => Outcome::Idr,
            _ => Outcome::Predicted,
        })
    }

    /// What the last call made.
    fn layers(&self, mut each: impl FnMut(&[u8])) {
        let layers = usize::try_from(self.info.iLayerNum).unwrap_or(0);
        for layer in self.info.sLayerInfo.iter().take(layers) {
            let nals = usize::try_from(layer.iNalCount).unwrap_or(0);
            if nals == 0 || layer.pNalLengthInByte.is_null() || layer.pBsBuf.is_null() {
                continue;
            }
            // SAFETY: the library says that this many lengths stand there, and that their sum of bytes lies behind
            // pBsBuf; both stay until its next call, and `self` is borrowed for longer than the slices.
            let bytes = unsafe {
                let lengths = std::slice::from_raw_parts(layer.pNalLengthInByte, nals);
                let sum = lengths.iter().map(|&length| usize::try_from(length).unwrap_or(0)).sum();
                std::slice::from_raw_parts(layer.pBsBuf, sum)
            };
            each(bytes);
        }
    }
}

impl Drop for RawEncoder {
    fn drop(&mut self) {
        // Uninitialize before destroying; its answer changes nothing any more.
        if let Err(error) = self.call("Uninitialize", |vtbl, encoder| {
            // SAFETY: frees what InitializeExt made; does nothing when that did not happen.
            Some(unsafe { vtbl.Uninitialize?(encoder) })
        }) {
            tracing::debug!(%error, "closing the encoder");
        }
        // SAFETY: made by WelsCreateSVCEncoder, destroyed once, not used after.
        unsafe { APILoader::WelsDestroySVCEncoder(self.encoder.as_ptr()) };
    }
}
