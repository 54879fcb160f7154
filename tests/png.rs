//! PNG pictures beside the video: of the frames that they are named by, to the pixel, masked as the video, through kills and redactions.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use watchcap::capture::synthetic::Barcode;
use watchcap::media::frames::FrameReader;
use watchcap::session::{layout, seal};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateGCAux, CreateWindowAux, ImageFormat, PropMode, Window, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use crate::control::{Hand, controlled, metadata, rows, verb, wait_running};
use crate::support::{Display, Running, run, synthetic, watchcap};

/// A picture in RGB.
struct Picture {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl Picture {
    fn read(path: &Path) -> Self {
        let picture = image::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).into_rgb8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Self { width, height, data: picture.into_raw() }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        [self.data[start], self.data[start + 1], self.data[start + 2]]
    }

    fn number(&self) -> Option<u32> {
        Barcode::of_width(self.width as u32).read(|x, y| self.at(x, y)[1])
    }
}

/// The frames of which a session has pictures, by its metadata.
fn told(session: &Path) -> Vec<u64> {
    let list = &metadata(session)["streams"]["screen"]["settings"]["png"]["pictures"];
    list.as_array().expect("a list").iter().map(|frame| frame.as_u64().expect("a number")).collect()
}

fn path_of(session: &Path, frame: u64) -> PathBuf {
    session.join(format!("debug/frame_{frame:010}.png"))
}

fn there(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
    let mut names: Vec<String> = names.filter(|name| layout::debug_frame_of(name).is_some()).collect();
    names.sort();
    names
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

fn ok(args: &[&str]) -> (String, String) {
    let (code, out, err) = run(watchcap().args(args));
    assert_eq!(code, 0, "{args:?}: {out}{err}");
    (out, err)
}

/// What `verify` finds first; none when it finds nothing.
fn fault(session: &Path) -> Option<(String, String)> {
    let (code, out, err) = run(watchcap().args(["verify", "--json"]).arg(session));
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    let problems = report["problems"].as_array().expect("a list");
    assert_eq!(code, i32::from(!problems.is_empty()), "{out}");
    let word = |key: &str| Some(problems.first()?[key].as_str()?.to_owned());
    word("kind").zip(word("file"))
}

/// Makes the seal anew, so that the hashes are those of what is there.
fn reseal(session: &Path) {
    std::fs::remove_file(session.join("integrity.sha256")).expect("a seal");
    seal::seal(session, &[], &mut |_| {}).expect("a seal");
}

/// Each picture has the number of the frame that it is named by.
fn assert_of_their_frames(session: &Path) {
    let mut video = FrameReader::open(&session.join("frames.mp4")).expect("the video");
    let told = told(session);
    let named: Vec<_> = told.iter().map(|frame| format!("frame_{frame:010}.png")).collect();
    assert_eq!(there(&session.join("debug")), named);
    for frame in told {
        let shown = video.rgb(frame as usize).expect("a picture");
        let (width, height) = (shown.width as usize, shown.height as usize);
        let shown = Picture { width, height, data: shown.data.clone() };
        let picture = Picture::read(&path_of(session, frame));
        assert_eq!((picture.width, picture.height), (width, height));
        let number = picture.number().expect("a number");
        assert_eq!(shown.number(), Some(number), "the picture of frame {frame} is of another");
    }
}

#[test]
fn bursts_are_of_their_frames_and_verify_misses_no_change() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--png-burst", "every=700ms,frames=2", "--png-on", "click,key"]);
    assert_eq!(fault(&session), None);
    assert_of_their_frames(&session);
    let told = told(&session);
    let png = &metadata(&session)["streams"]["screen"]["settings"]["png"];
    assert_eq!(
        (&png["every_s"], &png["frames"], &png["on"]),
        (&0.7.into(), &2.into(), &serde_json::json!(["key", "click"]))
    );
    // The first burst is of the first two frames; each of the others is at least one picture.
    assert!(told.starts_with(&[0]) && told.len() >= 3, "{told:?}");
    let presses = rows(&session)
        .into_iter()
        .filter(|row| matches!(row.event_type.as_str(), "key_down" | "mouse_click") && row.pressed == Some(true))
        .filter(|row| row.repeat != Some(true) && row.metadata.get("held").is_none());
    let skipped = png["skipped"].as_u64().expect("a number");
    for press in presses {
        // The frame behind it, or one of the next few: the press is heard of while the next frame is looked at.
        let before = press.frame_ref.map_or(0, |frame| frame as u64 + 1);
        let is_there = told.iter().any(|frame| (before..before + 10).contains(frame));
        let at_the_end = before + 10 >= metadata(&session)["frames"].as_u64().expect("frames");
        assert!(is_there || skipped > 0 || at_the_end, "no picture behind frame {before}: {told:?}");
    }
    let (out, _) = ok(&["info", text(&session)]);
    assert!(out.contains(&format!("png       {} picture", told.len())), "{out}");

    // Every change is found by the seal, and what the seal does not tell by what the metadata tell.
    let second = path_of(&session, told[1]);
    let bytes = std::fs::read(&second).expect("a picture");
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 4;
    std::fs::write(&second, &changed).expect("a file");
    let name = format!("debug/frame_{:010}.png", told[1]);
    assert_eq!(fault(&session), Some(("changed_file".into(), name.clone())));
    reseal(&session);
    assert_eq!(fault(&session), Some(("png".into(), name.clone())), "it does not decode");
    std::fs::remove_file(&second).expect("a file");
    reseal(&session);
    assert_eq!(fault(&session), Some(("png".into(), name.clone())), "it is missing");
    std::fs::write(&second, &bytes).expect("a file");
    let more = path_of(&session, 999);
    std::fs::write(&more, &bytes).expect("a file");
    assert_eq!(fault(&session).map(|(kind, _)| kind), Some("extra_file".into()));
    reseal(&session);
    assert_eq!(fault(&session), Some(("png".into(), "debug/frame_0000000999.png".into())), "nobody told of it");
    std::fs::remove_file(&more).expect("a file");
    image::RgbImage::new(16, 16).save(&second).expect("a picture");
    reseal(&session);
    assert_eq!(fault(&session), Some(("png".into(), name)), "it has another size");
    std::fs::write(&second, &bytes).expect("a file");
    reseal(&session);
    assert_eq!(fault(&session), None);
}

