//! Pictures of a stream of PipeWire that the portal hands out, taken by a child ([`super::child`]).
//!
//! Invariants:
//! - A new picture carries the stream's own time of it ([`guard`]), so what it shows is never newer.
//! - That nothing changed is said of a time by which the compositor would have told ([`Lag`]); `capture_us` says by how much a repeat can be
//!   older than its time: it was on the screen when it was presented. Nobody proves that it still is: a stream whose maker gets no time looks
//!   like that of a still screen.
//! - A child that dies is a gap: another one is started on the same cast. A cast that the desktop or PipeWire ends is the end.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::answer::{Answer, Head, Kind};
use super::child::{self, Child};
use super::cursor::{self, Way};
use super::portal::{BACKEND, Portal};
use super::session::Cast;
use crate::base::event::{Area, Source, Surface, UNKNOWN_US};
use crate::base::time::{Clock, MonoNs};
use crate::capture::letterbox::{Letterbox, Picture};
use crate::capture::presented::guard::{self, Stamped};
use crate::capture::presented::lag::Lag;
use crate::capture::{
    Absence, Behind, BgraView, CaptureError, Facet, FacetSet, Look, Outlets, ScreenDescription, ScreenSource, Target,
};

/// How long the first picture is waited for: some desktops send none before something has changed.
const FIRST: Duration = Duration::from_secs(10);
/// How many children may die in [`RESTARTS_IN`] before the recording ends.
const RESTARTS: usize = 5;
const RESTARTS_IN: Duration = Duration::from_mins(1);

/// Opens the screen that the person chooses in the desktop's dialog.
///
/// # Errors
/// As [`Portal::open`] and [`Cast::start`]; [`CaptureError::Portal`] for a target that the desktop does not let be named, and when no picture comes.
pub(super) fn open(
    target: &Target,
    cursor: bool,
    clock: Arc<dyn Clock>,
    outlets: Outlets,
) -> Result<Box<dyn ScreenSource>, CaptureError> {
    let portal = Portal::open()?;
    if *target != Target::Primary {
        return Err(CaptureError::Portal {
            detail: "the desktop asks which monitor is recorded, and lets none, no part of one and no window be named"
                .into(),
            hint: "leave --monitor, --region, --window and --app out, and choose a monitor in the desktop's dialog",
        });
    }
    let program = child::program().map_err(|why| no_program(&why))?;
    let way = cursor::choose(portal.cursors, cursor, outlets.takes_inputs());
    if way.is_shown != cursor {
        tracing::warn!("this desktop has the pointer only {}", cursor::names(portal.cursors));
    }
    let cast = Cast::start(portal, way.mode)?;
    let started =
        Child::start(&program, cast.stream.node, way.draws, &cast.remote()?).map_err(|why| no_program(&why))?;
    let mut screen = PortalScreen::new(cast, (program, started), way, clock, outlets);
    screen.begin()?;
    Ok(Box::new(screen))
}

/// The program that takes the pictures cannot be used.
pub(super) fn no_program(why: &str) -> CaptureError {
    CaptureError::Portal {
        detail: format!("watchcap-pipewire, which takes the pictures from PipeWire, does not run: {why}"),
        hint: "`make build` puts it beside watchcap, and the Debian package has it; elsewhere, name it in the variable WATCHCAP_PIPEWIRE",
    }
}

/// The picture is of another size than at the start: it is read here and scaled into the picture handed out.
struct Detour {
    size: (u32, u32),
    pixels: Vec<u8>,
    letterbox: Letterbox,
}

struct PortalScreen {
    cast: Cast,
    program: OsString,
    child: Option<Child>,
    way: Way,
    clock: Arc<dyn Clock>,
    outlets: Outlets,
    description: ScreenDescription,
    /// Where the surface is, and where it was said to be.
    area: Surface,
    told: Surface,
    /// The picture that is handed out; its size never changes.
    out: Vec<u8>,
    detour: Option<Detour>,
    lag: Lag,
    /// The first picture, until it is handed out.
    first: Option<Head>,
    /// The time of the last picture, and of the last place of the pointer.
    last: Option<Stamped>,
    pointed: Option<MonoNs>,
    /// The latest time that was vouched for.
    vouched: Option<MonoNs>,
    /// Since when there is no child, or none that has had a picture.
    away: Option<MonoNs>,
    restarts: Vec<MonoNs>,
}

