//! The only switch over platforms: which backend serves what was asked for.
