//! From 1.1.0 (and 1.0.0, whose metadata has the same shape) to 1.2.0: the metadata says what was promised of it, and less of what
//! nobody measured. Of the rows one value goes.

use serde_json::{Map, Value};

/// Lifts the keys of a `metadata.json`. A value that is none of its key's type stays as it is, and so does what was lifted before.
///
/// - `resolution` becomes `[width, height]`;
/// - `codec` becomes `h264`, `h265` or `av1` (null for anything else), its RFC 6381 string `codec_string`;
/// - `input_device` becomes the kinds of devices that the input source reported, by its own settings; the backend, which stood there, is
///   `streams.input.source`;
/// - `surface.scale` becomes null where it is 1, which was written whatever the scale was;
/// - `env.display_server`, which was the session's word for itself, becomes null where that names none (`tty`).
pub fn metadata(keys: &mut Map<String, Value>) {
    if let Some(size) =
        keys.get("resolution").and_then(|old| Some([old.get("width")?.clone(), old.get("height")?.clone()]))
    {
        keys.insert("resolution".into(), Value::from(size.to_vec()));
    }
    if !keys.contains_key("codec_string")
        && let Some(Value::String(string)) = keys.get("codec").cloned()
    {
        keys.insert("codec".into(), codec(&string).into());
        keys.insert("codec_string".into(), string.into());
    }
    if let Some(Value::String(said)) = keys.get("input_device").cloned()
        && !is_kinds(&said)
    {
        keys.insert("input_device".into(), input_device(keys).into());
        // What another program called its device is kept with the rest of what it said.
        if let Some(Value::Object(claims)) = keys.get_mut("import").and_then(|import| import.get_mut("metadata")) {
            claims.entry("input_device").or_insert(said.into());
        }
    }
    if let Some(scale) = keys.get_mut("surface").and_then(|surface| surface.get_mut("scale"))
        && scale.as_f64() == Some(1.0)
    {
        *scale = Value::Null;
    }
    if let Some(server) = keys.get_mut("env").and_then(|env| env.get_mut("display_server"))
        && let Some(said) = server.as_str()
    {
        *server = match said {
            "x11" => "X11".into(),
            "wayland" => "Wayland".into(),
            "tty" | "mir" | "unspecified" => Value::Null,
            other => other.into(),
        };
    }
}

/// The name of a codec, by the sample entry that its RFC 6381 string begins with; none for others.
pub fn codec(string: &str) -> Option<&'static str> {
    match string.split('.').next().unwrap_or_default() {
        "avc1" | "avc3" => Some("h264"),
        "hvc1" | "hev1" => Some("h265"),
        "av01" => Some("av1"),
        _ => None,
    }
}

/// The kinds of devices, in the order in which they are named.
pub const KINDS: [&str; 3] = ["keyboard", "mouse", "gamepad"];

/// Whether a text names kinds of devices as 1.2.0 does: `keyboard+mouse`.
pub fn is_kinds(text: &str) -> bool {
    let mut rest = KINDS.iter();
    text.split('+').all(|named| rest.any(|kind| *kind == named))
}

/// The kinds of devices by what the input source said that it reports; none when no input was recorded, or it did not say.
fn input_device(keys: &Map<String, Value>) -> Option<String> {
    let settings = keys.get("streams")?.get("input")?.get("settings")?;
    let reports = |what: &[&str]| what.iter().any(|name| settings.get(name).and_then(Value::as_bool) == Some(true));
    let withheld = keys.get("privacy").and_then(|privacy| privacy.get("keys")).and_then(Value::as_str) == Some("none");
    let kinds = [
        ("keyboard", reports(&["keys"]) && !withheld),
        ("mouse", reports(&["buttons", "wheel", "relative_motion", "position"])),
    ];
    let kinds: Vec<&str> = kinds.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect();
    (!kinds.is_empty()).then(|| kinds.join("+"))
}

