use anyhow::{Context as _, Result};
use serde::Deserialize;

/// A message's schema as Kafka ships it. The prose (`about`) and what only Java's generator needs are left out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Schema {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) api_key: Option<i16>,
    #[serde(default)]
    pub(super) listeners: Vec<String>,
    pub(super) valid_versions: String,
    #[serde(default = "none")]
    pub(super) flexible_versions: String,
    #[serde(default)]
    pub(super) latest_version_unstable: bool,
    #[serde(default)]
    pub(super) fields: Vec<Field>,
    #[serde(default)]
    pub(super) common_structs: Vec<Structure>,
}

/// A structure that several fields of a message share.
#[derive(Debug, Deserialize)]
pub(super) struct Structure {
    pub(super) name: String,
    pub(super) versions: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) versions: String,
    #[serde(default = "none")]
    pub(super) nullable_versions: String,
    #[serde(default = "none")]
    pub(super) tagged_versions: String,
    pub(super) flexible_versions: Option<String>,
    pub(super) tag: Option<u32>,
    #[serde(default)]
    pub(super) ignorable: bool,
    /// A string in most schemas, now and then a bare number or boolean.
    pub(super) default: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) fields: Vec<Field>,
}

fn none() -> String {
    "none".to_owned()
}

impl Schema {
    /// Reads JSON with `//` comments.
    pub(super) fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(&without_comments(text)).context("not a message schema")
    }
}

impl Field {
    pub(super) fn default_text(&self) -> String {
        match &self.default {
            None => String::new(),
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }
}

/// Drops `//` comments; those two characters within a string stay.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        let mut in_string = false;
        let mut previous = ' ';
        let mut end = line.len();
        for (at, letter) in line.char_indices() {
            match letter {
                '"' if previous != '\\' => in_string = !in_string,
                '/' if previous == '/' && !in_string => {
                    end = at - 1;
                    break;
                }
                _ => {}
            }
            previous = letter;
        }
        kept.push_str(&line[..end]);
        kept.push('\n');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_strings_stay() {
        let text = "{ // a \"comment\"\n\"a\": \"http://x\", // b\n\"b\": \"\\\" // c\" }";
        assert_eq!(without_comments(text), "{ \n\"a\": \"http://x\", \n\"b\": \"\\\" // c\" }\n");
    }
}
