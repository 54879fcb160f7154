//! session frames.
