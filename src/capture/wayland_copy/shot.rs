//! How the frame goes that was asked for.

use wayland_client::protocol::wl_shm::Format;

/// The longest side of a picture; no encoder here takes half of that.
const MAX_SIDE: u32 = 16_384;

/// Order of the bytes of a pixel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// Blue first, as everything here has them.
    Bgrx,
    /// Red first.
    Rgbx,
}

/// How a picture lies in the shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    pub(super) format: Format,
    pub(super) order: Order,
    pub(super) size: (u32, u32),
    pub(super) stride: u32,
}

impl Layout {
    /// Returns the layout that is offered; `None` when it cannot be read here, or does not add up.
    pub(super) fn of(format: Format, size: (u32, u32), stride: u32) -> Option<Self> {
        let order = match format {
            Format::Xrgb8888 | Format::Argb8888 => Order::Bgrx,
            Format::Xbgr8888 | Format::Abgr8888 => Order::Rgbx,
            _ => return None,
        };
        let is_sane = (1..=MAX_SIDE).contains(&size.0)
            && (1..=MAX_SIDE).contains(&size.1)
            && (size.0 * 4..=MAX_SIDE * 8).contains(&stride);
        is_sane.then_some(Self { format, order, size, stride })
    }

    /// Returns the bytes that it takes.
    pub(super) fn bytes(&self) -> u64 {
        u64::from(self.stride) * u64::from(self.size.1)
    }
}

/// What was told of the frame that was asked for last.
#[derive(Default)]
pub(super) struct Shot {
    /// Which frame that is.
    pub(super) number: u64,
    /// How it is to lie, where that can be read.
    pub(super) layout: Option<Layout>,
    /// The name of a format that cannot be read.
    pub(super) unread: Option<String>,
    /// Everything that it may be copied into was told.
    pub(super) is_described: bool,
    /// It was given memory to be copied into.
    pub(super) is_copying: bool,
    /// Its rows are upside down.
    pub(super) is_flipped: bool,
    /// It lies neither as the screen does nor upside down.
    pub(super) is_turned: bool,
    /// When it was presented, nanoseconds, where that was told beforehand.
    pub(super) presented: Option<i64>,
    /// It was copied: the time at which it was presented, nanoseconds.
    pub(super) ready: Option<i64>,
    /// Pictures lie in another way by now, and this one is not copied.
    pub(super) is_outdated: bool,
    /// It was to be copied into memory of another layout.
    pub(super) is_refused: bool,
    pub(super) has_failed: bool,
}

impl Shot {
    /// Returns the state of the next frame, of which nothing was told.
    pub(super) fn next(&self) -> Self {
        Self { number: self.number + 1, ..Self::default() }
    }

    /// Takes in what a session offers: the layout of a frame that is not being copied yet.
    pub(super) fn described(&mut self, holds: Option<&Result<Layout, String>>) {
        let Some(holds) = holds else { return };
        if self.is_copying {
            self.is_outdated |= holds.as_ref().ok() != self.layout.as_ref();
            return;
        }
        self.is_described = true;
        (self.layout, self.unread) = match holds {
            Ok(layout) => (Some(*layout), None),
            Err(offered) => (None, Some(offered.clone())),
        };
    }

    /// It was copied. Where nobody told when it was presented, its arrival stands for that (`presented::guard`).
    pub(super) fn copied(&mut self) {
        self.ready = Some(self.presented.unwrap_or(i64::MAX));
    }

    /// Takes in a layout that the compositor offers; the first that can be read stands.
    pub(super) fn offered(&mut self, format: Format, size: (u32, u32), stride: u32) {
        if self.layout.is_none() {
            self.layout = Layout::of(format, size, stride);
            self.unread = self.layout.is_none().then(|| format!("{format:?}, {}x{}", size.0, size.1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_taken() {
        let take = |format, size, stride| {
            let mut shot = Shot::default();
            shot.offered(format, size, stride);
            (shot.layout.is_some(), shot.unread)
        };
        assert_eq!(take(Format::Xrgb8888, (640, 480), 2560), (true, None));
        assert_eq!(take(Format::Abgr8888, (640, 480), 4096), (true, None));
        assert_eq!(take(Format::C8, (640, 480), 640), (false, Some("C8, 640x480".into())));
        for (size, stride) in [((640, 480), 2559), ((0, 480), 0), ((640, 20_000), 2560), ((640, 480), u32::MAX)] {
            assert!(!take(Format::Xrgb8888, size, stride).0, "{size:?} with {stride}");
        }
    }

    #[test]
    fn another_offer_outdates_a_frame_that_is_being_copied_and_describes_one_that_is_not() {
        let layout = |width| Layout::of(Format::Xrgb8888, (width, 480), width * 4).ok_or_else(String::new);
        let mut shot = Shot::default();
        shot.described(None);
        assert!(!shot.is_described);
        shot.described(Some(&layout(640)));
        shot.described(Some(&layout(800)));
        assert_eq!((shot.is_described, shot.layout, shot.is_outdated), (true, layout(800).ok(), false));
        shot.is_copying = true;
        shot.described(Some(&layout(800)));
        assert!(!shot.is_outdated, "nothing changed");
        shot.described(Some(&layout(640)));
        assert_eq!((shot.is_outdated, shot.layout), (true, layout(800).ok()));
        let mut next = shot.next();
        next.described(Some(&Err("C8".into())));
        assert_eq!((next.is_described, next.layout, next.unread.as_deref()), (true, None, Some("C8")));
        next.copied();
        assert_eq!(next.ready, Some(i64::MAX), "not a time of any clock");
    }
}
