//! How pictures of a session of ext-image-copy-capture are to lie: told in rounds, the first before any picture, another whenever it changes.

use wayland_client::protocol::wl_shm::Format;

use super::shot::{Layout, Order};

/// The most formats of a round that are looked at.
const MAX_FORMATS: usize = 256;

/// What the session that was begun last offers.
#[derive(Default)]
pub(super) struct Offer {
    /// Which session that is.
    pub(super) number: u64,
    size: (u32, u32),
    formats: Vec<Format>,
    /// What the last round came to: a layout, or what was offered that cannot be read.
    pub(super) holds: Option<Result<Layout, String>>,
}

impl Offer {
    /// Returns that of the next session, which has offered nothing.
    pub(super) fn next(&self) -> Self {
        Self { number: self.number + 1, ..Self::default() }
    }

    pub(super) fn sized(&mut self, size: (u32, u32)) {
        self.size = size;
    }

    pub(super) fn takes(&mut self, format: Format) {
        if self.formats.len() < MAX_FORMATS {
            self.formats.push(format);
        }
    }

    /// A round was told in full.
    pub(super) fn done(&mut self) {
        let (size, formats) = (std::mem::take(&mut self.size), std::mem::take(&mut self.formats));
        let layout = |format: &Format| Layout::of(*format, size, size.0.saturating_mul(4));
        let readable: Vec<Layout> = formats.iter().filter_map(layout).collect();
        let best = readable.iter().find(|layout| layout.order == Order::Bgrx).or(readable.first());
        self.holds = Some(best.copied().ok_or_else(|| {
            let names: Vec<String> = formats.iter().take(8).map(|format| format!("{format:?}")).collect();
            let names = if names.is_empty() { "memory of graphics cards only".into() } else { names.join(" or ") };
            format!("{names}, {}x{}", size.0, size.1)
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(offer: &mut Offer, size: (u32, u32), formats: &[Format]) -> Result<Layout, String> {
        offer.sized(size);
        for format in formats {
            offer.takes(*format);
        }
        offer.done();
        offer.holds.clone().expect("a round")
    }

    #[test]
    fn of_a_round_the_format_that_needs_no_work_is_taken_and_the_next_round_is_another() {
        let mut offer = Offer::default();
        let first = round(&mut offer, (640, 480), &[Format::C8, Format::Xbgr8888, Format::Argb8888]).expect("a layout");
        assert_eq!((first.format, first.order, first.stride), (Format::Argb8888, Order::Bgrx, 2560));
        let turned = round(&mut offer, (641, 480), &[Format::Abgr8888]).expect("a layout");
        assert_eq!((turned.order, turned.size, turned.stride), (Order::Rgbx, (641, 480), 2564));
        assert_eq!(round(&mut offer, (640, 480), &[Format::C8]), Err("C8, 640x480".into()), "none is left over");
        assert_eq!(round(&mut offer, (640, 480), &[]), Err("memory of graphics cards only, 640x480".into()));
        assert!(round(&mut offer, (u32::MAX, 480), &[Format::Xrgb8888]).is_err());
        assert!(round(&mut offer, (0, 0), &[Format::Xrgb8888]).is_err());
        let next = offer.next();
        assert_eq!((next.number, next.holds), (1, None));
    }
}
