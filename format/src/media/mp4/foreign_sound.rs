//! The sound of a file that another program made: the first track of it, with where its samples stand beside the pictures.
//!
//! Understood is what can be copied as it is (AAC-LC, packets of 1024 samples) behind edit lists as programs write them: nothing for a while, then the
//! media from some place to its end. Everything else is named, so that somebody else may decode it. Bounded as [`super::index`].

use std::fs::File;

use super::boxes::{Boxes, IndexError, be16, be32, be64, child, required, table};
use super::foreign_tracks;
use super::index::{find_moov, place_samples, sized_samples, video_track};
use super::sound::SoundPacket;
use super::sound_index::{MAX_PRIMING, aac_specific};
use super::trak::{self, Media};
use crate::media::aac::{self, Described};
use crate::media::track::AAC_PACKET;

/// The last tick that a packet may begin at: 2^53 are 5,900 years of 48 kHz, and leave room for sums.
const MAX_TICK: u64 = 1 << 53;

/// A track of sound, as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForeignSound {
    /// How [`super::foreign::ForeignIndex::besides`] names it.
    pub name: String,
    /// Its codec, named.
    pub codec: String,
    /// Its packets, when they can be copied.
    pub aac: Result<ForeignAac, &'static str>,
    /// When the first picture is shown, on the file's own time line, nanoseconds; `None` when its edit list is not understood.
    pub picture_ns: Option<i64>,
    /// Samples per second and channel, as the sample description has them.
    pub rate: u32,
    /// Channels, likewise.
    pub channels: u16,
}

/// AAC-LC that can be copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ForeignAac {
    /// Its packets, ticks of the sampling rate from the first one.
    pub packets: Vec<SoundPacket>,
    /// The `AudioSpecificConfig`, without what is behind it.
    pub specific: Vec<u8>,
    /// What that says.
    pub described: Described,
    /// Samples (per channel) at the start that are no sound.
    pub priming: u16,
    /// When the first sample behind them is heard, on the file's own time line, nanoseconds.
    pub begin_ns: i64,
}

/// Reads the first track of sound of a file; `None` without any.
///
/// # Errors
/// When the file is damaged where its pictures are.
pub fn read(file: &File) -> Result<Option<ForeignSound>, IndexError> {
    let (moov, len) = find_moov(file)?;
    parse(&moov, len)
}

/// Reads the contents of a `moov` box of a file of `file_len` bytes, as [`read`].
///
/// # Errors
/// As there.
pub fn parse(moov: &[u8], file_len: u64) -> Result<Option<ForeignSound>, IndexError> {
    let Ok(trak) = trak::of_handler(moov, *b"soun", "there is no track of sound") else { return Ok(None) };
    let movie = movie_timescale(moov)?;
    let video = video_track(moov)?;
    let Media { timescale: pictures, stbl } = Media::of(video)?;
    // Without pictures that are shown in another order, the first one's offset is that of all.
    let first = child(stbl, *b"ctts")?.and_then(|ctts| be32(ctts, 12).ok()).map_or(0, u32::cast_signed);
    let picture_ns = Edit::of(video, movie).map(|edit| edit.time_ns(first.into(), pictures));
    let stsd = Media::of(trak).ok().and_then(|media| child(media.stbl, *b"stsd").ok()?);
    let entry = stsd.and_then(|stsd| Boxes(stsd.get(8..)?).next()?.ok());
    let codec = entry.map_or_else(|| "no known codec".to_owned(), |(kind, _)| foreign_tracks::codec(kind));
    let aac = aac_of(trak, entry, movie, file_len);
    let body = entry.map_or(&[][..], |(_, body)| body);
    let (channels, rate) = (be16(body, 16).unwrap_or(2), be32(body, 24).map_or(48_000, |rate| rate >> 16));
    let name = foreign_tracks::name_of(moov, trak)?;
    Ok(Some(ForeignSound { name, codec, aac, picture_ns, rate, channels }))
}

