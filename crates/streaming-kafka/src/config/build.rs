use std::collections::BTreeMap;
use std::path::PathBuf;

use kafka_core::net::Address;
use kafka_security::Secret;

use super::security::Origin;
use super::settings::{Role, SettingValue, Side};
use super::topics::TopicNames;
use super::variables::{ALL, Raw};
use super::{ConfigError, ConfigErrorKind, KafkaConfig};

/// A setting as it was given, and where.
pub(super) struct Given {
    pub(super) variable: String,
    pub(super) key: String,
    pub(super) value: SettingValue,
}

/// All that was given, from whichever source, before it is known to be right.
pub(super) struct Input {
    pub(super) origin: Origin,
    pub(super) raw: Raw,
    pub(super) topics: TopicNames,
    pub(super) producer: Vec<Given>,
    pub(super) consumer: Vec<Given>,
    pub(super) handler: Vec<Given>,
}

impl Input {
    pub(super) fn build(self) -> Result<KafkaConfig, ConfigError> {
        let Self { origin, raw, topics, producer, consumer, handler } = self;
        let mut config = KafkaConfig { topics, origin, ..KafkaConfig::default() };
        if let Some(text) = raw.bootstrap_servers {
            config.bootstrap_servers = servers(&config.origin, &text)?;
        }
        if let Some(text) = raw.security_protocol {
            config.security_protocol = parsed(&config.origin, "security_protocol", &text)?;
        }
        if let Some(text) = raw.sasl_mechanism {
            config.sasl_mechanism = Some(parsed(&config.origin, "sasl_mechanism", &text)?);
        }
        if let Some(text) = raw.enable_dead_letter_queue {
            let text = text.trim().to_ascii_lowercase();
            config.enable_dead_letter_queue = parsed(&config.origin, "enable_dead_letter_queue", &text)?;
        }
        if let Some(text) = raw.dead_letter_topic_suffix {
            config.dead_letter_topic_suffix = text;
        }
        config.sasl_username = raw.sasl_username;
        config.sasl_password = raw.sasl_password.map(Secret::from);
        config.sasl_password_file = raw.sasl_password_file.map(PathBuf::from);
        config.sasl_jaas_config = raw.sasl_jaas_config.map(Secret::from);
        config.sasl_oauthbearer_token_endpoint_url = raw.sasl_oauthbearer_token_endpoint_url;
        config.sasl_oauthbearer_client_id = raw.sasl_oauthbearer_client_id;
        config.sasl_oauthbearer_client_secret = raw.sasl_oauthbearer_client_secret.map(Secret::from);
        config.sasl_oauthbearer_scope = raw.sasl_oauthbearer_scope;
        config.ssl_ca_location = raw.ssl_ca_location.map(PathBuf::from);
        config.ssl_cert_location = raw.ssl_cert_location.map(PathBuf::from);
        config.ssl_key_location = raw.ssl_key_location.map(PathBuf::from);
        config.ssl_key_password = raw.ssl_key_password.map(Secret::from);
        config.ssl_keystore_location = raw.ssl_keystore_location.map(PathBuf::from);
        config.ssl_keystore_password = raw.ssl_keystore_password.map(Secret::from);
        config.ssl_keystore_certificate_chain = raw.ssl_keystore_certificate_chain;
        config.ssl_keystore_key = raw.ssl_keystore_key.map(Secret::from);
        config.ssl_truststore_certificates = raw.ssl_truststore_certificates;
        config.ssl_truststore_password = raw.ssl_truststore_password.map(Secret::from);
        config.ssl_endpoint_identification_algorithm =
            raw.ssl_endpoint_identification_algorithm.map(|algorithm| algorithm.trim().to_owned());
        if let Some(text) = raw.ssl_enabled_protocols {
            let versions: Result<Vec<_>, ()> =
                text.split(',').map(|version| version.trim().parse()).collect();
            let versions =
                versions.map_err(|()| wrong(&config.origin, "ssl_enabled_protocols", &text, ""))?;
            config.ssl_enabled_protocols = Some(versions);
        }
        apply(config.producer_side(), producer)?;
        apply(config.consumer_side(), consumer)?;
        apply(config.handler_side(), handler)?;
        config.validate()?;
        Ok(config)
    }
}

fn apply<T: Role>(mut side: Side<'_, T>, given: Vec<Given>) -> Result<(), ConfigError> {
    let mut seen = BTreeMap::<&'static str, (String, String)>::new();
    for Given { variable, key, value } in given {
        let setting = Side::<T>::find(&variable, &key, &value)?;
        if let Some((other_variable, other_key)) = seen.get(setting.name) {
            let right = if *other_variable == variable {
                format!("the same setting is given before as `{other_key}`: keep one of them")
            } else {
                format!("the same setting is given as `{other_key}` in `{other_variable}`: keep one of them")
            };
            return Err(ConfigError::new(ConfigErrorKind::Duplicate, variable, right)
                .with_key(key)
                .with_value(value.to_string()));
        }
        side.apply(&variable, &key, setting, &value)?;
        seen.insert(setting.name, (variable, key));
    }
    Ok(())
}

fn wrong(origin: &Origin, field: &str, value: &str, detail: &str) -> ConfigError {
    let expects =
        ALL.iter().find(|variable| variable.field == field).map_or("a value", |variable| variable.expects);
    ConfigError::new(ConfigErrorKind::OutOfRange, origin.name(field), format!("expected {expects}{detail}"))
        .with_value(value)
}

fn parsed<T: std::str::FromStr>(origin: &Origin, field: &str, text: &str) -> Result<T, ConfigError> {
    text.trim().parse().map_err(|_| wrong(origin, field, text, ""))
}

fn servers(origin: &Origin, text: &str) -> Result<Vec<Address>, ConfigError> {
    let refuse = |detail: &str| wrong(origin, "bootstrap_servers", text, detail);
    let names: Vec<String> = if text.trim_start().starts_with(['[', '{']) {
        serde_json::from_str(text)
            .map_err(|e| refuse(&format!("; not a JSON list of texts at column {}", e.column())))?
    } else {
        text.split(',').map(str::to_owned).collect()
    };
    if names.is_empty() {
        return Err(refuse("; the list is empty"));
    }
    names
        .iter()
        .map(|name| {
            name.parse::<Address>().map_err(|_| refuse(&format!("; `{}` is not `host:port`", name.trim())))
        })
        .collect()
}