/// Whether a row keeps this entry of its map: `scale` of a `window` row was 1 whatever the scale was.
pub fn keeps(event_type: &str, key: &str, value: &str) -> bool {
    !(event_type == "window" && key == "scale" && value == "1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lifted(old: &Value) -> Value {
        let mut keys = old.as_object().expect("an object").clone();
        metadata(&mut keys);
        let mut again = keys.clone();
        metadata(&mut again);
        assert_eq!(again, keys);
        Value::Object(keys)
    }

    #[test]
    fn what_was_promised_is_said() {
        let old = json!({
            "resolution": {"width": 320, "height": 180}, "codec": "avc1.42c00d", "input_device": "poll 2000 us",
            "surface": {"x": 0, "scale": 1.0}, "env": {"display_server": "x11"}, "later": {"kept": true},
            "streams": {"input": {"source": "poll", "settings": {"keys": true, "position": true, "wheel": false}}},
        });
        let new = lifted(&old);
        assert_eq!(new["resolution"], json!([320, 180]));
        assert_eq!((&new["codec"], &new["codec_string"]), (&json!("h264"), &json!("avc1.42c00d")));
        assert_eq!((&new["input_device"], &new["streams"]), (&json!("keyboard+mouse"), &old["streams"]));
        assert_eq!((&new["surface"]["scale"], &new["env"]["display_server"]), (&Value::Null, &json!("X11")));
        assert_eq!(new["later"], old["later"]);
    }

    #[test]
    fn what_nobody_knows_is_null() {
        let none = json!({"resolution": null, "codec": null, "input_device": null, "surface": null, "env": {}});
        assert_eq!(lifted(&none), none);
        assert_eq!(lifted(&json!({})), json!({}));
        let new = lifted(&json!({
            "codec": "xyz1.0", "input_device": "xi2", "surface": {"scale": 1.5}, "env": {"display_server": "tty"},
            "streams": {"input": {"settings": {"keys": true, "buttons": true}}}, "privacy": {"keys": "none"},
        }));
        assert_eq!((&new["codec"], &new["codec_string"]), (&Value::Null, &json!("xyz1.0")));
        assert_eq!((&new["input_device"], &new["surface"]["scale"]), (&json!("mouse"), &json!(1.5)));
        assert_eq!(new["env"]["display_server"], Value::Null);
        for (text, kinds) in [
            ("keyboard+mouse", true),
            ("mouse+gamepad", true),
            ("gamepad", true),
            ("mouse+keyboard", false),
            ("keyboard+keyboard", false),
            ("", false),
            ("xi2", false),
            ("keyboard+", false),
        ] {
            assert_eq!(is_kinds(text), kinds, "{text}");
        }
        let said = json!({"input_device": "keyboard+mouse"});
        assert_eq!(lifted(&said), said);
        let foreign = json!({"input_device": "razer", "streams": {}, "import": {"metadata": {}}});
        let new = lifted(&foreign);
        assert_eq!((&new["input_device"], &new["import"]["metadata"]["input_device"]), (&Value::Null, &json!("razer")));
        let wrong = json!({"resolution": [1, 2], "codec": 7, "input_device": [], "surface": 1, "env": "x"});
        assert_eq!(lifted(&wrong), wrong, "what is of another type is the reader's to refuse");
    }

    #[test]
    fn codecs_have_names() {
        for (string, name) in [
            ("avc1.42c028", Some("h264")),
            ("hvc1.1.6.L93.B0", Some("h265")),
            ("av01.0.04M.10", Some("av1")),
            ("avc1", Some("h264")),
            ("", None),
            ("mp4v.20.9", None),
        ] {
            assert_eq!(codec(string), name, "{string}");
        }
    }

    #[test]
    fn only_the_scale_that_nobody_measured_goes() {
        assert!(!keeps("window", "scale", "1"));
        assert!(keeps("window", "scale", "1.5") && keeps("window", "width", "1") && keeps("mark", "scale", "1"));
    }
}
