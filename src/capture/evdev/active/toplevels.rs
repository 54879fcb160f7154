//! The active window by wlr-foreign-toplevel-management, which labwc, river, Wayfire and others have, and sway too.
//!
//! It tells title and application of each window and which is activated; neither process nor place. What has the keyboard without being a window
//! (launchers, lockers) is in no list. wlroots sends a state when it changes and says `done` when it is idle, so a look goes to the compositor and
//! back twice: by the second answer, what changed before the first question is told. It goes once more while a window has changed and is not `done`: one
//! that was closed is gone at once, and the one that is active instead is `done` when the compositor is idle. Where windows can be recorded alone they are told by the identifiers by
//! which they are ([`Identifiers`]), else by a number of ours.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use wayland_client::backend::WaylandError;
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::wl_registry::WlRegistry;
use wayland_client::{Connection, Dispatch, EventQueue, Proxy as _, QueueHandle, event_created_child};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_handle_v1::{
    self as listed, ExtForeignToplevelHandleV1 as ListedHandle,
};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::{
    self as list, ExtForeignToplevelListV1 as List,
};
use wayland_protocols_wlr::foreign_toplevel::v1::client::zwlr_foreign_toplevel_handle_v1::{
    self as handle, State as Flag, ZwlrForeignToplevelHandleV1 as Handle,
};
use wayland_protocols_wlr::foreign_toplevel::v1::client::zwlr_foreign_toplevel_manager_v1::{
    self as manager, ZwlrForeignToplevelManagerV1 as Manager,
};

use super::desk::{Active, Desk};
use super::listed::Identifiers;

/// Newest version that is used.
const VERSION: u32 = 3;
/// Most windows that are followed: far more than a desktop has.
const MAX_WINDOWS: usize = 4096;
/// Most changes that are kept between two looks.
const MAX_CHANGES: usize = 1024;

/// How often a look goes to the compositor once more for what is not `done`.
const MORE: usize = 2;

/// What stands before the number of a window without an identifier.
const NUMBERED: &str = "toplevel-";

/// A window, as far as it was told.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Window {
    app: String,
    title: String,
    is_active: bool,
}

/// The windows, and which were active since the last look.
#[derive(Default)]
struct Windows {
    /// By the compositor's handle: what was told, and what holds since its last `done`.
    list: Vec<(u64, Window, Window)>,
    /// What has a number: handles are given again.
    given: u64,
    changes: Vec<Option<Active>>,
    identifiers: Identifiers,
    /// The compositor tells nothing any more.
    has_ended: bool,
}

impl Windows {
    fn tell(&mut self, id: u64, tell: impl FnOnce(&mut Window)) {
        if let Some((_, told, _)) = self.list.iter_mut().find(|window| window.0 == id) {
            tell(told);
        }
    }

    fn add(&mut self) -> u64 {
        self.given += 1;
        if self.list.len() < MAX_WINDOWS {
            self.list.push((self.given, Window::default(), Window::default()));
        }
        self.given
    }

    /// All that changed of a window at once was told.
    fn done(&mut self, id: u64) {
        let Some((_, told, holds)) = self.list.iter_mut().find(|window| window.0 == id) else { return };
        if told != holds {
            holds.clone_from(told);
            if holds.is_active {
                let active = of(id, holds);
                self.note(Some(active));
            }
        }
    }

    /// Whether all that was told of windows holds.
    fn is_done(&self) -> bool {
        self.list.iter().all(|(_, told, holds)| told == holds)
    }

    /// Without an end: a window that is active for a moment only counts too.
    fn note(&mut self, active: Option<Active>) {
        if self.changes.len() >= MAX_CHANGES {
            self.changes.remove(0);
        }
        self.changes.push(active);
    }

    /// Looks by which identifiers the windows are recorded alone, once all of both lists is told.
    fn compare(&mut self) {
        let words = self.list.iter().map(|(id, told, _)| (*id, (told.app.as_str(), told.title.as_str())));
        self.identifiers.compare(&words.collect::<Vec<_>>());
    }

    /// An active window, by the identifier by which it is recorded alone.
    fn called(&self, active: Option<Active>) -> Option<Active> {
        let active = active?;
        let number = active.id.strip_prefix(NUMBERED).and_then(|number| number.parse().ok());
        let identifier = number.and_then(|number| self.identifiers.of(number)).map(str::to_owned);
        Some(Active { id: identifier.unwrap_or(active.id), ..active })
    }

    fn remove(&mut self, id: u64) {
        self.list.retain(|window| window.0 != id);
    }

