//! What the stream is asked for: formats that can be read here, and what is wanted beside the pixels.

use std::io::Cursor;

use pipewire::spa;
use pipewire::spa::param::ParamType;
use pipewire::spa::param::format::{FormatProperties, MediaSubtype, MediaType};
use pipewire::spa::param::video::VideoFormat;
use pipewire::spa::pod::serialize::PodSerializer;
use pipewire::spa::pod::{ChoiceValue, Object, Pod, Property, Value, object, property};
use pipewire::spa::utils::{Choice, ChoiceEnum, ChoiceFlags, Fraction, Id, Rectangle, SpaTypes};

use crate::pointer;

/// The highest rate of pictures that is taken, hertz. Compositors send one for each refresh at which something has changed.
const MAX_RATE: u32 = 1000;
/// The rate that is proposed, hertz.
const RATE: u32 = 60;
/// The longest side that is taken, pixels.
const MAX_SIDE: u32 = 16_384;
/// Buffers, and the fewest and the most: one is held here and one is on its way, and the compositor needs one to draw into, or it draws nothing until
/// something changes once more.
const BUFFERS: (i32, i32, i32) = (8, 3, 16);

/// A parameter in the form in which the library takes it.
pub(crate) struct Param(Vec<u8>);

impl Param {
    fn of(object: Object) -> Option<Self> {
        let written = PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object));
        written.ok().map(|(cursor, _)| Self(cursor.into_inner()))
    }

    /// Returns it as the library reads it.
    pub(crate) fn pod(&self) -> Option<&Pod> {
        Pod::from_bytes(&self.0)
    }
}

/// The formats that can be read: four bytes a pixel, in memory and not on a graphics card.
pub(crate) fn formats() -> Option<Param> {
    let side = |length| Rectangle { width: length, height: length };
    let hertz = |num| Fraction { num, denom: 1 };
    Param::of(object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        property!(FormatProperties::MediaType, Id, MediaType::Video),
        property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        property!(
            FormatProperties::VideoFormat,
            Choice,
            Enum,
            Id,
            VideoFormat::BGRx,
            VideoFormat::BGRx,
            VideoFormat::BGRA,
            VideoFormat::RGBx,
            VideoFormat::RGBA
        ),
        property!(
            FormatProperties::VideoSize,
            Choice,
            Range,
            Rectangle,
            Rectangle { width: 1920, height: 1080 },
            side(1),
            side(MAX_SIDE)
        ),
        // 0: whenever something has changed.
        property!(FormatProperties::VideoFramerate, Choice, Range, Fraction, hertz(RATE), hertz(0), hertz(MAX_RATE)),
        property!(FormatProperties::VideoMaxFramerate, Choice, Range, Fraction, hertz(RATE), hertz(1), hertz(MAX_RATE)),
    ))
}

/// What is wanted of buffers and beside their pixels, once the format is known.
pub(crate) fn beside() -> Vec<Param> {
    let bytes = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
    let bitmap = |side: u32| {
        let image = side as usize * side as usize * 4;
        bytes(size_of::<spa::sys::spa_meta_cursor>() + size_of::<spa::sys::spa_meta_bitmap>() + image)
    };
    let metas = [
        (spa::sys::SPA_META_Header, Size::Exactly(bytes(size_of::<spa::sys::spa_meta_header>()))),
        (spa::sys::SPA_META_VideoCrop, Size::Exactly(bytes(size_of::<spa::sys::spa_meta_region>()))),
        (spa::sys::SPA_META_VideoTransform, Size::Exactly(bytes(size_of::<u32>()))),
        // Mutter takes 384 pixels, and sends no pointer and no error to who takes fewer.
        (spa::sys::SPA_META_Cursor, Size::UpTo(bitmap(64), bitmap(1), bitmap(pointer::MAX_SIDE))),
    ];
    std::iter::once(buffers()).chain(metas.map(|(kind, size)| meta(kind, size))).flatten().collect()
}

/// How large something is: this, or in this range.
#[derive(Clone, Copy)]
enum Size {
    Exactly(i32),
    UpTo(i32, i32, i32),
}

fn meta(kind: u32, size: Size) -> Option<Param> {
    let size = match size {
        Size::Exactly(size) => Value::Int(size),
        Size::UpTo(default, min, max) => choice(ChoiceEnum::Range { default, min, max }),
    };
    Param::of(Object {
        type_: SpaTypes::ObjectParamMeta.as_raw(),
        id: ParamType::Meta.as_raw(),
        properties: vec![
            Property::new(spa::sys::SPA_PARAM_META_type, Value::Id(Id(kind))),
            Property::new(spa::sys::SPA_PARAM_META_size, size),
        ],
    })
}

/// Memory that can be mapped; no textures.
fn buffers() -> Option<Param> {
    let (default, min, max) = BUFFERS;
    let kinds = 1 << spa::sys::SPA_DATA_MemFd | 1 << spa::sys::SPA_DATA_MemPtr;
    Param::of(Object {
        type_: SpaTypes::ObjectParamBuffers.as_raw(),
        id: ParamType::Buffers.as_raw(),
        properties: vec![
            Property::new(spa::sys::SPA_PARAM_BUFFERS_buffers, choice(ChoiceEnum::Range { default, min, max })),
            Property::new(
                spa::sys::SPA_PARAM_BUFFERS_dataType,
                choice(ChoiceEnum::Flags { default: kinds, flags: Vec::new() }),
            ),
        ],
    })
}

fn choice(of: ChoiceEnum<i32>) -> Value {
    Value::Choice(ChoiceValue::Int(Choice(ChoiceFlags::empty(), of)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 32-bit numbers of a parameter.
    fn numbers(param: &Param) -> Vec<u32> {
        param.0.chunks_exact(4).map(|four| u32::from_ne_bytes([four[0], four[1], four[2], four[3]])).collect()
    }

    #[test]
    fn a_parameter_is_an_object_of_the_library_with_what_was_put_in() {
        let params = beside();
        assert_eq!(params.len(), 5);
        // An object (15): its size, its type, what it is for, and the property `type` (1), an Id (3) of 4 bytes.
        let header = numbers(&params[1]);
        let type_ = [SpaTypes::ObjectParamMeta.as_raw(), ParamType::Meta.as_raw()];
        assert_eq!(header[1..4], [15, type_[0], type_[1]]);
        assert_eq!(header[4..9], [1, 0, 4, 3, spa::sys::SPA_META_Header]);
        assert!(params.iter().all(|param| param.pod().is_some()));
        assert!(formats().expect("formats").pod().is_some());
        // 384 pixels, as Mutter has them, are in the range of the pointer's image.
        let range = numbers(&params[4]);
        let whole = 384 * 384 * 4 + size_of::<spa::sys::spa_meta_cursor>() + size_of::<spa::sys::spa_meta_bitmap>();
        // Three numbers, and a gap.
        let [.., _, low, high, 0] = range[..] else { panic!("{range:?}") };
        assert!((low as usize) < whole && whole < high as usize, "{range:?}");
    }
}
