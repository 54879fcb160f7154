//! Coded bytes and their container: H.264 ([`avc`]), H.265 ([`hevc`]), AV1 ([`av1`]), what differs between them ([`codec`], [`syntax`]), decoders ([`decode`]), sound ([`aac`],
//! [`flac`]), MP4 ([`mp4`]), pictures, tracks ([`track`]), and the frames of a video by number ([`frames`]).
//!
//! Pure functions over slices but for [`mp4::append`] and [`frames`], which are handed a file. It knows no clock, no session and no log.

pub mod aac;
pub mod av1;
pub mod avc;
pub mod codec;
pub mod decode;
pub mod flac;
pub mod frames;
pub mod hevc;
pub mod mkv;
pub mod mp4;
pub mod picture;
pub mod png;
pub mod rgb;
pub mod syntax;
pub mod track;
