//! Frozen shapes of every released format.
