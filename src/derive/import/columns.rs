//! Columns of another recorder in the types that rows are read from, whatever width and kind they have in the file.
//!
//! Keeps the invariant that a value is taken over or refused: a cast that does not fit is none. A column of the Arrow type Null, which
//! pandas and Polars write where no row had a value, is one without values, whatever its name.

use crate::base::arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int64Array, MapArray, StringArray, StructArray,
};
use crate::base::arrow::compute::{CastOptions, cast_with_options};
use crate::base::arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit as ArrowUnit};
use serde_json::Value;

use super::options::TimeUnit;

/// Why a column is refused.
pub(crate) enum Misfit {
    /// Its type is none that the values can have.
    Type,
    /// The value in this row, from the batch's first, is none.
    Row(usize, String),
}

/// What a row's own words are in.
pub(crate) enum Words {
    /// A map.
    Map(Box<(MapArray, StringArray, StringArray)>),
    /// The text of a JSON object.
    Json(StringArray),
    /// A struct, its fields as text.
    Struct(StructArray, Vec<(String, StringArray)>),
    /// There are none.
    None,
}

pub(crate) fn string(array: Option<&StringArray>, at: usize) -> Option<&str> {
    array.filter(|array| array.is_valid(at)).map(|array| array.value(at))
}

/// A cast that refuses what does not fit.
pub(crate) fn cast(array: &ArrayRef, to: &DataType) -> Option<ArrayRef> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() }).ok()
}

/// Whole numbers, also where a program kept them as floats to have a place for "none" (NaN).
pub(crate) fn integers(array: &ArrayRef) -> Option<Int64Array> {
    match array.data_type() {
        DataType::Null => cast(array, &DataType::Int64)?.as_primitive_opt::<Int64Type>().cloned(),
        kind if kind.is_integer() => cast(array, &DataType::Int64)?.as_primitive_opt::<Int64Type>().cloned(),
        kind if kind.is_floating() => {
            let floats = cast(array, &DataType::Float64)?;
            let floats = floats.as_primitive_opt::<Float64Type>()?;
            // Below 2^53 every whole number is one of these.
            let whole = |value: f64| value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
            let mut out = Vec::with_capacity(floats.len());
            for value in floats {
                out.push(match value.filter(|value| !value.is_nan()) {
                    None => None,
                    Some(value) if whole(value) => Some(value as i64),
                    Some(_) => return None,
                });
            }
            Some(out.into())
        }
        _ => None,
    }
}

/// Times in nanoseconds. Arrow's own time stamps say their unit; of numbers it is what was told, nanoseconds when nothing was.
pub(crate) fn times(array: &ArrayRef, told: Option<TimeUnit>) -> Result<Int64Array, Misfit> {
    let unit = told.unwrap_or(TimeUnit::Ns);
    let scaled = |ticks: Int64Array| {
        let mut out = Vec::with_capacity(ticks.len());
        for (row, value) in ticks.iter().enumerate() {
            let ns = value.map(|value| value.checked_mul(unit.ns()));
            if ns == Some(None) {
                return Err(Misfit::Row(row, format!("it is beyond 64 bits as {}", unit.name())));
            }
            out.push(ns.flatten());
        }
        Ok(out.into())
    };
    match array.data_type() {
        DataType::Timestamp(_, zone) if told.is_none() => {
            let kind = DataType::Timestamp(ArrowUnit::Nanosecond, zone.clone());
            let numbers = cast(array, &kind).and_then(|array| cast(&array, &DataType::Int64));
            numbers.and_then(|array| array.as_primitive_opt::<Int64Type>().cloned()).ok_or(Misfit::Type)
        }
        DataType::Duration(_) if told.is_none() => {
            let numbers = cast(array, &DataType::Duration(ArrowUnit::Nanosecond));
            let numbers = numbers.and_then(|array| cast(&array, &DataType::Int64));
            numbers.and_then(|array| array.as_primitive_opt::<Int64Type>().cloned()).ok_or(Misfit::Type)
        }
        kind if kind.is_integer() || *kind == DataType::Null => scaled(integers(array).ok_or(Misfit::Type)?),
        // Fractions of a unit that was told: to the nearest nanosecond.
        kind if kind.is_floating() && told.is_some_and(|told| told != TimeUnit::Ns) => {
            let floats = floats(array).ok_or(Misfit::Type)?;
            let mut out = Vec::with_capacity(floats.len());
            for (row, value) in floats.iter().enumerate() {
                let ns = value.filter(|value| !value.is_nan()).map(|value| (value * unit.ns() as f64).round());
                if ns.is_some_and(|ns| ns.abs() >= i64::MAX as f64) {
                    return Err(Misfit::Row(row, format!("it is beyond 64 bits as {}", unit.name())));
                }
                out.push(ns.map(|ns| ns as i64));
            }
            Ok(out.into())
        }
        _ => Err(Misfit::Type),
    }
}

