//! `--chroma 444` and `--lossless`: the pixels of the screen come back to the bit, by this program and by PyAV; masks leave nothing in any plane; and a
//! session of either goes through everything that takes a session. By `watchcap-x264` where it is built (`make x264`), and by ffmpeg.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::base::id::FrameRef;
use watchcap::base::time::MonoNs;
use watchcap::encode::x264::X264Encoder;
use watchcap::encode::{Codec, Driver, EncodeSettings, Gop, Masked, Quality, VideoEncoder, registry};
use watchcap::media::decode;
use watchcap::media::frames::FrameReader;
use watchcap::media::picture::{FrameStamp, Planar, Sampling};
use watchcap::session::layout;

use crate::control::{metadata, rows};
use crate::encoders::x264_program;
use crate::support::{python, run, watchcap};

/// The encoders that there are, and the program of one that is not found by itself.
fn encoders() -> Vec<(&'static str, Option<PathBuf>)> {
    let x264 = x264_program().map(|program| ("x264", Some(program)));
    x264.into_iter().chain([("ffmpeg:libx264", None)]).collect()
}

fn program((_, path): &(&str, Option<PathBuf>)) -> Command {
    let mut command = watchcap();
    if let Some(path) = path {
        command.env("WATCHCAP_X264", path);
    }
    command
}

/// A recording of the synthetic desktop.
fn record(dir: &Path, encoder: &(&str, Option<PathBuf>), name: &str, more: &[&str]) -> PathBuf {
    let mut command = program(encoder);
    command.args(["record", "--source", "synthetic", "--size", "322x242", "--fps", "15", "--duration", "2s"]);
    command.args(["--no-encoder-check", "--max-dropped", "100", "--encoder", encoder.0, "--session", name]);
    let (code, _, said) = run(command.args(more).arg("--out").arg(dir));
    assert_eq!(code, 0, "{encoder:?}: {said}");
    dir.join(name)
}

fn verified(session: &Path) -> u64 {
    let (code, out, said) = run(watchcap().args(["verify", "--json"]).arg(session));
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["frames_decoded"], report["frames"], "{report}");
    report["frames"].as_u64().expect("a number")
}

fn video(session: &Path) -> FrameReader {
    FrameReader::open(&layout::frames_path(session)).expect("a video")
}

fn probe(session: &Path) -> Value {
    probe_file(&layout::frames_path(session))
}

fn probe_file(video: &Path) -> Value {
    let entries = "stream=profile,pix_fmt,color_space,color_range,color_transfer,has_b_frames";
    let args = ["-v", "error", "-show_entries", entries, "-of", "json"];
    let probe = Command::new("ffprobe").args(args).arg(video).output();
    let probe = probe.expect("ffprobe is missing: run scripts/setup.sh test");
    let found: Value = serde_json::from_slice(&probe.stdout).expect("JSON");
    found["streams"][0].clone()
}

/// Any samples at all, another picture for each `n`: every byte that RGB can have, next to every other.
fn noise(sampling: Sampling, (width, height): (u32, u32), n: u64) -> Planar {
    let mut picture = Planar::new(sampling, width, height);
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for sample in picture.data_mut() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *sample = (state >> 32) as u8;
    }
    picture
}

fn opened(encoder: &(&str, Option<PathBuf>), settings: &EncodeSettings) -> Driver {
    let encoder: Box<dyn VideoEncoder> = match encoder {
        (_, Some(program)) => Box::new(X264Encoder::open(program.clone().into(), settings).expect("it opens")),
        (name, None) => registry::open(name, Codec::H264, settings).expect("it opens"),
    };
    Driver::new(encoder)
}

