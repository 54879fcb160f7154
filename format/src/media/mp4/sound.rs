//! The index of a file of sound: from the list of packets to the bytes of a `moov` box, as [`super::moov`] makes it for pictures.
//!
//! A pure function. Times are ticks of the sampling rate, from the packets' own times: where packets are missing, or the device's clock
//! drifts, the packet before lasts that much longer or shorter, so that what a reader is told is when it was heard.

use mp4_atom::esds::{DecoderConfig, DecoderSpecific, EsDescriptor, Esds, SLConfig};
use mp4_atom::{Audio, Codec, Dfla, Encode, Flac, FlacMetadataBlock, Mp4a, Stsd};

use crate::media::aac::{self, Described};
use crate::media::flac;
use crate::media::mp4::index::MAX_SAMPLES;
use crate::media::mp4::moov::{MoovError, place, single_track, written};
use crate::media::track::{AAC_PACKET, Sample, TrackCodec};

/// A packet of sound in the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SoundPacket {
    /// Its first byte, from the start of the file.
    pub offset: u64,
    /// Its bytes.
    pub size: u32,
    /// When its first sample was heard, ticks of the sampling rate; the first packet's is 0.
    pub tick: u64,
    /// How many samples (per channel) it has.
    pub samples: u32,
}

/// The longest time between two packets, ticks: what ffmpeg takes for a duration (see [`super::moov::MAX_GAP_US`]).
pub const MAX_GAP: u64 = (1 << 32) - 480_000;

/// Returns the tick of a time, from that of the first sample: rounded half up.
pub fn tick(t_ns: i64, t0_ns: i64, rate: u32) -> Option<u64> {
    let since = i128::from(t_ns) - i128::from(t0_ns);
    u64::try_from((since * i128::from(rate) + 500_000_000).div_euclid(1_000_000_000)).ok()
}

/// Returns the time of a tick, from that of the first sample: rounded down.
pub fn time(tick: u64, t0_ns: i64, rate: u32) -> i64 {
    let ns = i128::from(t0_ns) + i128::from(tick) * 1_000_000_000 / i128::from(rate.max(1));
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// Returns the `moov` box for these packets, header included.
///
/// # Errors
/// When they are not what a file of this format may hold: too many, empty, or not one behind the other.
pub fn build(packets: &[SoundPacket], codec: &TrackCodec, rate: u32, channels: u16) -> Result<Vec<u8>, MoovError> {
    build_with(packets, rate, codec.priming(), &description(packets, codec, rate, channels)?)
}

/// Returns the `moov` box for these packets, whose `stsd` box is `description`. The first `priming` samples that a decoder puts out are no
/// sound, which an edit list says.
///
/// # Errors
/// As [`build`].
#[expect(
    clippy::default_trait_access,
    reason = "the mp4 crate exports MoovBox alone, the boxes in it have no name outside"
)]
pub fn build_with(packets: &[SoundPacket], rate: u32, priming: u32, description: &[u8]) -> Result<Vec<u8>, MoovError> {
    if packets.len() > MAX_SAMPLES {
        return Err(MoovError::TooMany { found: packets.len() });
    }
    if let Some(frame) = packets.iter().position(|packet| packet.size == 0 || packet.samples == 0) {
        return Err(MoovError::Empty { frame });
    }
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for (index, packet) in packets.iter().enumerate() {
        let lasts =
            packets.get(index + 1).map_or(u64::from(packet.samples), |next| next.tick.saturating_sub(packet.tick));
        if !(1..=MAX_GAP).contains(&lasts) {
            let gap_us = i64::try_from(lasts.saturating_mul(1_000_000) / u64::from(rate.max(1))).unwrap_or(i64::MAX);
            return Err(MoovError::Gap { frame: index + 1, gap_us });
        }
        match runs.last_mut() {
            Some((count, run)) if u64::from(*run) == lasts => *count += 1,
            _ => runs.push((1, lasts as u32)),
        }
    }
    let duration = packets.last().map_or(0, |last| last.tick + u64::from(last.samples));
    let mut moov = single_track(rate, duration, 1, &runs);
    if priming > 0 {
        let behind = duration.checked_sub(u64::from(priming)).filter(|heard| *heard > 0);
        let heard = behind.ok_or(MoovError::Priming { priming })?;
        (moov.mvhd.duration, moov.traks[0].tkhd.duration) = (heard, heard);
        let elst = moov.traks[0].edts.insert(Default::default()).elst.insert(Default::default());
        elst.version = u8::from(heard > u64::from(u32::MAX));
        elst.entries.push(Default::default());
        if let Some(edit) = elst.entries.last_mut() {
            (edit.segment_duration, edit.media_time, edit.media_rate) = (heard, u64::from(priming), 1);
        }
    }
    let mdia = &mut moov.traks[0].mdia;
    mdia.hdlr.handler_type = mp4::FourCC { value: *b"soun" };
    mdia.hdlr.name = "SoundHandler".into();
    mdia.minf.smhd = Some(Default::default());
    let us = |tick: u64| i64::try_from(u128::from(tick) * 1_000_000 / u128::from(rate.max(1))).unwrap_or(i64::MAX);
    let samples: Vec<Sample> = packets
        .iter()
        .map(|packet| Sample { offset: packet.offset, pts_us: us(packet.tick), size: packet.size, keyframe: true })
        .collect();
    place(&mut moov, &samples);
    written(&moov, description)
}

