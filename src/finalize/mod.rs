//! From a log to a sealed session.

pub mod moov;
pub mod tables;
