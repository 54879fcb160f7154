//! Tests of profiles: those that are built in, and what the reader says of wrong ones.

use super::*;
use crate::base::event::Area;

fn with(line: &str) -> Result<Profile, ProfileError> {
    Profile::parse(&format!("schema = 1\nname = \"x\"\ntitle = \"X\"\n{line}\n"))
}

#[test]
fn the_built_in_profiles_are_sound() {
    for (name, text) in BUILT_IN {
        let profile = Profile::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(profile.name, name);
    }
}

#[test]
fn chat_is_masked_at_every_common_size_and_scale() {
    let league = Profile::parse(BUILT_IN[1].1).expect("a profile");
    // 16:9, 16:10 and two ultra-wide ones.
    let sizes =
        [(1280, 720), (1366, 768), (1600, 900), (1680, 1050), (1920, 1080), (1920, 1200), (2560, 1080), (2560, 1440)];
    for size in sizes.into_iter().chain([(3440, 1440), (3840, 2160)]) {
        let areas =
            |scale| -> Vec<Area> { league.masks(scale).iter().filter_map(|mask| mask.place.resolve(size)).collect() };
        let mut before = 0;
        for scale in [0, 50, 100] {
            let [area] = areas(Some(scale))[..] else { panic!("one mask at scale {scale}") };
            let (bottom, whole) = (area.y as u32 + area.height, u64::from(size.0) * u64::from(size.1));
            assert_eq!(area.x, 0, "at the left edge");
            assert!(bottom.abs_diff(size.1 * 9 / 10) <= 1, "{area:?} of {size:?} ends above the portrait");
            let covered = u64::from(area.width) * u64::from(area.height);
            assert!(covered > before && covered < whole * 3 / 10, "{area:?} of {size:?}");
            before = covered;
        }
        assert_eq!(areas(None).len(), 3, "all of them where the scale is not known");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    for (line, at, what) in [
        ("colour = 1", 4, "unknown field"),
        ("[chat]\nopen = [\"Enter\"]\nclose = [\"Enter\", \"Retrun\"]", 6, "Retrun"),
        ("[chat]\nopen = []\nclose = [\"Enter\"]", 5, "open it"),
        ("[chat]\nopen = [\"Enter\"]", 4, "close"),
        ("[keys]\npolicy = \"some\"", 5, "no-text"),
        ("[keys]\ngame_keys = [\n\"KeyW\",\n\"w\",\n]", 7, "'w'"),
        ("[match]\napps = [\" \"]", 5, "every window"),
        ("[[mask]]\nreason = \"chat\"\narea = \"1,2,3\"", 6, "1,2,3"),
        ("[[mask]]\nreason = \"Chat!\"\narea = \"1,2,3,4\"", 5, "a-z"),
        ("[[mask]]\nreason = \"chat\"", 4, "either"),
        (
            "[[mask]]\nreason = \"chat\"\ncorner = \"bottom\"\nx = 0.0\ny = 0.0\nwidth = 1.0\nheight = 1.0",
            6,
            "bottom-left",
        ),
        ("[[mask]]\nreason = \"chat\"\ncorner = \"bottom-left\"\nx = 0.0", 4, "needs"),
        ("[[mask]]\nreason = \"chat\"\narea = \"1,2,3,4\"\nhud_scale = [50, 20]", 7, "from and to"),
        ("title = [", 4, ""),
    ] {
        let Err(error) = with(line) else { panic!("{line:?} was accepted") };
        assert_eq!(error.line, at, "{line:?}: {error}");
        assert!(error.what.contains(what), "{line:?}: {error}");
    }
    assert_eq!(Profile::parse("schema = 2\nname = \"x\"\ntitle = \"X\"").err().map(|error| error.line), Some(1));
    assert!(with("[[mask]]\nreason = \"pii\"\narea = \"0%,0%,10%,5%\"").is_ok());
}
