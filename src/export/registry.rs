//! Every format that there is.

use super::format::Format;
use super::{actions, computer_use, copy, frames_json, lerobot, mcap, vpt, webdataset};

/// Every format, in the order in which they are listed.
pub const FORMATS: &[&dyn Format] = &[
    &actions::Actions,
    &frames_json::FramesJson,
    &copy::Video,
    &vpt::Vpt,
    &webdataset::WebDataset,
    &lerobot::LeRobot,
    &mcap::Mcap,
    &computer_use::ComputerUse,
];

/// The format of a name.
pub fn format_named(name: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}
