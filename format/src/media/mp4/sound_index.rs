//! Reads the index of a file of sound of a sealed session: where its packets are and when, whatever their codec.
//!
//! Bounded as [`super::index`], whose tables it reads. The sample description is kept as it stands, so that packets can be copied
//! ([`CopiedSound`]) by code that knows no codec. Only what this format writes is understood: one track of sound, ticks of the
//! sampling rate, no composition offsets.

use std::fs::File;

use crate::media::mp4::boxes::{Boxes, IndexError, be16, be32, be64, child, malformed, required, table};
use crate::media::mp4::index::{find_moov, place_samples, sized_samples};
use crate::media::mp4::moov::MoovError;
use crate::media::mp4::sound::{self, SoundPacket};
use crate::media::mp4::trak::{self, Media};
use crate::media::mp4::writer::Track;
use crate::media::track::{AAC_PACKET, Sample};
use crate::media::{aac, flac};

/// Most samples that an encoder puts out before the first one that it was given: several times what any has.
pub(super) const MAX_PRIMING: u32 = 16_384;

/// What a file of sound holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoundIndex {
    /// Its packets. `samples` are those until the next packet, since the index says no more ([`samples_in`]).
    pub packets: Vec<SoundPacket>,
    /// How the sound is coded.
    pub track: CopiedSound,
}

/// Sound as another file describes it: for packets that are copied from there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopiedSound {
    /// Samples per second and channel.
    pub rate: u32,
    /// Channels.
    pub channels: u16,
    /// Samples (per channel) that a decoder puts out and that are no sound: the edit list leaves them out.
    pub priming: u32,
    /// The four letters of the codec.
    pub codec: [u8; 4],
    /// The `stsd` box, header included.
    description: Vec<u8>,
}

impl CopiedSound {
    /// Returns the `AudioSpecificConfig` of AAC; `None` where there is none.
    pub fn aac_specific(&self) -> Option<Vec<u8>> {
        let (kind, entry) = Boxes(self.description.get(16..)?).next()?.ok()?;
        aac_specific(kind, entry)
    }
}

/// Returns the `AudioSpecificConfig` of a sample entry; `None` where there is none.
pub(super) fn aac_specific(kind: [u8; 4], entry: &[u8]) -> Option<Vec<u8>> {
    let esds = child(entry.get(28..).filter(|_| &kind == b"mp4a")?, *b"esds").ok()??;
    // The stream, its decoder, and what that is told, each inside of the one before.
    let stream = descriptor(esds.get(4..)?, 3)?;
    let decoder = descriptor(stream.get(3..)?, 4)?;
    // AAC of MPEG-4; MP3 and others have the same box.
    let specific = descriptor(decoder.get(13..)?, 5);
    specific.filter(|_| decoder.first() == Some(&0x40)).map(<[u8]>::to_vec)
}

/// The body of a descriptor of ISO/IEC 14496-1, when it is the first of these bytes.
fn descriptor(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (found, mut rest) = bytes.split_first()?;
    let mut length = 0;
    // At most four bytes, of seven bits each.
    for _ in 0..4 {
        let (byte, behind) = rest.split_first()?;
        (length, rest) = (length << 7 | usize::from(byte & 0x7f), behind);
        if byte & 0x80 == 0 {
            break;
        }
    }
    rest.get(..length).filter(|_| *found == tag)
}

impl Track for CopiedSound {
    type Packet = SoundPacket;
    const KIND: &'static str = "sound";

    fn index(&self, packets: &[SoundPacket]) -> Result<Vec<u8>, MoovError> {
        sound::build_with(packets, self.rate, self.priming, &self.description)
    }
}

/// Reads the index of a file of sound.
///
/// # Errors
/// When the file is not one of this format, is damaged or cannot be read.
pub fn read_index(file: &File) -> Result<SoundIndex, IndexError> {
    let (moov, len) = find_moov(file)?;
    parse_moov(&moov, len)
}

