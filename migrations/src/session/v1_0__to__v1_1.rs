//! From 1.0.0 to 1.1.0: what was text in the map becomes columns.

use super::{v1_0, v1_1};

/// The entries of a lifted row's map.
pub type Entries<'a> = std::vec::IntoIter<(&'a str, &'a str)>;

/// Lifts the row with index `seq` of a table of 1.0.0.
///
/// A value that is none of its column's type stays in the map, so that nothing is lost. What 1.0.0 left out for `false` is said:
/// `repeat` of a key that went down, `is_keyframe` of a frame; and `pressed` says of keys what their `event_type` does.
pub fn step<'a>(row: v1_0::Row<'a, impl Iterator<Item = (&'a str, &'a str)>>, seq: i64) -> v1_1::Row<'a, Entries<'a>> {
    let mut kept = Vec::new();
    let (mut pressed, mut dx, mut dy, mut pts, mut keyframe, mut repeat, mut source) =
        (None, None, None, None, None, None, None);
    for (key, value) in row.metadata {
        let taken = match key {
            "pressed" => take(&mut pressed, boolean(value)),
            "dx" => take(&mut dx, float(value)),
            "dy" => take(&mut dy, float(value)),
            "pts" => take(&mut pts, value.parse().ok()),
            "keyframe" => take(&mut keyframe, boolean(value)),
            "repeat" => take(&mut repeat, boolean(value)),
            "source" => take(&mut source, Some(value)),
            _ => false,
        };
        if !taken {
            kept.push((key, value));
        }
    }
    match row.event_type {
        "key_down" => {
            pressed = pressed.or(Some(true));
            repeat = repeat.or(Some(false));
        }
        "key_up" => pressed = pressed.or(Some(false)),
        "frame" => keyframe = keyframe.or(Some(false)),
        _ => {}
    }
    v1_1::Row {
        base: v1_0::Row {
            t_ns: row.t_ns,
            event_type: row.event_type,
            key_code: row.key_code,
            mouse_x: row.mouse_x,
            mouse_y: row.mouse_y,
            mouse_button: row.mouse_button,
            delta: row.delta,
            frame_ref: row.frame_ref,
            window_id: row.window_id,
            session_id: row.session_id,
            metadata: kept.into_iter(),
        },
        seq,
        pressed,
        mouse_dx: dx,
        mouse_dy: dy,
        pts,
        is_keyframe: keyframe,
        repeat,
        source,
    }
}

/// Puts a value into its column, if it is one and the column is empty.
fn take<T>(column: &mut Option<T>, value: Option<T>) -> bool {
    let free = column.is_none() && value.is_some();
    if free {
        *column = value;
    }
    free
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn float(value: &str) -> Option<f32> {
    value.parse().ok().filter(|value: &f32| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifted(
        event_type: &'static str,
        entries: &[(&'static str, &'static str)],
    ) -> v1_1::Row<'static, Entries<'static>> {
        let row = v1_0::Row {
            t_ns: 5,
            event_type,
            key_code: None,
            mouse_x: None,
            mouse_y: None,
            mouse_button: None,
            delta: None,
            frame_ref: Some(3),
            window_id: "w",
            session_id: "s",
            metadata: entries.iter().copied(),
        };
        step(row, 7)
    }

    #[test]
    fn text_becomes_columns_and_leaves_the_map() {
        let row = lifted("mouse_move", &[("dx", "-2"), ("dy", "0.5"), ("source", "xi2"), ("x", "kept")]);
        assert_eq!((row.seq, row.mouse_dx, row.mouse_dy, row.source), (7, Some(-2.0), Some(0.5), Some("xi2")));
        assert_eq!((row.pressed, row.pts, row.is_keyframe, row.repeat), (None, None, None, None));
        assert_eq!(row.base.metadata.as_slice(), [("x", "kept")]);
        assert_eq!((row.base.t_ns, row.base.frame_ref), (5, Some(3)));
        let row = lifted("mouse_click", &[("pressed", "0")]);
        assert_eq!(row.pressed, Some(false));
        let row = lifted("frame", &[("bytes", "9"), ("keyframe", "1"), ("pts", "16667")]);
        assert_eq!((row.is_keyframe, row.pts), (Some(true), Some(16_667)));
        assert_eq!(row.base.metadata.as_slice(), [("bytes", "9")]);
    }

    #[test]
    fn what_was_left_out_is_said() {
        let down = lifted("key_down", &[]);
        assert_eq!((down.pressed, down.repeat), (Some(true), Some(false)));
        let again = lifted("key_down", &[("repeat", "1")]);
        assert_eq!((again.pressed, again.repeat), (Some(true), Some(true)));
        let up = lifted("key_up", &[]);
        assert_eq!((up.pressed, up.repeat), (Some(false), None));
        assert_eq!(lifted("frame", &[]).is_keyframe, Some(false));
    }

    #[test]
    fn a_value_that_is_none_stays_in_the_map() {
        let entries = [("dx", "fast"), ("dy", "NaN"), ("keyframe", "yes"), ("pressed", "true"), ("pts", "1.5")];
        let row = lifted("mouse_move", &entries);
        assert_eq!(row.base.metadata.as_slice(), entries);
        assert_eq!((row.mouse_dx, row.mouse_dy, row.is_keyframe, row.pressed, row.pts), (None, None, None, None, None));
    }
}
