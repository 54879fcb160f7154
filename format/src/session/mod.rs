//! The sealed session: its files, its metadata, reading and verifying it.

pub mod annotations;
pub mod clicks;
pub mod draft;
pub mod edition;
pub mod held;
pub mod labels;
pub mod layout;
pub mod lines;
pub mod link;
pub mod loss;
pub mod measured;
pub mod metadata;
pub mod refusal;
pub mod review;
pub mod seal;
pub mod sealed;
pub mod seam;
pub mod series;
pub mod signature;
pub mod sound;
pub mod span;
pub mod state;
pub mod stills;
pub mod table;
pub mod verify;
pub mod work;