/// The `stsd` box: FLAC in `fLaC`, with the stream's description in `dfLa`; AAC in `mp4a`, with it in `esds`.
fn description(packets: &[SoundPacket], codec: &TrackCodec, rate: u32, channels: u16) -> Result<Vec<u8>, MoovError> {
    let sound = || MoovError::Sound { rate, channels };
    if !(1..=flac::MAX_CHANNELS).contains(&channels) {
        return Err(sound());
    }
    let audio = Audio {
        data_reference_index: 1,
        channel_count: channels,
        sample_size: flac::BITS,
        sample_rate: u16::try_from(rate).ok().filter(|rate| *rate > 0).ok_or_else(sound)?.into(),
    };
    let codec = match codec {
        TrackCodec::Flac => Codec::Flac(Flac { audio, dfla: Dfla { blocks: vec![stream_info(rate, channels)] } }),
        TrackCodec::Aac { specific, .. } => {
            aac::described(specific).filter(|said| *said == Described { rate, channels }).ok_or_else(sound)?;
            let es_desc = aac_stream(packets, rate, specific);
            Codec::Mp4a(Mp4a { audio, esds: Esds { es_desc }, btrt: None, taic: None })
        }
        TrackCodec::Pictures(_) => return Err(sound()),
    };
    let mut bytes = Vec::new();
    let made = Stsd { codecs: vec![codec] }.encode(&mut bytes);
    made.map_err(|error| MoovError::Write { why: error.to_string() })?;
    Ok(bytes)
}

/// The stream of AAC: audio of ISO/IEC 14496-3.
fn aac_stream(packets: &[SoundPacket], rate: u32, specific: &[u8]) -> EsDescriptor {
    let largest = packets.iter().map(|packet| packet.size).max().unwrap_or(0);
    let bytes: u64 = packets.iter().map(|packet| u64::from(packet.size)).sum();
    let bitrate = |bytes: u64, packets: u64| {
        let samples = u128::from(packets.max(1)) * u128::from(AAC_PACKET);
        u32::try_from(u128::from(bytes) * 8 * u128::from(rate) / samples).unwrap_or(u32::MAX)
    };
    EsDescriptor {
        es_id: 1,
        depends_on_es_id: None,
        url: None,
        ocr_es_id: None,
        stream_priority: 0,
        dec_config: DecoderConfig {
            object_type_indication: 0x40,
            stream_type: 5,
            up_stream: 0,
            // 24 bits: far more than a packet has.
            buffer_size_db: largest.try_into().unwrap_or_default(),
            max_bitrate: bitrate(u64::from(largest), 1),
            avg_bitrate: bitrate(bytes, packets.len() as u64),
            dec_specific: Some(DecoderSpecific { raw: specific.to_vec(), ..DecoderSpecific::default() }),
        },
        sl_config: SLConfig {},
    }
}

