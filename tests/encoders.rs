//! What every encoder must keep, whoever made it: the same suite over all of the list, and over one that answers late.

use watchcap::base::id::FrameRef;
use watchcap::base::time::MonoNs;
use watchcap::encode::registry::{AUTO, ENCODERS};
use watchcap::encode::x264::{X264Encoder, X264Kind};
use watchcap::encode::{
    Codec, CodedUnit, Driver, EncodeError, EncodeSettings, EncoderKind, Gop, Masked, Quality, Unmasked, VideoEncoder,
};
use watchcap::media::avc::nal::{NAL_IDR, NAL_SLICE, nal_type, nals};
use watchcap::media::avc::slice::{SliceSyntax, take_head};
use watchcap::media::decode;
use watchcap::media::picture::{FrameStamp, Planar, Sampling};
use watchcap::media::track::CodecConfig;

use crate::support::late::{DELAY, LateKind};

const FPS: u32 = 30;
/// Even sizes that are no multiples of a macroblock, the smallest, and one that is.
const SIZES: [(u32, u32); 4] = [(320, 192), (322, 182), (98, 30), (16, 16)];

/// Those that are there wherever the tests run: part of the program, and the software encoders of ffmpeg.
const EVERYWHERE: [&str; 4] = ["openh264", "ffmpeg:libx264", "ffmpeg:libx265", "ffmpeg:libaom-av1"];

/// The x264 that `make x264` builds: not beside the tests, where `auto` would take it in all of them.
struct BuiltX264;

/// Where it is, or why the suite leaves it out.
pub(crate) fn x264_program() -> Option<std::path::PathBuf> {
    let built = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("x264/target/release/watchcap-x264");
    if !built.is_file() {
        println!("x264 is left out: {} is not built (make x264)", built.display());
        return None;
    }
    Some(built)
}

impl EncoderKind for BuiltX264 {
    fn name(&self) -> &'static str {
        X264Kind.name()
    }
    fn about(&self) -> &'static str {
        X264Kind.about()
    }
    fn codecs(&self) -> &'static [Codec] {
        X264Kind.codecs()
    }
    fn is_built_in(&self) -> bool {
        false
    }
    fn open(&self, settings: &EncodeSettings) -> Result<Box<dyn VideoEncoder>, EncodeError> {
        let program = x264_program().expect("asked before").into_os_string();
        Ok(Box::new(X264Encoder::open(program, settings)?))
    }
}

fn kinds() -> impl Iterator<Item = &'static dyn EncoderKind> {
    let here = |kind: &&dyn EncoderKind| EVERYWHERE.contains(&kind.name()) || kind.open(&settings(SIZES[0])).is_ok();
    let x264 = x264_program().map(|_| &BuiltX264 as &dyn EncoderKind);
    ENCODERS.iter().copied().filter(here).chain(x264).chain([&LateKind as &dyn EncoderKind])
}

/// The sizes that an encoder takes: x265 has none below its smallest block in a picture of its own.
fn sizes(kind: &dyn EncoderKind) -> &'static [(u32, u32)] {
    if kind.is_built_in() { &SIZES } else { &SIZES[..3] }
}

fn settings((width, height): (u32, u32)) -> EncodeSettings {
    let gop_ns = 500_000_000;
    EncodeSettings {
        width,
        height,
        fps: FPS,
        bitrate_kbps: 2000,
        gop_ns,
        quality: Quality::Fast,
        sampling: Sampling::Yuv420,
    }
}

/// A picture with edges and texture that moves with `n`.
fn picture((width, height): (u32, u32), n: u32) -> Planar {
    let mut picture = Planar::yuv420(width, height);
    let (y, u, v) = picture.planes_mut();
    for (at, sample) in y.iter_mut().enumerate() {
        let (column, row) = (at as u32 % width + 3 * n, at as u32 / width + n);
        let texture = ((column * 7) ^ (row * 13)) % 23;
        *sample = (if (column / 20 + row / 12) % 2 == 0 { 40 } else { 180 } + texture) as u8;
    }
    for (at, sample) in u.iter_mut().chain(v).enumerate() {
        *sample = (90 + (at as u32 / 64 + n) % 70) as u8;
    }
    picture
}

