//! Sessions as files: built from synthetic rows, verified, damaged, and read by the tools that people train with.

mod format_doc;
mod python;
mod support;
mod verify;
