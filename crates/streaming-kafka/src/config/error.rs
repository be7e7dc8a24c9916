use std::fmt;

/// The longest value that an error repeats, in characters.
const SHOWN: usize = 120;

/// A setting that cannot be used: which one, what was given, and what would be right.
///
/// Its message names the variable (or file and line, or field), the key inside it, and the value. What may be secret is
/// shown as `***`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(Box<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    kind: ConfigErrorKind,
    variable: String,
    key: Option<String>,
    value: Option<String>,
    right: String,
}

/// What is wrong with a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// No setting has this name.
    UnknownKey,
    /// The value is of another type than the setting.
    WrongType,
    /// The value is of the right type and not allowed.
    OutOfRange,
    /// The value cannot be read at all: not JSON, not UTF-8, not a properties file.
    Malformed,
    /// The same setting is given twice.
    Duplicate,
    /// The setting does not go with another one.
    Contradiction,
    /// A setting that needs another one stands alone.
    Incomplete,
    /// A file that a setting names cannot be read, or does not hold what it should.
    File,
}

impl ConfigError {
    pub(crate) fn new(kind: ConfigErrorKind, variable: impl Into<String>, right: impl Into<String>) -> Self {
        Self(Box::new(Parts { kind, variable: variable.into(), key: None, value: None, right: right.into() }))
    }

    #[must_use]
    pub(crate) fn with_key(mut self, key: impl Into<String>) -> Self {
        self.0.key = Some(key.into());
        self
    }

    #[must_use]
    pub(crate) fn with_value(mut self, value: impl AsRef<str>) -> Self {
        let names = [Some(self.0.variable.as_str()), self.0.key.as_deref()];
        let value = value.as_ref();
        let hide = names.into_iter().flatten().any(looks_secret) || looks_secret(value);
        self.0.value = Some(if hide { "***".to_owned() } else { shorten(value) });
        self
    }

    #[must_use]
    pub(crate) fn with_hidden_value(mut self) -> Self {
        self.0.value = Some("***".to_owned());
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> ConfigErrorKind {
        self.0.kind
    }

    /// The environment variable, the file with its line, or the field of [`KafkaConfig`](super::KafkaConfig).
    pub fn variable(&self) -> &str {
        &self.0.variable
    }

    /// The key inside the variable, as it was spelled, if it has keys.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// What was given, shortened if long, `***` if it may be secret.
    pub fn value(&self) -> Option<&str> {
        self.0.value.as_deref()
    }

    /// What would be right.
    pub fn right(&self) -> &str {
        &self.0.right
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.variable)?;
        if let Some(key) = &self.0.key {
            write!(f, ": key `{key}`")?;
        }
        if let Some(value) = &self.0.value {
            write!(f, ": value `{value}`")?;
        }
        write!(f, ": {}", self.0.right)
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigError").field("kind", &self.0.kind).field("message", &self.to_string()).finish()
    }
}

/// Whether a name, or a text with names in it, may go with a secret. Too many is better than one too few.
pub(crate) fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["passw", "pasw", "passphrase", "secret", "jaas", "token", "credential", "private"]
        .iter()
        .any(|word| name.contains(word))
}

fn shorten(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}… ({} bytes)", value.get(..end).unwrap_or_default(), value.len()),
        None => value.to_owned(),
    }
}