fn stamp(frame: usize) -> FrameStamp {
    let t = MonoNs(1_000_000_007 + frame as i64 * 1_000_000_000 / i64::from(FPS));
    FrameStamp { frame_ref: FrameRef(frame as u64), t }
}

struct Made {
    config: CodecConfig,
    units: Vec<CodedUnit>,
    /// Frames that were asked to be IDRs.
    asked: Vec<usize>,
}

/// Encodes pictures; a number that is the one before it is a repeat. `restarts` are frames from which on nothing before is known.
fn made(kind: &dyn EncoderKind, size: (u32, u32), shown: &[u32], restarts: &[usize]) -> Made {
    made_at(kind, &settings(size), shown, restarts)
}

fn made_at(kind: &dyn EncoderKind, settings: &EncodeSettings, shown: &[u32], restarts: &[usize]) -> Made {
    let size = (settings.width, settings.height);
    let mut driver = Driver::new(kind.open(settings).expect("opens"));
    let config = driver.config().clone();
    let mut gop = Gop::new(settings.gop_ns, FPS);
    let (mut units, mut asked, mut last) = (Vec::new(), Vec::new(), None);
    for (frame, &n) in shown.iter().enumerate() {
        if restarts.contains(&frame) {
            gop.restart();
        }
        let ask = gop.ask(stamp(frame));
        if ask.idr {
            asked.push(frame);
        }
        let picture = Masked::not_captured(picture(size, n));
        if last == Some(n) { driver.repeat(&picture, ask) } else { driver.encode(&picture, ask) }.expect("encodes");
        last = Some(n);
        assert!(driver.waiting() <= driver.describe().delay, "{}: it owes more than it says", kind.name());
        while let Some(unit) = driver.next_unit() {
            gop.made(&unit);
            units.push(unit);
        }
    }
    driver.finish().expect("finishes");
    units.extend(std::iter::from_fn(|| driver.next_unit()));
    assert_eq!(driver.config(), &config, "{}: its parameter sets changed", kind.name());
    Made { config, units, asked }
}

/// Moving, a short run of repeats, moving, a run over several groups, moving.
fn mixed() -> Vec<u32> {
    let mut shown: Vec<u32> = (0..8).collect();
    shown.extend([7; 3]);
    shown.extend(8..20);
    shown.extend([19; 41]);
    shown.extend(20..30);
    shown
}

/// Decodes with the decoder that sessions are read with, one picture for each access unit, planes one behind the other.
fn decoded(config: &CodecConfig, (width, height): (u32, u32), units: &[CodedUnit]) -> Vec<Vec<u8>> {
    let mut decoder = decode::open(config, config.stream_info().expect("a stream")).expect("a decoder");
    let mut picture = Planar::yuv420(width, height);
    let mut pictures = Vec::new();
    for unit in units {
        decoder.decode(&unit.bytes, unit.keyframe, &mut picture).expect("a picture for each access unit");
        let (y, u, v) = picture.planes();
        pictures.push([y, u, v].concat());
    }
    pictures
}

/// Decodes with ffmpeg, which must not complain.
fn decoded_by_ffmpeg(config: &CodecConfig, units: &[CodedUnit]) -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a folder");
    let (stream, raw) = (
        dir.path().join(if config.name() == "av1" { "stream.obu".into() } else { format!("stream.{}", config.name()) }),
        dir.path().join("raw.yuv"),
    );
    let mut bytes = Vec::new();
    for unit in units {
        config.to_stream(&unit.bytes, unit.keyframe, &mut bytes).expect("an access unit");
    }
    std::fs::write(&stream, &bytes).expect("written");
    let run = std::process::Command::new("ffmpeg")
        .args(["-v", "warning", "-xerror", "-err_detect", "explode", "-y", "-i"])
        .arg(&stream)
        .args(["-fps_mode", "passthrough", "-f", "rawvideo"])
        .arg(&raw)
        .output()
        .expect("ffmpeg is missing: run scripts/setup.sh test");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.is_empty(), "{said}");
    std::fs::read(&raw).expect("raw pictures")
}