/// The description of a stream of FLAC.
fn stream_info(rate: u32, channels: u16) -> FlacMetadataBlock {
    FlacMetadataBlock::StreamInfo {
        minimum_block_size: flac::MIN_BLOCK,
        maximum_block_size: flac::MAX_BLOCK,
        // Not known, as the number of samples and the sum.
        minimum_frame_size: [0, 0, 0].into(),
        maximum_frame_size: [0, 0, 0].into(),
        sample_rate: rate,
        num_channels_minus_one: (channels - 1) as u8,
        bits_per_sample_minus_one: (flac::BITS - 1) as u8,
        number_of_interchannel_samples: 0,
        md5_checksum: vec![0; 16],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(tick: u64) -> SoundPacket {
        SoundPacket { offset: 40 + tick, size: 20, tick, samples: 480 }
    }

    #[test]
    fn packets_that_do_not_follow_each_other_are_refused() {
        assert!(build(&[packet(0), packet(480), packet(1_000_000)], &TrackCodec::Flac, 48_000, 2).is_ok());
        assert!(matches!(
            build(&[packet(0), packet(0)], &TrackCodec::Flac, 48_000, 2),
            Err(MoovError::Gap { frame: 1, .. })
        ));
        assert!(matches!(build(&[packet(480), packet(0)], &TrackCodec::Flac, 48_000, 2), Err(MoovError::Gap { .. })));
        assert!(matches!(
            build(&[SoundPacket { size: 0, ..packet(0) }], &TrackCodec::Flac, 48_000, 2),
            Err(MoovError::Empty { frame: 0 })
        ));
        for (rate, channels) in [(0, 2), (96_000, 2), (48_000, 0), (48_000, 9)] {
            assert!(
                matches!(build(&[packet(0)], &TrackCodec::Flac, rate, channels), Err(MoovError::Sound { .. })),
                "{rate} {channels}"
            );
        }
    }

    #[test]
    fn aac_has_something_behind_its_priming_and_is_what_it_says() {
        let packets = [0, 1024, 2049].map(|tick| SoundPacket { offset: 40 + tick, size: 20, tick, samples: 1024 });
        let codec = |specific: [u8; 2]| TrackCodec::Aac { specific: specific.to_vec(), priming: 1024 };
        let moov = build(&packets, &codec([0x11, 0x90]), 48_000, 2).expect("an index");
        let list = moov.windows(4).position(|kind| kind == b"elst").expect("an edit list");
        let fields = moov[list + 4..list + 24].as_chunks::<4>().0.iter();
        let fields: Vec<u32> = fields.map(|field| u32::from_be_bytes(*field)).collect();
        assert_eq!(fields, [0, 1, 2049, 1024, 0x1_0000], "version, entries, how long, from where, at which speed");
        let alone = build(&packets[..1], &codec([0x11, 0x90]), 48_000, 2);
        assert!(matches!(alone, Err(MoovError::Priming { priming: 1024 })));
        for (rate, channels, specific) in
            [(44_100, 2, [0x11, 0x90]), (48_000, 1, [0x11, 0x90]), (48_000, 2, [0x29, 0x90])]
        {
            let refused = build(&packets, &codec(specific), rate, channels);
            assert!(matches!(refused, Err(MoovError::Sound { .. })), "{rate} {channels} {specific:?}");
        }
    }

    #[test]
    fn ticks_are_rounded_and_never_before_the_first() {
        assert_eq!(tick(1_000_010_417, 1_000_000_000, 48_000), Some(1));
        assert_eq!(tick(1_000_010_416, 1_000_000_000, 48_000), Some(0));
        assert_eq!(
            tick(i64::MAX, i64::MIN, 48_000),
            u64::try_from((i128::from(u64::MAX) * 48_000 + 500_000_000) / 1_000_000_000).ok()
        );
        assert_eq!(tick(0, 1_000_000_000, 48_000), None);
    }
}
