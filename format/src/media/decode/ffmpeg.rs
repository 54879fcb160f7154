//! Every stream but H.264 in 4:2:0 by ffmpeg, as a child process: a crash of its decoder is the child's, and nothing is linked.
//!
//! Invariant: each picture that is handed out is the one of the access unit that was handed in: one goes in, and one comes back before
//! the next. The child has one thread and is told to end at the first error ([`ARGS`]), so that none is hidden and none is late. It is given slices only, with the parameter
//! sets that were checked.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::{DecodeError, VideoDecoder};
use crate::base::child::{Helper, Pipes, ffmpeg};
use crate::media::av1::sequence::Av1Config;
use crate::media::avc::nal::push_nal;
use crate::media::avc::sets::ParameterSets;
use crate::media::codec::StreamInfo;
use crate::media::hevc::sets::HevcSets;
use crate::media::mkv;
use crate::media::mp4::description;
use crate::media::picture::Planar;
use crate::media::track::CodecConfig;

/// How long a picture may take: a decoder that is asked for one at a time needs some 100 ms for the largest on a busy machine.
const WAIT: Duration = Duration::from_secs(20);

/// How long a child that closed its output may take to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Microseconds between two access units, as the child is told: they are in order, and nothing else counts.
const TICKS: u64 = 40_000;

/// More than the least that ffmpeg looks at first (`-probesize`).
const FIRST_BYTES: usize = 64;
/// `nal_unit_type` of filler data.
const NAL_FILLER: u8 = 12;

/// What ffmpeg is told.
const ARGS: &str = "-hide_banner -nostdin -loglevel error -xerror -err_detect explode -flags low_delay -threads 1 -probesize 32 \
    -analyzeduration 0 -fpsprobesize 0 -protocol_whitelist pipe -f matroska -i pipe:0 -map 0:v:0 -an -sn -dn -fps_mode passthrough -threads 1 \
    -f rawvideo -flush_packets 1 -protocol_whitelist pipe -pix_fmt";

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
    pub(super) fn new(config: CodecConfig, info: StreamInfo) -> Result<Self, DecodeError> {
        let failed = |why: &str| DecodeError::Failed(why.to_owned());
        let coded = (info.width, info.height);
        let codec = match &config {
            CodecConfig::Avc(_) => mkv::AVC,
            CodecConfig::Hevc(_) => mkv::HEVC,
            CodecConfig::Av1(_) => mkv::AV1,
        };
        let private = description::record(&config).ok_or_else(|| failed("the parameter sets cannot be read"))?;
        let args = ARGS.split_ascii_whitespace().chain([info.sampling.pix_fmt(), "pipe:1"]);
        let args: Vec<OsString> = args.map(OsString::from).collect();
        let absent = |error: std::io::Error| DecodeError::Absent { codec: title(&config), why: error.to_string() };
        let (child, Pipes { stdin, stdout }) = Helper::start(&ffmpeg(), &args).map_err(absent)?;
        let track = mkv::Track { codec, private: &private, fourcc: None, size: coded, fps: 30, colour: None };
        let (units, wait_units) = sync_channel(1);
        let (made, pictures) = sync_channel(1);
        let header = mkv::header(&track);
        let bytes = info.sampling.bytes(coded);
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
        let begins =
            self.config.push_for_decoder(unit, &mut slices).ok_or(NoPicture::Broken("its units do not fit it"))?;
        if keyframe != begins {
            return Err(NoPicture::Broken("it is marked as a keyframe and is none, or the other way round"));
        }
        if self.given == 0 && matches!(self.config, CodecConfig::Avc(_)) && slices.len() < FIRST_BYTES {
            // Filler, so that ffmpeg does not wait for the next packet: it looks at so many bytes of H.264 before it decodes any.
            push_nal(&[&[NAL_FILLER], [0xff; FIRST_BYTES].as_slice(), &[0x80]].concat(), &mut slices);
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
            Some(Some(_)) => match tried(&self.config) {
                Ok(()) => DecodeError::Damaged(why),
                Err(why) => DecodeError::Absent { codec: title(&self.config), why },
            },
        }
    }
}

/// What is decoded here, in messages: H.264 in 4:2:0 is not.
fn title(config: &CodecConfig) -> &'static str {
    match config {
        CodecConfig::Avc(_) => "H.264 in 4:4:4",
        CodecConfig::Hevc(_) | CodecConfig::Av1(_) => config.title(),
    }
}

/// Decodes a picture of the same codec that is known to be whole: an ffmpeg that is too old, or was built without the decoder, is not to make
/// damage of everything.
fn tried(like: &CodecConfig) -> Result<(), String> {
    let (config, unit) = known(like);
    let info = config.stream_info().map_err(|_fault| "the known picture cannot be read".to_owned())?;
    let mut decoder = FfmpegDecoder::new(config, info).map_err(|error| error.to_string())?;
    decoder.exchange(&unit, true).map(drop).map_err(|_error| decoder.child.end())
}

/// A grey picture of 64x64 of a codec, and its parameter sets.
fn known(like: &CodecConfig) -> (CodecConfig, Vec<u8>) {
    let (config, slice) = match like {
        CodecConfig::Avc(_) => {
            let sets = ParameterSets { sps: KNOWN_AVC[0].to_vec(), pps: KNOWN_AVC[1].to_vec() };
            (CodecConfig::Avc(sets), KNOWN_AVC[2])
        }
        CodecConfig::Hevc(_) => {
            let [vps, sps, pps] = [0, 1, 2].map(|at| KNOWN_HEVC[at].to_vec());
            (CodecConfig::Hevc(HevcSets { vps, sps, pps }), KNOWN_HEVC[3])
        }
        CodecConfig::Av1(_) => {
            return (CodecConfig::Av1(Av1Config { sequence: KNOWN_AV1[0].to_vec() }), KNOWN_AV1[1].to_vec());
        }
    };
    let mut unit = Vec::new();
    push_nal(slice, &mut unit);
    (config, unit)
}

