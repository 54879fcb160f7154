//! Whose a popup is.
//!
//! A popup belongs to the window that it names (`WM_TRANSIENT_FOR`), or to the one that a popup which it names belongs to. One that
//! names nothing that is shown (Tk's menus, and those of old toolkits) belongs to a window of its client, when it says that it is a
//! menu or the like, or is of the same application ([`is_like_popup_of`]): to the one that has the keyboard, or to the only one there is. Another window of the same program has popups of its own, which are not drawn. Where the
//! recorded window is one that no window manager places itself, that does not tell popups from others: they must name it.

use x11rb::connection::Connection;
use x11rb::errors::ConnectionError;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, GetPropertyReply, MapState, Window};
use x11rb::rust_connection::RustConnection;

use super::super::failure::{self, answered, there};
use super::super::targets::{self, Atoms};
use crate::capture::CaptureError;

/// How deep the window with the keyboard may lie in a child of the root.
const MAX_DEPTH: usize = 32;
/// What is read of names and types, in units of 4 bytes: 256 bytes.
const NAME_UNITS: u32 = 64;

x11rb::atom_manager! {
    /// The kinds by which popups say that they are some.
    #[expect(clippy::struct_field_names, reason = "they are the protocol's names")]
    pub(in super::super) PopupKinds: PopupKindsCookie {
        _NET_WM_WINDOW_TYPE,
        _NET_WM_WINDOW_TYPE_COMBO,
        _NET_WM_WINDOW_TYPE_DROPDOWN_MENU,
        _NET_WM_WINDOW_TYPE_MENU,
        _NET_WM_WINDOW_TYPE_POPUP_MENU,
        _NET_WM_WINDOW_TYPE_TOOLTIP,
    }
}

/// The recorded window, whose popups are looked for.
pub(super) struct Owner {
    atoms: Atoms,
    kinds: PopupKinds,
    root: Window,
    window: Window,
    /// No window manager places the recorded window either.
    unmanaged: bool,
    /// The child of the root that it is in.
    pub(super) top: Window,
}

impl Owner {
    pub(super) fn open(conn: &RustConnection, root: Window, window: Window, top: Window) -> Result<Self, CaptureError> {
        let attributes = conn.get_window_attributes(window).map_err(|error| failure::connection(&error))?;
        let unmanaged = there(attributes.reply())?.is_some_and(|attributes| attributes.override_redirect);
        let kinds = PopupKinds::new(conn).map_err(|error| failure::connection(&error))?;
        let kinds = kinds.reply().map_err(failure::failed("asking for atoms"))?;
        Ok(Self { atoms: Atoms::intern(conn)?, kinds, root, window, unmanaged, top })
    }

    /// Whether a window is the recorded one, or the child of the root that it is in.
    pub(super) fn is(&self, window: Window) -> bool {
        window == self.window || window == self.top
    }

    /// Whether a popup belongs to the recorded window, of which `siblings` are popups.
    pub(super) fn has(&self, conn: &RustConnection, popup: Window, siblings: &[Window]) -> Result<bool, CaptureError> {
        if let Some(named) = named_by(conn, popup)? {
            if self.is(named) || siblings.contains(&named) {
                return Ok(true);
            }
            let attributes = conn.get_window_attributes(named).map_err(|error| failure::connection(&error))?;
            let is_shown = there(attributes.reply())?.is_some_and(|named| named.map_state == MapState::VIEWABLE);
            if is_shown && named != self.root {
                return Ok(false);
            }
        }
        let may_be = !self.unmanaged
            && is_same_client(conn, popup, self.window)
            && is_like_popup_of(conn, &self.kinds, popup, self.window).map_err(|error| failure::connection(&error))?;
        if !may_be {
            return Ok(false);
        }
        let focused = self.focused(conn)?;
        Ok(focused == self.top || siblings.contains(&focused) || self.is_only_one(conn)?)
    }

