//! Which window is active.
