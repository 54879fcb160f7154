//! What the metadata of another recorder say in forms of their own: sizes, and the area that positions are pixels of.
//!
//! Keeps the invariant that of two sizes that differ none is chosen: the person names one.

use std::path::Path;

use serde_json::Value;

use super::error::ImportError;
use super::options::{Options, PixelArea, Positions};
use crate::session::metadata::Extra;

/// A size as `[1920, 1080]`, `{"width": 1920, "height": 1080}` or `"1920x1080"`.
pub(crate) fn size(value: &Value) -> Option<(u32, u32)> {
    let side = |value: &Value| u32::try_from(value.as_u64()?).ok().filter(|side| *side > 0);
    match value {
        Value::Array(sides) => match sides.as_slice() {
            [width, height] => Some((side(width)?, side(height)?)),
            _ => None,
        },
        Value::Object(sides) => Some((side(sides.get("width")?)?, side(sides.get("height")?)?)),
        Value::String(text) => {
            let (width, height) = text.split_once(['x', 'X', '\u{d7}'])?;
            let side = |text: &str| text.trim().parse().ok().filter(|side: &u32| *side > 0);
            Some((side(width)?, side(height)?))
        }
        _ => None,
    }
}

/// The area that positions are pixels of; `None` when they are fractions. `video` is the size of the pictures.
pub(crate) fn pixels(
    told: &Options,
    folder: &Path,
    said: Option<&Extra>,
    video: Option<(u32, u32)>,
) -> Result<Option<PixelArea>, ImportError> {
    let Some(Positions::Pixels(area)) = told.positions else { return Ok(None) };
    if area.is_some() {
        return Ok(area);
    }
    let of = |key: &str| said.and_then(|said| said.get(key));
    let surface = of("surface");
    let stated: Vec<(u32, u32)> =
        [surface.and_then(size), of("resolution").and_then(size)].into_iter().flatten().collect();
    let name = |(width, height): (u32, u32)| format!("{width}x{height}");
    let refused = |what: String, size: (u32, u32), origin: &str| {
        let command = told.command(folder, &[("positions", &format!("pixels={}{origin}", name(size)))]);
        Err(ImportError::Pixels {
            what,
            hint: format!("name the size that they are pixels of, for example: {command}"),
        })
    };
    let Some(size) = stated.first().copied().or(video) else {
        return refused("nothing says of how many".to_owned(), (1920, 1080), "");
    };
    // A video has even sides, and those of the surface may be one less.
    let is_same = |other: (u32, u32)| other.0.abs_diff(size.0) <= 1 && other.1.abs_diff(size.1) <= 1;
    if let Some(other) = stated.iter().copied().chain(video).find(|other| !is_same(*other)) {
        return refused(format!("both {} and {} are said to be the size", name(size), name(other)), size, "");
    }
    let edge = |key: &str| surface.and_then(|surface| surface.get(key)?.as_i64()).unwrap_or(0);
    let (x, y) = (edge("x"), edge("y"));
    if (x, y) != (0, 0) {
        let what = format!("the picture begins at {x}, {y} of the desktop: of which of both they are is not said");
        return refused(what, size, &format!("{x:+}{y:+}"));
    }
    Ok(Some(PixelArea { size, origin: (0, 0) }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_are_read_in_every_form() {
        for value in [json!([160, 120]), json!({"width": 160, "height": 120}), json!("160x120"), json!("160 × 120")] {
            assert_eq!(size(&value), Some((160, 120)), "{value}");
        }
        for value in
            [json!([160]), json!([0, 5]), json!("160"), json!(160), json!({"width": 1}), json!("-1x5"), json!(null)]
        {
            assert_eq!(size(&value), None, "{value}");
        }
    }

    #[test]
    fn of_two_sizes_none_is_chosen() {
        let told = |text| Options { positions: Positions::parse(text).ok(), ..Options::default() };
        let area = |said: Value, video| {
            let Value::Object(said) = said else { return Err(String::new()) };
            let area = pixels(&told("pixels"), Path::new("/r"), Some(&said), video);
            area.map_err(|error| error.hint().unwrap_or_default())
        };
        let whole = |width, height| Ok(Some(PixelArea { size: (width, height), origin: (0, 0) }));
        assert_eq!(area(json!({}), Some((160, 120))), whole(160, 120));
        assert_eq!(area(json!({"resolution": "159x120"}), Some((160, 120))), whole(159, 120));
        assert_eq!(area(json!({"resolution": [160, 120]}), None), whole(160, 120));
        let hint = area(json!({"resolution": [1920, 1080]}), Some((160, 120))).expect_err("two sizes");
        assert!(hint.ends_with("--positions pixels=1920x1080 /r"), "{hint}");
        let offset = json!({"surface": {"x": 30, "y": -4, "width": 160, "height": 120}});
        let hint = area(offset, Some((160, 120))).expect_err("an origin");
        assert!(hint.ends_with("--positions pixels=160x120+30-4 /r"), "{hint}");
        assert!(area(json!({}), None).is_err());
        assert_eq!(pixels(&told("fraction"), Path::new("/r"), None, None).ok(), Some(None));
    }
}
