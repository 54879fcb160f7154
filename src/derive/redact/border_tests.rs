//! Sessions that differ in nothing but what stands under a mask, redacted: what of it is still to be seen, and where.

use std::ops::Range;
use std::path::Path;

use super::border::{grown, to_the_end_of_the_group};
use super::video::rewrite;
use crate::base::id::FrameRef;
use crate::base::time::MonoNs;
use crate::encode::ask::Ask;
use crate::encode::driver::Driver;
use crate::encode::masked::Masked;
use crate::encode::openh264::OpenH264;
use crate::encode::settings::{EncodeSettings, Quality};
use crate::media::frames::FrameReader;
use crate::media::mp4::index::Sample;
use crate::media::picture::{FrameStamp, Planar, Sampling};
use crate::session::metadata::samples::bare;
use crate::session::metadata::{EncoderInfo, MaskInfo, Metadata};

const SIZE: (u32, u32) = (320, 240);
const FPS: u32 = 30;
/// Frames from a keyframe to the next.
const GROUP: u32 = 15;
const QUALITIES: [(&str, Quality); 3] =
    [("fast", Quality::Fast), ("balanced", Quality::Balanced), ("sharp", Quality::Sharp)];

/// A pixel in YUV.
type Pixel = (u8, u8, u8);
/// What is beside the mask: by column, row and frame.
type Back = fn(u32, u32, u32) -> Pixel;
/// What is under it, if anything: by column, row, frame and which secret it is.
type Secret = fn(u32, u32, u32, u64) -> Option<Pixel>;

