//! The file for OWA's tools: only topics and message types that they know, so that they decode every message.
//!
//! Their words say less than the table: numbers are whole, keys have Windows' codes. What cannot be said is left out and counted, never
//! made up. Their filters take more than a second without a `screen` message for time in which nothing was recorded, and their tools count
//! how long a window was active by one `window` message a second: both are said again while they last.

use ::mcap::McapResult;
use serde::Serialize;
use serde_json::{Value, json};

use super::file::{McapFile, Topic};
use crate::base::vk;
use crate::export::inputs::is_warp;
use crate::privacy::consent::WITHDRAWN;
use crate::session::table::row::{OwnedRow, event_type, key};

/// Topics, in the order in which they are declared.
pub const TOPICS: [Topic; 5] = [
    Topic::json("screen", "desktop/ScreenCaptured", include_str!("../mcap_schemas/screen.json")),
    Topic::json("keyboard", "desktop/KeyboardEvent", include_str!("../mcap_schemas/keyboard.json")),
    Topic::json("mouse", "desktop/MouseEvent", include_str!("../mcap_schemas/mouse.json")),
    Topic::json("mouse/raw", "desktop/RawMouseEvent", include_str!("../mcap_schemas/raw_mouse.json")),
    Topic::json("window", "desktop/WindowInfo", include_str!("../mcap_schemas/window.json")),
];
const SCREEN: usize = 0;
const KEYBOARD: usize = 1;
const MOUSE: usize = 2;
const RAW: usize = 3;
const WINDOW: usize = 4;

/// Time after which a picture that is still shown is said again: half of what OWA's filters take for a pause.
const SCREEN_AGAIN_NS: i64 = 500_000_000;
/// Time after which the active window is said again: that of OWA's recorder.
const WINDOW_AGAIN_NS: i64 = 1_000_000_000;
/// What one step of a wheel is in `RawMouseEvent`: Windows' `WHEEL_DELTA`.
const WHEEL_DELTA: f64 = 120.0;
/// `RI_MOUSE_*` of Windows: bit of a press of each button; its release is the next bit.
const BUTTON_FLAGS: [(&str, u32); 5] =
    [("left", 0x001), ("right", 0x004), ("middle", 0x010), ("x1", 0x040), ("x2", 0x100)];
/// `RI_MOUSE_WHEEL` and `RI_MOUSE_HWHEEL`.
const WHEEL_FLAGS: [u32; 2] = [0x400, 0x800];
/// Stands for a window without a number, as in OWA's recorder.
const NO_WINDOW: i64 = -1;

#[derive(Serialize)]
struct MediaRef<'a> {
    uri: &'a str,
    pts_ns: i64,
}

#[derive(Serialize)]
struct ScreenCaptured<'a> {
    utc_ns: i64,
    source_shape: [u32; 2],
    shape: [u32; 2],
    media_ref: MediaRef<'a>,
}

#[derive(Serialize)]
struct KeyboardEvent {
    event_type: &'static str,
    vk: u8,
    timestamp: i64,
}

#[derive(Serialize)]
struct MouseEvent<'a> {
    event_type: &'static str,
    x: i64,
    y: i64,
    button: Option<&'a str>,
    pressed: Option<bool>,
    dx: Option<i64>,
    dy: Option<i64>,
    timestamp: i64,
}

#[derive(Serialize)]
struct RawMouseEvent {
    last_x: i64,
    last_y: i64,
    us_flags: u32,
    button_flags: u32,
    button_data: i64,
    device_handle: Option<u64>,
    timestamp: i64,
}

#[derive(Clone, Serialize)]
struct WindowInfo {
    title: String,
    /// Left, top, right, bottom.
    rect: [u32; 4],
    #[serde(rename = "hWnd")]
    handle: i64,
}

/// What could not be said, by kind.
#[derive(Default)]
struct Unsaid {
    keys: u64,
    motions: u64,
    clicks: u64,
    wheels: u64,
}

/// Writes the messages of one session.
pub(super) struct Owa {
    /// Width and height of the picture; without them no position can be said.
    size: Option<[u32; 2]>,
    video: Option<String>,
    /// The window that was recorded, where it was one: it fills the picture.
    recorded: Option<String>,
    /// Where the pointer was last, pixels of the picture.
    pointer: Option<(i64, i64)>,
    /// What whole numbers could not say yet: wheel steps horizontal and vertical, raw motion right and down.
    rest: [f64; 4],
    /// When the picture was said last, and its place in the video.
    screen: Option<(i64, i64)>,
    /// When the active window was said last, and which it is.
    window: Option<(i64, WindowInfo)>,
    unsaid: Unsaid,
}

