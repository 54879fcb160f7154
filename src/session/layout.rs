//! session layout.