#[test]
fn a_recording_without_them_says_nothing_of_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &[]);
    assert!(!session.join("debug").exists());
    assert_eq!(metadata(&session)["streams"]["screen"]["settings"].get("png"), None);
    for (args, said) in [
        (["--png-burst", "every=0s"], "more than nothing"),
        (["--png-burst", "frames=0"], "use 1 to 1000"),
        (["--png-on", "wheel"], "possible values: click, key"),
    ] {
        let (code, _, err) = run(watchcap().args(["record", "--source", "synthetic"]).args(args));
        assert!(code == 2 && err.contains(said), "{args:?}: {err}");
    }
    let without = ["record", "--source", "synthetic", "--consent", "screen", "--png-on", "click"];
    let (code, _, err) = run(watchcap().args(without).arg("--out").arg(dir.path()));
    assert!(code == 2 && err.contains("no input is recorded"), "{err}");
}

/// Fills a window with noise that no two pixels share, and returns when the server has it.
fn noisy(hand: &Hand, class: &str, (x, y, width, height): (i16, i16, u16, u16), seed: u32) -> Window {
    let (conn, root) = (&hand.conn, hand.root);
    let id = conn.generate_id().expect("an id");
    let aux = CreateWindowAux::new().override_redirect(1);
    let kind = WindowClass::INPUT_OUTPUT;
    conn.create_window(0, id, root, x, y, width, height, 0, kind, 0, &aux).expect("a window");
    let class = format!("{class}\0{class}\0");
    conn.change_property8(PropMode::REPLACE, id, AtomEnum::WM_CLASS, AtomEnum::STRING, class.as_bytes())
        .expect("a class");
    conn.map_window(id).expect("a window").check().expect("a window");
    let gc = conn.generate_id().expect("an id");
    conn.create_gc(gc, id, &CreateGCAux::new()).expect("a context");
    let mut state = seed;
    let noise: Vec<u8> = (0..usize::from(width) * usize::from(height) * 4)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let row = usize::from(width) * 4;
    for (at, band) in noise.chunks(row * 16).enumerate() {
        let rows = (band.len() / row) as u16;
        conn.put_image(ImageFormat::Z_PIXMAP, id, gc, width, rows, 0, at as i16 * 16, 0, 24, band).expect("an image");
    }
    conn.get_input_focus().expect("a question").reply().expect("an answer");
    id
}