impl PortalScreen {
    fn new(
        cast: Cast,
        (program, started): (OsString, Child),
        way: Way,
        clock: Arc<dyn Clock>,
        outlets: Outlets,
    ) -> Self {
        let nowhere = Surface { x: 0, y: 0, width: 0, height: 0, scale: None };
        let is_told = way.is_told && outlets.takes_inputs();
        let desktop = std::env::var("XDG_CURRENT_DESKTOP").ok().filter(|name| !name.is_empty());
        let server =
            format!("Wayland: {} (portal version {})", desktop.as_deref().unwrap_or("a desktop"), cast.version());
        let description = ScreenDescription {
            backend: BACKEND.into(),
            surface: nowhere,
            refresh_hz: None,
            cursor: way.is_shown,
            sees_changes: true,
            // Which one only the person knows.
            target: "monitor (chosen in the desktop's dialog)".into(),
            window_id: None,
            masks_windows: false,
            display_server: Some(server),
            names_programs: false,
            hands_in: if is_told { FacetSet::of(&[Facet::Position]) } else { FacetSet::NONE },
            settings: Vec::new(),
        };
        Self {
            cast,
            program,
            child: Some(started),
            way,
            clock,
            outlets,
            description,
            area: nowhere,
            told: nowhere,
            out: Vec::new(),
            detour: None,
            lag: Lag::default(),
            first: None,
            last: None,
            pointed: None,
            vouched: None,
            away: None,
            restarts: Vec::new(),
        }
    }

    /// Waits for the first picture, which says how large the surface is.
    fn begin(&mut self) -> Result<(), CaptureError> {
        let none = |detail: String| CaptureError::Portal {
            detail,
            hint: "see why: journalctl -b -t xdg-desktop-portal -t pipewire -t wireplumber",
        };
        let Some(child) = &mut self.child else { return Ok(()) };
        let answer = match child.look(true, FIRST) {
            Ok(answer) => answer,
            Err(error) => {
                let said = self.child.take().map_or_else(String::new, Child::end);
                return Err(none(format!("watchcap-pipewire ended: {error}. {said}")));
            }
        };
        match answer.head.kind {
            Kind::New | Kind::Again => {}
            Kind::End => return Err(none(answer.text)),
            Kind::Nothing => return Err(none(format!("no picture came in {} s", FIRST.as_secs()))),
        }
        let head = answer.head;
        if head.transform != 0 {
            return Err(CaptureError::Portal {
                detail: "the monitor is turned, and its pictures would lie on their side".into(),
                hint: "start again, and choose another monitor in the desktop's dialog",
            });
        }
        let (width, height) = head.size;
        let (x, y) = self.cast.stream.position.unwrap_or_default();
        let units = self.cast.stream.size.map(|(units, _)| units).filter(|units| *units > 0);
        let scale = units.map(|units| width as f32 / units as f32);
        self.area = Surface { x, y, width, height, scale };
        (self.told, self.description.surface) = (self.area, self.area);
        self.out = vec![0; width as usize * height as usize * 4];
        self.read(&head)
            .map_err(|error| CaptureError::System { what: "reading a picture", detail: error.to_string() })?;
        self.first = Some(head);
        Ok(())
    }

