//! How values become the bytes that a row hash is made of. Shared by all versions: a value has the same bytes in each.
//! Inlined: twenty values in each of millions of rows, and most of them are one or nine bytes.

const NULL: u8 = 0;
const PRESENT: u8 = 1;

/// A value of fixed size.
#[inline]
pub(super) fn fixed<const N: usize>(out: &mut Vec<u8>, bytes: [u8; N]) {
    out.push(PRESENT);
    out.extend_from_slice(&bytes);
}

/// A value of fixed size, or none.
#[inline]
pub(super) fn optional<const N: usize>(out: &mut Vec<u8>, bytes: Option<[u8; N]>) {
    match bytes {
        Some(bytes) => fixed(out, bytes),
        None => out.push(NULL),
    }
}

/// The bits of a float as they are stored.
#[inline]
pub(super) fn float(value: f32) -> [u8; 4] {
    value.to_bits().to_le_bytes()
}

/// True or false: one byte.
#[inline]
pub(super) fn flag(value: bool) -> [u8; 1] {
    [u8::from(value)]
}

/// A text.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, value: &str) {
    out.push(PRESENT);
    length_and_bytes(out, value);
}

/// A text, or none.
#[inline]
pub(super) fn optional_text(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => out.push(NULL),
    }
}

/// A map whose entries come sorted by the bytes of their keys.
#[inline]
pub(super) fn map<'a>(out: &mut Vec<u8>, entries: impl ExactSizeIterator<Item = (&'a str, &'a str)>) {
    fixed(out, (entries.len() as u32).to_le_bytes());
    for (key, value) in entries {
        length_and_bytes(out, key);
        length_and_bytes(out, value);
    }
}

#[inline]
fn length_and_bytes(out: &mut Vec<u8>, value: &str) {
    // No text of a row comes near 4 GiB: titles and marks are bounded where they enter the log.
    out.extend_from_slice(&(value.len() as u32).to_le_bytes());
    out.extend_from_slice(value.as_bytes());
}
