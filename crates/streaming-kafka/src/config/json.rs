//! JSON objects from variables, with every key in its order and none dropped for coming twice.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// An object's members as they were written.
pub(super) struct Members(pub(super) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// Reads an object; the error says where it stops being one, and repeats nothing of the text.
pub(super) fn object(text: &str) -> Result<Vec<(String, Value)>, String> {
    serde_json::from_str::<Members>(text).map(|members| members.0).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "it is JSON, but no object",
            serde_json::error::Category::Eof => "it ends too early",
            _ => "it is not JSON",
        };
        format!("{what} (line {}, column {})", error.line(), error.column())
    })
}
