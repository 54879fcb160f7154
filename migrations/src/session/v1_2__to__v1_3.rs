//! From 1.2.0 to 1.3.0: no row of 1.2.0 is of a gamepad. `metadata.json` has the same shape.

use super::{v1_2, v1_3};

/// Lifts a row of a table of 1.2.0.
pub fn step<M>(row: v1_2::Row<'_, M>) -> v1_3::Row<'_, M> {
    v1_3::Row { base: row, pad: None, control: None, value: None }
}

#[cfg(test)]
mod tests {
    use super::super::v1_0;
    use super::*;

    #[test]
    fn a_lifted_row_says_nothing_new() {
        let base = v1_0::Row {
            t_ns: 5,
            event_type: "wheel",
            key_code: None,
            mouse_x: Some(0.5),
            mouse_y: None,
            mouse_button: None,
            delta: Some(-1.0),
            frame_ref: Some(3),
            window_id: "w",
            session_id: "s",
            metadata: [("axis", "horizontal")].into_iter(),
        };
        let old = v1_2::Row {
            base,
            seq: 7,
            pressed: None,
            mouse_dx: None,
            mouse_dy: None,
            pts: None,
            is_keyframe: None,
            repeat: None,
            source: Some("xi2"),
        };
        let (mut before, mut after) = (Vec::new(), Vec::new());
        old.clone().encode(&mut before);
        step(old).encode(&mut after);
        assert_eq!(after.strip_prefix(&before[..]), Some(&[0, 0, 0][..]), "three columns without a value");
    }
}