/// Reads the contents of a `moov` box (without its header) of a file of `file_len` bytes.
///
/// # Errors
/// When they are damaged or not of this format.
pub fn parse_moov(moov: &[u8], file_len: u64) -> Result<SoundIndex, IndexError> {
    let trak = trak::of_handler(moov, *b"soun", "there is no track of sound")?;
    let priming = child(trak, *b"edts")?.map_or(Ok(0), priming)?;
    let Media { timescale: rate, stbl } = Media::of(trak)?;
    if rate == 0 {
        return Err(malformed("the sound has no sampling rate"));
    }
    if child(stbl, *b"ctts")?.is_some() {
        return Err(IndexError::Unsupported { what: "composition offsets" });
    }
    let (codec, channels, description) = described(required(stbl, *b"stsd", "there is no sample description")?)?;
    let packets = packets(stbl, file_len)?;
    Ok(SoundIndex { packets, track: CopiedSound { rate, channels, priming, codec, description } })
}

/// The samples that an edit list leaves out: one edit, from there to the end.
fn priming(edts: &[u8]) -> Result<u32, IndexError> {
    let elst = required(edts, *b"elst", "there is an edit list without edits")?;
    let long = elst.first() == Some(&1);
    let (media_time, rate) =
        if long { (be64(elst, 16)?, be16(elst, 24)?) } else { (be32(elst, 12)?.into(), be16(elst, 16)?) };
    if be32(elst, 4)? != 1 || rate != 1 {
        return Err(IndexError::Unsupported { what: "several edits" });
    }
    u32::try_from(media_time)
        .ok()
        .filter(|samples| *samples <= MAX_PRIMING)
        .ok_or(IndexError::Unsupported { what: "such an edit" })
}

/// Codec, channels, and the box of the one sample description.
fn described(stsd: &[u8]) -> Result<([u8; 4], u16, Vec<u8>), IndexError> {
    if be32(stsd, 4)? != 1 {
        return Err(IndexError::Unsupported { what: "more than one sample description" });
    }
    let entry = Boxes(stsd.get(8..).unwrap_or_default()).next().ok_or(malformed("there is no sample description"))?;
    let (codec, body) = entry?;
    let channels = be16(body, 16)?;
    // It is smaller than the index, whose size is bounded.
    let mut description = (stsd.len() as u32 + 8).to_be_bytes().to_vec();
    description.extend_from_slice(b"stsd");
    description.extend_from_slice(stsd);
    Ok((codec, channels, description))
}

fn packets(stbl: &[u8], file_len: u64) -> Result<Vec<SoundPacket>, IndexError> {
    let mut placed = sized_samples(stbl)?;
    place_samples(stbl, file_len, &mut placed)?;
    let stts = required(stbl, *b"stts", "there are no durations")?;
    let (runs, _) = table(stts, 8, be32(stts, 4)? as usize, 8)?.as_chunks::<8>();
    let run = |[a, b, c, d, e, f, g, h]: &[u8; 8]| {
        (u32::from_be_bytes([*a, *b, *c, *d]) as usize, u32::from_be_bytes([*e, *f, *g, *h]))
    };
    if runs.iter().map(run).any(|(count, samples)| count > 0 && samples == 0) {
        return Err(malformed("a packet has no duration"));
    }
    // At most 2^32 runs of 2^32 packets.
    if runs.iter().map(|bytes| run(bytes).0 as u64).sum::<u64>() != placed.len() as u64 {
        return Err(malformed("there are not as many durations as packets"));
    }
    let mut durations = runs.iter().map(run).flat_map(|(count, samples)| std::iter::repeat_n(samples, count));
    let mut tick = 0;
    let packet = |at: Sample| {
        let samples = durations.next().unwrap_or(1);
        let packet = SoundPacket { offset: at.offset, size: at.size, tick, samples };
        // At most 2^23 packets of 2^32 ticks: far below 2^63.
        tick += u64::from(samples);
        packet
    };
    // The same size as what it is made of, so that no second list is held.
    const { assert!(size_of::<SoundPacket>() == size_of::<Sample>()) };
    Ok(placed.into_iter().map(packet).collect())
}