fn hash(mut v: u64) -> u64 {
    v = v.wrapping_add(0x9e37_79b9_7f4a_7c15);
    v = (v ^ (v >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    v = (v ^ (v >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    v ^ (v >> 31)
}

fn at(x: u32, y: u32) -> u64 {
    u64::from(x) << 32 | u64::from(y)
}

fn flat(_: u32, _: u32, _: u32) -> Pixel {
    (126, 128, 128)
}

fn text(x: u32, y: u32, _: u32) -> Pixel {
    let letter = hash(at(x / 8, y / 14)) % 40;
    let is_ink = x % 8 < 6 && y % 14 < 9 && hash(at(x % 8, y % 14) + 1000 * letter).is_multiple_of(2);
    (if is_ink { 30 } else { 235 }, 128, 128)
}

fn scrolling_text(x: u32, y: u32, n: u32) -> Pixel {
    text(x, y + 3 * n, 0)
}

fn still_noise(x: u32, y: u32, _: u32) -> Pixel {
    let h = hash(at(x, y));
    ((16 + h % 219) as u8, (h >> 8) as u8, (h >> 16) as u8)
}

fn game(x: u32, y: u32, n: u32) -> Pixel {
    let (x, y) = (x + 4 * n, y + n);
    let wave = 100.0 + 50.0 * (f64::from(x) / 17.0).sin() + 40.0 * (f64::from(y) / 11.0).cos();
    (wave as u8 + (hash(at(x / 3, y / 3)) % 21) as u8, (110 + x / 16 % 40) as u8, (120 + y / 16 % 30) as u8)
}

/// As in `tests/attacks/redact_border.sh`: blocks of two pixels in four colours.
#[expect(clippy::unnecessary_wraps, reason = "one of several secrets")]
fn speckles(x: u32, y: u32, _: u32, which: u64) -> Option<Pixel> {
    let colours = [(16, 128, 128), (235, 128, 128), (81, 90, 240), (173, 42, 26)];
    Some(colours[(hash(at(x / 2, y / 2) ^ which << 60) % 4) as usize])
}

#[expect(clippy::unnecessary_wraps, reason = "one of several secrets")]
fn words(x: u32, y: u32, _: u32, which: u64) -> Option<Pixel> {
    Some(text(x + 1000 * which as u32, y, 0))
}

/// The first is as the background is, the second another picture each time.
fn nothing_or_noise(x: u32, y: u32, n: u32, which: u64) -> Option<Pixel> {
    (which > 1).then(|| still_noise(x, y + 1000 * n, 0))
}

struct Scene {
    back: Back,
    secret: Secret,
    mask: MaskInfo,
    quality: Quality,
    frames: u32,
    /// The frames in which there is a secret, which is the span that is redacted.
    shown: Range<u32>,
}

impl Scene {
    fn picture(&self, n: u32, which: u64) -> Planar {
        let mut picture = Planar::yuv420(SIZE.0, SIZE.1);
        let (y, u, v) = picture.planes_mut();
        let MaskInfo { x: left, y: top, width, height } = self.mask;
        for row in 0..SIZE.1 {
            for column in 0..SIZE.0 {
                let is_inside = (left..left + width).contains(&column) && (top..top + height).contains(&row);
                let secret =
                    if is_inside && self.shown.contains(&n) { (self.secret)(column, row, n, which) } else { None };
                let pixel = secret.unwrap_or_else(|| (self.back)(column, row, n));
                y[(row * SIZE.0 + column) as usize] = pixel.0;
                // The pixels of the mask's edge that share their colour with one beside it are the mask's.
                if (column % 2 == 0 && row % 2 == 0) || secret.is_some() {
                    let chroma = (row / 2 * (SIZE.0 / 2) + column / 2) as usize;
                    (u[chroma], v[chroma]) = (pixel.1, pixel.2);
                }
            }
        }
        picture
    }

    fn settings(&self) -> EncodeSettings {
        let (width, height) = SIZE;
        EncodeSettings {
            width,
            height,
            fps: FPS,
            bitrate_kbps: 500,
            gop_ns: 500_000_000,
            quality: self.quality,
            sampling: Sampling::Yuv420,
        }
    }

    /// Records it as the recorder does.
    fn record(&self, path: &Path, which: u64) -> FrameReader {
        let mut encoder = Driver::new(Box::new(OpenH264::new(&self.settings()).expect("an encoder")));
        let (mut bytes, mut samples) = (Vec::new(), Vec::new());
        let mut last: Option<Planar> = None;
        for n in 0..self.frames {
            let t = MonoNs(i64::from(n) * 1_000_000_000 / i64::from(FPS));
            let stamp = FrameStamp { frame_ref: FrameRef(u64::from(n)), t };
            let ask = Ask { stamp, idr: n % GROUP == 0 };
            let picture = self.picture(n, which);
            let masked = Masked::not_captured(picture.clone());
            let is_repeat = last.as_ref() == Some(&picture);
            let made = if is_repeat { encoder.repeat(&masked, ask) } else { encoder.encode(&masked, ask) };
            made.expect("a picture");
            let made = encoder.next_unit().expect("an access unit");
            let (unit, keyframe) = (made.bytes, made.keyframe);
            let (offset, size) = (bytes.len() as u64, unit.len() as u32);
            samples.push(Sample { offset, pts_us: t.0 / 1000, size, keyframe });
            bytes.extend_from_slice(&unit);
            last = Some(picture);
        }
        std::fs::write(path, bytes).expect("a video");
        FrameReader::with_samples(path, samples, encoder.config().clone(), SIZE).expect("a video")
    }
}

fn metadata(settings: &EncodeSettings, quality: &str) -> Metadata {
    let mut metadata = bare("s");
    let entries = [
        ("fps", settings.fps.to_string()),
        ("bitrate_kbps", settings.bitrate_kbps.to_string()),
        ("quality", quality.into()),
    ];
    let settings = entries.map(|(key, value)| (key.to_owned(), value)).into();
    metadata.encoder = Some(EncoderInfo { name: "openh264".into(), settings, extra: serde_json::Map::default() });
    metadata
}

/// Redacts a recording: the new video, and the frames that are masked.
fn redacted(old: &mut FrameReader, scene: &Scene, quality: &str, path: &Path) -> (FrameReader, Range<usize>) {
    let masked = to_the_end_of_the_group(old, scene.shown.start as usize..scene.shown.end as usize);
    let areas = [grown(&scene.mask, SIZE)];
    let metadata = metadata(&scene.settings(), quality);
    rewrite(old, path, &metadata, masked.clone(), &areas, &mut |_| {}).expect("a video");
    (FrameReader::open(path).expect("a video"), masked)
}

/// Samples that differ in two pictures, and by how much at the most.
fn differences(a: &Planar, b: &Planar) -> (u64, u8) {
    let ((ya, ua, va), (yb, ub, vb)) = (a.planes(), b.planes());
    let pairs = ya.iter().zip(yb).chain(ua.iter().zip(ub)).chain(va.iter().zip(vb));
    pairs.map(|(a, b)| a.abs_diff(*b)).filter(|d| *d > 0).fold((0, 0), |(count, most), d| (count + 1, most.max(d)))
}

const MASKS: [(u32, u32, u32, u32); 6] =
    [(101, 51, 33, 21), (17, 33, 120, 90), (0, 0, 64, 48), (255, 180, 65, 60), (151, 111, 5, 5), (1, 100, 318, 3)];

fn mask((x, y, width, height): (u32, u32, u32, u32)) -> MaskInfo {
    MaskInfo { x, y, width, height }
}

/// Two recordings of a scene whose secrets differ, redacted: samples that differ of all masked frames, by how much at the most, and whether the
/// bytes are the same.
fn compared(dir: &Path, scene: &Scene, quality: &str) -> (u64, u8, bool) {
    let made = [1, 2].map(|which| {
        let mut old = scene.record(&dir.join(format!("old{which}")), which);
        redacted(&mut old, scene, quality, &dir.join(format!("new{which}")))
    });
    let [(mut a, masked), (mut b, _)] = made;
    let mut sum = (0, 0, true);
    for frame in masked {
        let (a_picture, b_picture) = (a.decode(frame).expect("a picture"), b.decode(frame).expect("a picture"));
        let (count, most) = differences(&a_picture, &b_picture);
        let is_same = a.access_unit(frame).expect("bytes") == b.access_unit(frame).expect("bytes");
        sum = (sum.0 + count, sum.1.max(most), sum.2 && is_same);
    }
    sum
}

/// Not a test: how much of a secret is left. `cargo test --lib what_is_left -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn what_is_left() {
    let dir = tempfile::tempdir().expect("a folder");
    let backs: [(&str, Back); 5] =
        [("flat", flat), ("text", text), ("noise", still_noise), ("scroll", scrolling_text), ("game", game)];
    let secrets: [(&str, Secret); 3] = [("speckles", speckles), ("words", words), ("noise or none", nothing_or_noise)];
    for (name, back) in backs {
        for (quality_name, quality) in &QUALITIES[..2] {
            for (secret_name, secret) in secrets {
                for area in MASKS {
                    let scene = Scene { back, secret, mask: mask(area), quality: *quality, frames: 24, shown: 3..21 };
                    let (count, most, same) = compared(dir.path(), &scene, quality_name);
                    println!(
                        "{name:7} {quality_name:8} {secret_name:14} {area:?}: {count} by {most}, same bytes {same}"
                    );
                }
            }
        }
    }
}

/// A screen on which nothing is but the secret, as in `tests/attacks/redact_border.sh`: nothing of it is left, to the byte, also where the deblocking
/// filter is on.
///
/// In the upper left corner the secret is what all other macroblocks are predicted from, by as little as the quantiser lets through.
#[test]
fn nothing_tells_two_secrets_on_an_even_screen_apart() {
    let dir = tempfile::tempdir().expect("a folder");
    for (name, quality) in QUALITIES {
        for secret in [speckles as Secret, words] {
            for area in MASKS {
                let scene = Scene { back: flat, secret, mask: mask(area), quality, frames: 18, shown: 0..12 };
                let (count, most, same) = compared(dir.path(), &scene, name);
                if (area.0, area.1) == (0, 0) {
                    assert!(most <= 4, "{name} {area:?}: {count} samples differ by up to {most}");
                } else {
                    assert!(count == 0 && same, "{name} {area:?}: {count} samples differ by up to {most}");
                }
            }
        }
    }
}

/// What is behind the span is predicted from what stood in it.
#[test]
fn the_area_is_black_until_the_group_ends_and_the_next_is_as_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let area = mask((101, 51, 33, 21));
    let scene = Scene { back: game, secret: words, mask: area, quality: Quality::Fast, frames: 32, shown: 18..21 };
    let mut old = scene.record(&dir.path().join("old"), 1);
    let (mut new, masked) = redacted(&mut old, &scene, "fast", &dir.path().join("new"));
    assert_eq!(masked, 18..30, "a group has 15 frames");
    for frame in 0..32 {
        let is_copied = old.access_unit(frame).expect("bytes") == new.access_unit(frame).expect("bytes");
        assert_eq!(is_copied, !(15..30).contains(&frame), "frame {frame}");
        let picture = new.decode(frame).expect("a picture");
        let rows = picture.planes().0.chunks(SIZE.0 as usize).skip(51).take(21);
        let most = rows.flat_map(|row| &row[101..134]).copied().max();
        assert_eq!(most.is_some_and(|most| most < 24), masked.contains(&frame), "frame {frame}: {most:?}");
    }
}
