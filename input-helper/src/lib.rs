//! What the recorder and `watchcap-input-helper` share: what is said between them, and which devices are lent.
//!
//! The helper is a program of its own that pkexec starts as root: it opens the kernel's input devices, passes their descriptors to the recorder that
//! asked, and revokes them when the session is locked or left and when the recorder hangs up.

#[cfg(target_os = "linux")]
pub mod follow;
#[cfg(target_os = "linux")]
pub mod kind;
#[cfg(target_os = "linux")]
pub mod line;
pub mod wire;
