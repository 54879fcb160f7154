//! session reader.
