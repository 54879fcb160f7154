//! Every codec but H.264 by ffmpeg, as a child process: a crash of its decoder is the child's, and nothing is linked.
//!
//! Invariant: each picture that is handed out is the one of the access unit that was handed in: one goes in, and one comes back before
//! the next. The child has one thread and is told to end at the first error ([`ARGS`]), so that none is hidden and none is late. It is given slices only, with the parameter
//! sets that were checked.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use mp4_atom::Encode as _;

use super::{DecodeError, VideoDecoder};
use crate::base::child::{Helper, Pipes, ffmpeg};
use crate::media::avc::nal::push_nal;
use crate::media::hevc::sets::HevcSets;
use crate::media::mkv;
use crate::media::picture::I420;
use crate::media::track::CodecConfig;

/// How long a picture may take: a decoder that is asked for one at a time needs some 100 ms for the largest on a busy machine.
const WAIT: Duration = Duration::from_secs(20);

/// How long a child that closed its output may take to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Microseconds between two access units, as the child is told: they are in order, and nothing else counts.
const TICKS: u64 = 40_000;

/// Bytes of a box before its contents.
const BOX_HEADER: usize = 8;

/// What ffmpeg is told.
const ARGS: &str = "-hide_banner -nostdin -loglevel error -xerror -err_detect explode -flags low_delay -threads 1 -probesize 32 \
    -analyzeduration 0 -fpsprobesize 0 -protocol_whitelist pipe -f matroska -i pipe:0 -map 0:v:0 -an -sn -dn -fps_mode passthrough -threads 1 \
    -pix_fmt yuv420p -f rawvideo -flush_packets 1 -protocol_whitelist pipe pipe:1";

/// Decodes by a child process.
pub(super) struct FfmpegDecoder {
    config: CodecConfig,
    child: Helper,
    units: SyncSender<Vec<u8>>,
    pictures: Receiver<Vec<u8>>,
    /// Access units so far, which are their times.
    given: u64,
}

impl FfmpegDecoder {
    pub(super) fn new(config: CodecConfig, coded: (u32, u32)) -> Result<Self, DecodeError> {
        let failed = |why: &str| DecodeError::Failed(why.to_owned());
        let (codec, private) = match &config {
            CodecConfig::Avc(_) => return Err(failed("H.264 is decoded otherwise")),
            CodecConfig::Hevc(sets) => {
                let record = sets.to_record().ok_or_else(|| failed("the sequence parameter set cannot be read"))?;
                let mut bytes = Vec::new();
                record.encode(&mut bytes).map_err(|error| DecodeError::Failed(error.to_string()))?;
                (mkv::HEVC, bytes.get(BOX_HEADER..).unwrap_or_default().to_vec())
            }
        };
        let args: Vec<OsString> = ARGS.split_ascii_whitespace().map(OsString::from).collect();
        let absent = |error: std::io::Error| DecodeError::Absent { codec: config.title(), why: error.to_string() };
        let (child, Pipes { stdin, stdout }) = Helper::start(&ffmpeg(), &args).map_err(absent)?;
        let track = mkv::Track { codec, private: &private, fourcc: None, size: coded, fps: 30, is_bt709: false };
        let (units, wait_units) = sync_channel(1);
        let (made, pictures) = sync_channel(1);
        let header = mkv::header(&track);
        let bytes = coded.0 as usize * coded.1 as usize * 3 / 2;
        let thread = |name: &str, work: Box<dyn FnOnce() + Send>| {
            let started = std::thread::Builder::new().name(name.to_owned()).spawn(work);
            started.map(drop).map_err(|error| DecodeError::Failed(error.to_string()))
        };
        thread("decoder reads", Box::new(move || write_all(stdin, &header, &wait_units)))?;
        thread("decoder writes", Box::new(move || read_all(stdout, bytes, &made)))?;
        Ok(Self { config, child, units, pictures, given: 0 })
    }
}

fn write_all(mut stdin: ChildStdin, header: &[u8], units: &Receiver<Vec<u8>>) {
    let mut written = stdin.write_all(header);
    while written.is_ok()
        && let Ok(unit) = units.recv()
    {
        written = stdin.write_all(&unit).and_then(|()| stdin.flush());
    }
}

fn read_all(mut stdout: ChildStdout, bytes: usize, made: &SyncSender<Vec<u8>>) {
    loop {
        let mut picture = vec![0; bytes];
        if stdout.read_exact(&mut picture).is_err() || made.send(picture).is_err() {
            return;
        }
    }
}

/// Why no picture came back.
enum NoPicture {
    /// It cannot be given to the child.
    Broken(&'static str),
    /// The child is late.
    Late,
    /// The child has ended.
    Ended,
}

impl FfmpegDecoder {
    fn exchange(&mut self, unit: &[u8], keyframe: bool) -> Result<Vec<u8>, NoPicture> {
        let mut slices = Vec::with_capacity(unit.len());
        let syntax = self.config.syntax();
        syntax.copy_slices(unit, &mut slices).ok_or(NoPicture::Broken("its NAL units do not fit it"))?;
        if keyframe != syntax.is_idr(&slices) {
            return Err(NoPicture::Broken("it is marked as a keyframe and is none, or the other way round"));
        }
        let mut packet = mkv::before_packet(self.given * TICKS, keyframe, slices.len());
        packet.extend_from_slice(&slices);
        self.given += 1;
        self.units.send(packet).map_err(|_ended| NoPicture::Ended)?;
        self.pictures.recv_timeout(WAIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => NoPicture::Late,
            RecvTimeoutError::Disconnected => NoPicture::Ended,
        })
    }

