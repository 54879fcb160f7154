//! What of a game's window must not be seen, wherever the window is.

use std::collections::BTreeSet;

use super::super::games::Games;
use super::super::reason::Reason;
use crate::base::event::Area;

/// A game's window: one that lies on the desktop, or inside one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct GameWindow {
    /// Its place in the list of games.
    pub(super) game: usize,
    /// How far its edges are inside those of its frame: left, top, right, bottom.
    pub(super) inset: [i32; 4],
}

impl GameWindow {
    /// Where it is in a frame that is there.
    fn inside(self, frame: Area) -> Area {
        let [left, top, right, bottom] = self.inset;
        let length = |whole: u32, less: i32| (i64::from(whole) - i64::from(less)).max(0) as u32;
        Area {
            x: frame.x + left,
            y: frame.y + top,
            width: length(frame.width, left + right),
            height: length(frame.height, top + bottom),
        }
    }

    /// What must not be seen of it, on the desktop: of the window in its frame, and as if all of the frame were the window, which it is when
    /// the window manager has taken the frame off since.
    pub(super) fn masks(self, games: &Games, frame: Area) -> BTreeSet<(Area, Reason)> {
        [frame, self.inside(frame)].into_iter().flat_map(|place| self.masks_at(games, place)).collect()
    }

    /// What must not be seen of it when the window itself is there.
    pub(super) fn masks_at(self, games: &Games, place: Area) -> BTreeSet<(Area, Reason)> {
        let masks = games.masks(self.game, (place.width, place.height)).into_iter();
        masks.map(|(area, reason)| (Area { x: area.x + place.x, y: area.y + place.y, ..area }, reason)).collect()
    }
}