#[test]
fn any_pixels_come_back_to_the_bit_with_repeats_and_keyframes_between() {
    for encoder in encoders() {
        let (width, height) = (98, 66);
        let settings = EncodeSettings {
            width,
            height,
            fps: 30,
            bitrate_kbps: 100,
            gop_ns: 300_000_000,
            quality: Quality::Fast,
            sampling: Sampling::Rgb,
        };
        let mut driver = opened(&encoder, &settings);
        let mut gop = Gop::new(settings.gop_ns, settings.fps);
        let shown: Vec<u64> = (0..6).chain([6; 30]).chain([7, 8, 8, 8, 9]).collect();
        let (mut units, mut last) = (Vec::new(), None);
        for (frame, n) in shown.iter().enumerate() {
            let stamp = FrameStamp { frame_ref: FrameRef(frame as u64), t: MonoNs(frame as i64 * 33_333_333) };
            let ask = gop.ask(stamp);
            let picture = Masked::not_captured(noise(Sampling::Rgb, (width, height), *n));
            if last == Some(*n) { driver.repeat(&picture, ask) } else { driver.encode(&picture, ask) }
                .expect("a picture");
            last = Some(*n);
            units.extend(std::iter::from_fn(|| driver.next_unit()));
        }
        driver.finish().expect("it ends");
        units.extend(std::iter::from_fn(|| driver.next_unit()));
        assert_eq!(units.len(), shown.len());
        let info = driver.config().stream_info().expect("a stream");
        assert_eq!((info.width, info.height, info.sampling), (width, height, Sampling::Rgb));
        assert_eq!(driver.config().codec_string().map(|codec| codec[..7].to_owned()).as_deref(), Some("avc1.f4"));
        let mut decoder = decode::open(driver.config(), info).expect("a decoder");
        let mut picture = Planar::new(Sampling::Rgb, width, height);
        for (unit, n) in units.iter().zip(&shown) {
            decoder.decode(&unit.bytes, unit.keyframe, &mut picture).expect("a picture");
            assert!(picture == noise(Sampling::Rgb, (width, height), *n), "{encoder:?}: picture {n} is another");
        }
        if encoder.0 == "x264" {
            let copies = units[10..36].iter().filter(|unit| unit.bytes.len() < 100).count();
            assert!(copies >= 20, "{copies} of 26 repeats cost next to nothing");
        }
    }
}

#[test]
fn a_lossless_recording_is_the_screen_to_the_bit_for_this_program_and_for_pyav() {
    let dir = tempfile::tempdir().expect("a folder");
    for encoder in encoders() {
        let name = encoder.0.replace(':', "_");
        // The pictures beside the video are the screen's pixels, which no encoder has seen.
        let more = ["--lossless", "--png-burst", "every=500ms,frames=4", "--mask", "40,100,50,31"];
        let session = record(dir.path(), &encoder, &name, &more);
        verified(&session);
        let found = metadata(&session);
        assert!(found["codec_string"].as_str().is_some_and(|codec| codec.starts_with("avc1.f4")), "{found}");
        let settings = &found["encoder"]["settings"];
        assert_eq!((&settings["pix_fmt"], &settings["bitrate_kbps"]), (&"gbrp".into(), &Value::Null), "{settings}");
        assert_eq!(settings["requested_bitrate_kbps"], Value::Null, "nobody asked for one: {settings}");
        let stream = probe(&session);
        assert_eq!(
            (&stream["profile"], &stream["pix_fmt"]),
            (&"High 4:4:4 Predictive".into(), &"gbrp".into()),
            "{stream}"
        );
        assert_eq!((&stream["color_space"], &stream["color_range"]), (&"gbr".into(), &"pc".into()), "{stream}");
        assert_eq!(
            (&stream["color_transfer"], &stream["has_b_frames"]),
            (&"iec61966-2-1".into(), &0.into()),
            "{stream}"
        );
        let mut video = video(&session);
        let stills = &found["streams"]["screen"]["settings"]["png"]["pictures"];
        let stills: Vec<u64> = stills.as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
        assert!(stills.len() >= 4, "{stills:?}");
        for frame in &stills {
            let path = session.join(format!("debug/frame_{frame:010}.png"));
            let still = image::open(&path).expect("a picture").into_rgb8();
            let shown = video.rgb(*frame as usize).expect("a picture");
            assert_eq!((shown.width, shown.height), (322, 242));
            assert!(still.as_raw() == &shown.data, "{encoder:?}: frame {frame} is not the screen");
            let inside = |x: u32, y: u32| shown.data[((y * 322 + x) * 3) as usize..][..3] == [0, 0, 0];
            assert!((100..131).all(|y| (40..90).all(|x| inside(x, y))), "the mask is not black");
        }
        let said: Value = serde_json::from_str(&python("lossless_check.py", &[&session])).expect("JSON");
        assert_eq!((&said["pyav"], &said["stills"]), (&0.into(), &stills.len().into()), "{encoder:?}: {said}");
        assert_eq!(said["frames"], found["frames"]);
    }
}