/// Returns how many samples (per channel) a packet has, by its own bytes; at the most those until the next packet, where the codec does
/// not say.
pub fn samples_in(codec: [u8; 4], packet: &SoundPacket, bytes: &[u8]) -> u32 {
    match &codec {
        b"fLaC" => flac::samples_in(bytes).unwrap_or(packet.samples),
        b"mp4a" => AAC_PACKET,
        _ => packet.samples,
    }
}

/// Returns of how many samples (per channel), from the first that it decodes to, a packet has something in it; 0 where that is what it decodes
/// to.
pub fn reach(codec: [u8; 4]) -> u32 {
    if &codec == b"mp4a" { aac::WINDOW } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mp4::writer::{SoundTrack, Writer};
    use crate::media::track::TrackCodec;

    const GAP: u64 = 100_000;

    fn file(codec: TrackCodec) -> (tempfile::TempPath, Vec<SoundPacket>) {
        // Closed: Windows replaces nothing that is open.
        let file = tempfile::NamedTempFile::new().expect("a file").into_temp_path();
        let mut writer = Writer::create(&file).expect("a file");
        for (n, tick) in [0, 480, 960, 960 + GAP].into_iter().enumerate() {
            let samples: Vec<i16> = (0..960).map(|at| at * n as i16).collect();
            let unit = flac::frame(&samples, 2, tick).expect("a frame");
            writer.push(&unit, SoundPacket { offset: 0, size: 0, tick, samples: 480 }).expect("room");
        }
        let written = writer.finish(&SoundTrack { codec, rate: 48_000, channels: 2 }).expect("an index");
        (file, written.packets)
    }

    fn aac() -> TrackCodec {
        TrackCodec::Aac { specific: vec![0x11, 0x90], priming: 1024 }
    }

    #[test]
    fn the_edit_list_of_aac_reads_back() {
        let (file, packets) = file(aac());
        let index = read_index(&std::fs::File::open(&file).expect("the file")).expect("an index");
        assert_eq!((index.track.priming, index.track.codec), (1024, *b"mp4a"));
        assert_eq!(index.track.aac_specific(), Some(vec![0x11, 0x90]));
        let again = index.track.index(&packets).expect("an index");
        assert!(std::fs::read(&file).expect("the file").ends_with(&again), "the same index");
    }

    #[test]
    fn what_was_written_is_read_and_can_be_written_again() {
        let (file, packets) = file(TrackCodec::Flac);
        let opened = std::fs::File::open(&file).expect("the file");
        let index = read_index(&opened).expect("an index");
        assert_eq!((index.track.rate, index.track.channels, index.track.codec), (48_000, 2, *b"fLaC"));
        let places =
            |packets: &[SoundPacket]| -> Vec<_> { packets.iter().map(|p| (p.offset, p.size, p.tick)).collect() };
        assert_eq!(places(&index.packets), places(&packets));
        assert_eq!(index.packets[2].samples, GAP as u32, "until the next one");
        let bytes = std::fs::read(&file).expect("the file");
        let unit = &bytes[index.packets[2].offset as usize..][..index.packets[2].size as usize];
        assert_eq!(samples_in(index.track.codec, &index.packets[2], unit), 480, "by its own bytes");
        let again = index.track.index(&packets).expect("an index");
        assert!(bytes.ends_with(&again), "the same index");
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_an_error_or_an_index() {
        let (file, _) = file(aac());
        let bytes = std::fs::read(&file).expect("the file");
        let at = bytes.windows(4).position(|w| w == b"moov").expect("an index") + 4;
        let moov = &bytes[at..];
        for cut in 0..moov.len() {
            drop(parse_moov(&moov[..cut], bytes.len() as u64));
        }
        for place in 0..moov.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = moov.to_vec();
                changed[place] = value;
                drop(parse_moov(&changed, bytes.len() as u64));
            }
        }
    }
}
