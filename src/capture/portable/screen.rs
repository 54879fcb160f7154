//! Pictures through xcap.
