//! What `watchcap-pipewire` answers. Its side of this is `pipewire/src/wire.rs`, where the bytes are described.

/// Version of the protocol.
const VERSION: u16 = 2;
/// Begins the greeting.
const MAGIC: &[u8; 6] = b"WPIPE\0";
/// Bytes of the greeting.
pub(super) const GREETING: usize = MAGIC.len() + 2;
/// Bytes of an answer before its places.
pub(super) const HEAD: usize = 64;
/// Bytes of a place of the pointer.
const PLACE: usize = 24;
/// The most places of the pointer, and the longest text, in one answer.
const MAX_PLACES: usize = 1024;
const MAX_TEXT: usize = 512;
/// Bytes of the memory that pictures are in: 8192x8192 pixels. What was never written to takes no room.
pub(super) const MEMORY: u64 = 8192 * 8192 * 4;
/// The longest side of a picture; no encoder here takes half of that.
const MAX_SIDE: u32 = 16_384;

/// Whether a child that greets so is understood.
pub(super) fn is_greeting(bytes: [u8; GREETING]) -> bool {
    let (magic, version) = bytes.split_at(MAGIC.len());
    magic == MAGIC && version == VERSION.to_le_bytes()
}

/// What an answer is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// There is no new picture.
    Nothing,
    /// A new picture is in the memory.
    New,
    /// The picture that was handed out last is in the memory once more.
    Again,
    /// No picture will come any more.
    End,
}

/// What an answer begins with. Times are nanoseconds of the monotonic clock.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    /// Pixels have their red byte first, else blue.
    pub(super) is_red_first: bool,
    /// How the picture is turned and mirrored; 0 for not at all.
    pub(super) transform: u8,
    pub(super) size: (u32, u32),
    /// The stream's own time of the picture, and when it arrived.
    pub(super) stamp: i64,
    pub(super) arrival: i64,
    /// When everything that had arrived was taken in.
    pub(super) now: i64,
    /// By how much the latest picture or place of the pointer since the last answer came after its own time.
    pub(super) late: i64,
    /// Pictures since then that a newer one took the place of.
    pub(super) overtaken: u32,
    /// Pictures that came since the last answer; none where the pointer alone has moved.
    pub(super) pictures: u32,
    places: usize,
    text: usize,
}

/// A place of the pointer, pixels of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) stamp: i64,
    pub(super) arrival: i64,
    pub(super) at: (i32, i32),
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Answer {
    pub(super) head: Head,
    pub(super) places: Vec<Place>,
    /// Why no picture will come any more.
    pub(super) text: String,
}

