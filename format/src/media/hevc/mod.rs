//! H.265 as pure functions over slices: NAL units ([`nal`]), parameter sets ([`sets`], [`sps`]) and one coded picture ([`mod@unit`]).

pub mod nal;
pub mod sets;
pub mod sps;
pub mod unit;
