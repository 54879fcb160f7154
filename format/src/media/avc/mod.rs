//! H.264 byte streams: NAL units ([`nal`]), their bits, parameter sets, slices, the SEI that names a frame ([`sei`]), and
//! access units as a recording holds them ([`mod@unit`]).

pub mod bits;
pub mod nal;
pub mod sei;
pub mod sets;
pub mod slice;
pub mod sps;
pub mod unit;
