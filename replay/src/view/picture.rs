//! The picture of the playhead's frame: half-blocks, dots or a graphics protocol, with the pointer, presses and masks over it.
//!
//! Invariant: whatever is the matter (no frames, no frame yet, a frame that cannot be decoded) is said where the picture
//! would be, and never covers a picture that is there. Scaling and decoding are not done here.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Paragraph, Widget, Wrap};

use super::cells::{put, put_within, width};
use super::input::button_name;
use crate::app::{App, CLICK_AGE, Painting};
use crate::picture::fit;
use crate::text::clock;
use crate::theme::{BAYER, Theme};
use crate::timeline::{Mask, Picture};
use crate::worker::Drawable;

/// Largest picture that is sent to a terminal by a graphics protocol, pixels: kitty's is 4 bytes a pixel in base64, so
/// 1280 × 720 × 4 × 4/3 = 4.9 MB a picture.
const MAX_GRAPHICS: (u32, u32) = (1280, 720);
/// Bits of a braille character for its dots, by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// The pixels that a picture may have in an area, `None` when it has no place.
pub(crate) fn bounds(area: Rect, painting: Painting) -> Option<(u32, u32)> {
    if area.is_empty() {
        return None;
    }
    let (w, h) = (u32::from(area.width), u32::from(area.height));
    Some(match painting {
        Painting::HalfBlocks => (w, h * 2),
        Painting::Dots => (w * 2, h * 4),
        Painting::Graphics(cell_w, cell_h) => {
            ((w * u32::from(cell_w.max(1))).min(MAX_GRAPHICS.0), (h * u32::from(cell_h.max(1))).min(MAX_GRAPHICS.1))
        }
    })
}

/// Draws the picture, or says why there is none.
pub(crate) fn draw(app: &App<'_>, area: Rect, buf: &mut Buffer, covered: bool) {
    buf.set_style(area, app.theme.well());
    let Some((index, _)) = app.frame else {
        no_frame(app, area, buf);
        return;
    };
    match app.shown.as_ref().map(|answer| (answer.frame, &answer.result)) {
        Some((_, Ok(Drawable::Pixels(picture)))) => {
            let per = per_cell(app.painting);
            let (place, size) =
                if app.lens.is_some() { as_it_is(picture, per, area) } else { place(picture, per, area) };
            cells(app.theme, app.painting, picture, (place, size), buf);
            if app.overlaid {
                masks(app, place, buf);
                clicks(app, place, buf);
                pointer(app, place, buf);
            }
        }
        Some((_, Ok(Drawable::Graphics(protocol)))) if !covered => {
            let size = protocol.size();
            let place = middle(area, size.width, size.height);
            ratatui_image::Image::new(protocol).render(place, buf);
        }
        Some((frame, Err(problem))) => {
            let title = format!("frame {frame} cannot be shown");
            message(area, buf, &[(&title, app.theme.error()), (problem, app.theme.dim())]);
        }
        _ if app.late() => message(area, buf, &[(&format!("decoding frame {index}…"), app.theme.dim())]),
        _ => {}
    }
}

/// Draws a picture into the middle of an area, as cells.
pub(crate) fn paint(theme: Theme, painting: Painting, picture: &Picture, area: Rect, buf: &mut Buffer) {
    cells(theme, painting, picture, place(picture, per_cell(painting), area), buf);
}

/// The pixels of a cell.
fn per_cell(painting: Painting) -> (u32, u32) {
    if painting == Painting::Dots { (2, 4) } else { (1, 2) }
}

fn cells(theme: Theme, painting: Painting, picture: &Picture, (place, size): (Rect, (u32, u32)), buf: &mut Buffer) {
    match painting {
        Painting::Dots => dots(picture, place, size, buf),
        _ => half_blocks(theme, picture, place, size, buf),
    }
}

