//! Where the parts of the screen are.

use ratatui::layout::Rect;

use super::lanes;

/// Smallest terminal, columns: the time, the frame and the state on one line.
pub(crate) const MIN_WIDTH: u16 = 40;

/// Smallest terminal, rows: six lines of other things and a picture of half as many again.
pub(crate) const MIN_HEIGHT: u16 = 12;

/// From here on there is a panel beside the picture, columns.
const SIDE_FROM: u16 = 64;

/// From here on lanes are grouped and not one, rows.
const GROUPED_FROM: u16 = 18;

/// From here on there is a line of keys, rows.
const KEYS_FROM: u16 = 18;

/// From here on every lane has a line and parts have air between them, rows.
const ROOMY_FROM: u16 = 32;

/// Where everything is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Layout {
    /// The name and the state of the recording.
    pub(crate) head: Rect,
    /// The picture.
    pub(crate) picture: Rect,
    /// The line under the picture: what is the matter, or the active window.
    pub(crate) caption: Rect,
    /// The panel beside the picture; empty on narrow terminals.
    pub(crate) side: Rect,
    /// Held keys and buttons.
    pub(crate) input: Rect,
    /// The ruler and the lanes under it.
    pub(crate) lanes: Rect,
    /// Time, frame, speed.
    pub(crate) status: Rect,
    /// What can be pressed; empty on low terminals.
    pub(crate) keys: Rect,
    /// The lanes that are shown.
    pub(crate) groups: &'static [lanes::Group],
    /// Whether there is a lane of sound under them.
    pub(crate) sound: bool,
}

impl Layout {
    /// The part of the lanes that is time: right of their names.
    pub(crate) fn bar(&self) -> Rect {
        let left = lanes::NAME_WIDTH.min(self.lanes.width);
        Rect { x: self.lanes.x + left, width: self.lanes.width.saturating_sub(left + 1), ..self.lanes }
    }
}

/// Places everything, or nothing when the terminal is too small. A picture that is magnified takes the place of the panel too; `sound` asks
/// for a lane of it, and `pads` for one of gamepads, for which low terminals have no room.
pub(crate) fn layout((width, height): (u16, u16), magnified: bool, sound: bool, pads: bool) -> Option<Layout> {
    if width < MIN_WIDTH || height < MIN_HEIGHT {
        return None;
    }
    let roomy = height >= ROOMY_FROM;
    let groups = match height {
        ROOMY_FROM.. if pads => lanes::FULL_WITH_PADS,
        ROOMY_FROM.. => lanes::FULL,
        GROUPED_FROM.. => lanes::GROUPED,
        _ => lanes::ONE,
    };
    let air = u16::from(roomy);
    let side_width = if width >= SIDE_FROM && !magnified { (width * 3 / 10).clamp(28, 60) } else { 0 };
    let sound = sound && height >= GROUPED_FROM;
    let lanes_height = 1 + groups.len() as u16 + u16::from(sound);
    let row = |y: u16, height: u16| Rect::new(0, y, width, height);
    let keys_height = u16::from(height >= KEYS_FROM);
    let keys = row(height - keys_height, keys_height);
    let status = row(keys.y - 1, 1);
    let lanes = row(status.y - air - lanes_height, lanes_height);
    let input = row(lanes.y - air - 1, 1);
    let top = 1;
    let main = row(top, input.y - air - top);
    let picture_width = width - side_width;
    Some(Layout {
        head: row(0, 1),
        picture: Rect { width: picture_width, height: main.height - 1, ..main },
        caption: Rect { y: main.bottom() - 1, width: picture_width, height: 1, ..main },
        side: Rect { x: picture_width, width: side_width, ..main },
        input,
        lanes,
        status,
        keys,
        groups,
        sound,
    })
}
