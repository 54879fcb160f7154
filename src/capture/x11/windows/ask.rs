//! Asks a child of the root, and what is inside it, what it is, and listens to all of them from then on.

use x11rb::connection::RequestConnection;
use x11rb::errors::ConnectionError;
use x11rb::protocol::shape::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, GetPropertyReply, Window,
};
use x11rb::rust_connection::RustConnection;

use super::super::failure::{self, answered};
use super::super::program::{self, Programs};
use crate::capture::CaptureError;
use crate::privacy::cover::{Judged, Said, Told};

/// How deep in a top-level window its client is looked for: frames of window managers nest two or three deep.
const MAX_DEPTH: u32 = 4;
/// How many inner windows of one top-level window are asked.
const MAX_INNER: usize = 64;
/// What is read of a name, in units of 4 bytes: 1 KiB.
const NAME_UNITS: u32 = 256;
/// What is read of a list of types.
const TYPE_UNITS: u32 = 32;
/// The depth of pixels without an alpha channel.
const OPAQUE_DEPTH: u8 = 24;

x11rb::atom_manager! {
    /// The names that windows describe themselves with.
    #[expect(clippy::struct_field_names, reason = "they are the protocol's names")]
    Atoms: AtomsCookie {
        _NET_WM_NAME,
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_NOTIFICATION,
        _NET_WM_WINDOW_OPACITY,
    }
}

/// What is listened to on every window that is followed, with what others need of it on the same connection, who use the same mask.
pub(in super::super) fn window_events() -> EventMask {
    EventMask::PROPERTY_CHANGE
        | EventMask::STRUCTURE_NOTIFY
        | EventMask::SUBSTRUCTURE_NOTIFY
        | EventMask::FOCUS_CHANGE
        | EventMask::VISIBILITY_CHANGE
}