fn no_frame(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let dim = app.theme.dim();
    if let Some(why) = &app.summary.no_pictures {
        message(area, buf, &[("the video cannot be read", app.theme.error()), (why, dim)]);
    } else if app.summary.frames == 0 {
        message(area, buf, &[("no frames", app.theme.text()), ("this recording has no pictures", dim)]);
    } else {
        message(area, buf, &[("no frame yet", app.theme.text()), ("the first one comes later (→)", dim)]);
    }
}

/// Lines in the middle of an area, wrapped.
pub(crate) fn message(area: Rect, buf: &mut Buffer, lines: &[(&str, Style)]) {
    let text: Text<'_> = lines.iter().map(|(line, style)| Line::styled(*line, *style)).collect();
    let room = area.width.saturating_sub(4).max(1);
    let height: u16 = lines.iter().map(|(line, _)| width(line).div_ceil(room).max(1)).sum();
    // A wrapped line may take one more than its length says: words are not cut.
    let height = (height + 1).min(area.height);
    let place = Rect {
        x: area.x + 2.min(area.width),
        width: room.min(area.width.saturating_sub(2)),
        ..middle(area, area.width, height)
    };
    Paragraph::new(text).alignment(Alignment::Center).wrap(Wrap { trim: true }).render(place, buf);
}

/// An area of a size in the middle of another, inside it.
fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height }
}

/// The cells of a picture and the pixels in them. One that was made for another size (the terminal has just been resized)
/// is fitted into this one: the right one is on its way. An odd height leaves a part of the last row empty.
fn place(picture: &Picture, per: (u32, u32), area: Rect) -> (Rect, (u32, u32)) {
    let bounds = (u32::from(area.width) * per.0, u32::from(area.height) * per.1);
    let size = fit((picture.width, picture.height), bounds);
    (middle(area, size.0.div_ceil(per.0) as u16, size.1.div_ceil(per.1) as u16), size)
}

/// The same for a picture whose pixels are to be seen as they are. One that is larger (the terminal has just been resized) is cut.
fn as_it_is(picture: &Picture, per: (u32, u32), area: Rect) -> (Rect, (u32, u32)) {
    let cells = |pixels: u32, per: u32| u16::try_from(pixels.div_ceil(per)).unwrap_or(u16::MAX);
    (middle(area, cells(picture.width, per.0), cells(picture.height, per.1)), (picture.width, picture.height))
}

/// The colour of a picture at a place in a grid of `columns` × `rows`.
fn sample(picture: &Picture, x: u32, y: u32, (columns, rows): (u32, u32)) -> [u8; 3] {
    let px = u64::from(x) * u64::from(picture.width) / u64::from(columns.max(1));
    let py = u64::from(y) * u64::from(picture.height) / u64::from(rows.max(1));
    let at = (py as usize * picture.width as usize + px as usize) * 3;
    picture.rgb.get(at..at + 3).map_or([0; 3], |rgb| [rgb[0], rgb[1], rgb[2]])
}

fn half_blocks(theme: Theme, picture: &Picture, place: Rect, size: (u32, u32), buf: &mut Buffer) {
    let back = theme.well().bg;
    for position in place.positions() {
        let (x, y) = (u32::from(position.x - place.x), u32::from(position.y - place.y) * 2);
        let pixel = |y| theme.pixel(sample(picture, x, y, size), x, y);
        let upper = pixel(y);
        let lower = if y + 1 < size.1 { Some(pixel(y + 1)) } else { back };
        buf[position].set_symbol("▀").set_style(Style { fg: Some(upper), bg: lower, ..Style::new() });
    }
}

