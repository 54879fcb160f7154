//! Matroska as a child process reads it from a pipe: one track, one packet in each cluster, each with a time of our own.
//!
//! Chosen because a packet then has its length before it and its time with it: the reader need not see the next one to know where it ends,
//! and what it makes of a packet comes back at once. Only written, never read. Element numbers: RFC 9559, 5.1.

use crate::media::track::Colour;

/// The `CodecID` of pictures that are not coded.
pub const RAW: &str = "V_UNCOMPRESSED";
/// The `CodecID` of H.264.
pub const AVC: &str = "V_MPEG4/ISO/AVC";
/// The `CodecID` of H.265.
pub const HEVC: &str = "V_MPEGH/ISO/HEVC";
/// The `CodecID` of AV1.
pub const AV1: &str = "V_AV1";

/// Nanoseconds of a tick: times are microseconds.
const TICK_NS: u64 = 1000;
/// A length that is not known: the segment ends with the pipe.
const UNKNOWN: [u8; 8] = [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// The track.
#[derive(Clone, Debug)]
pub struct Track<'a> {
    /// What its packets are: [`RAW`] or a codec.
    pub codec: &'a str,
    /// What a decoder needs first; empty when nothing.
    pub private: &'a [u8],
    /// How samples lie in memory, four letters, for [`RAW`].
    pub fourcc: Option<[u8; 4]>,
    /// Size of its pictures.
    pub size: (u32, u32),
    /// Pictures a second.
    pub fps: u32,
    /// What the samples mean, where that is to be said.
    pub colour: Option<Colour>,
}

/// Appends an element: its number, its length, its contents.
fn element(id: &[u8], contents: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(id);
    push_length(contents.len() as u64, out);
    out.extend_from_slice(contents);
}

fn push_length(length: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length | 1 << 56).to_be_bytes());
}

fn number(id: &[u8], value: u64, out: &mut Vec<u8>) {
    element(id, &value.to_be_bytes(), out);
}

/// Returns what stands before the packets.
pub fn header(track: &Track<'_>) -> Vec<u8> {
    let (mut ebml, mut info, mut video, mut entry) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, value) in [([0x42, 0x86], 1), ([0x42, 0xf7], 1), ([0x42, 0xf2], 4), ([0x42, 0xf3], 8)] {
        number(&id, value, &mut ebml);
    }
    element(&[0x42, 0x82], b"matroska", &mut ebml);
    number(&[0x42, 0x87], 4, &mut ebml);
    number(&[0x42, 0x85], 2, &mut ebml);
    number(&[0x2a, 0xd7, 0xb1], TICK_NS, &mut info);
    element(&[0x4d, 0x80], b"watchcap", &mut info);
    element(&[0x57, 0x41], b"watchcap", &mut info);
    number(&[0xb0], u64::from(track.size.0), &mut video);
    number(&[0xba], u64::from(track.size.1), &mut video);
    if let Some(fourcc) = track.fourcc {
        element(&[0x2e, 0xb5, 0x24], &fourcc, &mut video);
    }
    if let Some(Colour { primaries, transfer, matrix, full_range }) = track.colour {
        let mut colour = Vec::new();
        // The range: 1 is limited, 2 is full.
        let range = if full_range { 2 } else { 1 };
        for (id, value) in
            [([0x55, 0xb1], matrix), ([0x55, 0xb9], range), ([0x55, 0xba], transfer), ([0x55, 0xbb], primaries)]
        {
            number(&id, u64::from(value), &mut colour);
        }
        element(&[0x55, 0xb0], &colour, &mut video);
    }
    for (id, value) in [(0xd7, 1), (0x83, 1), (0x9c, 0)] {
        number(&[id], value, &mut entry);
    }
    number(&[0x73, 0xc5], 1, &mut entry);
    number(&[0x23, 0xe3, 0x83], 1_000_000_000 / u64::from(track.fps.max(1)), &mut entry);
    element(&[0x86], track.codec.as_bytes(), &mut entry);
    if !track.private.is_empty() {
        element(&[0x63, 0xa2], track.private, &mut entry);
    }
    element(&[0xe0], &video, &mut entry);
    let (mut tracks, mut out) = (Vec::new(), Vec::new());
    element(&[0xae], &entry, &mut tracks);
    element(&[0x1a, 0x45, 0xdf, 0xa3], &ebml, &mut out);
    out.extend_from_slice(&[0x18, 0x53, 0x80, 0x67]);
    out.extend_from_slice(&UNKNOWN);
    element(&[0x15, 0x49, 0xa9, 0x66], &info, &mut out);
    element(&[0x16, 0x54, 0xae, 0x6b], &tracks, &mut out);
    out
}

/// Returns what stands before the bytes of a packet of `len` bytes at `t_us`.
pub fn before_packet(t_us: u64, keyframe: bool, len: usize) -> Vec<u8> {
    let mut time = Vec::new();
    number(&[0xe7], t_us, &mut time);
    // Track 1, no time from the cluster's, flags.
    let block = [0x81, 0, 0, if keyframe { 0x80 } else { 0 }];
    let block_len = (block.len() + len) as u64;
    let mut out = vec![0x1f, 0x43, 0xb6, 0x75];
    push_length(time.len() as u64 + 1 + 8 + block_len, &mut out);
    out.extend_from_slice(&time);
    out.push(0xa3);
    push_length(block_len, &mut out);
    out.extend_from_slice(&block);
    out
}
