//! session metadata.
