//! Where the sign stands: in a corner of a monitor, outside of what is recorded where there is room. Places only.

use crate::base::event::Area;

/// How far it is from the edges of its monitor.
pub const INSET: u32 = 8;

/// A corner of a monitor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Corner {
    /// Upper left.
    TopLeft,
    /// Upper right.
    TopRight,
    /// Lower left.
    BottomLeft,
    /// Lower right.
    BottomRight,
}

impl Corner {
    /// All, the usual one first: windows have their buttons at the top, and desktops a clock in the lower right corner, which teaches nobody anything.
    pub const ALL: [Self; 4] = [Self::BottomRight, Self::BottomLeft, Self::TopRight, Self::TopLeft];

    /// The word of flags, configuration and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::TopLeft => "top-left",
            Self::TopRight => "top-right",
            Self::BottomLeft => "bottom-left",
            Self::BottomRight => "bottom-right",
        }
    }

    /// Whether it is at the left edge, and at the top one.
    pub fn edges(self) -> (bool, bool) {
        (matches!(self, Self::TopLeft | Self::BottomLeft), matches!(self, Self::TopLeft | Self::TopRight))
    }

    /// Returns where something of this size is in this corner of an area; `None` where it has no room.
    pub fn of(self, area: Area, size: (u32, u32)) -> Option<Area> {
        let (left, top) = self.edges();
        let at = |start: i32, length: u32, size: u32, first: bool| {
            let room = length.checked_sub(size + 2 * INSET)?;
            Some(start + (INSET + if first { 0 } else { room }) as i32)
        };
        let (x, y) = (at(area.x, area.width, size.0, left)?, at(area.y, area.height, size.1, top)?);
        Some(Area { x, y, width: size.0, height: size.1 })
    }
}

/// What is recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Where it is on the desktop.
    pub area: Area,
    /// Its pictures show whatever is there, so the sign as well; those of a window show that alone.
    pub shows_all: bool,
}

/// A monitor, as a place for the sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room {
    /// Where it is on the desktop.
    pub area: Area,
    /// How large the sign is there.
    pub size: (u32, u32),
}

/// A place for the sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// Which of the monitors.
    pub monitor: usize,
    /// In which of its corners.
    pub corner: Corner,
    /// Where that is on the desktop.
    pub area: Area,
}

/// Returns an area with what may be drawn around it.
pub fn with_halo(area: Area, halo: u32) -> Area {
    let (x, y) = (area.x - halo as i32, area.y - halo as i32);
    Area { x, y, width: area.width + 2 * halo, height: area.height + 2 * halo }
}

/// Chooses the place of a sign around which the display may draw `halo` pixels: in the wanted corner, or any, of the monitor that shows most of
/// what is recorded, or of another one, such that it is in no picture; where there is none, over the picture. `None`: no monitor has room for it.
pub fn spot(monitors: &[Room], recorded: Recorded, wanted: Option<Corner>, halo: u32) -> Option<Spot> {
    let shared = |monitor: &Room| {
        recorded.area.and(monitor.area).map_or(0, |both| u64::from(both.width) * u64::from(both.height))
    };
    let mut order: Vec<usize> = (0..monitors.len()).collect();
    // Stable: of equals, the display's first.
    order.sort_by_key(|at| std::cmp::Reverse(shared(&monitors[*at])));
    let corners: &[Corner] = wanted.as_ref().map_or(&Corner::ALL, std::slice::from_ref);
    let spots: Vec<Spot> = order
        .into_iter()
        .flat_map(|monitor| {
            let Room { area, size } = monitors[monitor];
            let in_corner =
                move |corner: &Corner| Some(Spot { monitor, corner: *corner, area: corner.of(area, size)? });
            corners.iter().filter_map(in_corner)
        })
        .collect();
    let is_outside = |spot: &&Spot| !recorded.shows_all || with_halo(spot.area, halo).and(recorded.area).is_none();
    spots.iter().find(is_outside).or(spots.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (92, 24);

    fn area(x: i32, y: i32, width: u32, height: u32) -> Area {
        Area { x, y, width, height }
    }

    fn rooms(monitors: &[Area]) -> Vec<Room> {
        monitors.iter().map(|area| Room { area: *area, size: SIZE }).collect()
    }

    fn of(monitors: &[Area], recorded: Area, wanted: Option<Corner>) -> (usize, &'static str) {
        let spot = spot(&rooms(monitors), Recorded { area: recorded, shows_all: true }, wanted, 16).expect("a spot");
        assert_eq!(spot.area.and(monitors[spot.monitor]), Some(spot.area), "it is inside");
        (spot.monitor, spot.corner.name())
    }

    #[test]
    fn it_is_outside_of_the_picture_where_there_is_room_and_else_over_it() {
        let (left, right) = (area(0, 0, 1920, 1080), area(1920, 0, 1280, 720));
        // One monitor, all of it: over it.
        assert_eq!(of(&[left], left, None), (0, "bottom-right"));
        assert_eq!(of(&[left], left, Some(Corner::TopLeft)), (0, "top-left"));
        // Another monitor has room.
        assert_eq!(of(&[left, right], left, None), (1, "bottom-right"));
        assert_eq!(of(&[left, right], right, Some(Corner::TopLeft)), (0, "top-left"));
        // There a shadow would reach into the picture.
        assert_eq!(of(&[left, right], right, Some(Corner::TopRight)), (1, "top-right"));
        // A part of a monitor: beside it, on that monitor.
        assert_eq!(of(&[left, right], area(0, 0, 800, 600), None), (0, "bottom-right"));
        assert_eq!(of(&[left, right], area(1120, 480, 800, 600), None), (0, "bottom-left"));
        // The wanted corner is in the picture: the same corner of the other monitor.
        assert_eq!(of(&[left, right], area(1120, 480, 800, 600), Some(Corner::BottomRight)), (1, "bottom-right"));
        // Mirrored monitors show the same.
        assert_eq!(of(&[left, left], left, None), (0, "bottom-right"));
        // What is drawn around it counts: 8 pixels from the edge, 16 around.
        assert_eq!(of(&[left, right], area(1820, 480, 80, 500), None), (0, "bottom-right"));
        assert_eq!(of(&[left, right], area(1820, 480, 80, 560), None), (0, "bottom-left"));
    }

    #[test]
    fn a_window_has_it_on_its_monitor_since_it_is_in_no_picture_of_it() {
        let (left, right) = (area(0, 0, 1920, 1080), area(1920, 0, 1280, 720));
        let window = Recorded { area: area(1900, 0, 1300, 720), shows_all: false };
        let spot = spot(&rooms(&[left, right]), window, None, 0).expect("a spot");
        assert_eq!((spot.monitor, spot.area), (1, area(3200 - 100, 720 - 32, 92, 24)));
    }

    #[test]
    fn a_monitor_that_is_too_small_has_none() {
        let recorded = Recorded { area: area(0, 0, 100, 40), shows_all: true };
        assert_eq!(spot(&rooms(&[area(0, 0, 100, 40)]), recorded, None, 0), None);
        assert_eq!(spot(&[], recorded, None, 0), None);
        assert!(spot(&rooms(&[area(0, 0, 108, 40)]), recorded, None, 0).is_some());
    }
}