impl Owa {
    /// Begins; `video` is the name of the file beside, `recorded` the window that was recorded, where it was one.
    pub(super) fn new(size: Option<[u32; 2]>, video: Option<String>, recorded: Option<String>) -> Self {
        Self {
            size,
            video,
            recorded,
            pointer: None,
            rest: [0.0; 4],
            screen: None,
            window: None,
            unsaid: Unsaid::default(),
        }
    }

    /// Says again what lasts, until a row comes. `known` is asked whether it is known what was shown, and may be told, at a moment;
    /// `zero` is what is between `t_ns` and the time of messages.
    pub(super) fn until(
        &mut self,
        t_ns: i64,
        known: &dyn Fn(i64) -> bool,
        zero: i64,
        to: &mut McapFile,
    ) -> McapResult<()> {
        loop {
            let screen = self.screen.map(|(at, _)| at.saturating_add(SCREEN_AGAIN_NS));
            let window = self.window.as_ref().map(|(at, _)| at.saturating_add(WINDOW_AGAIN_NS));
            let Some(next) = screen.into_iter().chain(window).min().filter(|next| *next < t_ns) else { return Ok(()) };
            let time = next.saturating_add(zero);
            if screen == Some(next)
                && let Some((_, pts)) = self.screen
            {
                self.screen = Some((next, pts));
                if known(next) {
                    self.picture(pts, time, to)?;
                }
            }
            if window == Some(next)
                && let Some((at, window)) = &mut self.window
            {
                *at = next;
                if known(next) {
                    to.push(WINDOW, time, window)?;
                }
            }
        }
    }