#[test]
fn colours_of_full_size_are_masked_redacted_clipped_and_exported() {
    let dir = tempfile::tempdir().expect("a folder");
    for (encoder, flag, sampling) in encoders().into_iter().flat_map(|encoder| {
        [(encoder.clone(), &["--chroma", "444"][..], Sampling::Yuv444), (encoder, &["--lossless"][..], Sampling::Rgb)]
    }) {
        let name = format!("{}_{sampling:?}", encoder.0.replace(':', "_"));
        let mask = ["--mask", "40,100,50,30"];
        let session = record(dir.path(), &encoder, &name, &[flag, &mask].concat());
        let frames = verified(&session);
        if sampling == Sampling::Yuv444 {
            let stream = probe(&session);
            assert_eq!((&stream["pix_fmt"], &stream["color_space"]), (&"yuv444p".into(), &"bt709".into()), "{stream}");
        }
        let black = Planar::new(sampling, 2, 2);
        let [first, second, third] = [black.planes().0[0], black.planes().1[0], black.planes().2[0]];
        // Not one sample of a colour is left in the middle of a mask. What is lossy rings at its edge.
        let is_black = |picture: &Planar, [x, y, width, height]: [usize; 4]| {
            let stride = picture.width() as usize;
            let (a, b, c) = picture.planes();
            let off = if sampling == Sampling::Rgb { 0 } else { 24 };
            (y..y + height).all(|row| {
                let at = row * stride + x..row * stride + x + width;
                [(a, first), (b, second), (c, third)]
                    .iter()
                    .all(|(plane, black)| plane[at.clone()].iter().all(|sample| sample.abs_diff(*black) <= off))
            })
        };
        let mut old = video(&session);
        for frame in [0, frames as usize - 1] {
            let picture = old.decode(frame).expect("a picture");
            assert_eq!(picture.sampling(), sampling);
            assert!(is_black(&picture, [44, 104, 40, 22]), "{encoder:?} {sampling:?}: frame {frame} is not masked");
        }

        let (code, _, said) = run(program(&encoder)
            .args(["redact", "--mask", "160,60,64,64", "--from", "0.4", "--to", "0.6"])
            .arg(&session));
        assert_eq!(code, 0, "{said}");
        let redacted = dir.path().join(format!("{name}_redacted"));
        assert_eq!(verified(&redacted), frames);
        let mut new = video(&redacted);
        let begin = rows(&session)[0].t_ns;
        let times: Vec<i64> =
            rows(&session).iter().filter(|row| row.event_type == "frame").map(|row| row.t_ns - begin).collect();
        let (mut hidden, mut same) = (0, 0);
        for (frame, t) in times.iter().enumerate() {
            let (was, is) = (old.decode(frame).expect("a picture"), new.decode(frame).expect("a picture"));
            assert_eq!(is.sampling(), sampling);
            if (400_000_000..600_000_000).contains(t) {
                assert!(is_black(&is, [164, 64, 56, 56]), "{encoder:?} {sampling:?}: frame {frame} shows it");
                hidden += 1;
            } else if was == is {
                same += 1;
            }
            if sampling == Sampling::Rgb {
                // What is encoded anew without a loss is what it was, wherever the mask with its border is not.
                let stride = was.width() as usize;
                let far = |plane: &[u8]| plane[..16 * stride].to_vec();
                assert!(far(was.planes().0) == far(is.planes().0), "frame {frame} changed beside the mask");
            }
        }
        assert!(hidden > 0 && same > 0, "{hidden} frames are hidden, {same} are the same");

        let out = dir.path().join(format!("{name}_out"));
        let clips = dir.path().join(format!("{name}_clips"));
        let args = ["export", "clip", "--from", "0.5", "--to", "1.5", "--out"];
        let (code, _, said) = run(watchcap().args(args).arg(&clips).arg(&session));
        assert_eq!(code, 0, "{said}");
        let clip = std::fs::read_dir(&clips).expect("a folder").next().expect("a clip").expect("an entry").path();
        verified(&clip);
        for format in ["video", "frames-json", "lerobot", "webdataset", "mcap", "actions"] {
            let (code, _, said) = run(watchcap().args(["export", format, "--out"]).arg(out.join(format)).arg(&session));
            assert_eq!(code, 0, "{format}: {said}");
            let copies = ["webdataset", "mcap"].contains(&format);
            assert_eq!(said.contains("browsers"), copies, "{format}: {said}");
        }
        let stream = probe_file(&out.join("video").join(format!("{name}.mp4")));
        assert_eq!(
            (&stream["pix_fmt"], &stream["profile"]),
            (&"yuv420p".into(), &"Constrained Baseline".into()),
            "{stream}"
        );
        let (_, said, err) = run(watchcap().args(["replay", "--check", "--json"]).arg(&session));
        let report: Value = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {err}"));
        assert!(report["frames_decoded"].as_u64() > Some(2) && report["not_checked"].is_null(), "{report}");
        let (code, out, said) = run(watchcap().arg("report").arg(&session));
        assert!(code == 0 && said.contains("browsers"), "{said}");
        let page = std::fs::read_to_string(out.trim()).expect("a page");
        assert!(page.contains("4:4:4"), "the page does not say what it has");
    }
}

