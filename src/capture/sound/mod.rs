//! The seam of sound: [`SoundSource`], what it hands over, and what is asked of it. Encoders of sound are in [`crate::encode::sound`].

mod block;
mod output;
mod plan;
mod sink;
mod source;

pub use self::block::SoundBlock;
pub use self::output::{Fill, OutputPlan, SoundOutput};
pub use self::plan::{SoundDevice, SoundPlan, SoundRole, SoundWanted};
pub use self::sink::{SoundItem, SoundSink};
pub use self::source::{OpenSound, SoundDescription, SoundSource};
