//! Monitors and windows that can be recorded.