#[test]
fn a_lossless_recording_that_was_killed_is_sealed() {
    let dir = tempfile::tempdir().expect("a folder");
    for encoder in encoders() {
        let name = encoder.0.replace(':', "_");
        let mut command = program(&encoder);
        command.args([
            "record",
            "--source",
            "synthetic",
            "--size",
            "320x240",
            "--fps",
            "15",
            "--lossless",
            "--session",
        ]);
        command
            .args([&name, "--no-encoder-check", "--encoder", encoder.0, "--duration", "60s", "--out"])
            .arg(dir.path());
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("it starts");
        let session = dir.path().join(&name);
        let until = Instant::now() + Duration::from_mins(1);
        while std::fs::metadata(session.join("log/frames.mp4")).map_or(0, |found| found.len()) < 400_000 {
            assert!(Instant::now() < until, "nothing is recorded");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(1500));
        child.kill().expect("killed");
        child.wait().expect("it ends");
        let (code, _, said) = run(watchcap().arg("finalize").arg(&session));
        assert_eq!(code, 3, "{said}");
        assert!(verified(&session) > 5);
        assert_eq!(video(&session).decode(3).expect("a picture").sampling(), Sampling::Rgb);
    }
}

#[test]
fn who_cannot_make_or_read_them_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let refused = |args: &[&str], code: i32, what: &[&str]| {
        let mut command = watchcap();
        command.args(["record", "--source", "synthetic", "--size", "96x64", "--duration", "1s", "--out"]);
        // Nothing that could encode them is on this machine.
        command.arg(dir.path()).env("WATCHCAP_X264", "/nonexistent/x264").env("WATCHCAP_FFMPEG", "/nonexistent/ffmpeg");
        let (found, _, said) = run(command.args(args));
        assert!(found == code && said.contains("hint: "), "{args:?}: {found}: {said}");
        for what in what {
            assert!(said.contains(what), "{args:?}: '{what}' is not in: {said}");
        }
    };
    refused(&["--lossless", "--encoder", "openh264"], 2, &["openh264 makes 4:2:0, not lossless RGB", "--encoder x264"]);
    refused(&["--chroma", "444", "--encoder", "ffmpeg:libx265"], 2, &["makes 4:2:0, not 4:4:4"]);
    refused(&["--lossless", "--encoder", "x264", "--encoder-fallback", "openh264"], 2, &["openh264 makes 4:2:0"]);
    refused(&["--lossless", "--chroma", "420"], 2, &["4:2:0 loses colours"]);
    refused(&["--lossless", "--bitrate-kbps", "4000"], 2, &["as many bits as they need"]);
    let configured = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(configured.path(), "[record]\nlossless = true\n").expect("a configuration");
    let configured = configured.path().to_str().expect("a path");
    refused(&["--config", configured, "--bitrate-kbps", "4000"], 2, &["as many bits as they need"]);
    refused(&["--chroma", "444", "--codec", "h265"], 1, &["no encoder of this build makes H.265 of 4:4:4"]);
    refused(&["--lossless"], 1, &["cannot be used here", "watchcap doctor"]);
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0, "something was made");

    let session = record(dir.path(), &("ffmpeg:libx264", None), "s", &["--chroma", "444"]);
    let missing = |args: &[&str]| {
        let mut command = watchcap();
        run(command.env("WATCHCAP_FFMPEG", "/nonexistent/ffmpeg").args(args).arg(&session))
    };
    let (code, out, said) = missing(&["verify", "--json"]);
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert!(report["frames_decoded"] == 0 && report["not_checked"].as_str().is_some(), "{report}");
    assert!(said.contains("not checked here") && said.contains("H.264 in 4:4:4"), "{said}");
    assert!(said.contains("install ffmpeg") && !said.contains("damaged"), "{said}");
}
