//! Tracks: what recorder, log, `finalize` and readers share about coded data. One track is one file of the session.
//!
//! Owns the wire numbers of tracks and the vocabulary around them. It does no I/O, and knows neither a container nor an encoder.
//! A further codec is a further [`CodecConfig`]; a further track is a further [`TrackSpec`] at the start of a recording.

use crate::base::event::Stream;
use crate::base::time::MonoNs;
use crate::media::av1::sequence::Av1Config;
use crate::media::avc::sets::ParameterSets;
use crate::media::hevc::sets::HevcSets;

/// The number of a track in the log: a wire value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TrackId(pub u8);

impl TrackId {
    /// The pictures: `frames.mp4`.
    pub const PICTURES: Self = Self(0);
    /// The sound: `audio.mp4`.
    pub const SOUND: Self = Self(1);
    /// The microphone, where it is recorded beside the system's sound: `audio_mic.mp4`.
    pub const MICROPHONE: Self = Self(2);
}

/// The file of [`TrackId::PICTURES`], in the log as in the session.
pub const PICTURES_FILE: &str = "frames.mp4";
/// The file of [`TrackId::SOUND`], in the log as in the session.
pub const SOUND_FILE: &str = "audio.mp4";

/// The file of [`TrackId::MICROPHONE`], in the log as in the session.
pub const MICROPHONE_FILE: &str = "audio_mic.mp4";

/// Every track that there is, with the stream whose consent it falls under and its file. A further one is a further line.
pub const TRACKS: [(TrackId, Stream, &str); 3] = [
    (TrackId::PICTURES, Stream::Screen, PICTURES_FILE),
    (TrackId::SOUND, Stream::Audio, SOUND_FILE),
    (TrackId::MICROPHONE, Stream::Audio, MICROPHONE_FILE),
];

/// Most tracks of one recording. Bounds what each chunk of the log says of them.
pub const MAX_TRACKS: usize = 8;

/// How pictures are coded, with everything a decoder needs before the first of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodecConfig {
    /// H.264: access units with NAL units behind their lengths (four bytes, big-endian), parameter sets left out.
    Avc(ParameterSets),
    /// H.265: the same, with the video parameter set.
    Hevc(HevcSets),
    /// AV1: open bitstream units with their sizes, without temporal delimiters; the sequence header stands before each key frame as well.
    Av1(Av1Config),
}

impl From<ParameterSets> for CodecConfig {
    fn from(sets: ParameterSets) -> Self {
        Self::Avc(sets)
    }
}

impl CodecConfig {
    /// The codec's name in metadata and in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Avc(_) => "h264",
            Self::Hevc(_) => "h265",
            Self::Av1(_) => "av1",
        }
    }

    /// The codec's name in documents and messages.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Avc(_) => "H.264",
            Self::Hevc(_) => "H.265",
            Self::Av1(_) => "AV1",
        }
    }

    /// The parameter sets of an H.264 stream; `None` for every other codec.
    pub fn avc(&self) -> Option<&ParameterSets> {
        match self {
            Self::Avc(sets) => Some(sets),
            Self::Hevc(_) | Self::Av1(_) => None,
        }
    }
}

/// How the packets of a track are coded. A type of its own, so that nothing that encodes pictures can be asked about sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TrackCodec {
    /// Pictures.
    Pictures(CodecConfig),
    /// FLAC of 16 bits: each packet is a frame that says the number of its first sample ([`crate::media::flac`]).
    Flac,
    /// AAC-LC: each packet is a raw block of 1024 samples.
    Aac {
        /// The `AudioSpecificConfig` of ISO/IEC 14496-3.
        specific: Vec<u8>,
        /// Samples (per channel) that a decoder puts out before the first one that was given.
        priming: u16,
    },
}

/// Samples (per channel) of a packet of AAC-LC.
pub const AAC_PACKET: u32 = 1024;

impl TrackCodec {
    /// The codec's name in metadata and in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pictures(config) => config.name(),
            Self::Flac => "flac",
            Self::Aac { .. } => "aac",
        }
    }

    /// How pictures are coded; `None` of sound.
    pub fn pictures(&self) -> Option<&CodecConfig> {
        match self {
            Self::Pictures(config) => Some(config),
            Self::Flac | Self::Aac { .. } => None,
        }
    }

    /// Returns how many samples (per channel) of sound a decoder puts out before the first one that was given: the packets begin so much
    /// earlier, and the file says so in an edit list.
    pub fn priming(&self) -> u32 {
        match self {
            Self::Aac { priming, .. } => u32::from(*priming),
            Self::Pictures(_) | Self::Flac => 0,
        }
    }
}

