use std::collections::BTreeMap;
use std::ffi::OsString;

use super::build::{Given, Input};
use super::json;
use super::security::Origin;
use super::settings::{SettingValue, nearest};
use super::topics::{TOPIC_VARIABLES, TopicNames};
use super::variables::{ALL, PREFIX};
use super::{ConfigError, ConfigErrorKind, KafkaConfig};

impl KafkaConfig {
    /// Reads `STREAMING_KAFKA__*` and the names of the topics, `STREAMING_*_TOPIC`, from the environment.
    ///
    /// What is not set keeps its default. A JSON object in `STREAMING_KAFKA__PRODUCER_CONFIG`,
    /// `STREAMING_KAFKA__CONSUMER_CONFIG` or `STREAMING_KAFKA__HANDLER_CONFIG` changes the keys that it has; a single key can
    /// also be a variable of its own, as in `STREAMING_KAFKA__PRODUCER_CONFIG__LINGER_MS=20`.
    ///
    /// # Errors
    /// The first setting that is unknown, malformed, out of range, given twice, or contradicts another. Nothing is
    /// connected to.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_vars(std::env::vars_os())
    }

    /// Reads the given variables as [`from_env`](Self::from_env) reads the environment; others than ours are ignored.
    ///
    /// ```
    /// use streaming_kafka::KafkaConfig;
    ///
    /// let config = KafkaConfig::from_vars([
    ///     ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", r#"["broker1:9092","broker2:9092"]"#),
    ///     ("STREAMING_KAFKA__PRODUCER_CONFIG", r#"{"acks":"all","compression_type":"lz4"}"#),
    /// ])?;
    /// assert_eq!(config.bootstrap_servers.len(), 2);
    /// # Ok::<_, streaming_kafka::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_vars<K, V>(vars: impl IntoIterator<Item = (K, V)>) -> Result<Self, ConfigError>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let ours = ours(vars.into_iter().map(|(name, value)| (name.into(), value.into())))?;
        let mut plain = Vec::new();
        let mut producer = Vec::new();
        let mut consumer = Vec::new();
        let mut handler = Vec::new();
        for (name, (spelled, value)) in ours {
            let nested = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__"));
            let side = match nested {
                Some(("PRODUCER_CONFIG", key)) => Some((&mut producer, key)),
                Some(("CONSUMER_CONFIG", key)) => Some((&mut consumer, key)),
                Some(("HANDLER_CONFIG", key)) => Some((&mut handler, key)),
                _ => None,
            };
            match side {
                Some((side, key)) => side.push(Given {
                    variable: spelled,
                    key: key.to_ascii_lowercase(),
                    value: list_or_text(value),
                }),
                None => {
                    check_name(&name, &spelled, &value)?;
                    plain.push((name, value));
                }
            }
        }
        let refused = |error: envy::Error| {
            ConfigError::new(ConfigErrorKind::Malformed, "STREAMING_*", format!("cannot be read: {error}"))
        };
        let topics = envy::prefixed("STREAMING_").from_iter(plain.iter().cloned()).map_err(refused)?;
        let mut raw: super::variables::Raw = envy::prefixed(PREFIX).from_iter(plain).map_err(refused)?;
        for (field, example, text, side) in [
            ("producer_config", "{\"client_id\":\"orders\"}", raw.producer_config.take(), &mut producer),
            ("consumer_config", "{\"client_id\":\"orders\"}", raw.consumer_config.take(), &mut consumer),
            ("handler_config", "{\"handler_max_attempts\":5}", raw.handler_config.take(), &mut handler),
        ] {
            let Some(text) = text else { continue };
            let variable = Origin::Environment.name(field);
            let members = json::object(&text).map_err(|problem| {
                let right = format!("expected a JSON object such as `{example}`; {problem}");
                ConfigError::new(ConfigErrorKind::Malformed, variable.as_str(), right).with_value(&text)
            })?;
            side.extend(members.into_iter().map(|(key, value)| Given {
                variable: variable.clone(),
                key,
                value: SettingValue::json(value),
            }));
        }
        let topics = TopicNames::from_raw(topics)?;
        Input { origin: Origin::Environment, raw, topics, producer, consumer, handler }.build()
    }
}

/// Our variables by their names in upper case, with the names as they are spelled. Names are the same in any case, as
/// on Windows; one that is there in two is refused.
fn ours(
    vars: impl Iterator<Item = (OsString, OsString)>,
) -> Result<BTreeMap<String, (String, String)>, ConfigError> {
    let mut ours = BTreeMap::<String, (String, String)>::new();
    for (name, value) in vars {
        let spelled = name.to_string_lossy().into_owned();
        let upper = spelled.to_ascii_uppercase();
        if !upper.starts_with("STREAMING_") || !(upper.starts_with(PREFIX) || is_topic_like(&upper)) {
            continue;
        }
        if name.to_str().is_none() {
            return Err(not_utf8(&spelled, "the variable's name is not UTF-8"));
        }
        let value = value.into_string().map_err(|value| {
            not_utf8(&spelled, "the value is not UTF-8").with_value(value.to_string_lossy())
        })?;
        if let Some((other, _)) = ours.get(&upper) {
            let right = format!("the same variable is set as `{other}`: keep one of them");
            return Err(ConfigError::new(ConfigErrorKind::Duplicate, spelled, right).with_value(value));
        }
        ours.insert(upper, (spelled, value));
    }
    Ok(ours)
}

fn not_utf8(variable: &str, right: &str) -> ConfigError {
    ConfigError::new(ConfigErrorKind::Malformed, variable, right)
}

/// A topic's variable, one that misses being one (or being one of the connection's) by a single slip of a key.
fn is_topic_like(name: &str) -> bool {
    let near = |known: &str| strsim::damerau_levenshtein(name, known) <= 1;
    name.len() < 64
        && (TOPIC_VARIABLES.iter().any(|(known, ..)| near(known))
            || ALL.iter().any(|variable| near(&variable.env())))
}

fn check_name(name: &str, spelled: &str, value: &str) -> Result<(), ConfigError> {
    let known: Vec<String> = ALL
        .iter()
        .map(|variable| variable.env())
        .chain(TOPIC_VARIABLES.iter().map(|(known, ..)| (*known).to_owned()))
        .collect();
    if known.iter().any(|known| known == name) {
        return Ok(());
    }
    let candidates = known.iter().map(String::as_str);
    let nearest = nearest(name, candidates).unwrap_or_default();
    let error = ConfigError::new(
        ConfigErrorKind::UnknownKey,
        spelled,
        format!("unknown variable; did you mean `{nearest}`?"),
    );
    let secret = super::error::looks_secret(nearest);
    Err(if secret { error.with_hidden_value() } else { error.with_value(value) })
}

/// The value of a variable of its own: text, or a list if it looks like one.
fn list_or_text(text: String) -> SettingValue {
    if text.trim_start().starts_with('[')
        && let Ok(list @ serde_json::Value::Array(_)) = serde_json::from_str(&text)
    {
        return SettingValue::json(list);
    }
    text.into()
}
