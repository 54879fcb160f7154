//! The whole road of the video: real access units into boxes, the index behind them, and back through ffprobe, PyAV, the `mp4`
//! and `mp4-atom` crates and our own reader. Here, because only `finalize` stands above both the log and the session.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use mp4_atom::{AvccExt, Codec, Colr, DecodeAtom, Header, ReadAtom, ReadFrom};
use openh264::OpenH264API;
use openh264::encoder::{BitRate, Encoder, EncoderConfig, FrameRate, IntraFramePeriod, Profile, QpRange, VuiConfig};
use openh264::formats::YUVSlices;

use super::*;
use crate::base::file_at::write_all_at;
use crate::base::id::FrameRef;
use crate::base::time::MonoNs;
use crate::media::avc::sets::ParameterSets;
use crate::media::avc::{nal, sei};
use crate::media::frames::{FrameError, FrameReader};
use crate::media::mp4::append::{BoxLayout, VideoWriter};
use crate::media::mp4::index::{IndexError, parse_moov, pts_us};
use crate::media::mp4::{finish, scan};
use crate::media::picture::{FrameStamp, Planar};
use crate::media::syntax::UnitSyntax;

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

/// Frames per keyframe in the test stream.
const GOP: usize = 6;

/// Access units of a moving picture whose brightness tells the frame's number.
struct Stream {
    units: Vec<(Vec<u8>, bool)>,
    sets: ParameterSets,
    config: CodecConfig,
}

/// The luma of frame `index`: far enough from its neighbours' that a decoder cannot mix them up.
fn brightness(index: usize) -> u8 {
    40 + ((index * 37) % 160) as u8
}

fn picture(index: usize) -> Planar {
    let mut picture = Planar::yuv420(WIDTH, HEIGHT);
    let (y, u, v) = picture.planes_mut();
    y.fill(brightness(index));
    for row in 0..8 {
        let at = (row * WIDTH as usize) + index % 50;
        y[at..at + 8].fill(235);
    }
    u.fill(128);
    v.fill(128);
    picture
}

fn stream(frames: usize, profile: Option<Profile>) -> Stream {
    let mut config = EncoderConfig::new()
        .bitrate(BitRate::from_bps(800_000))
        .max_frame_rate(FrameRate::from_hz(30.0))
        .skip_frames(false)
        .qp(QpRange::new(10, 30))
        .intra_frame_period(IntraFramePeriod::from_num_frames(GOP as u32))
        .scene_change_detect(false)
        .vui(VuiConfig::bt709());
    if let Some(profile) = profile {
        config = config.profile(profile);
    }
    let mut encoder = Encoder::with_api_config(OpenH264API::from_source(), config).unwrap();
    let sets = ParameterSets::default();
    let mut stream = Stream { units: Vec::new(), config: CodecConfig::Avc(sets.clone()), sets };
    for index in 0..frames {
        let picture = picture(index);
        let stride = WIDTH as usize;
        let slices = YUVSlices::new(picture.planes(), (stride, HEIGHT as usize), (stride, stride / 2, stride / 2));
        let annex_b = encoder.encode(&slices).unwrap().to_vec();
        let mut unit = Vec::new();
        let stamp = FrameStamp { frame_ref: FrameRef(index as u64), t: time_of(index) };
        sei::push_sei(stamp, &mut unit);
        for nal in nal::annex_b_nals(&annex_b) {
            match nal::nal_type(nal) {
                7 => stream.sets.sps = nal.to_vec(),
                8 => stream.sets.pps = nal.to_vec(),
                _ => nal::push_nal(nal, &mut unit),
            }
        }
        let keyframe = nal::is_idr(&unit);
        stream.units.push((unit, keyframe));
    }
    assert!(stream.units.iter().filter(|(_, keyframe)| *keyframe).count() >= frames / GOP);
    stream.config = CodecConfig::Avc(stream.sets.clone());
    stream
}

/// Uneven capture times, in nanoseconds.
fn time_of(index: usize) -> MonoNs {
    MonoNs(5_000_000_123 + index as i64 * 33_333_333 + (index as i64 * 7_919) % 9_000)
}

