//! The sound of a session with a span of it silent, in a file of its own.
//!
//! Keeps the invariants that no packet moves, that packets without anything of the span keep every byte, and that nothing of the span is left:
//! a packet of AAC is coded over its own samples and those of the next packet, so whatever has one of the span in it is replaced by a packet
//! that has nothing in it, and up to two packets on each side are silent or fade. FLAC is silent to the sample.

use std::path::Path;

use super::error::RedactError;
use crate::base::file_at::read_exact_at;
use crate::base::files;
use crate::base::io_error::IoError;
use crate::base::progress::Step;
use crate::media::mp4::sound::{SoundPacket, time};
use crate::media::mp4::sound_index::{SoundIndex, reach, read_index, samples_in};
use crate::media::mp4::writer::Writer;
use crate::media::{aac, flac};
use crate::session::metadata::Metadata;
use crate::session::sound::{self, MARGIN_NS};
use crate::session::span::Span;

/// Largest packet that is read, bytes: as `verify` has it.
const MAX_PACKET: u32 = 1 << 18;

/// What is silent, on the session's clock, both ends in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Silent {
    from: i64,
    until: i64,
}

impl Silent {
    /// Returns what is silent for a span of a session that lasts from `begin` to `end`: 20 ms more on both sides, since the time of a sound is not
    /// known better, and at the edges of the session whatever was heard before and behind its rows.
    pub(crate) fn of(span: Span, (begin, end): (i64, i64)) -> Self {
        Self {
            from: if span.from <= begin { i64::MIN } else { span.from - MARGIN_NS },
            until: if span.until >= end { i64::MAX } else { span.until.saturating_add(MARGIN_NS) },
        }
    }

    fn touches(self, from: i64, until: i64) -> bool {
        from <= self.until && self.from <= until
    }

    /// The samples of a packet that are silent, when its first is of this time.
    fn samples(self, packet: &SoundPacket, t0_ns: i64, rate: u32, held: u32) -> std::ops::Range<u32> {
        let at = |sample: u32| time(packet.tick + u64::from(sample), t0_ns, rate);
        let first = (0..held).find(|sample| at(*sample + 1) >= self.from).unwrap_or(held);
        let behind = (first..held).find(|sample| at(*sample) > self.until).unwrap_or(held);
        first..behind
    }
}

/// Writes the file `name` of the session in `dir` to the folder `to`, silent in this span. Returns how many packets are not what they were.
///
/// # Errors
/// When it cannot be read or written, or has a codec that cannot be silenced.
pub(crate) fn rewrite(
    dir: &Path,
    metadata: &Metadata,
    name: &str,
    silent: Silent,
    to: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<u64, RedactError> {
    let path = dir.join(name);
    let refused = |why: &str| RedactError::Sound { file: name.to_owned(), why: why.to_owned() };
    let t0_ns = sound::t0_ns(metadata, name).ok_or_else(|| refused("the metadata do not say when it begins"))?;
    let file = files::open_regular(&path).map_err(IoError::at("open", &path))?;
    let SoundIndex { packets, track } = read_index(&file).map_err(|error| refused(&error.to_string()))?;
    let (rate, codec, channels) = (track.rate, track.codec, track.channels);
    // Time 0 is behind the priming, and packets are counted from before it.
    let t0_ns = t0_ns.saturating_sub(time(u64::from(track.priming), 0, rate));
    let nothing = match &codec {
        b"fLaC" => None,
        b"mp4a" => Some(aac::silence(channels).ok_or_else(|| refused("it has channels that have no name"))?),
        _ => return Err(refused("this release does not know its codec")),
    };
    let mut writer: Writer<SoundPacket> = Writer::create(&to.join(name))?;
    let (mut unit, mut silenced, of) = (Vec::new(), 0, packets.len() as u64);
    for (at, packet) in packets.iter().enumerate() {
        if packet.size > MAX_PACKET {
            return Err(refused(&format!("packet {at} has {} bytes", packet.size)));
        }
        unit.resize(packet.size as usize, 0);
        read_exact_at(&file, &mut unit, packet.offset).map_err(IoError::at("read", &path))?;
        let held = samples_in(codec, packet, &unit);
        let reaches = u64::from(held.max(reach(codec)));
        if silent.touches(time(packet.tick, t0_ns, rate), time(packet.tick + reaches, t0_ns, rate)) {
            let made = nothing.clone().or_else(|| {
                let samples = silent.samples(packet, t0_ns, rate, held);
                flac::muted(&unit, channels, samples)
            });
            let made = made.ok_or_else(|| refused(&format!("packet {at} cannot be decoded")))?;
            silenced += u64::from(made != unit);
            unit = made;
        }
        writer.push(&unit, SoundPacket { samples: held, ..*packet })?;
        if at % 1024 == 1023 {
            progress(Step { what: "sound", done: at as u64 + 1, of });
        }
    }
    writer.finish(&track)?;
    Ok(silenced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_a_margin_and_reaches_over_the_edges_of_the_session() {
        let of = |from, until| Silent::of(Span { from, until }, (1_000_000_000, 9_000_000_000));
        let inside = of(2_000_000_000, 3_000_000_000);
        assert_eq!((inside.from, inside.until), (1_980_000_000, 3_020_000_000));
        let all = of(1_000_000_000, 9_000_000_000);
        assert_eq!((all.from, all.until), (i64::MIN, i64::MAX));
    }

    #[test]
    fn samples_are_silent_from_the_one_that_is_heard_when_it_begins() {
        let packet = SoundPacket { offset: 0, size: 1, tick: 1000, samples: 100 };
        let of = |from, until| Silent { from, until }.samples(&packet, 0, 1000, 100);
        let ms = 1_000_000;
        assert_eq!(of(1010 * ms, 1020 * ms), 9..21, "the sample that lasts until then, too");
        assert_eq!(of(1010 * ms + 1, 1020 * ms - 1), 10..20);
        assert_eq!((of(0, i64::MAX), of(i64::MIN, 999 * ms), of(2000 * ms, i64::MAX)), (0..100, 0..0, 100..100));
    }
}