impl VideoDecoder for FfmpegDecoder {
    fn decode(&mut self, unit: &[u8], keyframe: bool, into: &mut Planar) -> Result<(), DecodeError> {
        match self.exchange(unit, keyframe) {
            Ok(picture) if picture.len() == into.data().len() => {
                into.data_mut().copy_from_slice(&picture);
                Ok(())
            }
            Ok(_) => Err(DecodeError::Failed("the picture is of another size or sampling than the stream".into())),
            Err(NoPicture::Broken(why)) => Err(DecodeError::Damaged(why.into())),
            Err(NoPicture::Late) => {
                Err(DecodeError::Failed(format!("ffmpeg made no picture within {} s", WAIT.as_secs())))
            }
            Err(NoPicture::Ended) => Err(self.judge()),
        }
    }
}

/// Parameter sets and the one slice of a grey picture: ffmpeg -f lavfi -i color=gray:s=64x64 -frames:v 1 -pix_fmt yuv444p -c:v libx264
/// -preset ultrafast -tune zerolatency.
const KNOWN_AVC: [&[u8]; 3] = [
    &[
        0x67, 0xf4, 0x00, 0x0a, 0x91, 0x96, 0x84, 0x26, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03,
        0x00, 0xca, 0x3c, 0x48, 0x9a, 0x80,
    ],
    &[0x68, 0xce, 0x0f, 0x19, 0x20],
    &[
        0x65, 0x88, 0x84, 0x3a, 0x24, 0x50, 0x1e, 0x4f, 0x27, 0x93, 0xd7, 0xaf, 0x5e, 0xbd, 0x7a, 0xf5, 0xeb, 0xd7,
        0xaf, 0x5e, 0xbe,
    ],
];

/// Parameter sets and the one slice of a grey picture: ffmpeg -f lavfi -i color=gray:s=64x64 -frames:v 1 -pix_fmt yuv420p -c:v libx265
/// -preset ultrafast -tune zerolatency -x265-params info=0.
const KNOWN_HEVC: [&[u8]; 4] = [
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

/// The sequence header and the one frame of a grey picture: ffmpeg -f lavfi -i color=gray:s=64x64 -frames:v 1 -pix_fmt yuv420p -c:v libaom-av1
/// -usage realtime -cpu-used 8 -lag-in-frames 0.
const KNOWN_AV1: [&[u8]; 2] = [
    &[0x0a, 0x0d, 0x00, 0x00, 0x00, 0x02, 0xaf, 0xff, 0x9b, 0x5f, 0x22, 0x02, 0x02, 0x02, 0x08],
    &[0x32, 0x10, 0x10, 0x00, 0x90, 0x00, 0x08, 0x20, 0x82, 0x20, 0x00, 0x00, 0xc1, 0xb4, 0xd0, 0xc1, 0x4d, 0xf8],
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::picture::Sampling;

    fn opened(config: &CodecConfig) -> (FfmpegDecoder, Planar) {
        let info = config.stream_info().expect("a stream");
        assert_eq!((info.width, info.height), (64, 64));
        let decoder = FfmpegDecoder::new(config.clone(), info).expect("ffmpeg");
        (decoder, Planar::new(info.sampling, 64, 64))
    }

    #[test]
    #[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
    fn a_known_picture_decodes_and_a_broken_one_is_damage() {
        // Slices that name a picture parameter set that there is not, and a frame that is none.
        let mut no_set = [Vec::new(), Vec::new(), vec![0x32, 4, 0x10, 0xff, 0xff, 0xff]];
        push_nal(&[0x65, 0b1000_1000, 0x21, 0x80], &mut no_set[0]);
        push_nal(&[0x28, 0x01, 0b1000_1000, 0x55, 0x80], &mut no_set[1]);
        let like = [
            CodecConfig::Avc(ParameterSets::default()),
            CodecConfig::Hevc(HevcSets::default()),
            CodecConfig::Av1(Av1Config::default()),
        ];
        let samplings = [Sampling::Yuv444, Sampling::Yuv420, Sampling::Yuv420];
        for ((like, broken), sampling) in like.iter().zip(no_set).zip(samplings) {
            assert_eq!(tried(like), Ok(()));
            let (config, unit) = known(like);
            let (mut decoder, mut picture) = opened(&config);
            assert_eq!(picture.sampling(), sampling);
            for _ in 0..3 {
                picture.data_mut().fill(0);
                decoder.decode(&unit, true, &mut picture).expect("a picture");
                let grey = picture.data().iter().all(|sample| (120..=136).contains(sample));
                assert!(grey, "{:?}", picture.planes().0[0]);
            }
            let refused = decoder.decode(&broken, true, &mut picture);
            assert!(matches!(refused, Err(DecodeError::Damaged(_))), "{refused:?}");
            let (mut decoder, _) = opened(&config);
            assert!(matches!(decoder.decode(&unit, false, &mut picture), Err(DecodeError::Damaged(_))));
            assert!(matches!(decoder.decode(&unit[..9], true, &mut picture), Err(DecodeError::Damaged(_))));
        }
    }
}
