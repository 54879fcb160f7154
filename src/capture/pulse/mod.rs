//! Sound by PulseAudio's protocol, which PulseAudio and PipeWire serve: microphones, and what the system plays.
//!
//! The protocol's messages are the crate `pulseaudio`'s; the connection ([`connection`]) is our own, because the crate's drops what a server
//! says of a stream (killed, moved, suspended) and hides when a message came. When a sample was heard follows from what the server says
//! of its buffers ([`timing`]), and so does when one that is played will be ([`output`]). [`source`] goes on when a device or the server goes, and says so.

pub(crate) mod backend;
mod connection;
mod devices;
mod failure;
pub(crate) mod output;
mod place;
mod quantum;
mod source;
mod stream;
mod timing;
