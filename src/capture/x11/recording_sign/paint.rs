//! Paints what the sign looks like into a pixmap, by requests of the core protocol: any depth and any order of bytes will do.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeGCAux, ConnectionExt as _, CreateGCAux, Pixmap, Rectangle};
use x11rb::rust_connection::RustConnection;

use super::super::failure;
use crate::base::event::Area;
use crate::capture::CaptureError;
use crate::capture::recording_sign::{SignState, badge};

/// Paints what it looks like, for the server to paint the window with.
pub(super) fn look(
    conn: &RustConnection,
    number: usize,
    state: SignState,
    factor: u32,
) -> Result<Pixmap, CaptureError> {
    let failed = failure::failed("painting a window");
    let lost = |error| failure::connection(&error);
    let screen = &conn.setup().roots[number];
    let (width, height) = badge::size(factor);
    let (pixmap, paint) = (conn.generate_id().map_err(&failed)?, conn.generate_id().map_err(&failed)?);
    conn.create_pixmap(screen.root_depth, pixmap, screen.root, width as u16, height as u16).map_err(lost)?;
    conn.create_gc(paint, pixmap, &CreateGCAux::new().graphics_exposures(0)).map_err(lost)?;
    let parts = badge::parts(state, factor);
    for colour in badge::Colour::ALL {
        let [red, green, blue] = colour.rgb().map(|value| u16::from(value) * 0x101);
        let pixel = conn.alloc_color(screen.default_colormap, red, green, blue).map_err(lost)?;
        let pixel = pixel.reply().map_err(failure::failed("asking for a colour"))?.pixel;
        conn.change_gc(paint, &ChangeGCAux::new().foreground(pixel)).map_err(lost)?;
        let rectangle = |(_, area): &(_, Area)| Rectangle {
            x: area.x as i16,
            y: area.y as i16,
            width: area.width as u16,
            height: area.height as u16,
        };
        let of_colour: Vec<Rectangle> = parts.iter().filter(|(of, _)| *of == colour).map(rectangle).collect();
        conn.poly_fill_rectangle(pixmap, paint, &of_colour).map_err(lost)?;
    }
    conn.free_gc(paint).map_err(lost)?;
    Ok(pixmap)
}
