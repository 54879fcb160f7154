//! Reads the dictionaries in which the system describes windows, sessions and pictures.
//!
//! Core Foundation's dictionaries and arrays are Foundation's too ("toll-free bridged"), whose classes check what a value is.

#![expect(unsafe_code, reason = "a reference to one class is taken for one to the class that it is bridged to")]

use objc2::rc::Retained;
use objc2::runtime::AnyObject;
use objc2_core_foundation::{CFArray, CFDictionary};
use objc2_foundation::{NSArray, NSDictionary, NSNumber, NSString};

use crate::capture::macos::points::Points;

/// A dictionary with names for keys.
pub(super) type Words = NSDictionary<NSString, AnyObject>;

/// A list of dictionaries, as which the caller knows it.
pub(super) fn list(array: &CFArray) -> &NSArray<Words> {
    // SAFETY: CFArray is bridged to NSArray, CFDictionary to NSDictionary, CFString to NSString: they are the same objects. The values
    // are taken for objects of any class, and asked which.
    unsafe { &*std::ptr::from_ref(array).cast() }
}

/// A dictionary.
pub(super) fn dictionary(dictionary: &CFDictionary) -> &Words {
    // SAFETY: as above.
    unsafe { &*std::ptr::from_ref(dictionary).cast() }
}

fn of_number(value: Retained<AnyObject>) -> Option<f64> {
    value.downcast::<NSNumber>().ok().map(|number| number.doubleValue())
}

pub(super) fn number(words: &Words, key: &NSString) -> Option<f64> {
    of_number(words.objectForKey(key)?)
}

pub(super) fn flag(words: &Words, key: &NSString) -> bool {
    number(words, key).is_some_and(|number| number != 0.0)
}

pub(super) fn text(words: &Words, key: &NSString) -> String {
    let text = words.objectForKey(key).and_then(|value| value.downcast::<NSString>().ok());
    text.map(|text| text.to_string()).unwrap_or_default()
}

/// A rectangle, which the system writes as a dictionary (`CGRectCreateDictionaryRepresentation`).
pub(super) fn points(words: &Words, key: &NSString) -> Option<Points> {
    let inside = words.objectForKey(key)?.downcast::<NSDictionary>().ok()?;
    let along = |name: &str| of_number(inside.objectForKey(&NSString::from_str(name))?);
    Some(Points { x: along("X")?, y: along("Y")?, width: along("Width")?, height: along("Height")? })
}

/// A number of 64 bits, which a float would round.
pub(super) fn whole(words: &Words, key: &NSString) -> Option<u64> {
    let number = words.objectForKey(key)?.downcast::<NSNumber>().ok()?;
    Some(number.unsignedLongLongValue())
}