    /// Reads the picture that is in the memory into the one that is handed out.
    fn read(&mut self, head: &Head) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        let start = (self.description.surface.width, self.description.surface.height);
        let size = head.size;
        if size == start {
            self.detour = None;
            child.read(head.is_red_first, &mut self.out)?;
        } else {
            let fits = self.detour.take().filter(|detour| detour.size == size);
            let detour = self.detour.insert(fits.unwrap_or_else(|| Detour {
                size,
                pixels: vec![0; size.0 as usize * size.1 as usize * 4],
                letterbox: Letterbox::fitted(size, start),
            }));
            child.read(head.is_red_first, &mut detour.pixels)?;
            let picture = Picture { data: &detour.pixels, stride: size.0 as usize * 4, width: size.0, height: size.1 };
            let (width, height) = start;
            let mut view = BgraView { data: &mut self.out, stride: width as usize * 4, width, height };
            detour.letterbox.apply(picture, &mut view);
        }
        (self.area.width, self.area.height) = size;
        Ok(())
    }

    /// Hands in where the pointer was.
    fn point(&mut self, answer: &Answer) {
        let now = self.clock.now();
        for place in &answer.places {
            let t = guard::time_of(place.stamp, MonoNs(place.arrival).min(now), None, self.pointed).t;
            self.pointed = Some(t);
            let (x, y) =
                (f64::from(self.area.x) + f64::from(place.at.0), f64::from(self.area.y) + f64::from(place.at.1));
            self.outlets.pointer(t, Source::named(BACKEND), (x, y));
        }
    }

    /// A new picture was read.
    fn new_picture(&mut self, head: &Head) -> Look {
        let arrival = MonoNs(head.arrival).min(self.clock.now());
        let stamped = guard::time_of(head.stamp, arrival, None, self.last.map(|last| last.t));
        let t = stamped.t;
        // Where the pointer alone has moved it says nothing of how late pictures are, unless it was later than is allowed for.
        if head.pictures > 0 || head.late > self.lag.allowed_ns() {
            self.lag.saw(head.late, t, self.vouched);
        }
        if head.overtaken > 0 {
            tracing::trace!(target: "capture", overtaken = head.overtaken, "newer pictures came first");
        }
        (self.last, self.away) = (Some(stamped), None);
        let capture_us = stamped.age_us(arrival);
        let surface = (self.area != std::mem::replace(&mut self.told, self.area)).then_some(self.area);
        Look::New { t, capture_us, surface, renewed: None }
    }

    /// Nothing has come, of the time before which it would have.
    fn same(&mut self, now: MonoNs) -> Look {
        let until = MonoNs(now.min(self.clock.now()).0.saturating_sub(self.lag.allowed_ns()));
        self.vouched = self.vouched.max(Some(until));
        Look::same(until, self.last.map_or(UNKNOWN_US, |last| last.age_us(until)))
    }

    /// There is no child: starts another one on the same cast.
    fn restart(&mut self) -> Result<Look, CaptureError> {
        let now = self.clock.now();
        let since = *self.away.get_or_insert(now);
        self.restarts.retain(|at| now.since(*at) < RESTARTS_IN);
        if self.restarts.len() >= RESTARTS {
            return Err(gone("watchcap-pipewire has ended again and again"));
        }
        self.restarts.push(now);
        let remote = self.cast.remote().map_err(|error| gone(&error.to_string()))?;
        let started = Child::start(&self.program, self.cast.stream.node, self.way.draws, &remote);
        self.child = Some(started.map_err(|why| gone(&format!("watchcap-pipewire does not start again: {why}")))?);
        Ok(Look::Hidden { since, why: Absence::CastInterrupted })
    }

    /// The child does not go on.
    fn lost(&mut self, error: &io::Error) -> Look {
        let said = self.child.take().map_or_else(String::new, Child::end);
        tracing::warn!(%error, said, "watchcap-pipewire has ended");
        // Nothing is known of what came behind what was told last.
        let since = self.vouched.max(self.last.map(|last| last.t)).unwrap_or_else(|| self.clock.now());
        Look::Hidden { since: *self.away.get_or_insert(since), why: Absence::CastInterrupted }
    }
}

fn gone(why: &str) -> CaptureError {
    CaptureError::Gone { what: "screen", detail: why.to_owned() }
}

impl ScreenSource for PortalScreen {
    fn describe(&self) -> ScreenDescription {
        self.description.clone()
    }

    fn look(&mut self, whole: bool) -> Result<Look, CaptureError> {
        if self.cast.is_closed() {
            return Err(gone("the desktop has ended the screen cast"));
        }
        if let Some(head) = self.first.take() {
            return Ok(self.new_picture(&head));
        }
        let Some(child) = &mut self.child else { return self.restart() };
        let answer = match child.look(whole, Duration::ZERO) {
            Ok(answer) => answer,
            Err(error) => return Ok(self.lost(&error)),
        };
        self.point(&answer);
        let head = answer.head;
        match head.kind {
            Kind::End => return Err(gone(&answer.text)),
            Kind::New | Kind::Again if head.transform != 0 => return Err(gone("the monitor was turned")),
            // What was painted on one that comes again is gone with this.
            Kind::New | Kind::Again => {
                if let Err(error) = self.read(&head) {
                    return Ok(self.lost(&error));
                }
                if head.kind == Kind::New {
                    return Ok(self.new_picture(&head));
                }
            }
            Kind::Nothing => {}
        }
        Ok(match self.away {
            Some(since) => Look::Hidden { since, why: Absence::CastInterrupted },
            None => self.same(MonoNs(head.now)),
        })
    }

    fn behind(&mut self) -> Option<Behind> {
        Some(self.lag.told())
    }

    fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
        let (width, height) = (self.description.surface.width, self.description.surface.height);
        Ok(BgraView { data: &mut self.out, stride: width as usize * 4, width, height })
    }

    fn place(&self, area: Area) -> Area {
        self.detour.as_ref().map_or(area, |detour| detour.letterbox.place(area))
    }
}