    /// The child of the root that the keyboard goes to.
    fn focused(&self, conn: &RustConnection) -> Result<Window, CaptureError> {
        let lost = |error| failure::connection(&error);
        let Some(reply) = there(conn.get_input_focus().map_err(lost)?.reply())? else { return Ok(x11rb::NONE) };
        let mut window = reply.focus;
        for _ in 0..MAX_DEPTH {
            let Some(tree) = there(conn.query_tree(window).map_err(lost)?.reply())? else { break };
            if tree.parent == self.root || tree.parent == x11rb::NONE {
                break;
            }
            window = tree.parent;
        }
        Ok(window)
    }

    /// Whether the client has no other window on the desktop.
    fn is_only_one(&self, conn: &RustConnection) -> Result<bool, CaptureError> {
        let windows = targets::windows(conn, self.root, &self.atoms)?;
        for other in windows.into_iter().filter(|other| *other != self.window && *other != self.top) {
            if is_same_client(conn, other, self.window) {
                let attributes = conn.get_window_attributes(other).map_err(|error| failure::connection(&error))?;
                if there(attributes.reply())?.is_some_and(|attributes| !attributes.override_redirect) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// Whether two windows were made over one connection to the server.
pub(in super::super) fn is_same_client(conn: &RustConnection, one: Window, other: Window) -> bool {
    (one ^ other) & !conn.setup().resource_id_mask == 0
}

/// Whether a window that no window manager places is a menu or the like by its own word, or of the application of another one. (One
/// of another application over the same connection is a window of its own.)
pub(in super::super) fn is_like_popup_of(
    conn: &RustConnection,
    kinds: &PopupKinds,
    popup: Window,
    owner: Window,
) -> Result<bool, ConnectionError> {
    let property = |window, name: u32, kind: AtomEnum| conn.get_property(false, window, name, kind, 0, NAME_UNITS);
    let types = property(popup, kinds._NET_WM_WINDOW_TYPE, AtomEnum::ATOM)?;
    let names = [popup, owner].map(|window| property(window, AtomEnum::WM_CLASS.into(), AtomEnum::STRING));
    let known = [
        kinds._NET_WM_WINDOW_TYPE_COMBO,
        kinds._NET_WM_WINDOW_TYPE_DROPDOWN_MENU,
        kinds._NET_WM_WINDOW_TYPE_MENU,
        kinds._NET_WM_WINDOW_TYPE_POPUP_MENU,
        kinds._NET_WM_WINDOW_TYPE_TOOLTIP,
    ];
    let types = answered(types.reply())?;
    let says_so = types.and_then(|types| Some(types.value32()?.any(|kind| known.contains(&kind)))).unwrap_or(false);
    let [popup, owner] = names;
    let (popup, owner) = (answered(popup?.reply())?, answered(owner?.reply())?);
    let class = |names: Option<GetPropertyReply>| {
        let names = names.map(|names| names.value).unwrap_or_default();
        names.split(|byte| *byte == 0).nth(1).unwrap_or_default().to_ascii_lowercase()
    };
    let (popup, owner) = (class(popup), class(owner));
    Ok(says_so || popup.is_empty() || popup == owner)
}

/// The window that a popup says it is for.
fn named_by(conn: &RustConnection, popup: Window) -> Result<Option<Window>, CaptureError> {
    let (name, kind) = (AtomEnum::WM_TRANSIENT_FOR, AtomEnum::WINDOW);
    let property = conn.get_property(false, popup, name, kind, 0, 1).map_err(|error| failure::connection(&error))?;
    let reply = there(property.reply())?;
    Ok(reply.and_then(|reply| reply.value32()?.next()).filter(|window| *window != x11rb::NONE))
}

/// Whether a compositor shows the desktop, so that alpha channels are heeded.
pub(super) fn is_composited(conn: &RustConnection, screen: usize) -> Result<bool, CaptureError> {
    let lost = |error| failure::connection(&error);
    let name = format!("_NET_WM_CM_S{screen}");
    let atom = conn.intern_atom(false, name.as_bytes()).map_err(lost)?;
    let atom = atom.reply().map_err(failure::failed("asking for atoms"))?.atom;
    let owner = conn.get_selection_owner(atom).map_err(lost)?;
    Ok(there(owner.reply())?.is_some_and(|reply| reply.owner != x11rb::NONE))
}