    /// Why the child has ended: because of what it was given, or because it cannot decode here at all.
    fn judge(&mut self) -> DecodeError {
        let by_itself = self.child.finish(LAST_WORDS);
        let said = self.child.end();
        let why = if said.is_empty() { "it made no picture".to_owned() } else { said };
        match by_itself {
            // Killed, or crashed.
            Some(None) | None => DecodeError::Failed(format!("ffmpeg was ended: {why}")),
            Some(Some(_)) => match tried() {
                Ok(()) => DecodeError::Damaged(why),
                Err(why) => DecodeError::Absent { codec: self.config.title(), why },
            },
        }
    }
}

/// Decodes a picture that is known to be whole: an ffmpeg that is too old, or was built without the decoder, is not to make damage of everything.
fn tried() -> Result<(), String> {
    let config = CodecConfig::Hevc(HevcSets { vps: KNOWN[0].to_vec(), sps: KNOWN[1].to_vec(), pps: KNOWN[2].to_vec() });
    let mut decoder = FfmpegDecoder::new(config, KNOWN_SIZE).map_err(|error| error.to_string())?;
    let mut unit = Vec::new();
    push_nal(KNOWN[3], &mut unit);
    decoder.exchange(&unit, true).map(drop).map_err(|_error| decoder.child.end())
}

impl VideoDecoder for FfmpegDecoder {
    fn decode(&mut self, unit: &[u8], keyframe: bool, into: &mut I420) -> Result<(), DecodeError> {
        match self.exchange(unit, keyframe) {
            Ok(picture) => {
                let (y, u, v) = into.planes_mut();
                let (luma, chroma) = picture.split_at(y.len());
                y.copy_from_slice(luma);
                u.copy_from_slice(&chroma[..u.len()]);
                v.copy_from_slice(&chroma[u.len()..]);
                Ok(())
            }
            Err(NoPicture::Broken(why)) => Err(DecodeError::Damaged(why.into())),
            Err(NoPicture::Late) => {
                Err(DecodeError::Failed(format!("ffmpeg made no picture within {} s", WAIT.as_secs())))
            }
            Err(NoPicture::Ended) => Err(self.judge()),
        }
    }
}

/// Sides of the known picture.
const KNOWN_SIZE: (u32, u32) = (64, 64);

/// Parameter sets and the one slice of a grey picture: ffmpeg -f lavfi -i color=gray:s=64x64 -frames:v 1 -pix_fmt yuv420p -c:v libx265
/// -preset ultrafast -tune zerolatency -x265-params info=0.
const KNOWN: [&[u8]; 4] = [
    &[
        0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00,
        0x03, 0x00, 0x1e, 0xba, 0x02, 0x40,
    ],
    &[
        0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1e,
        0xa0, 0x20, 0x81, 0x05, 0x96, 0xe9, 0x29, 0x30, 0xbc, 0x05, 0xa0, 0x20, 0x00, 0x00, 0x03, 0x00, 0x20, 0x00,
        0x00, 0x03, 0x03, 0x21,
    ],
    &[0x44, 0x01, 0xc0, 0x71, 0x81, 0x12],
    &[0x28, 0x01, 0xad, 0xe0, 0xd1, 0x17, 0xce, 0x73, 0x23, 0x8b, 0x80],
];

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> (CodecConfig, Vec<u8>) {
        let sets = HevcSets { vps: KNOWN[0].to_vec(), sps: KNOWN[1].to_vec(), pps: KNOWN[2].to_vec() };
        let mut unit = Vec::new();
        push_nal(KNOWN[3], &mut unit);
        (CodecConfig::Hevc(sets), unit)
    }

    #[test]
    #[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
    fn a_known_picture_decodes_and_a_broken_one_is_damage() {
        assert_eq!(tried(), Ok(()));
        let (config, unit) = known();
        assert_eq!(config.stream_info().map(|info| (info.width, info.height)), Ok(KNOWN_SIZE));
        let mut picture = I420::new(64, 64);
        let mut decoder = FfmpegDecoder::new(config.clone(), KNOWN_SIZE).expect("ffmpeg");
        for _ in 0..3 {
            picture.planes_mut().0.fill(0);
            decoder.decode(&unit, true, &mut picture).expect("a picture");
            assert!(
                picture.planes().0.iter().all(|sample| (120..=136).contains(sample)),
                "{:?}",
                picture.planes().0[0]
            );
        }
        // It names a picture parameter set that there is not.
        let mut broken = Vec::new();
        push_nal(&[KNOWN[3][0], KNOWN[3][1], 0b1000_1000, 0x55, 0x80], &mut broken);
        let refused = decoder.decode(&broken, true, &mut picture);
        assert!(matches!(refused, Err(DecodeError::Damaged(_))), "{refused:?}");
        let mut decoder = FfmpegDecoder::new(config, KNOWN_SIZE).expect("ffmpeg");
        assert!(matches!(decoder.decode(&unit, false, &mut picture), Err(DecodeError::Damaged(_))));
        assert!(matches!(decoder.decode(&unit[..9], true, &mut picture), Err(DecodeError::Damaged(_))));
    }
}