/// Numbers of any width; those of the type Null are none.
pub(crate) fn floats(array: &ArrayRef) -> Option<Float64Array> {
    let fits = array.data_type().is_numeric() || *array.data_type() == DataType::Null;
    let numbers = Some(array).filter(|_| fits).and_then(|array| cast(array, &DataType::Float64))?;
    numbers.as_primitive_opt::<Float64Type>().cloned()
}

/// Yes and no: Arrow's own kind, the numbers 1 and 0, and the words for them.
pub(crate) fn flags(array: &ArrayRef) -> Result<BooleanArray, Misfit> {
    match array.data_type() {
        DataType::Boolean => array.as_boolean_opt().cloned().ok_or(Misfit::Type),
        DataType::Null => Ok(BooleanArray::new_null(array.len())),
        kind => {
            let as_words = if kind.is_numeric() {
                integers(array).and_then(|numbers| as_text(&(std::sync::Arc::new(numbers) as ArrayRef)))
            } else {
                texts(array)
            };
            let as_words = as_words.ok_or(Misfit::Type)?;
            let mut out = Vec::with_capacity(as_words.len());
            for (row, value) in as_words.iter().enumerate() {
                let value = value.filter(|word| !word.is_empty());
                let read =
                    value.map(|word| flag(word).ok_or_else(|| Misfit::Row(row, "it is neither yes nor no".to_owned())));
                out.push(read.transpose()?);
            }
            Ok(out.into())
        }
    }
}

/// A word for yes or no.
pub(crate) fn flag(word: &str) -> Option<bool> {
    if word == "1" || word.eq_ignore_ascii_case("true") {
        Some(true)
    } else if word == "0" || word.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Text, or whole numbers as their decimal text: names that some recorders count.
pub(crate) fn names(array: &ArrayRef) -> Option<StringArray> {
    if array.data_type().is_integer() { as_text(array) } else { texts(array) }
}

/// Text that is text.
pub(crate) fn texts(array: &ArrayRef) -> Option<StringArray> {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let fits = match array.data_type() {
        DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        kind => is_text(kind),
    };
    if fits { as_text(array) } else { None }
}

/// Any values as text.
pub(crate) fn as_text(array: &ArrayRef) -> Option<StringArray> {
    cast(array, &DataType::Utf8)?.as_string_opt::<i32>().cloned()
}

pub(crate) fn words(array: &ArrayRef) -> Option<Words> {
    match array.data_type() {
        DataType::Map(..) => {
            let map = array.as_map_opt()?.clone();
            let (keys, values) = (as_text(map.keys())?, as_text(map.values())?);
            Some(Words::Map(Box::new((map, keys, values))))
        }
        DataType::Struct(fields) => {
            let outer = array.as_struct_opt()?.clone();
            let fields = fields
                .iter()
                .zip(outer.columns())
                .map(|(field, values)| Some((field.name().clone(), as_text(values)?)));
            let fields = fields.collect::<Option<_>>()?;
            Some(Words::Struct(outer, fields))
        }
        DataType::Null => Some(Words::None),
        _ => texts(array).map(Words::Json),
    }
}

/// A value of a JSON object as the text of a map; flags are `1` and `0`.
pub(crate) fn word(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(u8::from(flag).to_string()),
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}