fn mean_error(decoded: &[u8], picture: &Planar) -> f64 {
    let (y, u, v) = picture.planes();
    let samples = decoded.iter().zip(y.iter().chain(u).chain(v));
    let sum: u64 = samples.map(|(found, expected)| u64::from(found.abs_diff(*expected))).sum();
    sum as f64 / decoded.len() as f64
}

#[test]
fn each_picture_is_one_unit_with_our_sei_first_and_its_own_stamp() {
    for kind in kinds() {
        for &size in sizes(kind) {
            let shown = mixed();
            let made = made(kind, size, &shown, &[]);
            assert_eq!(made.units.len(), shown.len(), "{} at {size:?}", kind.name());
            let syntax = made.config.syntax();
            for (frame, unit) in made.units.iter().enumerate() {
                let told = format!("{} at {size:?}, frame {frame}", kind.name());
                assert_eq!((unit.stamp, syntax.stamp_of(&unit.bytes)), (stamp(frame), Some(stamp(frame))), "{told}");
                assert_eq!(syntax.is_idr(&unit.bytes), unit.keyframe, "{told}");
                let mut parts: Vec<&[u8]> = syntax.parts(&unit.bytes).map(|part| part.expect("a unit")).collect();
                if let (CodecConfig::Av1(config), true) = (&made.config, unit.keyframe) {
                    assert_eq!(parts.remove(0), config.sequence, "{told}");
                }
                assert!(parts.len() >= 2 && syntax.stamp_in(parts[0]).is_some(), "{told}: {parts:?}");
                assert!(
                    parts[1..].iter().all(|found| syntax.picture(found) == Some(unit.keyframe)),
                    "{told}: {parts:?}"
                );
            }
        }
    }
}

#[test]
fn what_was_encoded_decodes_to_the_same_pictures_in_two_decoders() {
    for kind in kinds() {
        for &size in sizes(kind) {
            let shown = mixed();
            let made = made(kind, size, &shown, &[]);
            let pictures = decoded(&made.config, size, &made.units);
            for (frame, &n) in shown.iter().enumerate() {
                let error = mean_error(&pictures[frame], &picture(size, n));
                assert!(error < 6.0, "{} at {size:?}: frame {frame} is off by {error} on average", kind.name());
            }
            assert!(decoded_by_ffmpeg(&made.config, &made.units) == pictures.concat(), "{} at {size:?}", kind.name());
        }
    }
}

#[test]
fn a_screen_that_stands_decodes_whole_however_few_bits_there_are() {
    // With few bits what sharpens a picture waits for them, and there are copies in between.
    let shown: Vec<u32> = (0..13).chain([12; 60]).chain(13..22).chain([21; 33]).collect();
    for kind in kinds().filter(|kind| kind.codecs().contains(&Codec::H264)) {
        for bitrate_kbps in [100, 200, 400, 900] {
            let told = format!("{} at {bitrate_kbps} kbit/s", kind.name());
            let settings = EncodeSettings { bitrate_kbps, ..settings(SIZES[1]) };
            let made = made_at(kind, &settings, &shown, &[]);
            let pictures = decoded(&made.config, SIZES[1], &made.units);
            assert_eq!(pictures.len(), shown.len(), "{told}");
            assert!(decoded_by_ffmpeg(&made.config, &made.units) == pictures.concat(), "{told}");
            let Some(syntax) = made.config.avc().and_then(SliceSyntax::read) else { continue };
            let mut expected = 0;
            for (frame, unit) in made.units.iter().enumerate() {
                expected = if unit.keyframe { 0 } else { expected };
                for nal in nals(&unit.bytes).flatten().filter(|nal| matches!(nal_type(nal), NAL_SLICE | NAL_IDR)) {
                    let found = syntax.frame_num(&take_head(&nal[1..]).0).map(|(number, _)| number);
                    assert_eq!(found, Some(expected), "{told}: frame_num of frame {frame}");
                }
                expected = syntax.next_frame_num(expected);
            }
        }
    }
}

