//! Events as the kernel writes them.

pub(super) use watchcap_input_helper::kind::{BTN_JOYSTICK, BTN_MISC, BTN_MOUSE, EV_ABS, EV_KEY, EV_REL, REL_X};

/// A word of the kernel's `struct timeval`, bytes.
const WORD: usize = size_of::<usize>();
/// Bytes of one event.
pub(super) const EVENT_BYTES: usize = 2 * WORD + 8;

/// Types of events (`input-event-codes.h`).
pub(super) const EV_SYN: u16 = 0x00;
/// The end of a packet, and that events were lost before it.
pub(super) const SYN_REPORT: u16 = 0;
pub(super) const SYN_DROPPED: u16 = 3;
/// Relative axes.
pub(super) const REL_Y: u16 = 0x01;
pub(super) const REL_HWHEEL: u16 = 0x06;
pub(super) const REL_WHEEL: u16 = 0x08;
pub(super) const REL_WHEEL_HI_RES: u16 = 0x0b;
pub(super) const REL_HWHEEL_HI_RES: u16 = 0x0c;

/// One event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct RawEvent {
    /// Its stamp, nanoseconds of the clock that was chosen.
    pub(super) t_ns: i64,
    pub(super) kind: u16,
    pub(super) code: u16,
    pub(super) value: i32,
}

/// Reads events; a rest that is no whole event is left out.
pub(super) fn decode(bytes: &[u8]) -> impl Iterator<Item = RawEvent> + '_ {
    bytes.chunks_exact(EVENT_BYTES).map(|event| {
        let word = |at: usize| {
            let mut word = [0; 8];
            word[..WORD].copy_from_slice(&event[at..at + WORD]);
            i64::from_le_bytes(word)
        };
        let short = |at: usize| u16::from_le_bytes([event[at], event[at + 1]]);
        let rest = 2 * WORD;
        RawEvent {
            t_ns: word(0).saturating_mul(1_000_000_000).saturating_add(word(WORD).saturating_mul(1_000)),
            kind: short(rest),
            code: short(rest + 2),
            value: i32::from_le_bytes([event[rest + 4], event[rest + 5], event[rest + 6], event[rest + 7]]),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn bytes_of_a_real_keyboard_are_read() {
        // `KEY_A` down at 4660.000123 s and the end of its packet, as a 64-bit kernel writes them.
        let bytes: [u8; 52] = [
            0x34, 0x12, 0, 0, 0, 0, 0, 0, 123, 0, 0, 0, 0, 0, 0, 0, 1, 0, 30, 0, 1, 0, 0, 0, //
            0x34, 0x12, 0, 0, 0, 0, 0, 0, 123, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, //
            0xff, 0xff, 0xff, 0xff,
        ];
        let t_ns = 4_660_000_123_000;
        let events: Vec<_> = decode(&bytes).collect();
        let down = RawEvent { t_ns, kind: EV_KEY, code: 30, value: 1 };
        assert_eq!(events, [down, RawEvent { kind: EV_SYN, code: SYN_REPORT, value: 0, ..down }]);
        assert_eq!(decode(&[0xff; EVENT_BYTES]).count(), 1, "any bytes are an event");
    }
}
