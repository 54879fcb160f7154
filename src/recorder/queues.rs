//! What goes through the queues between the threads of a recording, how many of each may wait, and how long an end may take.

use std::time::Duration;

use crate::base::event::Event;
use crate::base::time::MonoNs;
use crate::encode::masked::Masked;
use crate::encode::still::MaskedStill;

/// Pictures that wait for the encoder: 8 x 3.1 MB at 1080p; at 60 fps the encoder may stall for 130 ms, which other programs on a
/// machine of two cores do to it.
pub(super) const PICTURES: usize = 8;
/// Pictures in all: those that wait, one being filled, one being encoded and the one that a repeat needs.
pub(super) const PICTURE_POOL: usize = PICTURES + 3;
/// Buffers of PNG pictures on their way back from their writer: more than there are.
pub(super) const STILL_POOL: usize = 16;
/// Access units that wait to be appended: at 60 fps the disk may stall for half a second before frames are dropped.
pub(super) const UNITS: usize = 30;
/// Inputs that wait to be appended, about 100 bytes each: at 1000 Hz the disk may stall for a minute before one is dropped.
pub(super) const INPUTS: usize = 65_536;
/// Blocks of sound that wait for their thread, 4 kB each at 10 ms: it may be held up for five seconds before one is dropped.
pub(super) const SOUNDS: usize = 512;
/// Packets of sound that wait to be appended: at 20 ms each the disk may stall for 2.5 s before the blocks wait too.
pub(super) const PACKETS: usize = 128;
/// Notes of the screen's thread (gaps, moved surface): a few per second at the worst.
pub(super) const NOTES: usize = 1024;

/// Most items that the sequence takes from one queue before it looks at the others.
pub(super) const BURST: usize = 256;

/// How long sources may take to end once the end was asked for: one that hangs in its system must not keep the log from being
/// closed within two seconds.
pub(super) const GRACE: Duration = Duration::from_secs(1);

/// How long the log may take to be closed once the sources have ended: a slow disk may have seconds of writing to sync, one that
/// does not answer must not keep the process for ever.
pub(super) const CLOSE_LIMIT: Duration = Duration::from_secs(30);

/// What the screen's thread hands to the sequence beside pictures.
pub(super) enum Note {
    /// An event of the screen (gap, moved surface) and its time.
    Event(MonoNs, Event),
    /// What is recorded is not there from then on.
    Away(MonoNs),
    /// It is there again; the window that took its place, when another one did.
    Back(MonoNs, Option<String>),
    /// A window of a game was seen for the first time.
    Profile(MonoNs, ProfileSeen),
}

/// A profile that came into force since a window of its game is there.
pub(super) struct ProfileSeen {
    /// Its name.
    pub(super) name: String,
    /// The game, for the metadata.
    pub(super) game: Option<String>,
    /// Its chat is masked, and the keys that open and close it are known.
    pub(super) hides_chat: bool,
    /// The window was there in the first picture.
    pub(super) at_start: bool,
}

/// A picture on its way to the encoder.
pub(super) struct Picture {
    pub(super) t: MonoNs,
    pub(super) capture_us: u32,
    pub(super) convert_us: u32,
    /// `None`: the same as the one before.
    pub(super) image: Option<Masked>,
    /// Its pixels, when a PNG of the frame is wanted.
    pub(super) still: Option<MaskedStill>,
    /// The first after a pause: decoding can begin with it.
    pub(super) restart: bool,
    /// The first of a part: likewise, and it is frame 0.
    pub(super) begins_part: bool,
}

/// An access unit on its way to the log.
pub(super) struct Unit {
    pub(super) t: MonoNs,
    /// Seams before it.
    pub(super) part: u64,
    pub(super) frame_ref: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) keyframe: bool,
    pub(super) duplicate: bool,
    pub(super) capture_us: u32,
    pub(super) encode_us: u32,
}
