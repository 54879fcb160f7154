//! What focus events tell of a grab of the keyboard: the server sends them when one begins and ends, so nothing is grabbed to find out.
//! A grab that began before anybody listened is not seen.

use x11rb::protocol::Event;
use x11rb::protocol::xproto::{NotifyDetail, NotifyMode, Window};

/// What one event tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Told {
    /// Nobody has grabbed it.
    Free,
    /// It is grabbed at this window, which may be inside another.
    At(Window),
    /// It is grabbed, and this does not say where.
    Somewhere,
    /// It is grabbed still.
    Still,
}

/// Reads an event; `None`: it is no focus event.
pub(super) fn told(event: &Event) -> Option<Told> {
    let (came, e) = match event {
        Event::FocusIn(e) => (true, e),
        Event::FocusOut(e) => (false, e),
        _ => return None,
    };
    let passed = [NotifyDetail::VIRTUAL, NotifyDetail::NONLINEAR_VIRTUAL, NotifyDetail::POINTER].contains(&e.detail);
    Some(match e.mode {
        NotifyMode::GRAB if came && !passed => Told::At(e.event),
        // Out of the window that has the focus, or had the grab before: to one inside it, or somewhere else.
        NotifyMode::GRAB if !passed && e.detail == NotifyDetail::INFERIOR => Told::At(e.event),
        NotifyMode::GRAB if !passed => Told::Somewhere,
        NotifyMode::GRAB | NotifyMode::WHILE_GRABBED => Told::Still,
        _ => Told::Free,
    })
}

#[cfg(test)]
mod tests {
    use x11rb::protocol::xproto::FocusInEvent;

    use super::*;

    fn focus(window: Window, mode: NotifyMode, detail: NotifyDetail) -> FocusInEvent {
        FocusInEvent { response_type: 9, detail, sequence: 0, event: window, mode }
    }

    #[test]
    fn a_grab_is_told_from_its_begin_to_its_end() {
        let (out, into, over) = (NotifyDetail::ANCESTOR, NotifyDetail::NONLINEAR, NotifyDetail::NONLINEAR_VIRTUAL);
        let come = |window, mode, detail| told(&Event::FocusIn(focus(window, mode, detail)));
        let go = |window, mode, detail| told(&Event::FocusOut(focus(window, mode, detail)));
        assert_eq!(go(7, NotifyMode::GRAB, out), Some(Told::Somewhere));
        assert_eq!(come(8, NotifyMode::GRAB, over), Some(Told::Still));
        assert_eq!(come(9, NotifyMode::GRAB, into), Some(Told::At(9)));
        assert_eq!(come(7, NotifyMode::WHILE_GRABBED, into), Some(Told::Still));
        assert_eq!(go(9, NotifyMode::UNGRAB, into), Some(Told::Free));
        assert_eq!(come(7, NotifyMode::NORMAL, into), Some(Told::Free));
        let inside = go(7, NotifyMode::GRAB, NotifyDetail::INFERIOR);
        assert_eq!(inside, Some(Told::At(7)), "a window inside that is not listened to");
    }
}