/// What the server shows, in RGB, without a loss.
fn grabbed(hand: &Hand, width: u16, height: u16) -> Picture {
    let image = hand.conn.get_image(ImageFormat::Z_PIXMAP, hand.root, 0, 0, width, height, !0).expect("an image");
    let pixels = image.reply().expect("an image").data;
    let data = pixels.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    Picture { width: usize::from(width), height: usize::from(height), data }
}

#[test]
fn pixels_are_those_of_the_screen_and_what_is_masked_is_black() {
    let (dir, display) = (tempfile::tempdir().expect("a folder"), Display::start(322, 241));
    let dir = dir.path();
    let hand = Hand::new(&display);
    noisy(&hand, "desk", (0, 0, 322, 241), 1);
    noisy(&hand, "secretive", (201, 33, 61, 47), 2);
    let mut command = controlled(dir);
    command.args(["record", "--consent", "screen,input", "--session", "s", "--fps", "10", "--cursor", "off"]);
    command.args(["--mask", "7,150,51,21", "--exclude-app", "secretive", "--png-burst", "frames=2", "--out"]);
    command.arg(dir).env("DISPLAY", &display.name).stdout(Stdio::null()).stderr(Stdio::null());
    let recorder = Running(command.spawn().expect("the program"));
    wait_running(dir, 1);
    // The screen stands: a mark takes one picture, of a frame that shows nothing new.
    verb(dir, &["mark", "--png", "here"], 0);
    let shown = grabbed(&hand, 322, 241);
    let session = dir.join("s");
    let began = Instant::now();
    while there(&session.join("log/debug")).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "there is no picture");
        std::thread::sleep(Duration::from_millis(20));
    }
    verb(dir, &["pause"], 0);
    let (_, err) = verb(dir, &["mark", "--png"], 1);
    assert!(err.contains("no picture is taken in a pause"), "{err}");
    verb(dir, &["stop"], 0);
    let code = recorder.wait();
    assert!(code == 0 || code == 3, "{code}");
    assert_eq!(fault(&session), None);
    let told = told(&session);
    assert_eq!(told.len(), 1, "{told:?}");
    let picture = Picture::read(&path_of(&session, told[0]));
    assert_eq!((picture.width, picture.height), (322, 241), "the surface, and not the picture of the video");
    // Areas grow to even pixels, as in the video.
    let black = [(6, 150, 58, 172), (200, 32, 262, 80)];
    let mut masked = 0;
    for y in 0..241 {
        for x in 0..322 {
            let is_masked = black
                .iter()
                .any(|(left, top, right, bottom)| (*left..*right).contains(&x) && (*top..*bottom).contains(&y));
            let expected = if is_masked { [0; 3] } else { shown.at(x, y) };
            masked += usize::from(is_masked);
            assert_eq!(picture.at(x, y), expected, "at {x},{y}");
        }
    }
    assert_eq!(masked, 52 * 22 + 62 * 48);
    let marks: Vec<_> = rows(&session).into_iter().filter(|row| row.event_type == "mark").collect();
    assert_eq!(marks.len(), 1, "the one in the pause was refused");
    assert!(
        marks[0].frame_ref.is_some_and(|frame| (frame as u64) < told[0]),
        "the picture is of the frame behind the mark"
    );
}

