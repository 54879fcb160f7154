//! BGRA to I420.
