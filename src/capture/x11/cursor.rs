//! The pointer's picture, drawn into frames.
