//! Reading JSON field by field: what is missing, or is not of its type, is `None` alone and takes nothing else along.
//!
//! For facts of a log, which may be damaged, or written by another release. For use with `#[serde(default, deserialize_with = "…")]`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads a value; `None` when it is not of this type.
///
/// # Errors
/// When the JSON itself is broken.
pub fn value<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    Value::deserialize(from).map(of)
}

/// Reads a list; elements that are not of this type are left out. `None` when it is no list.
///
/// # Errors
/// When the JSON itself is broken.
pub fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<Vec<T>>, D::Error> {
    let list = of::<Vec<Value>>(Value::deserialize(from)?);
    Ok(list.map(|list| list.into_iter().filter_map(of).collect()))
}

/// Returns a value as this type; `None` when it is none.
pub fn of<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq, Default)]
    #[serde(default)]
    struct Fact {
        #[serde(deserialize_with = "value")]
        number: Option<u32>,
        #[serde(deserialize_with = "list")]
        words: Option<Vec<String>>,
    }

    #[test]
    fn a_value_of_another_type_takes_nothing_along() {
        let read = |text: &str| serde_json::from_str::<Fact>(text).expect("JSON");
        assert_eq!(
            read(r#"{"number":-1,"words":["a",2,"b"]}"#),
            Fact { number: None, words: Some(vec!["a".into(), "b".into()]) }
        );
        assert_eq!(read(r#"{"number":7,"words":{}}"#), Fact { number: Some(7), words: None });
        assert_eq!(read("{}"), Fact::default());
    }
}
