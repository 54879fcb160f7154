//! Where the sign stands on the compositor's monitors, and where that is in pictures of them.
//!
//! The compositor places surfaces in its own units; pictures have the monitor's pixels. What both have in common is how large the monitor is in each.

use super::output::Output;
use crate::base::event::{Area, Surface};
use crate::capture::ScreenDescription;
use crate::capture::recording_sign::{Corner, Place, Recorded, Room, badge, spot, with_halo};

/// How far apart monitors are put whose pixels have nothing in common with those of the recorded one.
const APART: i32 = 1 << 20;
/// Pixels by which a place may be wrong where the scale is a fraction.
const ROUNDING: u32 = 2;

/// The monitor of which pictures are taken, or of a part of which: by its name, since compositors tell the same place for all of them; a part by its
/// place, as it was found (`find.rs`). In pictures of a window alone no monitor is.
pub(super) fn recorded(outputs: &[Output], screen: &ScreenDescription) -> Option<usize> {
    if screen.window_id.is_some() {
        return None;
    }
    let Surface { x, y, .. } = screen.surface;
    match screen.target.strip_prefix("monitor ") {
        Some(name) => outputs.iter().position(|output| output.name == name),
        None => outputs.iter().position(|output| output.place().and(Area { x, y, width: 1, height: 1 }).is_some()),
    }
}

/// Whether the monitor that is recorded can be found among these: by its name, which old compositors do not tell, or since it is the only one.
pub(super) fn are_told_apart<'a>(mut names: impl ExactSizeIterator<Item = &'a str>) -> bool {
    names.len() < 2 || names.all(|name| !name.is_empty())
}

fn whole(output: &Output) -> Area {
    let Surface { x, y, width, height, .. } = output.surface();
    Area { x, y, width, height }
}

/// Chooses the monitor and the corner.
pub(super) fn find_spot(
    outputs: &[Output],
    screen: &ScreenDescription,
    wanted: Option<Corner>,
) -> Option<(usize, Corner)> {
    let recorded = recorded(outputs, screen);
    let room = |(at, output): (usize, &Output)| {
        // A place on another monitor is in no picture, whatever its numbers are.
        let apart = if Some(at) == recorded { 0 } else { APART * (at as i32 + 1) };
        let area = whole(output);
        Room { area: Area { x: area.x + apart, ..area }, size: badge::size(badge::factor(output.scale as f32)) }
    };
    let rooms: Vec<Room> = outputs.iter().enumerate().map(room).collect();
    let Surface { x, y, width, height, .. } = screen.surface;
    let found = spot(&rooms, Recorded { area: Area { x, y, width, height }, shows_all: true }, wanted, ROUNDING)?;
    Some((found.monitor, found.corner))
}

/// Where an area of a monitor is in pictures of it: the area and the size of the monitor are in the compositor's units.
pub(super) fn in_pictures(monitor: Surface, area: Area, units: (u32, u32), is_part: bool) -> Place {
    let first = |at: i32, pixels: u32, units: u32| (at as u32 * pixels) / units.max(1);
    let last = |at: i32, length: u32, pixels: u32, units: u32| ((at as u32 + length) * pixels).div_ceil(units.max(1));
    let (x, y) = (first(area.x, monitor.width, units.0), first(area.y, monitor.height, units.1));
    let right = last(area.x, area.width, monitor.width, units.0);
    let bottom = last(area.y, area.height, monitor.height, units.1);
    let is_whole = monitor.width.is_multiple_of(units.0.max(1)) && monitor.height.is_multiple_of(units.1.max(1));
    let area = Area { x: x as i32, y: y as i32, width: right - x, height: bottom - y };
    let area = with_halo(area, if is_whole { 0 } else { ROUNDING });
    if is_part {
        Place::Desktop(Area { x: area.x + monitor.x, y: area.y + monitor.y, ..area })
    } else {
        Place::Surface(area)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_without_names_are_told_apart_only_where_there_is_one() {
        assert!(are_told_apart([""].into_iter()) && are_told_apart(["DP-1", "DP-2"].into_iter()));
        assert!(!are_told_apart(["", ""].into_iter()) && !are_told_apart(["DP-1", ""].into_iter()));
    }

    #[test]
    fn a_place_is_in_pixels_of_the_monitor_and_rounded_outwards_at_a_fraction() {
        let of = |pixels: (u32, u32), units: (u32, u32), is_part| {
            let monitor = Surface { x: 100, y: 50, width: pixels.0, height: pixels.1, scale: None };
            let all = Area { x: 0, y: 0, width: units.0, height: units.1 };
            in_pictures(monitor, Corner::BottomRight.of(all, badge::size(1)).expect("room"), units, is_part)
        };
        let area = |x, y, width, height| Area { x, y, width, height };
        assert_eq!(of((1920, 1080), (1920, 1080), false), Place::Surface(area(1820, 1048, 92, 24)));
        assert_eq!(of((1920, 1080), (1920, 1080), true), Place::Desktop(area(1920, 1098, 92, 24)));
        assert_eq!(of((3840, 2160), (1920, 1080), false), Place::Surface(area(3640, 2096, 184, 48)));
        // At 1.5 the sign is 138x36, 12 from the edges: 3690..3828 and 2112..2148.
        assert_eq!(of((3840, 2160), (2560, 1440), false), Place::Surface(area(3688, 2110, 142, 40)));
    }
}
