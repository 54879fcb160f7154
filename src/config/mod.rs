//! The configuration: what a person, and the machine's owner, want for every recording. Flags stand over the environment, which stands over
//! the person's file, which stands over the system's.
//!
//! [`keys`] is the one list of what can be set: the types that files are read into, `config init`, `config show`, `config check` and the
//! reference are made of it. [`files`] says where files are, [`layers`] puts them over each other and remembers where each value is from,
//! [`check`] finds everything that is wrong with a file, [`template`] writes a new one.
//!
//! Unknown keys are errors, so that a misspelt setting is not silently without effect.

pub mod check;
pub mod error;
pub mod files;
pub mod keys;
pub mod layers;
pub mod limits;
mod nearest;
pub mod template;

pub use error::ConfigError;
pub use files::{MAX_BYTES, beside, config_file, name_file, profile_dir};
pub use keys::{Config, ConsentConfig, GameConfig, HotkeyConfig, PrivacyConfig, RecordConfig};