    /// The window that is active now: of several, as in a compositor of several seats, the one that was told of last.
    fn active(&self, before: Option<&Active>) -> Option<Active> {
        let all = || self.list.iter().filter(|(_, _, holds)| holds.is_active).map(|(id, _, holds)| of(*id, holds));
        let last = self
            .changes
            .iter()
            .rev()
            .flatten()
            .chain(before)
            .find_map(|last| all().find(|active| active.id == last.id));
        last.or_else(|| all().next_back())
    }
}

fn of(id: u64, window: &Window) -> Active {
    let Window { app, title, .. } = window.clone();
    Active { id: format!("{NUMBERED}{id}"), app, title, ..Active::default() }.bounded()
}

/// A compositor that lists its windows.
pub(super) struct Toplevels {
    queue: EventQueue<Windows>,
    windows: Windows,
    /// The active window, and as it was told.
    last: Option<Active>,
    told: Option<Active>,
    is_new: bool,
}

fn failed(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}

impl Toplevels {
    /// Connects to the compositor that the environment names; `None` when it does not have the protocol.
    pub(super) fn connect() -> io::Result<Option<Self>> {
        let conn = Connection::connect_to_env().map_err(failed)?;
        let (globals, queue) = registry_queue_init::<Windows>(&conn).map_err(failed)?;
        if globals.bind::<Manager, _, _>(&queue.handle(), 1..=VERSION, ()).is_err() {
            return Ok(None);
        }
        drop(globals.bind::<List, _, _>(&queue.handle(), 1..=1, ()));
        Ok(Some(Self { queue, windows: Windows::default(), last: None, told: None, is_new: true }))
    }
}