/// What the samples of a picture mean, by the code points of ITU-T H.273.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour {
    /// Colour primaries.
    pub primaries: u16,
    /// Transfer characteristics.
    pub transfer: u16,
    /// Matrix coefficients.
    pub matrix: u16,
    /// Luma is 0 to 255, and not 16 to 235.
    pub full_range: bool,
}

/// BT.709, limited range: what this program encodes, but for [`SRGB`].
pub const BT709: Colour = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: false };
/// Red, green and blue as screens have them, full range.
pub const SRGB: Colour = Colour { primaries: 1, transfer: 13, matrix: 0, full_range: true };

/// What a track's packets decode to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Pictures.
    Picture {
        /// Coded size in pixels, even.
        coded: (u32, u32),
        /// The captured surface's size; at most one pixel less than `coded` on each side.
        surface: (u32, u32),
        /// What the samples mean.
        colour: Colour,
    },
    /// Sound.
    Sound {
        /// Samples per second and channel.
        rate: u32,
        /// Channels.
        channels: u16,
    },
}

/// A track of a recording, as it is known before its first packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrackSpec {
    /// Its number.
    pub id: TrackId,
    /// Whose consent it falls under, and in which its gaps are.
    pub stream: Stream,
    /// The name of its file in the session and in the log.
    pub file: &'static str,
    /// How its packets are coded.
    pub config: TrackCodec,
    /// What they decode to.
    pub shape: Shape,
    /// Ticks per second of the times in its file.
    pub timescale: u32,
    /// Bytes of each of the boxes in which the log keeps the packets.
    pub box_bytes: u64,
}

impl TrackSpec {
    /// Returns the track of the sound, without loss; times in samples.
    pub fn flac(rate: u32, channels: u16, box_bytes: u64) -> Self {
        Self::sound(TrackId::SOUND, TrackCodec::Flac, (rate, channels), box_bytes)
    }

    /// Returns a track of sound of so many samples per second and channels; times in samples.
    pub fn sound(id: TrackId, config: TrackCodec, (rate, channels): (u32, u16), box_bytes: u64) -> Self {
        Self {
            id,
            stream: Stream::Audio,
            file: if id == TrackId::MICROPHONE { MICROPHONE_FILE } else { SOUND_FILE },
            config,
            shape: Shape::Sound { rate, channels },
            timescale: rate,
            box_bytes,
        }
    }

    /// Returns the track of the pictures, times in microseconds.
    pub fn pictures(config: impl Into<CodecConfig>, coded: (u32, u32), surface: (u32, u32), box_bytes: u64) -> Self {
        let config = config.into();
        let colour = config.colour();
        Self {
            id: TrackId::PICTURES,
            stream: Stream::Screen,
            file: PICTURES_FILE,
            config: TrackCodec::Pictures(config),
            shape: Shape::Picture { coded, surface, colour },
            timescale: 1_000_000,
            box_bytes,
        }
    }
}

/// What it took to make a packet, microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// From asking for the data to having it.
    pub capture_us: u32,
    /// To convert and encode it.
    pub encode_us: u32,
}

/// Coded data on its way to the log: a picture, or a stretch of sound.
#[derive(Clone, PartialEq, Eq)]
pub struct Packet {
    /// Of which track.
    pub track: TrackId,
    /// The number of its first sample in the track: the frame's index, or how many samples of sound (per channel) came before.
    pub first_sample: u64,
    /// How many samples it has; a frame is one.
    pub samples: u32,
    /// The time of its first sample.
    pub t: MonoNs,
    /// The coded bytes.
    pub bytes: Vec<u8>,
    /// Decoding can start here.
    pub keyframe: bool,
    /// It shows the same as the one before.
    pub repeats: bool,
    /// What it took to make it.
    pub cost: Cost,
}

impl std::fmt::Debug for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { track, first_sample, t, bytes, .. } = self;
        write!(f, "Packet {{ {track:?}, {first_sample}, {t:?}, {} bytes }}", bytes.len())
    }
}

/// Where a packet lies in its track's file: what the log keeps of one that is no row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacketRef {
    /// Of which track.
    pub track: TrackId,
    /// The number of its first sample in the track.
    pub first_sample: u64,
    /// How many samples it has.
    pub samples: u32,
    /// Its first byte, from the start of the file.
    pub offset: u64,
    /// Its bytes.
    pub size_bytes: u32,
    /// CRC32C of its bytes.
    pub crc32c: u32,
    /// Decoding can start here.
    pub keyframe: bool,
}

/// One frame in a finished file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// Its first byte, from the start of the file.
    pub offset: u64,
    /// Presentation (and decoding) time in microseconds; the first frame's is 0.
    pub pts_us: i64,
    /// Its bytes.
    pub size: u32,
    /// Decoding can start here (IDR).
    pub keyframe: bool,
}