#[test]
fn a_kill_keeps_those_that_were_written_and_finalizing_again_gives_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = dir.path().join("s");
    let mut command = watchcap();
    command.args(["record", "--source", "synthetic", "--size", "320x240", "--session", "s", "--png-burst"]);
    command.args(["every=100ms", "--out"]).arg(dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut recorder = Running(command.spawn().expect("the program"));
    let began = Instant::now();
    while there(&session.join("log/debug")).len() < 4 {
        assert!(began.elapsed() < Duration::from_secs(20), "there are no pictures");
        std::thread::sleep(Duration::from_millis(10));
    }
    recorder.0.kill().expect("a kill");
    recorder.0.wait().expect("its end");
    let logged = there(&session.join("log/debug"));
    // What a kill may leave: one that was not published, and one of a frame that never was; and one that is not whole.
    std::fs::write(session.join("log/debug/frame_0000000500.png.tmp"), "x").expect("a file");
    std::fs::copy(session.join("log/debug").join(&logged[0]), session.join("log/debug/frame_0000000501.png"))
        .expect("a copy");
    let torn = std::fs::read(session.join("log/debug").join(&logged[1])).expect("a picture");
    std::fs::write(session.join("log/debug").join(&logged[1]), &torn[..torn.len() - 20]).expect("a file");
    let (code, _, err) = run(watchcap().args(["finalize", "--keep-log"]).arg(&session));
    assert_eq!(code, 3, "{err}");
    assert_eq!(fault(&session), None);
    assert_of_their_frames(&session);
    let found = told(&session);
    // The last one may be of a frame whose reference was not on the disk.
    assert!(found.len() + 2 >= logged.len() && found.len() < logged.len(), "{found:?} of {logged:?}");
    let png = &metadata(&session)["streams"]["screen"]["settings"]["png"];
    assert_eq!((&png["skipped"], &png["lost"]), (&Value::Null, &Value::Null), "nobody counted");
    let seal = std::fs::read(session.join("integrity.sha256")).expect("a seal");
    let (code, _, err) = run(watchcap().args(["finalize", "--again"]).arg(&session));
    assert_eq!(code, 3, "{err}");
    assert_eq!(std::fs::read(session.join("integrity.sha256")).expect("a seal"), seal);
    let (_, err) = ok(&["delete", text(&session), "--yes"]);
    assert!(!session.exists(), "{err}");
}

#[test]
fn redacting_paints_them_and_a_clip_takes_its_own_along() {
    let dir = tempfile::tempdir().expect("a folder");
    let session = synthetic(dir.path(), "s", &["--png-burst", "every=100ms"]);
    let told_before = told(&session);
    assert!(told_before.len() > 3, "{told_before:?}");
    // Around one of the pictures in the middle.
    let all = rows(&session);
    let of = |frame: u64| all.iter().find(|row| row.event_type == "frame" && row.frame_ref == Some(frame as i64));
    let at = of(told_before[told_before.len() / 2]).expect("a frame").t_ns - all[0].t_ns;
    let (from, to) = (format!("{:.3}", at as f64 * 1e-9 - 0.01), format!("{:.3}", at as f64 * 1e-9 + 0.01));
    ok(&["redact", text(&session), "--from", &from, "--to", &to, "--mask", "64,64,64,32"]);
    let redacted = dir.path().join("s_redacted");
    assert_eq!(fault(&redacted), None);
    assert_eq!(told(&redacted), told_before);
    let painted = &metadata(&redacted)["lineage"][0]["masks"][0];
    let [x, y, width, height] =
        ["x", "y", "width", "height"].map(|key| painted[key].as_u64().expect("a number") as usize);
    let mut video = FrameReader::open(&redacted.join("frames.mp4")).expect("the video");
    let (mut masked, mut kept) = (0, 0);
    for frame in &told_before {
        let (old, new) = (Picture::read(&path_of(&session, *frame)), Picture::read(&path_of(&redacted, *frame)));
        let is_black = (y..y + height).all(|row| (x..x + width).all(|column| new.at(column, row) == [0; 3]));
        let shown = video.rgb(*frame as usize).expect("a picture");
        let middle = (y + height / 2) * shown.width as usize + x + width / 2;
        let is_masked = shown.data[middle * 3..middle * 3 + 3].iter().all(|sample| *sample < 24);
        assert_eq!(is_black, is_masked, "frame {frame} and its picture do not agree");
        let inside = |column: usize, row: usize| (x..x + width).contains(&column) && (y..y + height).contains(&row);
        for row in 0..old.height {
            for column in 0..old.width {
                if !(is_masked && inside(column, row)) {
                    assert_eq!(old.at(column, row), new.at(column, row), "frame {frame} at {column},{row}");
                }
            }
        }
        masked += usize::from(is_masked);
        kept += usize::from(!is_masked);
    }
    assert!(masked > 0 && kept > 0, "{masked} masked, {kept} kept");

    // A file that nobody told of is not brought along.
    let clips = dir.path().join("clips");
    ok(&["export", "clip", text(&redacted), "--from", &from, "--to", "1.8", "--out", text(&clips)]);
    let clip = std::fs::read_dir(&clips).expect("a folder").next().expect("a clip").expect("an entry").path();
    assert_eq!(fault(&clip), None);
    assert_of_their_frames(&clip);
    let first = rows(&clip).iter().find(|row| row.event_type == "frame").expect("a frame").t_ns;
    let whole = rows(&redacted);
    let begin = whole.iter().find(|row| row.event_type == "frame" && row.t_ns == first).and_then(|row| row.frame_ref);
    let (begin, count) = (begin.expect("a frame") as u64, metadata(&clip)["frames"].as_u64().expect("frames"));
    let expected: Vec<u64> =
        told_before.iter().filter(|frame| (begin..begin + count).contains(frame)).map(|frame| frame - begin).collect();
    assert!(!expected.is_empty());
    assert_eq!(told(&clip), expected);
}