#[test]
fn idrs_are_exactly_where_they_were_asked_for_when_pictures_move() {
    for kind in kinds() {
        let shown: Vec<u32> = (0..50).collect();
        let made = made(kind, SIZES[0], &shown, &[3, 4, 31]);
        let found: Vec<usize> = (0..shown.len()).filter(|frame| made.units[*frame].keyframe).collect();
        assert_eq!(made.asked, [0, 3, 4, 19, 31, 46], "by time, and after a restart");
        assert_eq!(found, made.asked, "{}", kind.name());
    }
}

#[test]
fn idrs_are_where_they_were_asked_for_when_pictures_repeat_and_each_group_decodes_alone() {
    for kind in kinds() {
        let shown = mixed();
        let made = made(kind, SIZES[1], &shown, &[40]);
        assert!(made.asked.iter().all(|frame| made.units[*frame].keyframe), "{}", kind.name());
        let whole = decoded(&made.config, SIZES[1], &made.units);
        let mut keyframes: Vec<usize> = (0..shown.len()).filter(|frame| made.units[*frame].keyframe).collect();
        keyframes.push(shown.len());
        // By time, and one later for each answer that is late.
        let longest = 15 + if kind.name() == "late" { DELAY } else { 0 };
        for group in keyframes.windows(2) {
            assert!(group[1] - group[0] <= longest, "{}: {keyframes:?}", kind.name());
            let alone = decoded(&made.config, SIZES[1], &made.units[group[0]..group[1]]);
            assert!(alone == whole[group[0]..group[1]], "{}: the group at {}", kind.name(), group[0]);
        }
    }
}

#[test]
fn a_repeat_is_at_least_as_good_as_what_it_repeats() {
    for kind in kinds() {
        let mut shown: Vec<u32> = (0..6).collect();
        shown.extend([5; 12]);
        let made = made(kind, SIZES[0], &shown, &[]);
        let decoded = decoded(&made.config, SIZES[0], &made.units);
        let last = picture(SIZES[0], 5);
        // Not across an IDR, which begins anew.
        let end = (6..shown.len()).find(|frame| made.units[*frame].keyframe).unwrap_or(shown.len());
        let errors: Vec<f64> = decoded[5..end].iter().map(|picture| mean_error(picture, &last)).collect();
        assert!(errors.windows(2).all(|pair| pair[1] <= pair[0] + 0.05), "{}: {errors:?}", kind.name());
    }
}

#[test]
fn the_codec_string_is_that_of_the_parameter_sets() {
    for kind in kinds() {
        let driver = Driver::new(kind.open(&settings((640, 368))).expect("opens"));
        let expected = driver.config().codec_string();
        assert_eq!(Some(driver.describe().codec_string), expected);
        let begin = match driver.config() {
            CodecConfig::Avc(_) => "avc1.",
            CodecConfig::Hevc(_) => "hvc1.1.",
            CodecConfig::Av1(_) => "av01.0.",
        };
        assert!(expected.is_some_and(|string| string.starts_with(begin)), "{}", kind.name());
        assert!(driver.takes().iter().any(|format| Unmasked::makes(*format)), "{} takes nothing", kind.name());
        for sampling in kind.samplings() {
            assert!(kind.probe((98, 30), *sampling).expect("works").name.starts_with(kind.name()));
        }
    }
}

