//! What is said over the socket. Everything is little-endian; watchcap's side of it is `src/capture/wayland_portal/answer.rs`.
//!
//! | message | bytes |
//! |---|---|
//! | greeting, once | `WPIPE` and a zero, version of this protocol u16 |
//! | request | 1 for the newest picture even if it was handed out before u8, 0 u8 three times, how long a new one is waited for u32 ms |
//! | answer | the 64 bytes of [`Answer::head`], the places of the pointer with 24 bytes each, and a text |
//!
//! Every request has one answer, in order. The picture is in the memory until the next request: rows of 4 bytes a pixel, without gaps.

/// Version of the protocol.
pub(crate) const VERSION: u16 = 2;
/// Begins the greeting.
pub(crate) const MAGIC: &[u8; 6] = b"WPIPE\0";
/// Bytes of a request.
pub(crate) const REQUEST: usize = 8;
/// The longest text, bytes.
const MAX_TEXT: usize = 512;

/// What watchcap asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    /// The newest picture even if it was handed out before.
    pub(crate) whole: bool,
    /// How long a new one is waited for.
    pub(crate) wait_ms: u32,
}

impl Request {
    pub(crate) fn of(bytes: [u8; REQUEST]) -> Self {
        let [whole, _, _, _, wait @ ..] = bytes;
        Self { whole: whole == 1, wait_ms: u32::from_le_bytes(wait) }
    }
}

/// What an answer is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Kind {
    /// There is no new picture.
    #[default]
    Nothing = 0,
    /// A new picture is in the memory.
    New = 1,
    /// The picture that was handed out last is in the memory once more.
    Again = 2,
    /// No picture will come any more; the text says why.
    End = 3,
}

/// A place of the pointer, pixels of the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// The stream's own time of it.
    pub(crate) stamp: i64,
    /// When it arrived.
    pub(crate) arrival: i64,
    pub(crate) at: (i32, i32),
}

/// An answer. Times are nanoseconds of the monotonic clock.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) kind: Kind,
    /// Pixels have their red byte first, else blue.
    pub(crate) is_red_first: bool,
    /// How the picture is turned and mirrored (`SPA_META_VideoTransform`).
    pub(crate) transform: u8,
    pub(crate) size: (u32, u32),
    /// The stream's own time of the picture, 0 where it has none.
    pub(crate) stamp: i64,
    /// When it arrived.
    pub(crate) arrival: i64,
    /// When everything that had arrived was taken in.
    pub(crate) now: i64,
    /// By how much the latest picture or place of the pointer since the last answer came after its own time.
    pub(crate) late: i64,
    /// Pictures since then that a newer one took the place of.
    pub(crate) overtaken: u32,
    /// The highest rate of pictures that the stream was agreed to have, thousandths of a hertz; 0 where none was.
    pub(crate) rate_mhz: u32,
    /// Pictures that came since the last answer; none where the pointer alone has moved.
    pub(crate) pictures: u32,
    pub(crate) places: Vec<Place>,
    pub(crate) text: String,
}

impl Answer {
    fn head(&self, text: u32) -> Vec<u8> {
        let mut out = vec![self.kind as u8, u8::from(self.is_red_first), self.transform, 0];
        for number in [self.size.0, self.size.1, u32::try_from(self.places.len()).unwrap_or(u32::MAX)] {
            out.extend(number.to_le_bytes());
        }
        for time in [self.stamp, self.arrival, self.now, self.late] {
            out.extend(time.to_le_bytes());
        }
        for number in [self.overtaken, text, self.rate_mhz, self.pictures] {
            out.extend(number.to_le_bytes());
        }
        out
    }

    /// Returns its bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = self.text.as_str();
        while text.len() > MAX_TEXT {
            text = &text[..text.char_indices().next_back().map_or(0, |(at, _)| at)];
        }
        let mut out = self.head(u32::try_from(text.len()).unwrap_or(0));
        for place in &self.places {
            out.extend(place.stamp.to_le_bytes());
            out.extend(place.arrival.to_le_bytes());
            out.extend(place.at.0.to_le_bytes());
            out.extend(place.at.1.to_le_bytes());
        }
        out.extend(text.as_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_these_bytes() {
        let answer = Answer {
            kind: Kind::New,
            is_red_first: true,
            transform: 3,
            size: (640, 480),
            stamp: 5,
            arrival: 6,
            now: 7,
            late: 1,
            overtaken: 2,
            rate_mhz: 60_000,
            pictures: 3,
            places: vec![Place { stamp: 8, arrival: 9, at: (-1, 4) }],
            text: "why".into(),
        };
        let mut wanted = vec![1, 1, 3, 0, 128, 2, 0, 0, 224, 1, 0, 0, 1, 0, 0, 0];
        for time in [5_u8, 6, 7, 1] {
            wanted.extend([time, 0, 0, 0, 0, 0, 0, 0]);
        }
        wanted.extend([2, 0, 0, 0, 3, 0, 0, 0, 0x60, 0xea, 0, 0, 3, 0, 0, 0]);
        wanted.extend([8, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 4, 0, 0, 0]);
        wanted.extend(b"why");
        assert_eq!(answer.bytes(), wanted);
        let long = Answer { text: "ü".repeat(600), ..Answer::default() }.bytes();
        assert_eq!((long.len(), std::str::from_utf8(&long[64..]).map(str::len)), (64 + 512, Ok(512)));
    }

    #[test]
    fn a_request_says_what_is_wanted_and_how_long() {
        assert_eq!(Request::of([1, 0, 0, 0, 232, 3, 0, 0]), Request { whole: true, wait_ms: 1000 });
        assert_eq!(Request::of([0; REQUEST]), Request { whole: false, wait_ms: 0 });
    }
}