impl Head {
    /// Reads it; `None` when it is none.
    pub(super) fn of(bytes: &[u8; HEAD]) -> Option<Self> {
        let four = |at: usize| bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes);
        let eight = |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(i64::from_le_bytes);
        let [kind, red, transform, 0, ..] = *bytes else { return None };
        let kind = match kind {
            0 => Kind::Nothing,
            1 => Kind::New,
            2 => Kind::Again,
            3 => Kind::End,
            _ => return None,
        };
        let head = Self {
            kind,
            is_red_first: red == 1,
            transform,
            size: (four(4)?, four(8)?),
            places: four(12)? as usize,
            stamp: eight(16)?,
            arrival: eight(24)?,
            now: eight(32)?,
            late: eight(40)?,
            overtaken: four(48)?,
            text: four(52)? as usize,
            pictures: four(60)?,
        };
        let sides = 1..=MAX_SIDE;
        let has_picture = matches!(kind, Kind::New | Kind::Again);
        let fits = u64::from(head.size.0) * u64::from(head.size.1) <= MEMORY / 4;
        let is_sane = (!has_picture || (fits && sides.contains(&head.size.0) && sides.contains(&head.size.1)))
            && head.places <= MAX_PLACES
            && head.text <= MAX_TEXT
            && head.late >= 0
            && head.arrival <= head.now;
        is_sane.then_some(head)
    }

    /// Returns how many bytes come behind it.
    pub(super) fn rest(&self) -> usize {
        self.places * PLACE + self.text
    }

    /// Returns the answer with what came behind it.
    pub(super) fn with(self, rest: &[u8]) -> Option<Answer> {
        if rest.len() != self.rest() {
            return None;
        }
        let (places, text) = rest.split_at(self.places * PLACE);
        let place = |bytes: &[u8]| {
            let (stamp, bytes) = bytes.split_first_chunk().map(|(b, rest)| (i64::from_le_bytes(*b), rest))?;
            let (arrival, bytes) = bytes.split_first_chunk().map(|(b, rest)| (i64::from_le_bytes(*b), rest))?;
            let (x, bytes) = bytes.split_first_chunk().map(|(b, rest)| (i32::from_le_bytes(*b), rest))?;
            let (y, _) = bytes.split_first_chunk().map(|(b, rest)| (i32::from_le_bytes(*b), rest))?;
            Some(Place { stamp, arrival, at: (x, y) })
        };
        let places = places.chunks_exact(PLACE).map(place).collect::<Option<Vec<_>>>()?;
        let text = String::from_utf8_lossy(text).into_owned();
        Some(Answer { head: self, places, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of `pipewire/src/wire.rs`'s own test.
    fn bytes() -> ([u8; HEAD], Vec<u8>) {
        let mut head = vec![1, 1, 3, 0, 128, 2, 0, 0, 224, 1, 0, 0, 1, 0, 0, 0];
        for time in [5_u8, 6, 7, 1] {
            head.extend([time, 0, 0, 0, 0, 0, 0, 0]);
        }
        head.extend([2, 0, 0, 0, 3, 0, 0, 0, 0x60, 0xea, 0, 0, 3, 0, 0, 0]);
        let mut rest = vec![8, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 4, 0, 0, 0];
        rest.extend(b"why");
        (head.try_into().expect("64 bytes"), rest)
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let (head, rest) = bytes();
        let head = Head::of(&head).expect("a head");
        assert_eq!((head.kind, head.is_red_first, head.transform, head.size), (Kind::New, true, 3, (640, 480)));
        assert_eq!((head.stamp, head.arrival, head.now, head.late), (5, 6, 7, 1));
        assert_eq!((head.overtaken, head.pictures, head.rest()), (2, 3, rest.len()));
        let answer = head.with(&rest).expect("an answer");
        assert_eq!(answer.places, [Place { stamp: 8, arrival: 9, at: (-1, 4) }]);
        assert_eq!(answer.text, "why");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let with = |at: usize, byte: u8| {
            let (mut head, _) = bytes();
            head[at] = byte;
            Head::of(&head)
        };
        assert!(with(0, 0).is_some());
        // A kind, a gap, sides, the number of places, an arrival after now, lateness, the length of the text.
        for (at, byte) in [(0, 4), (3, 1), (6, 1), (10, 1), (13, 5), (24, 8), (47, 128), (53, 3)] {
            assert_eq!(with(at, byte), None, "byte {at}");
        }
        let sized = |width: u32, height: u32| {
            let (mut head, _) = bytes();
            head[4..8].copy_from_slice(&width.to_le_bytes());
            head[8..12].copy_from_slice(&height.to_le_bytes());
            Head::of(&head).is_some()
        };
        assert!(sized(8192, 8192) && sized(16_384, 4096) && !sized(8192, 8193) && !sized(16_384, 16_384), "the memory");
        let (head, rest) = bytes();
        let head = Head::of(&head).expect("a head");
        assert_eq!(head.clone().with(&rest[1..]), None);
        assert_eq!(head.with(&[]), None);
        assert!(is_greeting(*b"WPIPE\0\x02\0") && !is_greeting(*b"WPIPE\0\x01\0") && !is_greeting(*b"WX264\0\x02\0"));
    }
}
