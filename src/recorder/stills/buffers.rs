//! The buffers of PNG pictures: how many may wait for the thread that writes them. They are made when they are needed first, so that a
//! recording without such pictures has none.

use crossbeam_channel::Receiver;

use crate::encode::still::UnmaskedStill;

/// Memory of all buffers, bytes: seven pictures at 1080p.
const MEMORY: u64 = 64 << 20;
/// The most buffers, also of small pictures: a burst at 60 fps is ahead of the writer by some.
const MOST: u64 = 16;
/// The fewest, also of large pictures: one is filled while one is written.
const FEWEST: u64 = 2;

/// How many buffers there are for pictures of a size.
pub(in crate::recorder) fn most((width, height): (u32, u32)) -> usize {
    let each = (u64::from(width) * u64::from(height) * 4).max(1);
    (MEMORY / each).clamp(FEWEST, MOST) as usize
}

/// Hands out buffers, and takes them back.
pub(in crate::recorder) struct Buffers {
    size: (u32, u32),
    /// Those that may still be made.
    unmade: usize,
    back: Receiver<UnmaskedStill>,
    spare: Vec<UnmaskedStill>,
}

impl Buffers {
    /// For pictures of a size; the writer gives buffers back through `back`.
    pub(in crate::recorder) fn new(size: (u32, u32), back: Receiver<UnmaskedStill>) -> Self {
        Self { size, unmade: most(size), back, spare: Vec::new() }
    }

    /// A buffer; `None` when all of them wait to be written.
    pub(in crate::recorder) fn take(&mut self) -> Option<UnmaskedStill> {
        let free = self.spare.pop().or_else(|| self.back.try_recv().ok());
        free.or_else(|| {
            self.unmade = self.unmade.checked_sub(1)?;
            Some(UnmaskedStill::new(self.size.0, self.size.1))
        })
    }

    /// Takes the buffer of a picture back that found no room.
    pub(in crate::recorder) fn give_back(&mut self, buffer: UnmaskedStill) {
        self.spare.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_as_the_memory_allows() {
        assert_eq!([(1920, 1080), (3840, 2160), (5120, 1440), (320, 180)].map(most), [8, 2, 2, 16]);
        let (give, back) = crossbeam_channel::bounded(MOST as usize);
        let mut buffers = Buffers::new((3840, 2160), back);
        let taken: Vec<_> = std::iter::from_fn(|| buffers.take()).collect();
        assert_eq!(taken.len(), 2);
        let mut taken = taken.into_iter();
        assert!(give.send(taken.next().expect("a buffer")).is_ok());
        assert!(buffers.take().is_some() && buffers.take().is_none());
        buffers.give_back(taken.next().expect("a buffer"));
        assert!(buffers.take().is_some() && buffers.take().is_none());
    }
}
