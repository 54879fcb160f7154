//! What a value of the configuration means, and whether that can be: what `record` would say of it, said by `config check` before.

use std::ops::RangeInclusive;

use clap::ValueEnum;
use toml::Value;

use super::super::profile;
use crate::cli::{ChromaArg, CodecArg, KeysArg, PngOnArg, QualityArg, UnchangedArg, parse_burst};
use crate::config::keys::Key;
use crate::config::limits;
use crate::encode::registry::{self, AUTO, ENCODERS};
use crate::encode::sound::{SOUND_ENCODERS, sound_kind};
use crate::privacy::consent;
use crate::privacy::keys::parse_keys;
use crate::privacy::mask::Place;
use crate::session::labels::{self, LabelError};

/// Says what is wrong with a value that has the right type.
pub(super) fn fault(key: &Key, value: &Value) -> Result<(), String> {
    match (key.section, key.name) {
        ("record", "consent") => consent::parse(&list(value)).map(drop).map_err(|error| error.to_string()),
        ("record", "audio_codec") if value.as_str().and_then(sound_kind).is_some() => Ok(()),
        ("record", "audio_codec") => {
            let names: Vec<_> = SOUND_ENCODERS.iter().map(|kind| kind.name()).collect();
            Err(format!("{value} is none of {}", names.join(", ")))
        }
        ("record", "fps") => number(value, &limits::FPS),
        ("record", "bitrate_kbps") => number(value, &limits::BITRATE_KBPS),
        ("record", "gop") => fraction(value, &limits::GOP),
        ("record", "wait_target") => fraction(value, &limits::WAIT_TARGET),
        ("record", "max_dropped") => fraction(value, &limits::MAX_DROPPED),
        ("record", "quality") => one_of::<QualityArg>(value),
        ("record", "codec") => one_of::<CodecArg>(value),
        ("record", "chroma") => one_of::<ChromaArg>(value),
        ("record", "unchanged") => one_of::<UnchangedArg>(value),
        ("record", "png_burst") => parse_burst(word(value)).map(drop),
        ("record", "png_on") => {
            let named = |name: &String| PngOnArg::from_str(name, false).map(drop);
            list(value).iter().try_for_each(named).map_err(|_unknown| format!("{value} is none of click, key"))
        }
        ("privacy", "keys") => one_of::<KeysArg>(value),
        ("record", "encoder" | "encoder_fallback") => {
            let name = word(value);
            if name == AUTO || registry::kind(name).is_some() {
                return Ok(());
            }
            let known: Vec<&str> = [AUTO].into_iter().chain(ENCODERS.iter().map(|kind| kind.name())).collect();
            Err(format!("there is no encoder '{name}': {}", known.join(", ")))
        }
        ("privacy", "masks") => list(value)
            .iter()
            .try_for_each(|area| Place::parse(area).map(drop).map_err(|error| format!("{error}; {}", error.hint()))),
        ("privacy", "game_keys") => parse_keys(&list(value))
            .map(drop)
            .map_err(|name| format!("no key has the code '{name}'; write KeyW, Digit1, Space")),
        ("privacy", "profile") => match word(value) {
            "auto" | "none" => Ok(()),
            name => profile::find(name).map(drop).map_err(|failure| failure.message),
        },
        ("privacy", "exclude_apps" | "exclude_titles") | ("games", "apps" | "titles") => {
            if list(value).iter().any(|name| name.trim().is_empty()) {
                Err("an empty name fits every window".into())
            } else {
                Ok(())
            }
        }
        ("record", "task") => label(labels::check_task(word(value))),
        ("record", "participant") => label(labels::check_participant(word(value))),
        ("record", "tags") => {
            let tags = value.as_table().into_iter().flatten();
            let tags = tags.map(|(key, value)| (key.clone(), word(value).to_owned())).collect();
            label(labels::check_tags(&tags))
        }
        // Folders, yes and no, chords and names: the type is all.
        _ => Ok(()),
    }
}

fn label(checked: Result<(), LabelError>) -> Result<(), String> {
    checked.map_err(|error| format!("{error}; {}", error.hint()))
}

fn list(value: &Value) -> Vec<String> {
    let words = value.as_array().into_iter().flatten();
    words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value, may_be: &RangeInclusive<u32>) -> Result<(), String> {
    let is_good =
        value.as_integer().and_then(|number| u32::try_from(number).ok()).is_some_and(|number| may_be.contains(&number));
    if is_good { Ok(()) } else { Err(format!("{value} is not from {} to {}", may_be.start(), may_be.end())) }
}

fn fraction(value: &Value, may_be: &RangeInclusive<f64>) -> Result<(), String> {
    let number = value.as_float().or_else(|| value.as_integer().map(|number| number as f64));
    let is_good = number.is_some_and(|number| may_be.contains(&number));
    if is_good { Ok(()) } else { Err(format!("{value} is not from {} to {}", may_be.start(), may_be.end())) }
}

fn one_of<T: ValueEnum>(value: &Value) -> Result<(), String> {
    T::from_str(word(value), false).map(drop).map_err(|_unknown| {
        let known = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        let known: Vec<String> = known.map(|known| known.get_name().to_owned()).collect();
        format!("{value} is none of {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::faults;
    use crate::config::keys;

    fn found(section: &str, line: &str) -> Vec<String> {
        faults(&format!("[{section}]\n{line}\n"), &fault).into_iter().map(|fault| fault.what).collect()
    }

    #[test]
    fn examples_are_good_and_what_record_refuses_is_found() {
        for key in keys::all() {
            let line = format!("{} = {}", key.name, key.example);
            assert_eq!(found(key.section, &line), Vec::<String>::new(), "{line}");
        }
        for (section, line, what) in [
            ("record", "fps = 0", "not from 1 to 240"),
            ("record", "fps = 99999999999", "fps"),
            ("record", "gop = 61", "not from 0.01 to 60"),
            ("record", "consent = [\"screen\", \"scren\"]", "scren"),
            ("record", "encoder = \"x265\"", "openh264"),
            ("record", "codec = \"vp9\"", "none of h264, h265, av1"),
            ("record", "quality = \"best\"", "none of fast, balanced, sharp"),
            ("privacy", "masks = [\"a\"]", "masks"),
            ("privacy", "keys = \"some\"", "none of all, no-text, none"),
            ("privacy", "game_keys = [\"W\"]", "KeyW"),
            ("privacy", "profile = \"tetris\"", "no profile"),
            ("privacy", "exclude_titles = [\" \"]", "every window"),
            ("games.a", "apps = [\"\"]", "every window"),
        ] {
            let found = found(section, line);
            assert!(found.len() == 1 && found[0].contains(what), "{line}: {found:?}");
        }
    }
}