struct Made {
    _dir: tempfile::TempDir,
    path: PathBuf,
    samples: Vec<Sample>,
    moov: Vec<u8>,
    layout: BoxLayout,
    data_end: u64,
}

/// The stream in a finished file of boxes of `box_size`.
fn made(stream: &Stream, box_size: u64, surface: (u32, u32)) -> Made {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.mp4");
    let mut writer = VideoWriter::create(&path, box_size).unwrap();
    let mut samples = Vec::new();
    for (index, (unit, keyframe)) in stream.units.iter().enumerate() {
        let extent = writer.append(unit).unwrap();
        let pts_us = pts_us(time_of(index).0, time_of(0).0);
        samples.push(Sample { offset: extent.offset, size: extent.len, pts_us, keyframe: *keyframe });
    }
    let moov = build(&samples, &track(&stream.config, surface)).unwrap();
    let (layout, data_end) = (writer.layout(), writer.len());
    finish::finish(&path, layout, data_end, &moov).unwrap();
    Made { _dir: dir, path, samples, moov, layout, data_end }
}

fn track(config: &CodecConfig, surface: (u32, u32)) -> VideoTrack<'_> {
    VideoTrack { config, coded: (WIDTH, HEIGHT), surface, nominal_frame_us: 33_333, rate: None }
}

fn run(program: &str, args: &[&str]) -> String {
    let output =
        Command::new(program).args(args).output().unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {args:?}: {errors}");
    assert_eq!(errors, "", "{program} {args:?} complained");
    String::from_utf8(output.stdout).unwrap()
}

/// The interpreter with PyAV: `WATCHCAP_PYTHON`, else `.venv` of the project.
fn python() -> String {
    let python = std::env::var("WATCHCAP_PYTHON")
        .unwrap_or_else(|_| format!("{}/../.venv/bin/python", env!("CARGO_MANIFEST_DIR")));
    assert!(Path::new(&python).exists(), "{python} is missing: run scripts/setup.sh or set WATCHCAP_PYTHON");
    python
}

fn ffprobe_packets(path: &Path) -> Vec<(i64, i64, u32, bool)> {
    let entries =
        ["-v", "warning", "-select_streams", "v:0", "-show_entries", "packet=pts,dts,size,flags", "-of", "csv=p=0"];
    let text = run("ffprobe", &[&entries[..], &[path.to_str().unwrap()]].concat());
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |at: usize| fields[at].parse::<i64>().unwrap_or_else(|_| panic!("{line}"));
            (number(0), number(1), number(2) as u32, fields[3].starts_with('K'))
        })
        .collect()
}

fn as_packets(samples: &[Sample]) -> Vec<(i64, i64, u32, bool)> {
    samples.iter().map(|sample| (sample.pts_us, sample.pts_us, sample.size, sample.keyframe)).collect()
}

#[test]
fn pts_rounds_to_the_nearest_microsecond_half_up() {
    let pts = |ns: i64| pts_us(1_000_000 + ns, 1_000_000);
    assert_eq!([pts(0), pts(499), pts(500), pts(1_499), pts(1_500), pts(2_000_499)], [0, 0, 1, 1, 2, 2_000]);
    assert_eq!([pts(-500), pts(-501), pts(-1_500)], [0, -1, -1]);
}

