//! session verify.
