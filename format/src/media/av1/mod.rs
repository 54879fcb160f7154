//! AV1 as pure functions over slices: open bitstream units ([`obu`]), the sequence header ([`sequence`]), the beginning of a frame's header
//! ([`frame`]) and one coded picture ([`mod@unit`]). Names and order of fields: the AV1 Bitstream & Decoding Process Specification.

pub mod frame;
pub mod obu;
pub mod sequence;
pub mod unit;