    /// Says a row.
    pub(super) fn row(&mut self, row: &OwnedRow, time: i64, to: &mut McapFile) -> McapResult<()> {
        if let (Some(x), Some(y), Some([width, height])) = (row.mouse_x, row.mouse_y, self.size) {
            let pixel = |part: f32, of: u32| (f64::from(part) * f64::from(of)).floor() as i64;
            self.pointer = Some((pixel(x, width), pixel(y, height)));
        }
        match row.event_type.as_str() {
            event_type::FRAME => self.frame(row, time, to),
            event_type::KEY_DOWN => self.key("press", row, time, to),
            event_type::KEY_UP => self.key("release", row, time, to),
            event_type::MOUSE_MOVE => self.moved(row, time, to),
            event_type::MOUSE_CLICK => self.click(row, time, to),
            event_type::WHEEL => self.wheel(row, time, to),
            event_type::FOCUS => self.focus(row, time, to),
            // The first picture behind a pause is a new one.
            event_type::PAUSE => {
                self.screen = None;
                Ok(())
            }
            // Consent to the input was taken back: nobody knows any more which window is active.
            event_type::GAP if row.metadata.get(key::REASON) == Some(WITHDRAWN) => {
                self.window = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Leaves a row out. What is shown and active is another thing now, of which nothing may be told.
    pub(super) fn skip(&mut self, row: &OwnedRow) {
        match row.event_type.as_str() {
            event_type::FRAME => self.screen = None,
            event_type::FOCUS => self.window = None,
            _ => {}
        }
    }

    /// What could not be said, for the manifest.
    pub(super) fn told(&self) -> Value {
        let Unsaid { keys, motions, clicks, wheels } = self.unsaid;
        json!({ "unsaid": {
            "keys_without_code": keys, "motions_without_distance": motions,
            "clicks_without_position_or_direction": clicks, "wheels_without_steps_or_position": wheels,
        } })
    }

    /// What could not be said, in words; `None` when all of it was.
    pub(super) fn note(&self) -> Option<String> {
        let Unsaid { keys, motions, clicks, wheels } = self.unsaid;
        let all = [
            (keys, "keyboard", "whose key is unknown or has no Windows code"),
            (motions, "mouse/raw", "whose distance nobody knows"),
            (clicks, "mouse", "before the first known position, or without a direction"),
            (wheels, "mouse", "before the first known position, or without a number of steps"),
        ];
        let said: Vec<_> = all
            .iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, topic, why)| format!("{count} inputs {why} are not in {topic}"))
            .collect();
        (!said.is_empty()).then(|| format!("OWA's messages cannot say all of it: {}", said.join("; ")))
    }

    fn frame(&mut self, row: &OwnedRow, time: i64, to: &mut McapFile) -> McapResult<()> {
        let Some(pts) = row.pts else { return Ok(()) };
        self.screen = Some((row.t_ns, pts));
        self.picture(pts, time, to)
    }

    fn picture(&self, pts_us: i64, time: i64, to: &mut McapFile) -> McapResult<()> {
        let (Some(video), Some(size)) = (&self.video, self.size) else { return Ok(()) };
        let media_ref = MediaRef { uri: video, pts_ns: pts_us.saturating_mul(1000) };
        to.push(SCREEN, time, &ScreenCaptured { utc_ns: time, source_shape: size, shape: size, media_ref })
    }

    fn key(&mut self, event_type: &'static str, row: &OwnedRow, time: i64, to: &mut McapFile) -> McapResult<()> {
        let Some(vk) = row.key_code.and_then(vk::of_usage) else {
            self.unsaid.keys += 1;
            return Ok(());
        };
        to.push(KEYBOARD, time, &KeyboardEvent { event_type, vk, timestamp: time })
    }

    /// The whole part of what has come together; the rest is kept.
    fn whole(&mut self, which: usize, more: f32) -> i64 {
        self.rest[which] += f64::from(more);
        let whole = self.rest[which].trunc();
        self.rest[which] -= whole;
        whole as i64
    }

    fn moved(&mut self, row: &OwnedRow, time: i64, to: &mut McapFile) -> McapResult<()> {
        match (row.mouse_dx, row.mouse_dy) {
            (Some(dx), Some(dy)) => {
                let (last_x, last_y) = (self.whole(2, dx), self.whole(3, dy));
                to.push(RAW, time, &RawMouseEvent { last_x, last_y, ..raw(time) })?;
            }
            // A program that puts the pointer somewhere moves no device.
            _ if is_warp(row) => {}
            _ => self.unsaid.motions += 1,
        }
        // Without a position of its own the row tells of motion only.
        let Some((x, y)) = self.pointer.filter(|_| row.mouse_x.is_some() && row.mouse_y.is_some()) else {
            return Ok(());
        };
        to.push(MOUSE, time, &MouseEvent { x, y, ..mouse("move", time) })
    }

    fn click(&mut self, row: &OwnedRow, time: i64, to: &mut McapFile) -> McapResult<()> {
        let (Some(button), Some(pressed)) = (row.mouse_button.as_deref(), row.pressed) else {
            self.unsaid.clicks += 1;
            return Ok(());
        };
        if let Some((_, bit)) = BUTTON_FLAGS.iter().find(|(name, _)| *name == button) {
            let button_flags = if pressed { *bit } else { bit << 1 };
            to.push(RAW, time, &RawMouseEvent { button_flags, ..raw(time) })?;
        }
        let Some((x, y)) = self.pointer else {
            self.unsaid.clicks += 1;
            return Ok(());
        };
        to.push(MOUSE, time, &MouseEvent { x, y, button: Some(button), pressed: Some(pressed), ..mouse("click", time) })
    }

    fn wheel(&mut self, row: &OwnedRow, time: i64, to: &mut McapFile) -> McapResult<()> {
        let Some(delta) = row.delta else {
            self.unsaid.wheels += 1;
            return Ok(());
        };
        let vertical = usize::from(row.metadata.get(key::AXIS) != Some("horizontal"));
        let button_data = (f64::from(delta) * WHEEL_DELTA).round() as i64;
        to.push(RAW, time, &RawMouseEvent { button_flags: WHEEL_FLAGS[1 - vertical], button_data, ..raw(time) })?;
        let steps = self.whole(vertical, delta);
        let Some((x, y)) = self.pointer else {
            self.unsaid.wheels += 1;
            return Ok(());
        };
        if steps == 0 {
            return Ok(());
        }
        let (dx, dy) = if vertical == 1 { (0, steps) } else { (steps, 0) };
        to.push(MOUSE, time, &MouseEvent { x, y, dx: Some(dx), dy: Some(dy), ..mouse("scroll", time) })
    }

    /// The window that became active. Where it lies is not in the table; the recorded one fills the picture.
    fn focus(&mut self, row: &OwnedRow, time: i64, to: &mut McapFile) -> McapResult<()> {
        let is_recorded = !row.window_id.is_empty() && self.recorded.as_ref() == Some(&row.window_id);
        let rect = self.size.filter(|_| is_recorded).map_or([0; 4], |[width, height]| [0, 0, width, height]);
        let title = row.metadata.get(key::TITLE).unwrap_or_default().to_owned();
        let window = WindowInfo { title, rect, handle: handle(&row.window_id) };
        to.push(WINDOW, time, &window)?;
        self.window = Some((row.t_ns, window));
        Ok(())
    }
}

/// The number of a window, where its identifier is one.
fn handle(id: &str) -> i64 {
    let number = match id.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => id.parse(),
    };
    number.unwrap_or(NO_WINDOW)
}

fn mouse(event_type: &'static str, timestamp: i64) -> MouseEvent<'static> {
    MouseEvent { event_type, x: 0, y: 0, button: None, pressed: None, dx: None, dy: None, timestamp }
}

fn raw(timestamp: i64) -> RawMouseEvent {
    RawMouseEvent { last_x: 0, last_y: 0, us_flags: 0, button_flags: 0, button_data: 0, device_handle: None, timestamp }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_of_windows_are_numbers_where_they_can_be() {
        assert_eq!(["0x1400003", "77", "", "synthetic"].map(handle), [0x140_0003, 77, NO_WINDOW, NO_WINDOW]);
    }
}
