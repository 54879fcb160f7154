//! Videos of other recorders: what is not read is named as what it is, with a command that makes it readable; what is not taken over is named.

use serde_json::json;
use watchcap::session::edition;

use super::{import, metadata, recording};
use crate::support::{run, watchcap};

/// Runs the command that a hint ends with.
fn run_hint(hint: &str) {
    let at = hint.find("mv ").unwrap_or_else(|| panic!("no command: {hint}"));
    let (code, _, err) =
        run(std::process::Command::new("sh").args(["-c", hint[at..].trim()]).stdin(std::process::Stdio::null()));
    assert_eq!(code, 0, "{hint}: {err}");
}

#[test]
fn what_is_not_read_is_named_and_the_command_of_the_hint_makes_it_readable() {
    let dir = tempfile::tempdir().expect("a folder");
    let place = dir.path().join("a folder's");
    std::fs::create_dir(&place).expect("a folder");
    for (kind, what) in [
        ("yuv422", "H.264 of the profile High 4:2:2 with colours of 4:2:2"),
        ("ten_bits", "H.264 of the profile High 10 with 10 bits a sample"),
        ("grey", "with grey pictures without colours"),
        ("interlaced", "with interlaced pictures"),
        ("five_references", "with 5 reference frames (the most are 4)"),
        ("odd_sides", "an odd side (161x121)"),
        ("b_frames", "it has B-frames"),
        ("another_codec", "its codec is mp4v (MPEG-4 Part 2), not H.264"),
        ("hevc", "its codec is hev1 (H.265), not H.264"),
        ("in_fragments", "its frames are in fragments"),
        ("matroska", "it is a Matroska or WebM file, not MP4"),
        ("too_many_frames", "the video has 42 frames, the table has rows of 40"),
    ] {
        let folder = recording(&place, kind);
        for args in [&["--dry-run"][..], &[]] {
            let (code, _, err) = run(watchcap().args(["migrate", "--import"]).args(args).arg(&folder));
            assert!(code == 1 && err.contains(what) && !err.contains("damaged"), "{kind}: '{what}' is not in: {err}");
            if args.is_empty() {
                run_hint(err.split_once("hint: ").unwrap_or_else(|| panic!("{kind}: no hint: {err}")).1);
            }
        }
        import(&folder, &[]);
        let session = place.join(format!("{kind}_imported"));
        assert_eq!(edition::fault(&session, true, &mut |_| {}), None, "{kind}");
        assert!(folder.join("frames.original.mp4").is_file(), "{kind}: the old video is gone");
    }
}

#[test]
fn colours_of_full_size_are_taken_as_they_are() {
    let dir = tempfile::tempdir().expect("a folder");
    import(&recording(dir.path(), "yuv444"), &[]);
    let session = dir.path().join("yuv444_imported");
    assert_eq!(edition::fault(&session, true, &mut |_| {}), None);
    let codec = metadata(&session)["codec_string"].clone();
    assert!(codec.as_str().is_some_and(|codec| codec.starts_with("avc1.f4")), "{codec}");
}

#[test]
fn what_is_not_taken_over_of_a_video_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = recording(dir.path(), "besides");
    let (code, _, err) = run(watchcap().args(["migrate", "--import"]).arg(&folder));
    assert_eq!(code, 0, "{err}");
    let is = metadata(&dir.path().join("besides_imported"));
    let expected = json!([
        "frames.mp4: a rotation by 90 degrees",
        "frames.mp4: pixels of the shape 3:2",
        "frames.mp4: track 3 (subtitles, tx3g (timed text))"
    ]);
    assert_eq!(is["import"]["left_out"], expected);
    for name in expected.as_array().expect("a list") {
        assert!(err.contains(name.as_str().expect("text")), "{name} is not in: {err}");
    }
}

#[test]
fn tables_of_every_usual_compression_are_read() {
    let dir = tempfile::tempdir().expect("a folder");
    let counts: Vec<_> = ["none", "snappy", "zstd", "gzip", "brotli", "lz4"]
        .into_iter()
        .map(|codec| {
            import(&recording(dir.path(), codec), &[]);
            metadata(&dir.path().join(format!("{codec}_imported")))["counts"].clone()
        })
        .collect();
    assert!(counts.windows(2).all(|pair| pair[0] == pair[1]), "{counts:?}");
}
