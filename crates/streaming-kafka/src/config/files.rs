use std::io::Read;
use std::path::{Path, PathBuf};

use super::build::{Given, Input};
use super::properties::{self, Property};
use super::security::Origin;
use super::settings::{all, is_known, nearest};
use super::topics::TopicNames;
use super::variables::{ALL, Raw};
use super::{ConfigError, ConfigErrorKind, HandlerConfig, KafkaConfig};
use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::ProducerConfig;

impl KafkaConfig {
    /// Reads a file in Java's `.properties` format.
    ///
    /// Keys are Kafka's (`bootstrap.servers`, `security.protocol`, `linger.ms`, `group.id`, ...); what producers and
    /// consumers share goes to both. The dead letter queue's are `enable.dead.letter.queue` and
    /// `dead.letter.topic.suffix`; handlers' are as in the variable (`handler.max.attempts`, ...). What is not set keeps its default. The file is read as UTF-8.
    ///
    /// # Errors
    /// The file cannot be read, or the first setting in it that is not right.
    pub fn from_properties(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
        Self::from_properties_reader(path, file)
    }

    /// As [`from_properties`](Self::from_properties) from any reader; errors call it `name`.
    ///
    /// # Errors
    /// As [`from_properties`](Self::from_properties).
    pub fn from_properties_reader(
        name: impl Into<PathBuf>,
        mut reader: impl Read,
    ) -> Result<Self, ConfigError> {
        let path = name.into();
        let mut text = String::new();
        reader.read_to_string(&mut text).map_err(|error| unreadable(&path, &error))?;
        let at = |line: usize| format!("{}:{line}", path.display());
        let properties = properties::parse(&text).map_err(|bad| {
            ConfigError::new(
                ConfigErrorKind::Malformed,
                at(bad.line),
                "expected four hexadecimal digits after `\\u`, surrogates in pairs",
            )
        })?;
        let mut raw = Raw::default();
        let (mut producer, mut consumer, mut handler) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = std::collections::BTreeMap::new();
        for Property { line, key, value } in properties {
            if let Some(first) = seen.insert(key.clone(), line) {
                let right = format!("the same key is on line {first}: keep one of them");
                return Err(ConfigError::new(ConfigErrorKind::Duplicate, at(line), right)
                    .with_key(key)
                    .with_value(value));
            }
            if let Some((_, known, why)) = FIXED.iter().find(|(fixed, ..)| *fixed == key) {
                if !known.iter().any(|known| known.eq_ignore_ascii_case(value.trim())) {
                    let right = format!("expected `{}`: {why}", known.join("` or `"));
                    let error = ConfigError::new(ConfigErrorKind::OutOfRange, at(line), right);
                    return Err(error.with_key(key).with_value(value));
                }
                continue;
            }
            let ours = ALIASES.iter().find(|(java, _)| *java == key).map_or(key.as_str(), |(_, ours)| ours);
            let variable = ALL.iter().find(|v| v.dotted() == ours && !is_object(v.field));
            if let Some(variable) = variable {
                if ours != key
                    && let Some(first) = seen.insert(ours.to_owned(), line)
                {
                    let right = format!("the same setting is on line {first} as `{ours}`: keep one of them");
                    return Err(ConfigError::new(ConfigErrorKind::Duplicate, at(line), right).with_key(key));
                }
                raw.set(variable.field, value);
                continue;
            }
            if !is_known(&key) {
                return Err(unknown(at(line), key, &value));
            }
            let given =
                |key: &str| Given { variable: at(line), key: key.to_owned(), value: value.as_str().into() };
            if all().any(|s| s.is_of::<ProducerConfig>() && s.is_called(&key)) {
                producer.push(given(&key));
            }
            if all().any(|s| s.is_of::<ConsumerConfig>() && s.is_called(&key)) {
                consumer.push(given(&key));
            }
            if all().any(|s| s.is_of::<HandlerConfig>() && s.is_called(&key)) {
                handler.push(given(&key));
            }
        }
        let topics = TopicNames::default();
        Input { origin: Origin::File(path), raw, topics, producer, consumer, handler }.build()
    }
}

/// Java's names of settings that have shorter ones here.
const ALIASES: [(&str, &str); 3] = [
    ("ssl.truststore.location", "ssl.ca.location"),
    ("sasl.oauthbearer.client.credentials.client.id", "sasl.oauthbearer.client.id"),
    ("sasl.oauthbearer.client.credentials.client.secret", "sasl.oauthbearer.client.secret"),
];

/// What Java's clients must be told and this one knows without: accepted where it says so.
const FIXED: [(&str, &[&str], &str); 3] = [
    (
        "sasl.login.callback.handler.class",
        &[
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
            "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
        ],
        "classes cannot be loaded, only its work is done here",
    ),
    ("ssl.truststore.type", &["PEM", "PKCS12"], STORES),
    ("ssl.keystore.type", &["PEM", "PKCS12"], STORES),
];

const STORES: &str = "convert a JKS store by `keytool -importkeystore -srckeystore STORE -destkeystore NEW.p12 \
    -deststoretype PKCS12`";

/// Variables that hold settings, which a file has as keys of their own.
fn is_object(field: &str) -> bool {
    matches!(field, "producer_config" | "consumer_config" | "handler_config")
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let right = format!("expected a properties file in UTF-8 that can be read; {error}");
    ConfigError::new(ConfigErrorKind::File, path.display().to_string(), right)
}

fn unknown(place: String, key: String, value: &str) -> ConfigError {
    let fields: Vec<String> = ALL.iter().filter(|v| !is_object(v.field)).map(|v| v.dotted()).collect();
    let names = all().map(|setting| setting.name).chain(fields.iter().map(String::as_str));
    let nearest = nearest(&key, names).unwrap_or_default();
    let secret = super::error::looks_secret(nearest);
    let right = format!("unknown setting; did you mean `{nearest}`?");
    let error = ConfigError::new(ConfigErrorKind::UnknownKey, place, right).with_key(key);
    if secret { error.with_hidden_value() } else { error.with_value(value) }
}
