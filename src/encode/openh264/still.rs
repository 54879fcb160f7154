//! The bytes of a group of pictures that shows one picture only, kept to be sent again.
//!
//! Invariant: what is kept is all that the encoder made since its last IDR, that IDR first, so that sending it again
//! leaves a decoder with the reference picture that the encoder has. Bounded by [`STILL_BYTES`]; a larger group is let go.

/// Bytes of a group of pictures that are kept to be sent again: an IDR and 5 pictures that sharpen it at 200 Mbit/s and
/// 30 fps are 6 × 0.83 MB on average. A group that needs more is made again.
const STILL_BYTES: usize = 8 << 20;

/// The access units of a group of pictures that shows one picture only, without SEI, as far as the encoder made them.
#[derive(Default)]
pub(in crate::encode) struct Still {
    bytes: Vec<u8>,
    /// Where each access unit ends; empty when there is nothing to be sent again.
    ends: Vec<usize>,
    /// How many were sent again since the IDR was; `None` when the decoder has them all from the encoder itself.
    sent_again: Option<usize>,
}

impl Still {
    /// Keeps nothing more.
    pub(in crate::encode) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.sent_again = None;
    }

    /// Whether there is no group to add to.
    pub(in crate::encode) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all that is sent again.
    pub(in crate::encode) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds what the encoder has just made. The decoder has it from there, and all before it.
    pub(in crate::encode) fn push(&mut self, unit: &[u8]) {
        debug_assert!(self.behind().is_none(), "the encoder went on while the decoder was behind");
        self.sent_again = None;
        if self.bytes.len() + unit.len() > STILL_BYTES {
            self.clear();
        } else {
            self.bytes.extend_from_slice(unit);
            self.ends.push(self.bytes.len());
        }
    }

    /// One of the access units; 0 is the IDR.
    pub(in crate::encode) fn unit(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.bytes.get(start..end)
    }

    /// The next access unit that has to be sent again, when the decoder is behind the encoder.
    pub(in crate::encode) fn behind(&self) -> Option<usize> {
        self.sent_again.filter(|&sent| sent < self.ends.len())
    }

    /// The IDR was sent again.
    pub(in crate::encode) fn send_again(&mut self) {
        self.sent_again = Some(1);
    }

    /// One more was sent again.
    pub(in crate::encode) fn sent_one(&mut self) {
        self.sent_again = self.sent_again.map(|sent| sent + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_sent_again_in_order_and_let_go_when_it_is_too_large() {
        let mut still = Still::default();
        assert!(still.is_empty() && still.unit(0).is_none() && still.behind().is_none());
        still.push(&[1, 2]);
        still.push(&[3]);
        assert_eq!((still.unit(0), still.unit(1), still.unit(2)), (Some(&[1, 2][..]), Some(&[3][..]), None));
        assert_eq!(still.behind(), None, "what the encoder made, the decoder has");
        still.send_again();
        assert_eq!(still.behind(), Some(1));
        still.sent_one();
        assert_eq!(still.behind(), None);
        still.push(&vec![0; STILL_BYTES - 4]);
        assert_eq!(still.unit(2).map(<[u8]>::len), Some(STILL_BYTES - 4));
        still.push(&[5, 6]);
        assert!(still.is_empty());
    }
}