#[test]
fn an_encoder_that_owes_more_than_it_says_is_found_out() {
    struct Silent(Box<dyn watchcap::encode::VideoEncoder>);
    impl watchcap::encode::VideoEncoder for Silent {
        fn describe(&self) -> watchcap::encode::EncoderDescription {
            self.0.describe()
        }
        fn takes(&self) -> &[watchcap::media::picture::PixelFormat] {
            self.0.takes()
        }
        fn config(&self) -> &watchcap::media::track::CodecConfig {
            self.0.config()
        }
        fn encode(
            &mut self,
            _picture: &Masked,
            _ask: watchcap::encode::Ask,
            _out: &mut watchcap::encode::Outbox,
        ) -> Result<(), EncodeError> {
            Ok(())
        }
        fn finish(&mut self, _out: &mut watchcap::encode::Outbox) -> Result<(), EncodeError> {
            Ok(())
        }
    }
    for kind in kinds() {
        let mut driver = Driver::new(Box::new(Silent(kind.open(&settings((64, 64))).expect("opens"))));
        let picture = Masked::not_captured(picture((64, 64), 0));
        let mut gop = Gop::new(500_000_000, FPS);
        let delay = driver.describe().delay;
        for frame in 0..delay {
            driver.encode(&picture, gop.ask(stamp(frame))).expect("it may be late");
        }
        let refused = driver.encode(&picture, gop.ask(stamp(delay)));
        assert!(matches!(refused, Err(EncodeError::Failed { .. })), "{}: {refused:?}", kind.name());
        assert!(driver.finish().is_err(), "one that failed is used again");
    }
}

#[test]
fn the_document_and_the_command_line_list_the_encoders() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/design/encoding.md");
    let document = std::fs::read_to_string(path).expect("the page");
    let (_, behind) = document.split_once("<!-- table: encoders -->\n").expect("the table is marked");
    let rows = behind.lines().take_while(|line| line.starts_with('|')).skip(2);
    let told: Vec<Vec<&str>> = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect();
    let listed: Vec<[String; 3]> = ENCODERS
        .iter()
        .map(|kind| {
            let codecs: Vec<_> = kind.codecs().iter().map(|codec| codec.name()).collect();
            [format!("`{}`", kind.name()), codecs.join(", "), kind.about().to_owned()]
        })
        .collect();
    assert_eq!(told, listed);
    let (code, help, _) = crate::support::run(crate::support::watchcap().args(["record", "--help"]));
    assert_eq!(code, 0);
    for name in ENCODERS.iter().map(|kind| kind.name()).chain([AUTO]) {
        assert!(help.contains(&format!("- {name}: ")), "{help}");
    }
    let (code, _, said) = crate::support::run(crate::support::watchcap().args(["record", "--encoder", "x265"]));
    assert!(code == 2 && said.contains("openh264"), "{said}");
    let (_, found, _) = crate::support::run(crate::support::watchcap().args(["doctor", "--json"]));
    for kind in ENCODERS {
        assert!(found.contains(&format!("\"encoder ({})\"", kind.name())), "{found}");
    }
}

/// Readers seek to a sync sample and return what decodes from there: another picture, without an error, when it is no IDR.
#[test]
fn a_sync_sample_that_is_no_idr_is_refused_by_readers_and_by_verify() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = crate::support::synthetic(dir.path(), "s", &[]);
    let path = session.join("frames.mp4");
    let mut bytes = std::fs::read(&path).expect("a video");
    let stss = bytes.windows(4).rposition(|found| found == b"stss").expect("sync samples");
    // Behind version and count: the second one, counted from 1.
    let second = stss + 4 + 4 + 4 + 4;
    let number = u32::from_be_bytes(bytes[second..second + 4].try_into().expect("four bytes"));
    assert!(number > 3, "the second IDR is frame {number}");
    bytes[second..second + 4].copy_from_slice(&(number - 1).to_be_bytes());
    std::fs::write(&path, bytes).expect("a video");
    let mut reader = watchcap::media::frames::FrameReader::open(&path).expect("it opens");
    let refused = reader.decode(number as usize - 2).map(|_| ()).expect_err("it is no IDR");
    assert!(refused.to_string().contains("is no IDR"), "{refused}");
    let (code, out, _) = crate::support::run(crate::support::watchcap().args(["verify", "--json"]).arg(&session));
    let kinds: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let kinds: Vec<_> =
        kinds["problems"].as_array().expect("a list").iter().map(|problem| problem["kind"].clone()).collect();
    assert!(code == 1 && kinds.contains(&"keyframe".into()) && kinds.contains(&"decode".into()), "{kinds:?}");
}
