use std::fmt;

/// A value as it was given, before the setting's type is known: JSON from a variable, text from a properties file.
#[derive(Clone, Debug, PartialEq)]
pub struct SettingValue(serde_json::Value);

impl SettingValue {
    pub(crate) fn json(value: serde_json::Value) -> Self {
        Self(value)
    }

    /// `true`, or `"true"` as Java's properties write it.
    pub(super) fn flag(&self) -> Option<bool> {
        match &self.0 {
            serde_json::Value::Bool(flag) => Some(*flag),
            serde_json::Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// `5`, or `"5"`; `None` if it is no whole number. Numbers beyond 64 bits become the nearest that fits.
    pub(super) fn whole(&self) -> Option<i64> {
        match &self.0 {
            serde_json::Value::Number(number) => {
                number.as_i64().or_else(|| number.as_u64().map(|_| i64::MAX))
            }
            serde_json::Value::String(text) => {
                let text = text.trim();
                let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                let limit = if text.starts_with('-') { i64::MIN } else { i64::MAX };
                Some(text.parse().unwrap_or(limit))
            }
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_str().map(str::trim)
    }

    /// A text, or a number's digits (`"acks": 1`).
    pub(super) fn word(&self) -> Option<String> {
        match &self.0 {
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => self.text().map(str::to_owned),
        }
    }

    /// `["a","b"]`, or `"a,b"`.
    pub(super) fn words(&self) -> Option<Vec<String>> {
        match &self.0 {
            serde_json::Value::Array(items) => {
                items.iter().map(|item| item.as_str().map(|s| s.trim().to_owned())).collect()
            }
            _ => Some(self.text()?.split(',').map(|s| s.trim().to_owned()).collect()),
        }
    }

    /// As [`words`](Self::words), where `[1,2]` and `1` are lists too.
    pub(super) fn items(&self) -> Option<Vec<String>> {
        let item = |value: &serde_json::Value| Self(value.clone()).word();
        match &self.0 {
            serde_json::Value::Array(items) => items.iter().map(item).collect(),
            serde_json::Value::Number(_) => Some(vec![self.word()?]),
            _ => self.words(),
        }
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            serde_json::Value::String(text) => f.write_str(text),
            other => write!(f, "{other}"),
        }
    }
}

impl<T: Into<serde_json::Value>> From<T> for SettingValue {
    fn from(value: T) -> Self {
        Self(value.into())
    }
}