fn dots(picture: &Picture, place: Rect, size: (u32, u32), buf: &mut Buffer) {
    for position in place.positions() {
        let (x, y) = (u32::from(position.x - place.x) * 2, u32::from(position.y - place.y) * 4);
        let mut bits = 0;
        for (dy, row) in DOTS.iter().enumerate() {
            for (dx, bit) in row.iter().enumerate() {
                let (x, y) = (x + dx as u32, y + dy as u32);
                if x < size.0 && y < size.1 {
                    let [red, green, blue] = sample(picture, x, y, size).map(u32::from);
                    // BT.709 luma in 0..=255, against a threshold in the middle of each sixteenth.
                    let luma = (54 * red + 183 * green + 19 * blue) >> 8;
                    if luma > u32::from(BAYER[y as usize % 4][x as usize % 4]) * 16 + 8 {
                        bits |= bit;
                    }
                }
            }
        }
        let dots = char::from_u32(0x2800 + bits).unwrap_or(' ');
        buf[position].set_char(dots);
    }
}

/// The cell of a share of a side.
fn cell(share: f32, from: u16, cells: u16) -> u16 {
    from + (share * f32::from(cells)).clamp(0.0, f32::from(cells.max(1) - 1)) as u16
}

/// Draws a frame around what is covered, with its reason.
fn masks(app: &App<'_>, place: Rect, buf: &mut Buffer) {
    let style = app.theme.span(crate::timeline::SpanKind::Redacted);
    for mask in &app.overlay.masks {
        let ((left, top), (right, bottom)) =
            (app.share((mask.x, mask.y)), app.share((mask.x + mask.width, mask.y + mask.height)));
        let mask = Mask { x: left, y: top, width: right - left, height: bottom - top, ..mask.clone() };
        let outside = mask.x >= 1.0 || mask.y >= 1.0 || mask.x + mask.width <= 0.0 || mask.y + mask.height <= 0.0;
        if outside || place.is_empty() {
            continue;
        }
        let (left, top) = (cell(mask.x, place.x, place.width), cell(mask.y, place.y, place.height));
        // The last cell that it reaches into, not the one after it.
        let end = |share: f32, from: u16, cells: u16| {
            from + ((share * f32::from(cells)).ceil() - 1.0).clamp(0.0, f32::from(cells.max(1) - 1)) as u16
        };
        let right = end(mask.x + mask.width, place.x, place.width).max(left);
        let bottom = end(mask.y + mask.height, place.y, place.height).max(top);
        for x in left..=right {
            for (y, corners) in [(bottom, ["└", "┘"]), (top, ["┌", "┐"])] {
                let symbol = match x {
                    x if x == left => corners[0],
                    x if x == right => corners[1],
                    _ => "╌",
                };
                buf.set_string(x, y, symbol, style);
            }
        }
        for y in top + 1..bottom {
            buf.set_string(left, y, "╎", style);
            buf.set_string(right, y, "╎", style);
        }
        let line = Rect { x: left, y: top, width: right - left + 1, height: 1 };
        let label = if mask.reason.is_empty() { "covered" } else { &mask.reason };
        put_within(buf, line, 1, line.width.saturating_sub(1), &format!("▒ {label} "), app.theme.mask());
    }
}

/// Draws rings where buttons went down shortly before.
fn clicks(app: &App<'_>, place: Rect, buf: &mut Buffer) {
    for click in &app.overlay.clicks {
        let (x, y) = app.share((click.x, click.y));
        if !(0.0..=1.0).contains(&x) || !(0.0..=1.0).contains(&y) || place.is_empty() {
            continue;
        }
        let at = Position::new(cell(x, place.x, place.width), cell(y, place.y, place.height));
        let age = app.player.at().saturating_sub(click.t_ns);
        let symbol = match age * 3 / CLICK_AGE {
            ..=0 => "◉",
            1 => "◎",
            _ => "○",
        };
        buf[at].set_symbol(symbol).set_style(app.theme.click());
    }
}

