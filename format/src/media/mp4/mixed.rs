//! The file of several tracks: pictures, and sound beside them, for readers of exports. A session has a file for each track.
//!
//! Keeps the invariants that the track of pictures is the one that a file of pictures alone has, but for its place in the file, and that each sound
//! begins at its own time after the first picture: an empty edit says how much later.

use crate::media::mp4::append::Extent;
use crate::media::mp4::boxes::{Boxes, be32, be64};
use crate::media::mp4::moov::{self, MoovError, VideoTrack};
use crate::media::mp4::sound::SoundPacket;
use crate::media::mp4::sound_index::CopiedSound;
use crate::media::mp4::writer::{Placed, Track};
use crate::media::track::Sample;

/// A packet of one of the tracks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mixed {
    /// A picture.
    Picture(Sample),
    /// Sound, and the place of its track in the list.
    Sound(usize, SoundPacket),
}

impl Placed for Mixed {
    fn at(self, place: Extent) -> Self {
        match self {
            Self::Picture(sample) => Self::Picture(sample.at(place)),
            Self::Sound(track, packet) => Self::Sound(track, packet.at(place)),
        }
    }
}

/// A track of sound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MixedSound {
    /// How it is coded.
    pub track: CopiedSound,
    /// When its first sample is heard (the one behind the priming), since the first picture, nanoseconds.
    pub begin_ns: u64,
}

/// The tracks of a file. A sound without a packet has none.
#[derive(Clone, Debug)]
pub struct MixedTracks<'a> {
    /// The pictures.
    pub pictures: VideoTrack<'a>,
    /// The sounds.
    pub sounds: Vec<MixedSound>,
}

impl Track for MixedTracks<'_> {
    type Packet = Mixed;
    const KIND: &'static str = "video with sound";

    fn index(&self, packets: &[Mixed]) -> Result<Vec<u8>, MoovError> {
        let pictures = packets.iter().filter_map(|packet| match packet {
            Mixed::Picture(sample) => Some(*sample),
            Mixed::Sound(..) => None,
        });
        let mut moov = moov::build(&pictures.collect::<Vec<_>>(), &self.pictures)?;
        let mut track_id = 1;
        for (place, sound) in self.sounds.iter().enumerate() {
            let of_sound = packets.iter().filter_map(|packet| match packet {
                Mixed::Sound(track, packet) if *track == place => Some(*packet),
                _ => None,
            });
            let of_sound: Vec<SoundPacket> = of_sound.collect();
            if !of_sound.is_empty() {
                track_id += 1;
                add(&mut moov, &sound.track.index(&of_sound)?, sound, track_id)?;
            }
        }
        Ok(moov)
    }
}

fn lost(what: &str) -> MoovError {
    MoovError::Write { why: format!("{what} is not where it was written") }
}

/// Adds the track of another index to a `moov` box.
fn add(moov: &mut Vec<u8>, other: &[u8], sound: &MixedSound, track_id: u32) -> Result<(), MoovError> {
    let mvhd = body(moov, *b"mvhd").ok_or_else(|| lost("the head of the index"))?;
    let (timescale, duration) = movie(mvhd).ok_or_else(|| lost("the duration"))?;
    let last = mvhd.len();
    let trak = body(other, *b"trak").ok_or_else(|| lost("the track"))?;
    let heard = body(other, *b"mvhd").and_then(movie).ok_or_else(|| lost("the duration of the sound"))?;
    let scaled = |value: u64, from: u32| u128::from(value) * u128::from(timescale) / u128::from(from.max(1));
    let begin = scaled(sound.begin_ns, 1_000_000_000);
    let length = scaled(heard.1, heard.0);
    let fits = |value: u128| u64::try_from(value).map_err(|_overflow| lost("the end of the sound"));
    let (begin, length) = (fits(begin)?, fits(length)?);

    let mut made = Vec::with_capacity(trak.len() + 64);
    for item in Boxes(trak) {
        let (kind, body) = item.map_err(|_damaged| lost("the track"))?;
        match &kind {
            b"tkhd" => {
                let mut head = body.to_vec();
                let (id, lasts) = if head.first() == Some(&1) { (20, 28..36) } else { (12, 20..24) };
                head.get_mut(id..id + 4).ok_or_else(|| lost("the track"))?.copy_from_slice(&track_id.to_be_bytes());
                let bytes = (begin + length).to_be_bytes();
                let bytes = if lasts.len() == 8 {
                    &bytes[..]
                } else {
                    &u32::try_from(begin + length).unwrap_or(u32::MAX).to_be_bytes()[..]
                };
                head.get_mut(lasts).ok_or_else(|| lost("the track"))?.copy_from_slice(bytes);
                push(&mut made, *b"tkhd", &head);
                push(&mut made, *b"edts", &edits(begin, length, sound.track.priming));
            }
            b"edts" => {}
            _ => push(&mut made, kind, body),
        }
    }
    push(moov, *b"trak", &made);
    let size = u32::try_from(moov.len()).map_err(|_overflow| lost("the end of the index"))?;
    moov.get_mut(..4).ok_or_else(|| lost("the index"))?.copy_from_slice(&size.to_be_bytes());
    // The head stands first, as it was written: 8 bytes of the index, 8 of its own.
    let head = moov.get_mut(16..16 + last).ok_or_else(|| lost("the head of the index"))?;
    let longest = duration.max(begin + length);
    if head[0] == 1 {
        head[24..32].copy_from_slice(&longest.to_be_bytes());
    } else {
        head[16..20].copy_from_slice(&u32::try_from(longest).unwrap_or(u32::MAX).to_be_bytes());
    }
    head[last - 4..].copy_from_slice(&(track_id + 1).to_be_bytes());
    Ok(())
}

