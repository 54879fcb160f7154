//! Sound of a real PulseAudio: clicks whose times are known, a kill, and a device or a server that goes away and comes back.

use std::path::Path;

use serde_json::Value;

use crate::support::{python_command, run, watchcap};

/// Runs the rig (scripts/sound_rig.py) on a sound server of its own.
fn rig(args: &[&str]) -> Value {
    let mut command = python_command("../../scripts/sound_rig.py");
    command.args(["pulseaudio", "--json", "--watchcap"]).arg(Path::new(watchcap().get_program())).args(args);
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).expect("JSON")
}

#[test]
fn clicks_are_where_they_were_played_and_a_kill_loses_little() {
    for codec in ["aac", "flac"] {
        let said = rig(&["--seconds", "12", "--kills", "1", "--codec", codec]);
        let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{said}"));
        let error = |key: &str| number(&said["error_ms"][key]);
        assert!(said["missing"] == 0 && number(&said["clicks"]) >= 15.0 && said["gaps"] == 0, "{said}");
        assert!(error("p5") >= -10.0 && error("p95") <= 10.0, "{said}");
        let settings = &said["settings"];
        assert_eq!((&settings["codec"], &settings["role"]), (&codec.into(), &"system".into()), "{said}");
        assert!(settings["server"].as_str().is_some_and(|server| server.starts_with("pulseaudio ")), "{said}");
        assert!(number(&said["lost_ms"][0]) <= 100.0, "{said}");
    }
}

#[test]
fn a_device_and_a_server_that_go_are_gaps_and_what_follows_is_in_its_place() {
    for what in ["device", "server"] {
        let said = &rig(&["--seconds", "0", "--kills", "0", "--break", what])["broken"];
        assert_eq!(said["exit"], 3, "{said}");
        let gaps = said["gaps"].as_array().expect("a list");
        let [gap] = gaps.as_slice() else { panic!("{said}") };
        let (since, told) = (gap[0].as_i64().expect("a time"), &gap[1]);
        assert_eq!(told["reason"], format!("{what}_gone"), "{said}");
        let until: i64 = told["until_ns"].as_str().and_then(|t| t.parse().ok()).expect("a time");
        let lost: i64 = told["lost"].as_str().and_then(|lost| lost.parse().ok()).expect("samples");
        // It was away for two seconds and more, and is looked for twice a second.
        assert!((1_900_000_000..8_000_000_000).contains(&(until - since)), "{said}");
        assert!((lost * 1_000_000_000 / 48_000 - (until - since)).abs() < 50_000_000, "{said}");
        assert!(said["missing"] == 0 && said["clicks"].as_u64() >= Some(6), "{said}");
        assert!(said["worst_ms"].as_f64().is_some_and(|worst| worst.abs() <= 10.0), "{said}");
    }
}

#[test]
fn the_system_and_a_microphone_are_recorded_beside_each_other_and_doctor_hears_both() {
    let said = rig(&["--seconds", "12", "--kills", "0", "--audio", "both", "--doctor"]);
    // How far the clicks of a pipe are from their times, a busy machine decides (docs/MEASUREMENTS.md).
    for (of, fewest) in [(&said, 15.0), (&said["mic"], 3.0)] {
        assert!(of["missing"] == 0 && of["clicks"].as_f64() >= Some(fewest), "{said}");
    }
    let settings = &said["settings"];
    assert_eq!((&settings["role"], &settings["microphone"]["role"]), (&"system".into(), &"mic".into()), "{said}");
    let [listened, not_listened] = [0, 1].map(|at| said["doctor"][at].as_str().unwrap_or_default());
    assert!(listened.contains("system by pulseaudio ") && listened.contains("mic by pulseaudio "), "{said}");
    assert!(not_listened.contains("not listened to, since nobody agreed"), "{said}");
}
