//! The packages that train on exports, on real exports: `lerobot` itself, with torch and torchcodec; and those that work on many sessions: Ray Data,
//! PySpark, an S3 server. Several gigabytes, so `make test-consumers` runs them and `make test` does not; what `make test` has of their rules is in
//! `tests/export_lerobot.rs` and `tests/loading.rs`.

use std::path::Path;
use std::process::Command;

use watchcap::base::id::FrameRef;
use watchcap::base::time::MonoNs;
use watchcap::encode::Masked;
use watchcap::export::video::VideoOut;
use watchcap::media::picture::{FrameStamp, Planar};

use crate::support::{run, synthetic, watchcap};

/// Runs a program below `tests` with the consumers' own interpreter, offline; panics with its output when it fails.
#[must_use = "what it printed holds the figures"]
fn consumer(program: &str, args: &[&Path], caches: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv-consumers/bin/python");
    assert!(python.is_file(), "{} is missing: run scripts/setup.sh consumers", python.display());
    let mut command = Command::new(python);
    command.arg(root.join("tests").join(program)).args(args);
    command
        .env("TMPDIR", caches)
        .env("HF_HOME", caches.join("hf"))
        .env("HF_HUB_OFFLINE", "1")
        .env("CUDA_VISIBLE_DEVICES", "");
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{program} failed:\n{out}{err}");
    out
}

fn export(sessions: &[&Path], out: &Path, extra: &[&str]) {
    let (code, _, err) =
        run(watchcap().args(["export", "lerobot", "--replace"]).args(sessions).arg("--out").arg(out).args(extra));
    assert_eq!(code, 0, "{err}");
}

#[test]
#[ignore = "needs lerobot, several gigabytes: make test-consumers"]
fn lerobot_reads_trains_and_edits() {
    let dir = tempfile::tempdir().expect("a folder");
    let names = ["c", "a", "d", "b"];
    let sessions = names.map(|name| synthetic(dir.path(), name, &[]));
    let all = sessions.each_ref().map(std::path::PathBuf::as_path);
    let (out, scratch) = (dir.path().join("out"), dir.path().join("scratch"));
    for (extra, what) in [
        (&["--fps", "30", "--keys", "KeyW,KeyA,KeyS,KeyD,Space", "--mouse"][..], &["read", "train", "tools"][..]),
        (&["--fps", "60"], &["read"]),
        (&["--fps", "24", "--pointer", "--resize", "160x120"], &["read"]),
    ] {
        // Those that came later stand before those that were there.
        export(&all[1..], &out, extra);
        export(&all, &out, extra);
        let args = [&[out.as_path(), scratch.as_path()], &what.iter().map(Path::new).collect::<Vec<_>>()[..]].concat();
        print!("{extra:?}\n{}", consumer("python/lerobot_package.py", &args, dir.path()));
    }
}

#[test]
#[ignore = "needs torchcodec, several gigabytes: make test-consumers"]
fn torchcodec_finds_every_frame_of_an_hour_by_its_number() {
    let dir = tempfile::tempdir().expect("a folder");
    let picture = Masked::not_captured(Planar::yuv420(64, 48));
    for fps in [20, 24, 25, 30, 50, 60] {
        let path = dir.path().join(format!("{fps}.mp4"));
        let mut video = VideoOut::create_constant(&path, (64, 48), fps).expect("a video");
        for n in 0..i64::from(fps) * 3600 {
            let t = MonoNs(n * 1_000_000_000 / i64::from(fps));
            video.push_next(&picture, n > 0, FrameStamp { frame_ref: FrameRef(n as u64), t }).expect("a picture");
        }
        video.finish().expect("an index");
        let rate = fps.to_string();
        print!("{fps} fps: {}", consumer("python/torchcodec_seek.py", &[&path, Path::new(&rate)], dir.path()));
    }
}

#[test]
#[ignore = "needs lerobot and torchcodec, several gigabytes: make test-consumers"]
fn the_cases_about_these_packages_are_right() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_watchcap"));
    print!("{}", consumer("cases/lerobot_order.py", &[program], dir.path()));
    let session = synthetic(dir.path(), "s", &[]);
    for (format, file) in [("vpt", "s.mp4"), ("lerobot", "videos/observation.images.screen/chunk-000/file-000.mp4")] {
        for fps in ["20", "24", "25", "30", "50", "60"] {
            let out = dir.path().join(format!("{format}{fps}"));
            let (code, _, err) =
                run(watchcap().args(["export", format, "--fps", fps, "--out"]).arg(&out).arg(&session));
            assert_eq!(code, 0, "{err}");
            let args = [out.join(file), fps.into()];
            let printed =
                consumer("cases/torchcodec_approx.py", &args.each_ref().map(std::path::PathBuf::as_path), dir.path());
            print!("{format} {fps} fps: {printed}");
        }
    }
}

#[test]
#[ignore = "needs torchcodec, several gigabytes: make test-consumers"]
fn torchcodec_that_computes_places_is_right_about_the_copy_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let [session, copy, table] = crate::export_readers::held_up(dir.path());
    print!("{}", consumer("readers_check.py", &[&session, &copy, &table, Path::new("torchcodec")], dir.path()));
}

#[test]
#[ignore = "needs torchcodec, several gigabytes: make test-consumers"]
fn torchcodec_gives_a_lossless_recording_to_the_bit() {
    let dir = tempfile::tempdir().expect("a folder");
    let more =
        ["--lossless", "--encoder", "ffmpeg:libx264", "--no-encoder-check", "--png-burst", "every=500ms,frames=4"];
    let session = synthetic(dir.path(), "s", &more);
    let said = consumer("python/lossless_check.py", &[&session], dir.path());
    assert!(said.contains(r#""pyav": 0, "torchcodec": 0"#) && !said.contains(r#""stills": 0"#), "{said}");
    print!("{said}");
}

#[test]
#[ignore = "needs ray and pyspark, with Java: make test-consumers"]
fn a_catalog_is_verified_and_exported_on_ray_and_on_spark() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_watchcap"));
    print!("{}", consumer("python/many_sessions.py", &[program, dir.path()], dir.path()));
}

#[test]
#[ignore = "needs torchcodec and an S3 server: make test-consumers"]
fn sessions_are_read_from_a_bucket() {
    let dir = tempfile::tempdir().expect("a folder");
    let program = Path::new(env!("CARGO_BIN_EXE_watchcap"));
    print!("{}", consumer("python/bucket_check.py", &[program, dir.path()], dir.path()));
}
