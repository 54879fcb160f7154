//! The pictures' masks: which areas are black in which picture, painted before anybody sees it, and told as spans.
//!
//! Invariants: what a source calls covered is black in that picture and, for windows, in the one after (the sources keep it
//! longer); areas are rounded outwards to the blocks of two pixels that share a colour; a picture whose masks changed is a changed
//! picture, whatever the screen did. More areas than are kept apart, and the whole picture is black.

use std::collections::BTreeSet;

use super::queues::ProfileSeen;
use super::sign_mask::SignMask;
use crate::base::event::{Area, Event, Surface};
use crate::base::time::MonoNs;
use crate::capture::{Covered, ScreenSource};
use crate::encode::masked::{Masked, Unmasked};
use crate::encode::still::{MaskedStill, UnmaskedStill};
use crate::privacy::Plan;
use crate::privacy::exclude::Reason;
use crate::privacy::games::MAX_GAMES;
use crate::privacy::spans::{Spans, Withheld};

/// The most areas that are painted one by one: a desktop shows a handful of notifications at once, and a window that is dragged
/// leaves one every frame for the time that sources keep it (0.4 s at 60 fps: 24).
const MAX_AREAS: usize = 64;

/// Masks pictures.
pub(super) struct Masking {
    plan: Plan,
    /// Size of the surface now.
    surface: (u32, u32),
    /// Size of the pictures.
    picture: (u32, u32),
    /// What the picture that was handed on last was masked with.
    painted: BTreeSet<Withheld>,
    /// What the picture taken last must be masked with.
    wanted: BTreeSet<Withheld>,
    /// Covered windows of the picture before.
    before: Vec<Covered>,
    /// Where the sign on the screen may be seen.
    sign: Option<SignMask>,
    /// Games of which a window was seen, a bit each.
    games: u64,
    spans: Spans,
}

impl Masking {
    /// For a source whose surface is of this size at the start; with the sign, where one may be in its pictures.
    pub(super) fn new(plan: Plan, surface: (u32, u32), sign: Option<SignMask>) -> Self {
        Self {
            plan,
            surface,
            picture: surface,
            painted: BTreeSet::new(),
            wanted: BTreeSet::new(),
            before: Vec::new(),
            sign,
            games: 0,
            spans: Spans::default(),
        }
    }

    /// Looks at the picture that was just taken; whether it needs other masks than the one that was handed on last.
    pub(super) fn look(&mut self, source: &dyn ScreenSource, surface: Option<Surface>) -> bool {
        if let Some(surface) = surface {
            self.surface = (surface.width, surface.height);
            if let Some(sign) = &mut self.sign {
                sign.follow(surface);
            }
        }
        let fixed =
            self.plan.areas(self.surface).into_iter().map(|(area, mask)| (source.place(area), mask.reason.clone()));
        let signs = self.sign.iter().flat_map(|sign| sign.areas(source));
        let signs = signs.map(|area| Covered { area, reason: Reason::RecordingSign });
        let covered: Vec<Covered> = source.covered().into_iter().chain(signs).collect();
        let kept = std::mem::replace(&mut self.before, covered.clone());
        let windows: BTreeSet<Covered> = covered.into_iter().chain(kept).collect();
        let windows = windows.into_iter().map(|covered| (covered.area, covered.reason.name().to_owned()));
        let mut wanted: BTreeSet<Withheld> = fixed
            .chain(windows)
            .filter_map(|(area, reason)| {
                Some(Withheld { what: "pixels", reason, area: Some(outwards(area, self.picture)?) })
            })
            .collect();
        if wanted.len() > MAX_AREAS {
            let (width, height) = self.picture;
            let area = Area { x: 0, y: 0, width, height };
            let reason = Reason::Unclassified.name().to_owned();
            wanted = [Withheld { what: "pixels", reason, area: Some(area) }].into();
        }
        self.wanted = wanted;
        self.wanted != self.painted
    }

    /// The profiles of games of which a window was seen for the first time, among those that had one so far.
    pub(super) fn profiles_seen(&mut self, games: u64, at_start: bool) -> Vec<ProfileSeen> {
        let new = games & !self.games;
        self.games |= games;
        let seen = (0..MAX_GAMES).filter(|index| new & (1 << index) != 0);
        let games = &self.plan.exclusions.games;
        seen.filter_map(|index| games.get(index))
            .map(|game| ProfileSeen {
                name: game.profile.clone(),
                game: game.game.clone(),
                hides_chat: game.hides_chat,
                at_start,
            })
            .collect()
    }

    /// Paints the masks of the picture taken last.
    pub(super) fn paint(&self, captured: Unmasked) -> Masked {
        captured.mask(self.wanted.iter().filter_map(|withheld| withheld.area))
    }

    /// Paints the masks of the picture taken last in its pixels: the same as in the video's.
    pub(super) fn paint_still(&self, captured: UnmaskedStill) -> MaskedStill {
        captured.mask(self.wanted.iter().filter_map(|withheld| withheld.area))
    }