fn aac_of(trak: &[u8], entry: Option<([u8; 4], &[u8])>, movie: u32, file_len: u64) -> Result<ForeignAac, &'static str> {
    const DAMAGED: &str = "its index is not understood";
    let (kind, body) = entry.ok_or(DAMAGED)?;
    let version = be16(body, 8).map_err(|_cut| DAMAGED)?;
    let specific = aac_specific(kind, body).filter(|_| version == 0).ok_or("it is not AAC in a plain track")?;
    let described = aac::described(&specific).filter(|_| !aac::is_extended(&specific)).ok_or("it is not AAC-LC")?;
    let Media { timescale, stbl } = Media::of(trak).map_err(|_damaged| DAMAGED)?;
    if timescale == 0 || child(stbl, *b"ctts").map_err(|_damaged| DAMAGED)?.is_some() {
        return Err(DAMAGED);
    }
    let edit = Edit::of(trak, movie).ok_or("its edit list is not understood")?;
    let packets = packets(stbl, timescale, described.rate, file_len).map_err(|_damaged| DAMAGED)?;
    // What the edit list cuts off is left out, but for the packet that the first one builds on.
    let begin = u64::try_from(i128::from(edit.from) * i128::from(described.rate) / i128::from(timescale)).unwrap_or(0);
    let mut packets = packets;
    if let Some(end) = edit.end(begin, described.rate, movie) {
        packets.truncate(packets.partition_point(|packet| packet.tick < end));
    }
    let heard = packets.partition_point(|packet| packet.tick + u64::from(AAC_PACKET) <= begin).saturating_sub(1);
    let heard = if begin <= u64::from(u16::MAX) / 4 { 0 } else { heard };
    let first = packets.get(heard).ok_or("it is empty")?.tick;
    // More is what no reader of this format takes.
    let priming = u16::try_from(begin.saturating_sub(first)).ok().filter(|priming| u32::from(*priming) <= MAX_PRIMING);
    let priming = priming.ok_or("its edit list is not understood")?;
    let packets: Vec<SoundPacket> =
        packets[heard..].iter().map(|packet| SoundPacket { tick: packet.tick - first, ..*packet }).collect();
    let lasts = packets.last().map_or(0, |last| last.tick + u64::from(last.samples));
    if lasts <= u64::from(priming) {
        return Err("nothing of it is heard");
    }
    let begin_ns = edit.time_ns(edit.from.max(0), timescale);
    Ok(ForeignAac { packets, specific: specific[..2].to_vec(), described, priming, begin_ns })
}

/// Ticks per second of the movie.
fn movie_timescale(moov: &[u8]) -> Result<u32, IndexError> {
    let mvhd = required(moov, *b"mvhd", "there is no head of the index")?;
    be32(mvhd, if mvhd.first() == Some(&1) { 20 } else { 12 })
}

/// Where the media of a track are on the time line of its file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Edit {
    /// Nothing until then, nanoseconds.
    empty_ns: i64,
    /// From which tick of the media on they are played.
    from: i64,
    /// For how long, ticks of the movie; 0 to the end.
    lasts: u64,
}

impl Edit {
    /// Reads the edit list of a track; `None` where it is anything but a wait and then the media.
    fn of(trak: &[u8], movie: u32) -> Option<Self> {
        let Some(edts) = child(trak, *b"edts").ok()? else { return Some(Self { empty_ns: 0, from: 0, lasts: 0 }) };
        let Some(elst) = child(edts, *b"elst").ok()? else { return Some(Self { empty_ns: 0, from: 0, lasts: 0 }) };
        let long = elst.first() == Some(&1);
        let count = be32(elst, 4).ok()?;
        let (mut empty, mut from, mut length) = (0_u64, None, 0);
        for n in 0..count.min(16) as usize {
            let (lasts, begin, rate) = if long {
                let at = 8 + n * 20;
                (be64(elst, at).ok()?, be64(elst, at + 8).ok()?.cast_signed(), be32(elst, at + 16).ok()?)
            } else {
                let at = 8 + n * 12;
                let begin = be32(elst, at + 4).ok()?.cast_signed();
                (be32(elst, at).ok()?.into(), begin.into(), be32(elst, at + 8).ok()?)
            };
            match (begin, from) {
                (-1, None) => empty = empty.checked_add(lasts)?,
                (0.., None) if rate == 1 << 16 => (from, length) = (Some(begin), lasts),
                _ => return None,
            }
        }
        let ns = u128::from(empty) * 1_000_000_000 / u128::from(movie.max(1));
        Some(Self { empty_ns: i64::try_from(ns).ok()?, from: from.filter(|_| count <= 16)?, lasts: length })
    }