#[test]
fn every_export_takes_them_along_or_says_that_it_does_not() {
    let dir = tempfile::tempdir().expect("a folder");
    // A picture of each frame.
    let session = synthetic(dir.path(), "s", &["--png-burst", "every=1h,frames=1000"]);
    let there = told(&session).len();
    assert!(there > 0, "{there}");
    for format in watchcap::export::FORMATS {
        let name = format.name();
        let out = dir.path().join(name);
        let (_, err) = ok(&["export", name, text(&session), "--out", text(&out)]);
        let manifest = std::fs::read_dir(&out).expect("a folder").map(|entry| entry.expect("an entry").path());
        let manifest = manifest.into_iter().find(|path| text(path).ends_with(".export.json"));
        let manifest = manifest.unwrap_or_else(|| panic!("{name} has no manifest"));
        let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).expect("a manifest")).expect("JSON");
        if name == "computer-use" {
            assert!(manifest["left_out"].is_null() || manifest["told"]["exact_pictures"] == 0, "{manifest}");
            assert!(err.contains(&format!(" of {there} PNG pictures")), "{err}");
            let (shots, mut exact) = (out.join("s.computer-use"), 0);
            for shot in std::fs::read_dir(&shots).expect("a folder").map(|entry| entry.expect("an entry").path()) {
                let own = session.join("debug").join(shot.file_name().expect("a name"));
                // A busy machine skips pictures: of those frames the list has the video's.
                if own.exists() {
                    exact += 1;
                    assert!(std::fs::read(&own).ok() == std::fs::read(&shot).ok(), "{} is another", shot.display());
                }
            }
            assert_eq!(manifest["told"]["exact_pictures"], exact);
        } else {
            assert_eq!(manifest["left_out"], serde_json::json!(["png"]), "{name}");
            assert!(err.contains(&format!("{there} PNG pictures of the session: left out")), "{name}: {err}");
        }
    }
    let small = dir.path().join("small");
    let (_, err) = ok(&["export", "computer-use", text(&session), "--resize", "160x120", "--out", text(&small)]);
    assert!(err.contains(&format!("0 of {there} PNG pictures")), "{err}");
}

#[test]
fn more_than_can_be_written_are_skipped_and_counted() {
    let dir = tempfile::tempdir().expect("a folder");
    // More pictures than an unoptimised build writes, and more than may wait.
    let big = ["--size", "640x360", "--fps", "120", "--png-burst", "frames=1000,every=1h", "--duration", "4s"];
    let mut command = watchcap();
    command
        .args(["record", "--source", "synthetic", "--session", "s", "--json"])
        .args(big)
        .arg("--out")
        .arg(dir.path());
    let (code, out, err) = run(&mut command);
    assert!(code == 0 || code == 3, "{err}");
    let session = dir.path().join("s");
    assert_eq!(fault(&session), None);
    let png = &metadata(&session)["streams"]["screen"]["settings"]["png"];
    let (there, skipped, lost) = (told(&session).len() as u64, png["skipped"].as_u64(), png["lost"].as_u64());
    assert!(there > 0 && skipped.is_some_and(|skipped| skipped > 0) && lost == Some(0), "{png}");
    let frames = metadata(&session)["frames"].as_u64().expect("frames");
    assert!(there + skipped.unwrap_or(0) <= frames.min(1000), "more than there were frames: {png}");
    assert!(out.contains("\"png_skipped\""), "{out}");
}
