//! The one loop that stamps, numbers and appends.
