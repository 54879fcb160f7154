//! Thrift's compact protocol, passed over as the decoder of the table reads it; nothing is allocated.
//!
//! The decoder reads a field that it knows by the field's number, whatever type the field says it has, and passes over the elements of a
//! list of flags as if they had no bytes. Who goes by the types alone is somewhere else than the decoder after such a field, and what the one
//! takes for a text the other may take for a list of 2^31 values behind the end of the file, each of which it finds there, and empty.
//! Invariant: what passes is read alike by both: fields that the decoder knows have their types, and the others types that both
//! read alike.

use self::Kind::{Any, Binary, Bool, Byte, Double, I16, I32, I64, List, Struct};

/// How deep structs lie: in a page header two, in a footer five.
const MAX_DEPTH: u32 = 16;

/// What a field holds.
pub(crate) enum Kind {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    Struct(&'static Shape),
    List(&'static Kind),
    /// The decoder passes over it by the type that it says it has.
    Any,
}

/// The fields that the decoder knows of a struct, by their numbers.
pub(crate) struct Shape(&'static [(i64, Kind)]);

// parquet.thrift of Apache Parquet 2.12, as far as the decoder reads it.
static EMPTY: Shape = Shape(&[]);
static STATISTICS: Shape =
    Shape(&[(1, Binary), (2, Binary), (3, I64), (4, I64), (5, Binary), (6, Binary), (7, Bool), (8, Bool), (9, I64)]);
static DATA_PAGE: Shape = Shape(&[(1, I32), (2, I32), (3, I32), (4, I32), (5, Struct(&STATISTICS))]);
static DICTIONARY_PAGE: Shape = Shape(&[(1, I32), (2, I32), (3, Bool)]);
/// What only page headers of version 2 have.
pub(crate) static DATA_PAGE_V2: Shape =
    Shape(&[(1, I32), (2, I32), (3, I32), (4, I32), (5, I32), (6, I32), (7, Bool), (8, Struct(&STATISTICS))]);

/// A page header.
pub(crate) static PAGE_HEADER: Shape = Shape(&[
    (1, I32),
    (2, I32),
    (3, I32),
    (4, I32),
    (5, Struct(&DATA_PAGE)),
    (6, Struct(&EMPTY)),
    (7, Struct(&DICTIONARY_PAGE)),
    (8, Struct(&DATA_PAGE_V2)),
]);

static TIME_UNIT: Shape = Shape(&[(1, Struct(&EMPTY)), (2, Struct(&EMPTY)), (3, Struct(&EMPTY))]);
static TIME: Shape = Shape(&[(1, Bool), (2, Struct(&TIME_UNIT))]);
static DECIMAL: Shape = Shape(&[(1, I32), (2, I32)]);
static INTEGER: Shape = Shape(&[(1, Byte), (2, Bool)]);
static VARIANT: Shape = Shape(&[(1, Byte)]);
static GEOMETRY: Shape = Shape(&[(1, Binary)]);
static GEOGRAPHY: Shape = Shape(&[(1, Binary), (2, I32)]);
static LOGICAL_TYPE: Shape = Shape(&[
    (1, Struct(&EMPTY)),
    (2, Struct(&EMPTY)),
    (3, Struct(&EMPTY)),
    (4, Struct(&EMPTY)),
    (5, Struct(&DECIMAL)),
    (6, Struct(&EMPTY)),
    (7, Struct(&TIME)),
    (8, Struct(&TIME)),
    (10, Struct(&INTEGER)),
    (11, Struct(&EMPTY)),
    (12, Struct(&EMPTY)),
    (13, Struct(&EMPTY)),
    (14, Struct(&EMPTY)),
    (15, Struct(&EMPTY)),
    (16, Struct(&VARIANT)),
    (17, Struct(&GEOMETRY)),
    (18, Struct(&GEOGRAPHY)),
]);
static SCHEMA_ELEMENT: Shape = Shape(&[
    (1, I32),
    (2, I32),
    (3, I32),
    (4, Binary),
    (5, I32),
    (6, I32),
    (7, I32),
    (8, I32),
    (9, I32),
    (10, Struct(&LOGICAL_TYPE)),
]);
static KEY_VALUE: Shape = Shape(&[(1, Binary), (2, Binary)]);
static ENCODING_STATS: Shape = Shape(&[(1, I32), (2, I32), (3, I32)]);
static SIZE_STATISTICS: Shape = Shape(&[(1, I64), (2, List(&I64)), (3, List(&I64))]);
static BOUNDING_BOX: Shape =
    Shape(&[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)]);
static GEOSPATIAL_STATISTICS: Shape = Shape(&[(1, Struct(&BOUNDING_BOX)), (2, List(&I32))]);
static COLUMN_METADATA: Shape = Shape(&[
    (1, I32),
    (2, List(&I32)),
    (3, List(&Binary)),
    (4, I32),
    (5, I64),
    (6, I64),
    (7, I64),
    (8, List(&Struct(&KEY_VALUE))),
    (9, I64),
    (10, I64),
    (11, I64),
    (12, Struct(&STATISTICS)),
    (13, List(&Struct(&ENCODING_STATS))),
    (14, I64),
    (15, I32),
    (16, Struct(&SIZE_STATISTICS)),
    (17, Struct(&GEOSPATIAL_STATISTICS)),
]);
static COLUMN_CHUNK: Shape = Shape(&[
    (1, Binary),
    (2, I64),
    (3, Struct(&COLUMN_METADATA)),
    (4, I64),
    (5, I32),
    (6, I64),
    (7, I32),
    (8, Any),
    (9, Binary),
]);
static SORTING_COLUMN: Shape = Shape(&[(1, I32), (2, Bool), (3, Bool)]);
static ROW_GROUP: Shape = Shape(&[
    (1, List(&Struct(&COLUMN_CHUNK))),
    (2, I64),
    (3, I64),
    (4, List(&Struct(&SORTING_COLUMN))),
    (5, I64),
    (6, I64),
    (7, I16),
]);
static COLUMN_ORDER: Shape = Shape(&[(1, Struct(&EMPTY)), (2, Struct(&EMPTY))]);

/// Number of the schema's field in a footer.
pub(crate) const FOOTER_SCHEMA: i64 = 2;

/// A footer.
pub(crate) static FOOTER: Shape = Shape(&[
    (1, I32),
    (FOOTER_SCHEMA, List(&Struct(&SCHEMA_ELEMENT))),
    (3, I64),
    (4, List(&Struct(&ROW_GROUP))),
    (5, List(&Struct(&KEY_VALUE))),
    (6, Binary),
    (7, List(&Struct(&COLUMN_ORDER))),
    (8, Any),
    (9, Binary),
]);

/// A reader.
pub(crate) struct Thrift<'a> {
    /// What is left.
    pub(crate) rest: &'a [u8],
    /// The most elements of a list.
    pub(crate) most: u64,
}

impl Thrift<'_> {
    pub(crate) const STOP: u8 = 0;
    pub(crate) const I32: u8 = 5;

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn advance(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The type and number of the next field of a struct; the type is [`Thrift::STOP`] at its end.
    pub(crate) fn field(&mut self, before: i64) -> Option<(u8, i64)> {
        let head = self.byte()?;
        if head == Self::STOP {
            return Some((Self::STOP, before));
        }
        let id = match head >> 4 {
            0 => self.zigzag()?,
            delta => before.checked_add(i64::from(delta))?,
        };
        // The type 0 with a number is no Thrift: it must not pass for the end.
        (head & 15 != Self::STOP).then_some((head & 15, id))
    }

    /// Passes over a field of a struct of a known shape.
    pub(crate) fn known(&mut self, shape: &Shape, id: i64, declared: u8) -> Option<()> {
        self.known_at(shape, id, declared, 0)
    }

    fn known_at(&mut self, shape: &Shape, id: i64, declared: u8, depth: u32) -> Option<()> {
        match shape.0.iter().find(|(number, _)| *number == id) {
            Some((_, kind)) => self.value(kind, declared, depth),
            None => self.skip(declared, depth),
        }
    }

    /// Passes over a value of a known kind, when that is what it says it is.
    fn value(&mut self, kind: &Kind, declared: u8, depth: u32) -> Option<()> {
        match (kind, declared) {
            (Bool, 1 | 2) | (Byte, 3) | (I16, 4) | (I32, 5) | (I64, 6) | (Double, 7) | (Binary, 8) | (Any, _) => {
                self.skip(declared, depth)
            }
            (List(of), 9) => {
                let (size, element) = self.list()?;
                for _ in 0..size {
                    self.value(of, element, depth + 1)?;
                }
                Some(())
            }
            (Struct(shape), 12) => self.fields(shape, depth),
            _ => None,
        }
    }

    fn fields(&mut self, shape: &Shape, depth: u32) -> Option<()> {
        let mut id = 0;
        loop {
            let (kind, next) = self.field(id)?;
            if kind == Self::STOP {
                return Some(());
            }
            id = next;
            self.known_at(shape, id, kind, depth + 1)?;
        }
    }

    /// How many elements a list has, and their type. Flags are not passed over by the decoder, and do not occur.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let size = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        (size <= self.most && !matches!(head & 15, 1 | 2)).then_some((size, head & 15))
    }

    /// Passes over a value by its type. Every element of a list takes at least a byte, so a list cannot be longer than what is left.
    fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            // The value of a boolean field is in its type.
            1 | 2 => Some(()),
            3 => self.advance(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.advance(8),
            8 => {
                let length = self.varint()?;
                self.advance(usize::try_from(length).ok()?)
            }
            9 | 10 => {
                let (size, element) = self.list()?;
                for _ in 0..size {
                    self.skip(element, depth + 1)?;
                }
                Some(())
            }
            12 => self.fields(&EMPTY, depth),
            // Maps (11) do not occur, nor do identifiers (13), and the rest is not Thrift.
            _ => None,
        }
    }
}
