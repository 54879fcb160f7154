//! `computer-use`: what a person did at a desktop as a list of actions, each with the pictures before and after it.
//!
//! `keyboard` says what keys mean, `gather` makes actions of rows, `shots` pictures of frames, and `format` writes them.

mod format;
mod gather;
mod keyboard;
mod layouts;
mod place;
mod shots;

pub use format::ComputerUse;