    /// The picture taken last was handed on, painted or as a repeat of the one before; what this ends of the spans.
    pub(super) fn handed_on(&mut self, t: MonoNs) -> Vec<(MonoNs, Event)> {
        self.painted.clone_from(&self.wanted);
        self.spans.set(t, &self.painted)
    }

    /// The recording ends.
    pub(super) fn end(&mut self, t: MonoNs) -> Vec<(MonoNs, Event)> {
        self.spans.end(t)
    }
}

/// The part of an area that is inside a picture, rounded outwards to even pixels; the picture is coded with even sides.
fn outwards(area: Area, picture: (u32, u32)) -> Option<Area> {
    let area = area.inside(picture)?;
    let (left, top) = (area.x as u32 & !1, area.y as u32 & !1);
    let right = (area.x as u32 + area.width).next_multiple_of(2);
    let bottom = (area.y as u32 + area.height).next_multiple_of(2);
    Some(Area { x: left as i32, y: top as i32, width: right - left, height: bottom - top })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::{BgraView, CaptureError, Look, ScreenDescription};
    use crate::encode::convert::Bgrx;
    use crate::media::picture::{PixelFormat, Planar, Sampling};
    use crate::privacy::mask::{AskedBy, Mask, Place};

    struct Fake(Vec<Covered>);

    impl ScreenSource for Fake {
        fn describe(&self) -> ScreenDescription {
            unreachable!("not asked")
        }
        fn look(&mut self, _whole: bool) -> Result<Look, CaptureError> {
            unreachable!("not asked")
        }
        fn frame(&mut self) -> Result<BgraView<'_>, CaptureError> {
            unreachable!("not asked")
        }
        fn covered(&self) -> Vec<Covered> {
            self.0.clone()
        }
    }

    fn white(width: u32, height: u32) -> Unmasked {
        let mut image = Unmasked::new(PixelFormat::Planar(Sampling::Yuv420), width, height).expect("a buffer");
        let data = vec![255; (width * height * 4) as usize];
        image.write(Bgrx { data: &data, stride: width as usize * 4, width, height }).expect("the same size");
        image
    }

    #[test]
    fn a_window_is_black_one_picture_longer_and_told_with_both_ends() {
        let mask = Mask {
            place: Place::Pixels(Area { x: 1, y: 1, width: 2, height: 2 }),
            asked_by: AskedBy::Flag,
            reason: "mask".into(),
        };
        let mut masking = Masking::new(Plan { masks: vec![mask], ..Plan::default() }, (32, 20), None);
        let window = Covered { area: Area { x: 9, y: -4, width: 5, height: 10 }, reason: Reason::Notification };
        let mut rows = Vec::new();
        let mut black = Vec::new();
        for (t, covered) in [(0, vec![]), (10, vec![window]), (20, vec![]), (30, vec![]), (40, vec![])] {
            let changed = masking.look(&Fake(covered), None);
            assert_eq!(changed, [0, 10, 30].contains(&t), "at {t}");
            let image = masking.paint(white(32, 20));
            let y = image.planar().planes().0;
            assert!([0, 1, 2, 3].iter().all(|i| y[i * 32] == 16 && y[i * 32 + 3] == 16 && y[i * 32 + 4] == 235));
            black.push((y[8], y[5 * 32 + 13], y[5 * 32 + 14], y[6 * 32 + 9], y[7]));
            rows.extend(masking.handed_on(MonoNs(t)));
        }
        let (on, off) = ((16, 16, 235, 235, 235), (235, 235, 235, 235, 235));
        assert_eq!(black, [off, on, on, off, off]);
        rows.extend(masking.end(MonoNs(50)));
        let told: Vec<_> = rows
            .iter()
            .map(|(t, event)| match event {
                Event::Redact { reason, until, area: Some(area), .. } => {
                    (t.0, until.0, reason.as_str(), area.x, area.width)
                }
                _ => panic!("no redact row"),
            })
            .collect();
        assert_eq!(told, [(10, 30, "notification", 8, 6), (0, 50, "mask", 0, 4)]);
    }

    #[test]
    fn more_areas_than_are_kept_apart_black_everything() {
        let mut masking = Masking::new(Plan::default(), (200, 10), None);
        let many = (0..=MAX_AREAS as i32)
            .map(|n| Covered { area: Area { x: n * 2, y: 0, width: 1, height: 1 }, reason: Reason::Excluded })
            .collect();
        assert!(masking.look(&Fake(many), None));
        let image = masking.paint(white(200, 10));
        assert!(image.planar().planes().0.iter().all(|y| *y == 16));
    }

    /// Not a test: what painting costs. `cargo test --lib paint_costs -- --ignored --nocapture`.
    #[test]
    #[ignore = "measures"]
    fn paint_costs() {
        use crate::base::time::{Clock, SystemClock};
        let mut image = Planar::yuv420(1920, 1080);
        for (width, height) in [(400, 100), (1920, 1080)] {
            let before = SystemClock.now();
            for _ in 0..500 {
                image.blacken(0, 0, width, height);
                std::hint::black_box(&image);
            }
            let spent = SystemClock.now().since(before).as_secs_f64() * 1e6 / 500.0;
            println!("{width}x{height}: {spent:.1} us");
        }
    }
}
