//! session row.