    /// The first tick of the sampling rate behind what is played of the media, which is played from the tick `begin` on; `None` when that is their end.
    /// What the list counts is coarser, so a part of a tick of it counts as one.
    fn end(self, begin: u64, rate: u32, movie: u32) -> Option<u64> {
        let lasts = (u128::from(self.lasts) * u128::from(rate)).div_ceil(u128::from(movie.max(1)));
        (lasts > 0).then(|| u64::try_from(lasts).map_or(u64::MAX, |lasts| begin.saturating_add(lasts)))
    }

    /// When a tick of the media is played, nanoseconds.
    fn time_ns(self, tick: i64, timescale: u32) -> i64 {
        let since = i128::from(tick) - i128::from(self.from);
        let ns = since * 1_000_000_000 / i128::from(timescale.max(1)) + i128::from(self.empty_ns);
        i64::try_from(ns).unwrap_or(i64::MAX)
    }
}

fn packets(stbl: &[u8], timescale: u32, rate: u32, file_len: u64) -> Result<Vec<SoundPacket>, IndexError> {
    let mut placed = sized_samples(stbl)?;
    place_samples(stbl, file_len, &mut placed)?;
    let stts = required(stbl, *b"stts", "there are no durations")?;
    let runs = table(stts, 8, be32(stts, 4)? as usize, 8)?;
    let mut all = Vec::with_capacity(placed.len());
    let (mut at, mut next) = (0_u64, placed.iter());
    for run in runs.chunks_exact(8) {
        let (count, lasts) = (be32(run, 0)?, be32(run, 4)?);
        for sample in next.by_ref().take(count as usize) {
            let ticks = u128::from(at) * u128::from(rate) / u128::from(timescale);
            let tick = u64::try_from(ticks).ok().filter(|tick| *tick <= MAX_TICK);
            let tick = tick.ok_or(super::boxes::malformed("a packet lies centuries behind the first"))?;
            // The first one alone may have no time of its own.
            if lasts == 0 || all.last().is_some_and(|last: &SoundPacket| tick <= last.tick) {
                return Err(super::boxes::malformed("a packet has no duration"));
            }
            all.push(SoundPacket { offset: sample.offset, size: sample.size, tick, samples: AAC_PACKET });
            at = at.saturating_add(u64::from(lasts));
        }
    }
    if all.len() != placed.len() || all.iter().any(|packet| packet.size == 0) {
        return Err(super::boxes::malformed("there are not as many durations as packets"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::avc::sets::ParameterSets;
    use crate::media::mp4::mixed::{Mixed, MixedSound, MixedTracks};
    use crate::media::mp4::moov::VideoTrack;
    use crate::media::mp4::sound_index::read_index;
    use crate::media::mp4::writer::{SoundTrack, Writer};
    use crate::media::track::{Sample, TrackCodec};

    /// A video with sound that begins so much later, and where its index is.
    fn file(begin_ns: u64) -> (Vec<u8>, usize) {
        file_of(begin_ns, [0, 1024, 2049])
    }

    fn file_of(begin_ns: u64, ticks: [u64; 3]) -> (Vec<u8>, usize) {
        let plain = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = Writer::create(plain.path()).expect("a file");
        let packet = |tick| SoundPacket { offset: 0, size: 0, tick, samples: 1024 };
        for tick in [0, 1024] {
            writer.push(&[7; 9], packet(tick)).expect("room");
        }
        let codec = TrackCodec::Aac { specific: vec![0x11, 0x90], priming: 1024 };
        writer.finish(&SoundTrack { codec, rate: 48_000, channels: 2 }).expect("an index");
        let opened = std::fs::File::open(plain.path()).expect("the file");
        let track = read_index(&opened).expect("an index").track;
        let config = ParameterSets { sps: vec![0x67, 66, 0xc0, 30], pps: vec![0x68, 1] }.into();
        let pictures =
            VideoTrack { config: &config, coded: (64, 64), surface: (64, 64), nominal_frame_us: 100_000, rate: None };
        let tracks = MixedTracks { pictures, sounds: vec![MixedSound { track, begin_ns }] };
        let mut writer = Writer::in_memory(100);
        let picture = Mixed::Picture(Sample { offset: 0, pts_us: 0, size: 0, keyframe: true });
        for at in std::iter::once(picture).chain(ticks.map(|tick| Mixed::Sound(0, packet(tick)))) {
            writer.push(&[5; 6], at).expect("room");
        }
        let file = writer.finish(&tracks).expect("a file").done;
        let at = file.windows(4).position(|kind| kind == b"moov").expect("an index") + 4;
        (file, at)
    }

    #[test]
    fn what_stands_beside_the_pictures_is_where_the_edit_lists_have_it() {
        for begin_ns in [0, 250_000_000] {
            let (bytes, at) = file(begin_ns);
            let found = parse(&bytes[at..], bytes.len() as u64).expect("an index").expect("sound");
            let aac = found.aac.expect("AAC");
            assert_eq!((found.picture_ns, aac.begin_ns, aac.priming), (Some(0), begin_ns as i64, 1024));
            assert_eq!((found.name.as_str(), found.rate, found.channels), ("track 2 (sound, mp4a (AAC))", 48_000, 2));
            assert_eq!(aac.packets.iter().map(|packet| packet.tick).collect::<Vec<_>>(), [0, 1024, 2049]);
        }
    }

    /// The sound of a file whose edit list of it says something else: for how long, ticks of the movie a second, and from which tick of the media.
    fn edited(ticks: [u64; 3], lasts: impl FnOnce(u64) -> u64, from: u64) -> Result<ForeignAac, &'static str> {
        let (mut bytes, at) = file_of(0, ticks);
        let elst = bytes.windows(4).rposition(|kind| kind == b"elst").expect("an edit list");
        let scale = movie_timescale(&bytes[at..]).expect("a movie");
        bytes[elst + 12..elst + 20].copy_from_slice(&lasts(scale.into()).to_be_bytes());
        bytes[elst + 20..elst + 28].copy_from_slice(&from.to_be_bytes());
        parse(&bytes[at..], bytes.len() as u64).expect("an index").expect("sound").aac
    }

    #[test]
    fn what_an_edit_list_cuts_off_at_the_end_is_not_heard() {
        let ticks = |lasts: &dyn Fn(u64) -> u64| {
            let aac = edited([0, 1024, 2049], lasts, 1024).expect("AAC");
            aac.packets.iter().map(|packet| packet.tick).collect::<Vec<_>>()
        };
        // The priming and 20 ms, which end in the second packet; to the end; longer than the media.
        assert_eq!(ticks(&|scale| scale / 50), [0, 1024]);
        assert_eq!(ticks(&|_| 0), [0, 1024, 2049]);
        assert_eq!(ticks(&|_| u64::MAX), [0, 1024, 2049]);
    }

    #[test]
    fn so_much_priming_that_no_reader_takes_it_is_not_understood() {
        let ticks = [0, 1024, 40_000];
        assert_eq!(edited(ticks, |_| 0, 16_000).map(|aac| aac.priming), Ok(16_000));
        assert_eq!(edited(ticks, |_| 0, 30_000), Err("its edit list is not understood"));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_an_error_or_an_answer() {
        let (bytes, at) = file(250_000_000);
        let (moov, len) = (&bytes[at..], bytes.len() as u64);
        for cut in 0..moov.len() {
            drop(parse(&moov[..cut], len));
        }
        for place in 0..moov.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = moov.to_vec();
                changed[place] = value;
                drop(parse(&changed, len));
            }
        }
    }
}
