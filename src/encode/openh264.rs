//! The built-in encoder.