/// The body of a box of an index, which is a `moov` box with its header.
fn body(moov: &[u8], kind: [u8; 4]) -> Option<&[u8]> {
    Boxes(moov.get(8..)?).filter_map(Result::ok).find(|(found, _)| *found == kind).map(|(_, body)| body)
}

/// Ticks per second and duration of a movie, by its `mvhd`.
fn movie(mvhd: &[u8]) -> Option<(u32, u64)> {
    if mvhd.first() == Some(&1) {
        return Some((be32(mvhd, 20).ok()?, be64(mvhd, 24).ok()?));
    }
    Some((be32(mvhd, 12).ok()?, be32(mvhd, 16).ok()?.into()))
}

/// The edits of a sound: nothing until it begins, then all of it behind the priming.
fn edits(begin: u64, length: u64, priming: u32) -> Vec<u8> {
    let mut list = vec![1, 0, 0, 0];
    let silent: &[(u64, i64)] = if begin > 0 { &[(begin, -1)] } else { &[] };
    let all = [(length, i64::from(priming))];
    list.extend(((silent.len() + 1) as u32).to_be_bytes());
    for (lasts, from) in silent.iter().chain(&all) {
        list.extend(lasts.to_be_bytes());
        list.extend(from.to_be_bytes());
        list.extend([0, 1, 0, 0]);
    }
    let mut out = Vec::with_capacity(list.len() + 8);
    push(&mut out, *b"elst", &list);
    out
}

fn push(out: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    out.extend(((body.len() + 8) as u32).to_be_bytes());
    out.extend_from_slice(&kind);
    out.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mp4::index::sized_samples;
    use crate::media::mp4::sound_index::read_index;
    use crate::media::mp4::trak::Media;
    use crate::media::mp4::writer::{SoundTrack, Writer};
    use crate::media::track::TrackCodec;

    /// A file of sound, and its track as another file describes it.
    fn sound(codec: TrackCodec) -> CopiedSound {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let mut writer = Writer::create(file.path()).expect("a file");
        for tick in [0, 1024] {
            writer.push(&[7; 9], SoundPacket { offset: 0, size: 0, tick, samples: 1024 }).expect("room");
        }
        writer.finish(&SoundTrack { codec, rate: 48_000, channels: 2 }).expect("an index");
        read_index(&std::fs::File::open(file.path()).expect("the file")).expect("an index").track
    }

    #[test]
    fn each_sound_is_a_track_that_begins_when_it_is_heard() {
        let sets = crate::media::avc::sets::ParameterSets { sps: vec![0x67, 66, 0xc0, 30], pps: vec![0x68, 1] };
        let config = sets.into();
        let pictures =
            VideoTrack { config: &config, coded: (64, 64), surface: (64, 64), nominal_frame_us: 100_000, rate: None };
        let aac = sound(TrackCodec::Aac { specific: vec![0x11, 0x90], priming: 1024 });
        let flac = sound(TrackCodec::Flac);
        let tracks = MixedTracks {
            pictures,
            sounds: vec![
                MixedSound { track: flac.clone(), begin_ns: 0 },
                MixedSound { track: flac, begin_ns: 5 },
                MixedSound { track: aac, begin_ns: 250_000_000 },
            ],
        };
        let mut writer = Writer::in_memory(100);
        let picture = |pts_us| Mixed::Picture(Sample { offset: 0, pts_us, size: 0, keyframe: true });
        let packet = |track, tick| Mixed::Sound(track, SoundPacket { offset: 0, size: 0, tick, samples: 1024 });
        for (bytes, at) in [
            (3, picture(0)),
            (4, packet(0, 0)),
            (5, packet(2, 0)),
            (6, picture(40_000)),
            (7, packet(2, 1024)),
            (8, packet(2, 2049)),
        ] {
            writer.push(&vec![bytes; usize::from(bytes)], at).expect("room");
        }
        let file = writer.finish(&tracks).expect("a file").done;
        let at = file.windows(4).position(|kind| kind == b"moov").expect("an index") - 4;
        let traks: Vec<&[u8]> = Boxes(&file[at + 8..])
            .map(|item| item.expect("a box"))
            .filter(|(kind, _)| kind == b"trak")
            .map(|(_, body)| body)
            .collect();
        assert_eq!(traks.len(), 3, "the sound without a packet is none");
        let sizes = traks.iter().map(|trak| {
            let table = sized_samples(Media::of(trak).expect("media").stbl).expect("sizes");
            table.iter().map(|sample| sample.size).collect::<Vec<_>>()
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [vec![3, 6], vec![4], vec![5, 7, 8]]);
        let ids: Vec<u32> = traks.iter().map(|trak| be32(trak, 8 + 12).expect("a track id")).collect();
        assert_eq!(ids, [1, 2, 3]);
        let (timescale, duration) = movie(body(&file[at..], *b"mvhd").expect("a head")).expect("a duration");
        // 2 packets behind the priming, the first of which lasts a sample longer.
        assert_eq!((timescale, duration), (1_000_000, 250_000 + 2049 * 1_000_000 / 48_000));
        let edits: Vec<(u64, u64)> = Boxes(traks[2])
            .map(|item| item.expect("a box"))
            .filter(|(kind, _)| kind == b"edts")
            .flat_map(|(_, edts)| {
                (0..2)
                    .map(|n| (be64(edts, 16 + n * 20).expect("a duration"), be64(edts, 24 + n * 20).expect("a time")))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(edits, [(250_000, u64::MAX), (2049 * 1_000_000 / 48_000, 1024)]);
    }
}
