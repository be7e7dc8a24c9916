//! The key of an event, taken from a field of its JSON.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The field `name` of the object in `json` as a record's key: a text's own bytes, the JSON of anything else. `None`
/// where there is no object, no such field, or null in it.
pub(crate) fn key_field(json: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = deserializer.deserialize_map(Pick(name)).ok()??;
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into_bytes()),
        other => serde_json::to_vec(&other).ok(),
    }
}

/// Reads one field of an object and steps over the others.
struct Pick<'a>(&'a str);

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Is(self.0))? {
            if is_it {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Whether a key is the one looked for, without keeping it.
struct Is<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_fields_text_or_its_json() {
        let cases = [
            (r#"{"event_id":"a","n":1}"#, Some("a")),
            (r#"{"n":{"event_id":"inner"},"event_id":"outer"}"#, Some("outer")),
            (r#"{"event_id":""}"#, Some("")),
            (r#"{"event_id":"\u00e9"}"#, Some("é")),
            (r#"{"event_id":42}"#, Some("42")),
            (r#"{"event_id":true}"#, Some("true")),
            (r#"{"event_id":[1,"b"]}"#, Some(r#"[1,"b"]"#)),
            (r#"{"event\u005fid":"escaped"}"#, Some("escaped")),
            (r#"{"event_id":null}"#, None),
            (r#"{"id":"a"}"#, None),
            (r#"["event_id","a"]"#, None),
            (r#""event_id""#, None),
            ("", None),
        ];
        for (json, key) in cases {
            assert_eq!(key_field(json.as_bytes(), "event_id").as_deref(), key.map(str::as_bytes), "{json}");
        }
    }
}
