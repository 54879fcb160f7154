//! session row_hash.