/// Draws the pointer and the buttons that are held over a picture; outside of it, an arrow at its edge.
fn pointer(app: &App<'_>, place: Rect, buf: &mut Buffer) {
    let Some((x, y)) = app.state.pointer.map(|at| app.share(at)) else { return };
    if place.is_empty() {
        return;
    }
    let at = Position::new(cell(x, place.x, place.width), cell(y, place.y, place.height));
    let pressed = !app.state.buttons.is_empty();
    let style = if pressed { app.theme.pressed() } else { app.theme.pointer() };
    let symbol = match (x, y) {
        (..0.0, _) => "◂",
        (1.0.., _) if x > 1.0 => "▸",
        (_, ..0.0) => "▴",
        (_, 1.0..) if y > 1.0 => "▾",
        _ if pressed => "●",
        _ => "↖",
    };
    buf[at].set_symbol(symbol).set_style(style);
    let names: Vec<&str> = app.state.buttons.iter().map(|button| button_name(*button)).collect();
    if pressed {
        let label = names.join("+");
        let label_width = width(&label);
        if at.x + 1 + label_width <= place.right() {
            buf.set_string(at.x + 1, at.y, label, style);
        } else if at.x >= place.x + label_width {
            buf.set_string(at.x - label_width, at.y, label, style);
        }
    }
}

/// The line under the picture: what is the matter, else the active window.
pub(crate) fn caption(app: &App<'_>, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    buf.set_style(area, theme.well());
    let mut at = 1;
    if let Some(notice) = &app.notice {
        let sign = super::cells::tone_sign(notice.tone);
        at = put_within(
            buf,
            area,
            at,
            area.width.saturating_sub(1),
            &format!("{sign}{}", notice.text),
            app.theme.tone(notice.tone),
        ) + 2;
    }
    if let Some(search) = app.searching.as_ref().filter(|search| !search.missed) {
        let done = app.player.at().abs_diff(search.from) / 1_000_000_000;
        at = put(buf, area, at, &format!("looking for {}… {done} s away", search.what), theme.playhead()) + 2;
    }
    if let Some((done, whole)) = app.exporting {
        let share = if whole > 0 {
            format!(" {} %", (u128::from(done) * 100 / u128::from(whole)).min(100))
        } else {
            String::new()
        };
        at = put(buf, area, at, &format!("exporting…{share}"), theme.playhead()) + 2;
    }
    for problem in app.problems() {
        at = put(buf, area, at, problem, theme.error()) + 2;
    }
    for note in &app.state.notes {
        at = put_within(buf, area, at, area.width.saturating_sub(1), &format!(" {note} "), theme.alert()) + 1;
    }
    let shown = app.shown.as_ref().map(|answer| answer.frame);
    if let Some((index, _)) = app.frame
        && let Some(other) = shown.filter(|frame| *frame != index)
        && (app.late() || app.hurry || app.stands_in())
    {
        // Another picture stands for this one, and that must be seen.
        let what =
            if app.late() { format!("decoding frame {index}…") } else { format!("≈ picture of frame {other}") };
        at = put(buf, area, at, &what, theme.playhead()) + 2;
    }
    let frame_time = app.frame.map(|(_, info)| {
        let behind = u64::try_from(app.player.at().saturating_sub(info.t_ns)).unwrap_or(0);
        format!("−{} ", clock(behind, false))
    });
    // A picture much older than the playhead is worth a word: this is what a gap looks like.
    let old = app.frame.is_some_and(|(_, info)| app.player.at().saturating_sub(info.t_ns) > crate::text::SECOND);
    let mut until = area.width;
    if let Some((lens, part)) = app.lens.zip(app.part()) {
        let how = if lens.follows { "with the pointer" } else { "by hand" };
        let label = format!("magnified {}, {how}: {}, {} ", lens.scale.name(), part.left, part.top);
        until = until.saturating_sub(width(&label) + 1);
        if at < until {
            put(buf, area, until, &label, theme.playhead());
        }
    }
    if let Some(age) = frame_time.filter(|_| old) {
        let label = format!("picture {age}");
        until = until.saturating_sub(width(&label) + 1);
        if at < until {
            put(buf, area, until, &label, theme.playhead());
        }
    }
    if !app.state.window.is_empty() && at + 4 < until {
        let at = put(buf, area, at, "▣ ", theme.faint());
        put_within(buf, area, at, until, &app.state.window, theme.dim());
    }
}
