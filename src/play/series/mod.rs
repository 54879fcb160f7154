//! The parts of a recording that was split, played as one: one timeline, one row of pictures, one sound; and what people make of it, kept with
//! the part that it is of.

pub mod find;
mod pictures;
mod reel;
pub mod spread;
mod voice;

pub mod open;