impl Desk for Toplevels {
    fn wait(&mut self, limit: Duration) -> io::Result<()> {
        if self.queue.dispatch_pending(&mut self.windows).map_err(failed)? > 0 {
            return Ok(());
        }
        self.queue.flush().map_err(failed)?;
        let Some(guard) = self.queue.prepare_read() else { return Ok(()) };
        let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: limit.subsec_nanos().into() };
        let readable = {
            let fd = guard.connection_fd();
            match poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&limit)) {
                Ok(count) => count > 0,
                Err(rustix::io::Errno::INTR) => false,
                Err(error) => return Err(error.into()),
            }
        };
        if readable {
            match guard.read() {
                Ok(_) => {}
                Err(WaylandError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }

    fn look(&mut self) -> io::Result<Vec<Option<Active>>> {
        // At first once more: for the windows, and for what they are.
        for _ in 0..if self.is_new { 3 } else { 2 } {
            self.queue.roundtrip(&mut self.windows).map_err(failed)?;
        }
        for _ in 0..MORE {
            if self.windows.is_done() {
                break;
            }
            self.queue.roundtrip(&mut self.windows).map_err(failed)?;
        }
        if self.windows.has_ended {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it tells of windows no more"));
        }
        self.windows.compare();
        let now = self.windows.active(self.last.as_ref());
        let mut active = std::mem::take(&mut self.windows.changes);
        if active.last().unwrap_or(&self.last) != &now || self.is_new {
            active.push(now);
        }
        self.is_new = false;
        if let Some(last) = active.last() {
            self.last.clone_from(last);
        }
        // One whose identifier became known meanwhile is called otherwise.
        if active.is_empty() && self.windows.called(self.last.clone()) != self.told {
            active.push(self.last.clone());
        }
        let active: Vec<_> = active.into_iter().map(|active| self.windows.called(active)).collect();
        if let Some(told) = active.last() {
            self.told.clone_from(told);
        }
        Ok(active)
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Windows {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: <WlRegistry as wayland_client::Proxy>::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

/// The number of a window, given when its handle comes.
#[derive(Default)]
struct Number(std::sync::OnceLock<u64>);

impl Dispatch<Manager, ()> for Windows {
    fn event(windows: &mut Self, _: &Manager, event: manager::Event, (): &(), _: &Connection, _: &QueueHandle<Self>) {
        match event {
            manager::Event::Toplevel { toplevel } => {
                let number = windows.add();
                if let Some(Number(place)) = toplevel.data::<Number>() {
                    place.get_or_init(|| number);
                }
            }
            manager::Event::Finished => windows.has_ended = true,
            _ => {}
        }
    }

    event_created_child!(Windows, Manager, [manager::EVT_TOPLEVEL_OPCODE => (Handle, Number::default())]);
}

impl Dispatch<List, ()> for Windows {
    fn event(windows: &mut Self, _: &List, event: list::Event, (): &(), _: &Connection, _: &QueueHandle<Self>) {
        if let list::Event::Toplevel { toplevel } = event {
            let number = windows.identifiers.add();
            if let Some(Number(place)) = toplevel.data::<Number>() {
                place.get_or_init(|| number);
            }
        }
    }

    event_created_child!(Windows, List, [list::EVT_TOPLEVEL_OPCODE => (ListedHandle, Number::default())]);
}

impl Dispatch<ListedHandle, Number> for Windows {
    fn event(
        windows: &mut Self,
        proxy: &ListedHandle,
        event: listed::Event,
        Number(number): &Number,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let Some(number) = number.get() {
            windows.identifiers.event(*number, Some(proxy), event);
        }
    }
}

impl Dispatch<Handle, Number> for Windows {
    fn event(
        windows: &mut Self,
        proxy: &Handle,
        event: handle::Event,
        Number(number): &Number,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let Some(id) = number.get().copied() else { return };
        match event {
            handle::Event::Done => windows.done(id),
            handle::Event::Closed => {
                windows.remove(id);
                proxy.destroy();
            }
            handle::Event::Title { title } => windows.tell(id, |window| window.title = title),
            handle::Event::AppId { app_id } => windows.tell(id, |window| window.app = app_id),
            handle::Event::State { state } => {
                // Numbers of 32 bits, in the machine's order.
                let is_active = state.chunks_exact(4).any(|flag| flag == (Flag::Activated as u32).to_ne_bytes());
                windows.tell(id, |window| window.is_active = is_active);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(windows: &mut Windows, id: u64, title: &str, is_active: bool) {
        windows.tell(id, |window| *window = Window { app: "foot".into(), title: title.into(), is_active });
        windows.done(id);
    }

    fn titles(changes: &[Option<Active>]) -> Vec<Option<&str>> {
        changes.iter().map(|active| active.as_ref().map(|active| active.title.as_str())).collect()
    }

    #[test]
    fn each_window_that_was_active_is_told_and_what_is_told_holds_when_it_is_done() {
        let mut windows = Windows::default();
        let (a, b) = (windows.add(), windows.add());
        told(&mut windows, a, "a", true);
        windows.tell(b, |window| window.is_active = true);
        assert_eq!(titles(&windows.changes), [Some("a")], "not done");
        assert!(!windows.is_done());
        // The focus goes over and comes back between two looks.
        told(&mut windows, a, "a", false);
        told(&mut windows, b, "b", true);
        told(&mut windows, b, "b", false);
        told(&mut windows, a, "a", true);
        told(&mut windows, a, "a", true);
        assert_eq!(titles(&windows.changes), [Some("a"), Some("b"), Some("a")]);
        assert_eq!(windows.active(None).map(|active| active.title), Some("a".into()));
        assert!(windows.is_done());
        windows.remove(a);
        assert_eq!(windows.active(None), None);
        windows.done(a);
        assert_eq!(windows.changes.len(), 3, "a window that is closed");
    }

    #[test]
    fn windows_and_changes_are_bounded() {
        let mut windows = Windows::default();
        for _ in 0..=MAX_WINDOWS {
            windows.add();
        }
        assert_eq!(windows.list.len(), MAX_WINDOWS);
        for n in 0..=MAX_CHANGES {
            told(&mut windows, 1, &n.to_string(), true);
        }
        assert_eq!((windows.changes.len(), titles(&windows.changes)[0]), (MAX_CHANGES, Some("1")));
        assert_eq!(windows.active(None).map(|active| active.title), Some(MAX_CHANGES.to_string()));
    }

    #[test]
    fn a_window_is_called_by_its_identifier_where_that_is_certain() {
        let mut windows = Windows::default();
        let (a, b) = (windows.add(), windows.add());
        told(&mut windows, a, "a", true);
        told(&mut windows, b, "b", false);
        let listed = windows.identifiers.add();
        for event in [
            listed::Event::Identifier { identifier: "x1".into() },
            listed::Event::AppId { app_id: "foot".into() },
            listed::Event::Title { title: "a".into() },
            listed::Event::Done,
        ] {
            windows.identifiers.event(listed, None, event);
        }
        let called = |windows: &Windows| windows.called(windows.active(None)).map(|active| active.id);
        assert_eq!(called(&windows).as_deref(), Some("toplevel-1"));
        windows.compare();
        assert_eq!(called(&windows).as_deref(), Some("x1"));
        told(&mut windows, a, "a", false);
        told(&mut windows, b, "b", true);
        windows.compare();
        assert_eq!(called(&windows).as_deref(), Some("toplevel-2"));
    }
}
