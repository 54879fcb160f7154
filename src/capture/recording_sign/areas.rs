//! Where the sign may be seen: known before it is shown, and for a while after it went.
//!
//! Invariant: whoever takes a picture and then asks, is told every place of the sign in that picture. What was under it is repainted later, and
//! compositors fade windows out, so a place counts for [`LINGER`] after the sign has left it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::base::event::{Area, Surface};
use crate::base::time::MonoNs;
use crate::privacy::cover::LINGER;

/// Where a sign may be seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    /// Here on the desktop, in the pixels of the source of the pictures.
    Desktop(Area),
    /// Here on what is recorded, counted from its upper left corner, wherever that is.
    Surface(Area),
}

impl Place {
    /// Returns the part of a recorded surface that it is, counted from the surface's corner; `None` when it is outside.
    pub fn on(self, surface: Surface) -> Option<Area> {
        let area = match self {
            Self::Desktop(area) => Area { x: area.x - surface.x, y: area.y - surface.y, ..area },
            Self::Surface(area) => area,
        };
        area.inside((surface.width, surface.height))
    }
}

/// The places of a sign.
#[derive(Debug, Default)]
pub struct SignAreas(Mutex<BTreeMap<Place, Option<MonoNs>>>);

impl SignAreas {
    fn places(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, Option<MonoNs>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It is about to be shown here.
    pub fn up(&self, place: Place) {
        self.places().insert(place, None);
    }

    /// It is not here any more, as the display has confirmed.
    pub fn down(&self, place: Place, now: MonoNs) {
        if let Some(gone) = self.places().get_mut(&place) {
            gone.get_or_insert(now);
        }
    }

    /// It is nowhere any more.
    pub fn all_down(&self, now: MonoNs) {
        for gone in self.places().values_mut() {
            gone.get_or_insert(now);
        }
    }

    /// Where it may be seen in a picture that was taken until now.
    pub fn at(&self, now: MonoNs) -> Vec<Place> {
        let mut places = self.places();
        places.retain(|_, gone| gone.is_none_or(|gone| now.since(gone) < LINGER));
        places.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_before_the_sign_is_there_and_for_a_while_after_it_left() {
        let [first, second] = [0, 40].map(|x| Place::Desktop(Area { x, y: 0, width: 10, height: 10 }));
        let ms = |ms: i64| MonoNs(ms * 1_000_000);
        let areas = SignAreas::default();
        assert!(areas.at(ms(0)).is_empty());
        areas.up(first);
        assert_eq!(areas.at(ms(10_000)), [first], "as long as nobody says that it left");
        areas.up(second);
        areas.down(first, ms(10_000));
        areas.down(first, ms(10_300));
        assert_eq!(areas.at(ms(10_399)), [first, second]);
        assert_eq!(areas.at(ms(10_400)), [second]);
        areas.all_down(ms(11_000));
        areas.up(second);
        assert_eq!(areas.at(ms(20_000)), [second], "it is there again");
        areas.all_down(ms(20_000));
        assert!(areas.at(ms(20_400)).is_empty());
    }

    #[test]
    fn a_place_is_where_the_surface_has_it_now() {
        let surface = |x, width| Surface { x, y: 0, width, height: 600, scale: None };
        let desktop = Place::Desktop(Area { x: 780, y: 10, width: 40, height: 20 });
        assert_eq!(desktop.on(surface(0, 800)), Some(Area { x: 780, y: 10, width: 20, height: 20 }));
        assert_eq!(desktop.on(surface(800, 800)), Some(Area { x: 0, y: 10, width: 20, height: 20 }));
        assert_eq!(desktop.on(surface(820, 800)), None);
        let surface_of = Place::Surface(Area { x: 780, y: 10, width: 40, height: 20 });
        assert_eq!(surface_of.on(surface(50, 800)), Some(Area { x: 780, y: 10, width: 20, height: 20 }));
        assert_eq!(surface_of.on(surface(50, 640)), None);
    }
}