#[test]
#[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
fn ffprobe_sees_every_packet_time_size_and_the_colours() {
    let stream = stream(40, None);
    let made = made(&stream, 1024, (WIDTH, HEIGHT));
    assert!(made.data_end > 4 * 1024, "too few boxes: {}", made.data_end);
    assert_eq!(ffprobe_packets(&made.path), as_packets(&made.samples));
    let entries = "stream=codec_name,width,height,color_range,color_space,color_transfer,color_primaries,time_base,nb_frames,\
                   duration_ts,sample_aspect_ratio,start_pts";
    let text = run(
        "ffprobe",
        &["-v", "warning", "-show_entries", entries, "-of", "default=nw=1", made.path.to_str().unwrap()],
    );
    let last = made.samples[39].pts_us;
    let duration = format!("duration_ts={}", 2 * last - made.samples[38].pts_us);
    for line in [
        "codec_name=h264",
        "width=64",
        "height=48",
        "color_range=tv",
        "color_space=bt709",
        "color_transfer=bt709",
        "color_primaries=bt709",
        "time_base=1/1000000",
        "nb_frames=40",
        "sample_aspect_ratio=1:1",
        "start_pts=0",
        &duration,
    ] {
        assert!(text.lines().any(|found| found == line), "no {line} in:\n{text}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
fn pyav_decodes_frame_i_at_index_i_with_its_time() {
    let stream = stream(40, None);
    let made = made(&stream, 2048, (WIDTH, HEIGHT));
    let script = "import av,sys\nwith av.open(sys.argv[1]) as c:\n  for f in c.decode(video=0):\n    \
                  print(f.pts, f.time_base, f.width, f.height, f.to_ndarray(format='gray')[30,5], int(f.colorspace))";
    let text = run(&python(), &["-c", script, made.path.to_str().unwrap()]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 40);
    let mut reader = FrameReader::open(&made.path).unwrap();
    for (index, line) in lines.iter().enumerate() {
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!(
            fields[..4],
            [made.samples[index].pts_us.to_string().as_str(), "1/1000000", "64", "48"],
            "frame {index}"
        );
        assert_eq!(fields[5], "1", "BT.709");
        // Gray in ffmpeg is full range: (y - 16) * 255 / 219.
        let ours = reader.rgb(index).unwrap();
        let ours = ours.data[(30 * WIDTH as usize + 5) * 3];
        let theirs: u8 = fields[4].parse().unwrap();
        assert!(theirs.abs_diff(ours) <= 2, "frame {index}: PyAV {theirs}, ours {ours}");
    }
}

#[test]
fn the_mp4_crates_read_the_same_samples() {
    let stream = stream(25, Some(Profile::High));
    let made = made(&stream, 4096, (WIDTH, HEIGHT));
    let file = File::open(&made.path).unwrap();
    let len = file.metadata().unwrap().len();
    let mut reader = mp4::Mp4Reader::read_header(BufReader::new(file), len).unwrap();
    assert_eq!(reader.sample_count(1).unwrap(), 25);
    for (index, sample) in made.samples.iter().enumerate() {
        let read = reader.read_sample(1, index as u32 + 1).unwrap().unwrap();
        assert_eq!(read.bytes, stream.units[index].0);
        assert_eq!((read.start_time as i64, read.rendering_offset, read.is_sync), (sample.pts_us, 0, sample.keyframe));
    }
    assert_eq!(reader.moov.mvhd.next_track_id, 2);
    assert_eq!(reader.tracks()[&1].language(), "und");

    let mut file = File::open(&made.path).unwrap();
    file.seek(SeekFrom::Start(made.data_end)).unwrap();
    let header = Header::read_from(&mut file).unwrap();
    let moov = mp4_atom::Moov::read_atom(&header, &mut file).unwrap();
    let stbl = &moov.trak[0].mdia.minf.stbl;
    let Codec::Avc1(avc1) = &stbl.stsd.codecs[0] else { panic!("{:?}", stbl.stsd) };
    assert_eq!(avc1.avcc.avc_profile_indication, 100);
    assert_eq!(avc1.avcc.ext, Some(AvccExt::default()), "the High profile needs its part of avcC");
    assert_eq!(avc1.avcc.sequence_parameter_sets, std::slice::from_ref(&stream.sets.sps));
    assert!(matches!(
        avc1.colr,
        Some(Colr::Nclx {
            colour_primaries: 1,
            transfer_characteristics: 1,
            matrix_coefficients: 1,
            full_range_flag: false
        })
    ));
    assert_eq!((moov.mvhd.creation_time, moov.trak[0].mdia.mdhd.creation_time), (0, 0));
    assert!(moov.trak[0].edts.is_none() && stbl.ctts.is_none() && stbl.co64.is_none());
}

#[test]
fn random_access_equals_sequential_and_a_step_costs_one_frame() {
    let stream = stream(40, None);
    let made = made(&stream, 4096, (WIDTH, HEIGHT));
    let mut sequential = FrameReader::open(&made.path).unwrap();
    let pictures: Vec<_> = (0..40).map(|index| sequential.decode(index).unwrap()).collect();
    assert_eq!(sequential.decoded(), 40, "sequential reading decodes each frame once");
    for (index, picture) in pictures.iter().enumerate() {
        let found = picture.planes().0[30 * WIDTH as usize + 5];
        assert!(found.abs_diff(brightness(index)) <= 6, "frame {index}: {found} for {}", brightness(index));
    }
    for seed in 0..60_usize {
        let index = (seed * 7_907 + 13) % 40;
        let mut fresh = FrameReader::open(&made.path).unwrap();
        assert!(fresh.decode(index).unwrap() == pictures[index], "frame {index} alone");
        assert_eq!(fresh.decoded() as usize, index % GOP + 1);
    }
    let mut jumping = FrameReader::open(&made.path).unwrap();
    jumping.cache_for_test(2);
    for seed in 0..200_usize {
        let index = (seed * 7_907 + 13) % 40;
        assert!(jumping.decode(index).unwrap() == pictures[index], "frame {index} after a jump");
    }

    // Back inside a group: from the cache. Forward again: nothing to do either.
    let mut stepping = FrameReader::open(&made.path).unwrap();
    stepping.decode(GOP * 4 - 1).unwrap();
    let spent = stepping.decoded();
    for index in (GOP * 3..GOP * 4).rev().chain(GOP * 3..GOP * 4) {
        assert!(stepping.decode(index).unwrap() == pictures[index]);
    }
    assert_eq!(stepping.decoded(), spent);
    stepping.decode(GOP * 4).unwrap();
    assert_eq!(stepping.decoded(), spent + 1);
    assert!(matches!(stepping.decode(40), Err(FrameError::OutOfRange { frame: 40, len: 40 })));
    assert_eq!(stepping.keyframe_before(GOP + 1), Some(GOP));
    assert_eq!(stepping.frame_at(made.samples[7].pts_us), Some(7));
    assert_eq!(stepping.frame_at(made.samples[7].pts_us - 1), Some(6));
    assert_eq!(stepping.frame_at(-1), None);
}

#[test]
fn a_log_without_an_index_reads_alike_and_grows() {
    let stream = stream(20, None);
    let made = made(&stream, 4096, (WIDTH, HEIGHT));
    let mut sealed = FrameReader::open(&made.path).unwrap();
    assert_eq!(sealed.index().samples, made.samples);
    let (first, second) = made.samples.split_at(11);
    let mut open =
        FrameReader::with_samples(&made.path, first.to_vec(), stream.config.clone(), (WIDTH, HEIGHT)).unwrap();
    assert!(matches!(open.decode(11), Err(FrameError::OutOfRange { .. })));
    open.extend(second.to_vec()).unwrap();
    for index in [19, 3, 12, 11, 0] {
        assert!(open.decode(index).unwrap() == sealed.decode(index).unwrap(), "frame {index}");
        assert_eq!(open.access_unit(index).unwrap(), &stream.units[index].0[..]);
        assert_eq!(open.is_keyframe(index), Some(index % GOP == 0));
    }
    assert!(open.extend(vec![made.samples[19]]).is_err(), "a frame that is not later was taken");
    let beyond = Sample { offset: 1 << 40, size: 10, pts_us: i64::MAX, keyframe: false };
    assert!(open.extend(vec![beyond]).is_err(), "a frame past the end was taken");
    assert_eq!(open.len(), 20);
}

#[test]
#[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
fn an_odd_surface_is_cut_out_of_the_coded_picture() {
    let stream = stream(3, None);
    let made = made(&stream, 4096, (WIDTH - 1, HEIGHT - 1));
    let mut reader = FrameReader::open(&made.path).unwrap();
    assert_eq!((reader.surface(), reader.index().coded), ((63, 47), (64, 48)));
    let rgb = reader.rgb(1).unwrap();
    assert_eq!((rgb.width, rgb.height, rgb.data.len()), (63, 47, 63 * 47 * 3));
    let small = reader.rgb_scaled(1, (16, 12)).unwrap();
    assert_eq!((small.width, small.height), (16, 12));
    let text = run(
        "ffprobe",
        &[
            "-v",
            "warning",
            "-show_entries",
            "stream=width,height,sample_aspect_ratio",
            "-of",
            "csv=p=0",
            made.path.to_str().unwrap(),
        ],
    );
    assert_eq!(text.trim(), "64,48,1:1", "decoders give the coded picture, of square pixels");
}

#[test]
fn a_damaged_access_unit_costs_its_group_from_there_and_nothing_else() {
    let stream = stream(24, None);
    let made = made(&stream, 4096, (WIDTH, HEIGHT));
    let mut whole = FrameReader::open(&made.path).unwrap();
    let whole: Vec<_> = (0..24).map(|index| whole.decode(index).unwrap()).collect();
    let bad = GOP + 2;
    let file = File::options().write(true).open(&made.path).unwrap();
    // The slice's length becomes wrong, which is found before the decoder is asked.
    let sei = 4 + u64::from(u32::from_be_bytes(stream.units[bad].0[..4].try_into().unwrap()));
    write_all_at(&file, &[0, 9, 9, 9], made.samples[bad].offset + sei).unwrap();
    let mut reader = FrameReader::open(&made.path).unwrap();
    for _round in 0..2 {
        for (index, wanted) in whole.iter().enumerate() {
            let result = reader.decode(index);
            if (bad..GOP * 2).contains(&index) {
                let error = result.err().unwrap();
                assert!(
                    matches!(error, FrameError::Damaged { frame, damaged, .. } if frame == index && damaged == bad),
                    "{error}"
                );
            } else {
                assert!(result.unwrap() == *wanted, "frame {index}");
            }
        }
    }

    // A slice that is noise: whatever the decoder makes of it, the other groups are as they were.
    let noise: Vec<u8> = (0..stream.units[0].0.len() - 60).map(|at| (at * 151 % 256) as u8).collect();
    write_all_at(&file, &noise, made.samples[0].offset + 55).unwrap();
    let mut reader = FrameReader::open(&made.path).unwrap();
    let first = reader.decode(0);
    assert!(first.is_err(), "noise in an IDR slice was decoded");
    for (index, wanted) in whole.iter().enumerate().skip(GOP * 2) {
        assert!(reader.decode(index).unwrap() == *wanted);
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs ffmpeg, ffprobe and PyAV, which the scripts install on Linux alone")]
fn offsets_beyond_4_gib_and_times_beyond_71_minutes() {
    let stream = stream(12, None);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("frames.mp4");
    // Sparse: boxes that nothing was written to but their headers.
    let layout = BoxLayout::new(256 << 20).unwrap();
    let mut writer = VideoWriter::create(&path, layout.box_size()).unwrap();
    let mut samples = Vec::new();
    for (unit, keyframe) in &stream.units[..6] {
        let extent = writer.append(unit).unwrap();
        let pts_us = samples.len() as i64 * 33_333;
        samples.push(Sample { offset: extent.offset, size: extent.len, pts_us, keyframe: *keyframe });
    }
    let file = writer.sync_handle().unwrap();
    let boxes_between = 17;
    for index in 1..=boxes_between {
        write_all_at(&file, &layout.declared_header(), layout.start(index)).unwrap();
    }
    let mut at = layout.start(boxes_between) + 8;
    assert!(at > 1 << 32);
    for (index, (unit, keyframe)) in stream.units[6..].iter().enumerate() {
        write_all_at(&file, unit, at).unwrap();
        // The longest gap that can be, then on beyond 32 bits.
        let pts_us = 5 * 33_333 + MAX_GAP_US + index as i64 * 40_000_000;
        samples.push(Sample { offset: at, size: unit.len() as u32, pts_us, keyframe: *keyframe });
        at += unit.len() as u64;
    }
    assert!(samples[6].pts_us - samples[5].pts_us == MAX_GAP_US && samples[11].pts_us > i64::from(u32::MAX));
    let moov = build(&samples, &track(&stream.config, (WIDTH, HEIGHT))).unwrap();
    finish::finish(&path, layout, at, &moov).unwrap();

    assert_eq!(ffprobe_packets(&path), as_packets(&samples));
    let script = "import av,sys\nwith av.open(sys.argv[1]) as c:\n  print([f.pts for f in c.decode(video=0)])";
    let times: Vec<i64> = samples.iter().map(|sample| sample.pts_us).collect();
    assert_eq!(run(&python(), &["-c", script, path.to_str().unwrap()]).trim(), format!("{times:?}"));
    let file = File::open(&path).unwrap();
    let len = file.metadata().unwrap().len();
    let mut reader = mp4::Mp4Reader::read_header(BufReader::new(file), len).unwrap();
    assert_eq!(
        (reader.moov.mvhd.version, reader.moov.traks[0].tkhd.version, reader.moov.traks[0].mdia.mdhd.version),
        (1, 1, 1)
    );
    let co64 = reader.moov.traks[0].mdia.minf.stbl.co64.clone();
    // The first six touch; the others lie more than a second apart.
    let chunks: Vec<u64> = [&samples[..1], &samples[6..]].concat().iter().map(|sample| sample.offset).collect();
    assert_eq!(co64.map(|table| table.entries), Some(chunks));
    let last = reader.read_sample(1, 12).unwrap().unwrap();
    assert_eq!((&last.bytes[..], last.start_time as i64), (&stream.units[11].0[..], samples[11].pts_us));
    let mut ours = FrameReader::open(&path).unwrap();
    assert_eq!(ours.index().samples, samples);
    let found = ours.decode(10).unwrap().planes().0[30 * WIDTH as usize + 5];
    assert!(found.abs_diff(brightness(10)) <= 6, "{found}");
}

#[test]
fn salvage_finds_the_frames_and_their_times_without_any_index() {
    let stream = stream(30, None);
    let made = made(&stream, 2048, (WIDTH, HEIGHT));
    let mut found = Vec::new();
    let range = 0..finish::data_len(&made.path, made.layout).unwrap();
    scan::scan(&made.path, made.layout, &range, UnitSyntax::Avc, &mut sei::parse_sei_nal, &mut |units| {
        found.extend(units);
    })
    .unwrap();
    assert_eq!(found.len(), 30);
    for (index, (unit, sample)) in found.iter().zip(&made.samples).enumerate() {
        assert_eq!((unit.offset, unit.len, unit.keyframe), (sample.offset, sample.size, sample.keyframe));
        assert_eq!(unit.stamp, FrameStamp { frame_ref: FrameRef(index as u64), t: time_of(index) });
    }
}

#[test]
fn what_an_index_cannot_say_is_refused() {
    let stream = stream(1, None);
    let track = track(&stream.config, (WIDTH, HEIGHT));
    let at = |pts_us| Sample { offset: 40, size: 10, pts_us, keyframe: true };
    assert!(matches!(build(&[at(1)], &track), Err(MoovError::Start { pts_us: 1, .. })));
    let inter = Sample { keyframe: false, ..at(0) };
    assert!(matches!(build(&[inter], &track), Err(MoovError::Start { keyframe: false, .. })));
    assert!(matches!(build(&[at(0), at(0)], &track), Err(MoovError::Gap { frame: 1, gap_us: 0 })));
    assert!(matches!(build(&[at(0), at(MAX_GAP_US + 1)], &track), Err(MoovError::Gap { frame: 1, .. })));
    assert!(build(&[at(0), at(MAX_GAP_US)], &track).is_ok());
    assert!(matches!(build(&[Sample { size: 0, ..at(0) }], &track), Err(MoovError::Empty { frame: 0 })));
    let wrong = VideoTrack { surface: (WIDTH - 2, HEIGHT), ..track.clone() };
    assert!(matches!(build(&[at(0)], &wrong), Err(MoovError::Size { .. })));
    let none = CodecConfig::Avc(ParameterSets::default());
    assert!(matches!(build(&[at(0)], &VideoTrack { config: &none, ..track.clone() }), Err(MoovError::Sets { .. })));

    let empty = parse_moov(&build(&[], &track).unwrap()[8..], 1_000).unwrap();
    assert_eq!(empty.samples, []);
    let one = mp4_duration(&build(&[at(0)], &track).unwrap());
    assert_eq!(one, 33_333);
}

#[test]
fn a_constant_rate_is_exact_over_an_hour() {
    let stream = stream(1, None);
    for rate in [1, 20, 24, 25, 30, 50, 60, 144, 240] {
        let track = VideoTrack { rate: Some(rate), ..track(&stream.config, (WIDTH, HEIGHT)) };
        let frames = u64::from(rate) * 3600 + 1;
        let at = |n| Sample { offset: 40 + n, size: 1, pts_us: constant_pts_us(n, rate), keyframe: n % 30 == 0 };
        let samples: Vec<Sample> = (0..frames).map(at).collect();
        let moov = build(&samples, &track).unwrap();
        let mut bytes = &moov[..];
        let moov = mp4_atom::Moov::decode_atom(&Header::read_from(&mut bytes).unwrap(), &mut bytes).unwrap();
        let mdia = &moov.trak[0].mdia;
        let runs: Vec<_> =
            mdia.minf.stbl.stts.entries.iter().map(|run| (u64::from(run.sample_count), run.sample_delta)).collect();
        assert_eq!((mdia.mdhd.timescale, runs), (rate * FRAME_TICKS, vec![(frames, FRAME_TICKS)]), "{rate}");
        assert_eq!(mdia.mdhd.duration, frames * u64::from(FRAME_TICKS));
    }
    // A frame that is somewhere else is no frame of that rate.
    let track = VideoTrack { rate: Some(30), ..track(&stream.config, (WIDTH, HEIGHT)) };
    let at = |pts_us| Sample { offset: 40, size: 10, pts_us, keyframe: true };
    assert!(build(&[at(0), at(33_333), at(66_666)], &track).is_ok());
    let error = build(&[at(0), at(33_333), at(66_667)], &track);
    assert!(matches!(error, Err(MoovError::Rate { frame: 2, pts_us: 66_667, rate: 30 })));
}

fn mp4_duration(moov: &[u8]) -> u64 {
    let mut bytes = moov;
    mp4_atom::Moov::decode_atom(&Header::read_from(&mut bytes).unwrap(), &mut bytes).unwrap().mvhd.duration
}

#[test]
fn chunks_are_runs_that_touch_within_a_second() {
    let at = |offset, pts_us| Sample { offset, size: 10, pts_us, keyframe: true };
    let samples =
        [at(40, 0), at(50, 500_000), at(60, 999_999), at(70, 1_000_000), at(90, 1_100_000), at(100, 1_200_000)];
    let lengths: Vec<usize> = chunks(&samples).map(<[Sample]>::len).collect();
    assert_eq!(lengths, [3, 1, 2]);
}

#[test]
fn eight_hours_at_60_fps_are_indexed_in_time() {
    let stream = stream(1, None);
    let frames = 8 * 3600 * 60;
    let mut samples = Vec::with_capacity(frames);
    let (mut offset, mut pts_us) = (40, 0);
    for index in 0..frames as u64 {
        // Real capture: no two neighbouring durations are the same.
        let size = 10_000 + (index % 977) as u32;
        samples.push(Sample { offset, size, pts_us, keyframe: index % 30 == 0 });
        offset += u64::from(size);
        pts_us += 16_667 + (index % 5) as i64 - 2;
    }
    let clock = crate::base::time::SystemClock;
    let begin = crate::base::time::Clock::now(&clock);
    let moov = build(&samples, &track(&stream.config, (WIDTH, HEIGHT))).unwrap();
    let built = crate::base::time::Clock::now(&clock);
    let index = parse_moov(&moov[8..], offset).unwrap();
    let read = crate::base::time::Clock::now(&clock);
    assert!(index.samples == samples, "the samples read back differ");
    println!(
        "{} samples: {} MB built in {:?}, read in {:?}",
        frames,
        moov.len() / 1_000_000,
        built.since(begin),
        read.since(built)
    );
    // The bound is for an unoptimised build on a busy machine; a release build takes a tenth of it.
    assert!(built.since(begin).as_secs_f64() < 10.0 && read.since(built).as_secs_f64() < 10.0);
}

/// A small generator that is the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound as u64) as usize
    }
}

#[test]
fn mutated_indexes_are_answered() {
    let stream = stream(20, None);
    let made = made(&stream, 2048, (WIDTH, HEIGHT));
    let contents = &made.moov[8..];
    let mut random = Random(42);
    let (mut refused, mut read) = (0, 0);
    for _ in 0..6_000 {
        let mut bytes = contents.to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            bytes[at] = match random.below(4) {
                0 => 0xff,
                1 => 0,
                2 => bytes[at] ^ 1 << random.below(8),
                _ => random.below(256) as u8,
            };
        }
        if random.below(4) == 0 {
            bytes.truncate(random.below(bytes.len()));
        }
        match parse_moov(&bytes, made.data_end) {
            Ok(index) => {
                read += 1;
                assert!(index.samples.iter().all(|sample| sample.offset + u64::from(sample.size) <= made.data_end));
                assert!(index.samples.windows(2).all(|pair| pair[0].pts_us < pair[1].pts_us));
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 2_000 && read > 500, "{refused} refused, {read} read: the mutations are not what they should be");
}

#[test]
fn mutated_and_cut_files_are_answered() {
    let stream = stream(14, None);
    let made = made(&stream, 2048, (WIDTH, HEIGHT));
    let whole = std::fs::read(&made.path).unwrap();
    let mut random = Random(7);
    let (mut refused, mut damaged, mut decoded) = (0, 0, 0);
    for _ in 0..1_500 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(5) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        if random.below(8) == 0 {
            bytes.truncate(random.below(bytes.len()));
        }
        std::fs::write(&made.path, &bytes).unwrap();
        match FrameReader::open(&made.path) {
            Ok(mut reader) => {
                for _ in 0..3 {
                    match reader.rgb_scaled(random.below(reader.len().max(1)), (8, 6)) {
                        Ok(_) => decoded += 1,
                        Err(_) => damaged += 1,
                    }
                }
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 100 && damaged > 50 && decoded > 500, "{refused} refused, {damaged} damaged, {decoded} decoded");
}

#[test]
fn sizes_that_a_file_only_claims_are_not_allocated() {
    let stream = stream(2, None);
    let made = made(&stream, 2048, (WIDTH, HEIGHT));
    let bytes = std::fs::read(&made.path).unwrap();
    let opened = |bytes: &[u8]| {
        std::fs::write(&made.path, bytes).unwrap();
        match FrameReader::open(&made.path) {
            Err(FrameError::Index { source, .. }) => source,
            other => panic!("{other:?}"),
        }
    };
    // The log's file: no index yet, and the last box reaches past the end.
    let mut log = bytes[..made.data_end as usize].to_vec();
    assert!(matches!(opened(&log), IndexError::NoIndex));
    log[32..36].copy_from_slice(&(64_u32 << 20).to_be_bytes());
    assert!(matches!(opened(&log), IndexError::Malformed { .. }));
    // A moov that claims more than the file has, in 32 and in 64 bits; one that claims nothing.
    for claim in [u32::MAX, 1, 7] {
        let mut claimed = bytes.clone();
        claimed[made.data_end as usize..made.data_end as usize + 4].copy_from_slice(&claim.to_be_bytes());
        assert!(matches!(opened(&claimed), IndexError::Malformed { .. }), "{claim}");
    }
    // A constant sample size with four billion samples, which takes no room in the file.
    let at = bytes.windows(4).rposition(|four| four == b"stsz").unwrap();
    let mut many = bytes.clone();
    many[at + 8..at + 16].copy_from_slice(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
    assert!(matches!(opened(&many), IndexError::Limit { what: "the number of frames", .. }));
    // A sparse file whose moov is a terabyte.
    std::fs::write(&made.path, [&[0, 0, 0, 1][..], b"moov", &(1_u64 << 40).to_be_bytes()].concat()).unwrap();
    File::options().write(true).open(&made.path).unwrap().set_len(1 << 40).unwrap();
    let file = File::open(&made.path).unwrap();
    assert!(matches!(crate::media::mp4::index::read_index(&file), Err(IndexError::Limit { .. })));
    // Of which a reader opens nothing, since it is a hole, where holes are told.
    let opened = FrameReader::open(&made.path);
    assert!(if cfg!(unix) { matches!(opened, Err(FrameError::Open { .. })) } else { opened.is_err() });
}
