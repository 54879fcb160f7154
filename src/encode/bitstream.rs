//! Annex B and length-prefixed access units, SEI.
