//! From pixels to access units: colours ([`convert`]), masked pictures as a type ([`masked`]), the seam of encoders ([`encoder`]), what
//! they make on its way out ([`outbox`], [`driver`]), which pictures are IDRs ([`gop`]), and the encoders that there are ([`registry`]);
//! from samples of sound to packets ([`sound`]).
//!
//! It knows no file and no clock, and captures nothing.

#[cfg(feature = "sound")]
pub mod aac;
pub mod ask;
pub mod convert;
pub mod driver;
pub mod encoder;
pub mod error;
pub mod ffmpeg;
pub mod flac;
pub mod gop;
pub mod kind;
pub mod masked;
pub mod openh264;
pub mod outbox;
mod probe;
pub mod rate;
mod raw;
pub mod registry;
pub mod settings;
pub mod sound;
mod sound_encoder;
pub mod still;
pub mod x264;

pub use ask::Ask;
pub use driver::Driver;
pub use encoder::{EncoderDescription, VideoEncoder};
pub use error::EncodeError;
pub use gop::Gop;
pub use kind::{Codec, EncoderKind};
pub use masked::{Masked, Unmasked};
pub use outbox::{CodedUnit, Outbox};
pub use settings::{EncodeSettings, Quality};