/// A name of a window: UTF-8 where it is, else Latin-1. Long ones are cut, which the rules do not mind.
fn text(value: &[u8]) -> String {
    match str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(error) if error.valid_up_to() + 4 > value.len() => String::from_utf8_lossy(value).into_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Asks windows.
pub(super) struct Asker {
    atoms: Atoms,
    has_shape: bool,
    pub(super) programs: Programs,
}

impl Asker {
    pub(super) fn open(conn: &RustConnection) -> Result<Self, CaptureError> {
        let lost = |error| failure::connection(&error);
        let atoms = Atoms::new(conn).map_err(lost)?.reply().map_err(failure::failed("asking for atoms"))?;
        let has_shape = conn.extension_information(shape::X11_EXTENSION_NAME).map_err(lost)?.is_some();
        Ok(Self { atoms, has_shape, programs: Programs::open(conn).map_err(lost)? })
    }

    /// Whether a property is one of those that are asked for.
    pub(super) fn describes(&self, property: Atom) -> bool {
        [
            AtomEnum::WM_NAME.into(),
            AtomEnum::WM_CLASS.into(),
            self.atoms._NET_WM_NAME,
            self.atoms._NET_WM_WINDOW_TYPE,
            self.atoms._NET_WM_WINDOW_OPACITY,
        ]
        .contains(&property)
    }

    /// Asks a child of the root, and calls `inside` with each window that is inside it.
    pub(super) fn ask(
        &self,
        conn: &RustConnection,
        top: Window,
        mut judged: Judged,
        mut inside: impl FnMut(Window),
    ) -> Result<Told, ConnectionError> {
        let (mut blends, mut game) = (false, None);
        let mut level = vec![top];
        let mut count = 0;
        for depth in 0..=MAX_DEPTH {
            let mut cookies = Vec::with_capacity(level.len());
            for window in level.drain(..) {
                let events = ChangeWindowAttributesAux::new().event_mask(window_events());
                conn.change_window_attributes(window, &events)?.ignore_error();
                let get = |name: u32, units| conn.get_property(false, window, name, AtomEnum::ANY, 0, units);
                cookies.push((
                    window,
                    [
                        get(AtomEnum::WM_CLASS.into(), NAME_UNITS)?,
                        get(self.atoms._NET_WM_NAME, NAME_UNITS)?,
                        get(AtomEnum::WM_NAME.into(), NAME_UNITS)?,
                        get(self.atoms._NET_WM_WINDOW_TYPE, TYPE_UNITS)?,
                        get(self.atoms._NET_WM_WINDOW_OPACITY, 1)?,
                    ],
                    conn.query_tree(window)?,
                    self.programs.ask(conn, window)?,
                ));
            }
            for (window, properties, tree, program) in cookies {
                let mut values = Vec::with_capacity(5);
                for property in properties {
                    values.push(answered(property.reply())?);
                }
                if depth == 0 && values.iter().all(Option::is_none) {
                    judged.gone();
                }
                if judged.hear(&self.said(&values, program::names(program)?)) {
                    game = Some(window);
                }
                blends |= value(&values, 4).is_some();
                let Some(tree) = answered(tree.reply())? else { continue };
                for child in tree.children {
                    if depth < MAX_DEPTH && count < MAX_INNER {
                        count += 1;
                        level.push(child);
                        inside(child);
                    }
                }
            }
            if level.is_empty() {
                break;
            }
        }
        let (depth, shaped) = self.shape(conn, top)?;
        let inset = game.map_or(Ok([0; 4]), |game| inset(conn, top, game))?;
        let opaque = !blends && depth == Some(OPAQUE_DEPTH) && !shaped;
        Ok(Told { judged, opaque, paints: depth != Some(0), inset })
    }

    /// What a window says by the values of its properties.
    fn said(&self, values: &[Option<GetPropertyReply>], programs: Vec<String>) -> Said {
        let bytes = |index| value(values, index).map_or(&[][..], |reply| reply.value.as_slice());
        let mut class = bytes(0).split(|byte| *byte == 0).map(text);
        let (instance, app) = (class.next().unwrap_or_default(), class.next().unwrap_or_default());
        let notification = self.atoms._NET_WM_WINDOW_TYPE_NOTIFICATION;
        let types = value(values, 3).and_then(GetPropertyReply::value32);
        let is_notification = types.is_some_and(|mut types| types.any(|kind| kind == notification));
        Said { app, instance, titles: [text(bytes(1)), text(bytes(2))], programs, is_notification }
    }

    /// The depth of a window, `None` when it is gone, and whether it may not fill its rectangle.
    fn shape(&self, conn: &RustConnection, window: Window) -> Result<(Option<u8>, bool), ConnectionError> {
        let place = conn.get_geometry(window)?;
        let extents = if self.has_shape { Some(conn.shape_query_extents(window)?) } else { None };
        let depth = answered(place.reply())?.map(|place| place.depth);
        let extents = extents.map(|extents| answered(extents.reply())).transpose()?.flatten();
        Ok((depth, extents.is_none_or(|extents| extents.bounding_shaped)))
    }
}

/// A property that the window has.
fn value(values: &[Option<GetPropertyReply>], index: usize) -> Option<&GetPropertyReply> {
    values.get(index).and_then(Option::as_ref).filter(|reply| reply.type_ != x11rb::NONE)
}

/// How far the edges of a window are inside those of the child of the root that it is in.
fn inset(conn: &RustConnection, top: Window, window: Window) -> Result<[i32; 4], ConnectionError> {
    if window == top {
        return Ok([0; 4]);
    }
    let (place, corner) = (conn.get_geometry(window)?, conn.translate_coordinates(window, top, 0, 0)?);
    let frame = conn.get_geometry(top)?;
    let (place, corner, frame) = (answered(place.reply())?, answered(corner.reply())?, answered(frame.reply())?);
    let (Some(place), Some(corner), Some(frame)) = (place, corner, frame) else { return Ok([0; 4]) };
    let border = i32::from(frame.border_width);
    let (x, y) = (i32::from(corner.dst_x), i32::from(corner.dst_y));
    let (width, height) = (i32::from(frame.width), i32::from(frame.height));
    Ok([
        border + x,
        border + y,
        border + width - x - i32::from(place.width),
        border + height - y - i32::from(place.height),
    ])
}
