use std::collections::BTreeMap;
use std::path::PathBuf;

use kafka_core::cluster::ClientConfig;
use kafka_core::net::Address;
use kafka_security::{SaslLogin, SaslMechanism, Secret, SecurityProtocol, TlsVersion};
use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::ProducerConfig;

use super::presets::Preset;
use super::security::Origin;
use super::settings::{SettingValue, Side};
use super::topics::TopicNames;
use super::{ConfigError, ConfigErrorKind, ConsumerPreset, HandlerConfig, ProducerPreset};

/// Settings that were given, by Kafka's name, with the name as its author spelled it.
pub(super) type Spelled = BTreeMap<&'static str, String>;

/// Everything that a service needs to know to use a cluster.
///
/// From the environment ([`from_env`](Self::from_env)), from a properties file
/// ([`from_properties`](Self::from_properties)), or by hand from [`new`](Self::new). What the fields hold is what was
/// given; [`producer_settings`](Self::producer_settings) and its twin check it and return what follows from it.
///
/// No `Debug` output shows the password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KafkaConfig {
    /// Where to ask for the cluster's brokers. Default: `localhost:9092`.
    pub bootstrap_servers: Vec<Address>,
    /// Whether connections are encrypted, and whether the client says who it is. Default: `PLAINTEXT`.
    pub security_protocol: SecurityProtocol,
    /// How the client says who it is; needed by both SASL protocols. Default: none.
    pub sasl_mechanism: Option<SaslMechanism>,
    /// The user. Default: none.
    pub sasl_username: Option<String>,
    /// The user's password. Default: none.
    pub sasl_password: Option<Secret>,
    /// A file with the user's password, which is read at each authentication. Default: none.
    pub sasl_password_file: Option<PathBuf>,
    /// Java's `sasl.jaas.config`, in place of user and password. Default: none.
    pub sasl_jaas_config: Option<Secret>,
    /// Where tokens for `OAUTHBEARER` are asked for (KIP-768). Default: none.
    pub sasl_oauthbearer_token_endpoint_url: Option<String>,
    /// The client at the token endpoint. Default: none.
    pub sasl_oauthbearer_client_id: Option<String>,
    /// The client's secret at the token endpoint. Default: none.
    pub sasl_oauthbearer_client_secret: Option<Secret>,
    /// The scope that is asked for at the token endpoint. Default: none.
    pub sasl_oauthbearer_scope: Option<String>,
    /// Credentials or tokens by callback, in place of all other settings of SASL. Default: none.
    pub sasl_login: Option<SaslLogin>,
    /// The certificates that are trusted: a PEM file, a directory of such files, or a PKCS#12 trust store. Default: none,
    /// Mozilla's are.
    pub ssl_ca_location: Option<PathBuf>,
    /// A PEM file with the client's certificate. Default: none.
    pub ssl_cert_location: Option<PathBuf>,
    /// A PEM file with the key of that certificate. Default: none.
    pub ssl_key_location: Option<PathBuf>,
    /// The pass phrase of that key, or of the one in a key store. Default: none.
    pub ssl_key_password: Option<Secret>,
    /// The client's certificate and its key in one file, PEM or PKCS#12. Default: none.
    pub ssl_keystore_location: Option<PathBuf>,
    /// The password of a PKCS#12 key store. Default: none.
    pub ssl_keystore_password: Option<Secret>,
    /// The client's certificate as PEM. Default: none.
    pub ssl_keystore_certificate_chain: Option<String>,
    /// The key of that certificate as PEM. Default: none.
    pub ssl_keystore_key: Option<Secret>,
    /// The certificates that are trusted as PEM. Default: none.
    pub ssl_truststore_certificates: Option<String>,
    /// The password of a PKCS#12 trust store. Default: none.
    pub ssl_truststore_password: Option<Secret>,
    /// `https` checks the names in brokers' certificates, an empty text does not. Default: `https`.
    pub ssl_endpoint_identification_algorithm: Option<String>,
    /// The versions of TLS that are offered. Default: 1.2 and 1.3.
    pub ssl_enabled_protocols: Option<Vec<TlsVersion>>,
    /// The producer's settings.
    pub producer_config: ProducerConfig,
    /// The consumer's settings.
    pub consumer_config: ConsumerConfig,
    /// How events are handled, and what becomes of those that fail.
    pub handler_config: HandlerConfig,
    /// Whether what cannot be handled or produced goes to a dead letter topic. Default: true.
    pub enable_dead_letter_queue: bool,
    /// What a topic's name is given to become that of its dead letter topic. Default: `.dlq`.
    pub dead_letter_topic_suffix: String,
    /// The names of the system's topics.
    pub topics: TopicNames,
    pub(super) origin: Origin,
    pub(super) producer_client: ClientConfig,
    pub(super) producer_given: Spelled,
    pub(super) consumer_client: ClientConfig,
    pub(super) consumer_given: Spelled,
    pub(super) handler_given: Spelled,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self::new([Address::new("localhost", 9092)])
    }
}

impl KafkaConfig {
    /// The defaults, for the cluster that answers at `bootstrap_servers`.
    pub fn new(bootstrap_servers: impl IntoIterator<Item = Address>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into_iter().collect(),
            security_protocol: SecurityProtocol::Plaintext,
            sasl_mechanism: None,
            sasl_username: None,
            sasl_password: None,
            sasl_password_file: None,
            sasl_jaas_config: None,
            sasl_oauthbearer_token_endpoint_url: None,
            sasl_oauthbearer_client_id: None,
            sasl_oauthbearer_client_secret: None,
            sasl_oauthbearer_scope: None,
            sasl_login: None,
            ssl_ca_location: None,
            ssl_cert_location: None,
            ssl_key_location: None,
            ssl_key_password: None,
            ssl_keystore_location: None,
            ssl_keystore_password: None,
            ssl_keystore_certificate_chain: None,
            ssl_keystore_key: None,
            ssl_truststore_certificates: None,
            ssl_truststore_password: None,
            ssl_endpoint_identification_algorithm: None,
            ssl_enabled_protocols: None,
            producer_config: ProducerConfig::default(),
            consumer_config: ConsumerConfig::default(),
            handler_config: HandlerConfig::default(),
            enable_dead_letter_queue: true,
            dead_letter_topic_suffix: ".dlq".to_owned(),
            topics: TopicNames::default(),
            origin: Origin::Code,
            producer_client: ClientConfig::new([]),
            producer_given: Spelled::new(),
            consumer_client: ClientConfig::new([]),
            consumer_given: Spelled::new(),
            handler_given: Spelled::new(),
        }
    }

    /// Sets one of the producer's settings by its name, in either of Kafka's spellings (`linger.ms`, `linger_ms`).
    ///
    /// # Errors
    /// The setting is unknown, or the value is not one of its own.
    pub fn set_producer(
        &mut self,
        name: &str,
        value: impl Into<SettingValue>,
    ) -> Result<&mut Self, ConfigError> {
        self.producer_side().set("producer_config", name, &value.into())?;
        Ok(self)
    }

    /// Sets one of the consumer's settings by its name, in either of Kafka's spellings (`fetch.min.bytes`,
    /// `fetch_min_bytes`).
    ///
    /// # Errors
    /// The setting is unknown, or the value is not one of its own.
    pub fn set_consumer(
        &mut self,
        name: &str,
        value: impl Into<SettingValue>,
    ) -> Result<&mut Self, ConfigError> {
        self.consumer_side().set("consumer_config", name, &value.into())?;
        Ok(self)
    }

    /// Sets one of the handlers' settings by its name, with dots or in `snake_case` (`handler.max.attempts`,
    /// `retry_topic_delays_ms`).
    ///
    /// # Errors
    /// The setting is unknown, or the value is not one of its own.
    pub fn set_handler(
        &mut self,
        name: &str,
        value: impl Into<SettingValue>,
    ) -> Result<&mut Self, ConfigError> {
        self.handler_side().set("handler_config", name, &value.into())?;
        Ok(self)
    }

    /// Sets all that `preset` is about; other settings stay.
    #[must_use]
    pub fn with_producer_preset(mut self, preset: ProducerPreset) -> Self {
        set_all(self.producer_side(), preset);
        self
    }

    /// Sets all that `preset` is about; other settings stay.
    #[must_use]
    pub fn with_consumer_preset(mut self, preset: ConsumerPreset) -> Self {
        set_all(self.consumer_side(), preset);
        self
    }

    /// The dead letter topic of `topic`.
    pub fn dead_letter_topic(&self, topic: &str) -> String {
        format!("{topic}{}", self.dead_letter_topic_suffix)
    }

    /// Checks all settings, alone and together. Nothing is connected to; files are opened.
    ///
    /// # Errors
    /// The first setting that is not right.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.bootstrap_servers.is_empty() {
            return Err(ConfigError::new(
                ConfigErrorKind::Incomplete,
                self.origin.name("bootstrap_servers"),
                "expected at least one `host:port`",
            )
            .with_value("[]"));
        }
        self.check_security()?;
        self.check_dead_letters()?;
        self.resolve_producer()?;
        self.resolve_consumer()?;
        self.resolve_handler()?;
        Ok(())
    }

    /// What a producer and its connections are made from.
    ///
    /// Defaults give way to what was set, as in Java's client: without `acks=all` or with `retries=0` the producer is not
    /// idempotent, and `delivery.timeout.ms` is at least `linger.ms` + `request.timeout.ms`.
    ///
    /// # Errors
    /// The first setting that is not right.
    pub fn producer_settings(&self) -> Result<(ClientConfig, ProducerConfig), ConfigError> {
        self.validate()?;
        let (client, config) = self.resolve_producer()?;
        config.validate().map_err(|error| {
            let name = self.origin.name("producer_config");
            ConfigError::new(ConfigErrorKind::OutOfRange, name, error.to_string())
        })?;
        Ok((self.connect_by(client)?, config))
    }

    /// What a consumer in `group`, and its connections, are made from; without a group that of `group.id`, if any.
    ///
    /// # Errors
    /// The first setting that is not right.
    pub fn consumer_settings(
        &self,
        group: Option<&str>,
    ) -> Result<(ClientConfig, ConsumerConfig), ConfigError> {
        self.validate()?;
        let (client, mut config) = self.resolve_consumer()?;
        if let Some(group) = group {
            config.group_id = Some(group.to_owned());
        }
        config.validate().map_err(|error| {
            let name = self.origin.name("consumer_config");
            ConfigError::new(ConfigErrorKind::Contradiction, name, error.to_string())
        })?;
        Ok((self.connect_by(client)?, config))
    }

    /// How events are handled, after what follows from the settings: `handler.drain.timeout.ms` is at most
    /// `max.poll.interval.ms`.
    ///
    /// # Errors
    /// The first setting that is not right.
    pub fn handler_settings(&self) -> Result<HandlerConfig, ConfigError> {
        self.validate()?;
        self.resolve_handler()
    }

    /// What a client for administration is made from: as the producer's.
    ///
    /// # Errors
    /// The first setting that is not right.
    pub fn client_config(&self) -> Result<ClientConfig, ConfigError> {
        self.producer_settings().map(|(client, _)| client)
    }

    pub(super) fn producer_side(&mut self) -> Side<'_, ProducerConfig> {
        Side {
            config: &mut self.producer_config,
            client: Some(&mut self.producer_client),
            given: &mut self.producer_given,
        }
    }

    pub(super) fn consumer_side(&mut self) -> Side<'_, ConsumerConfig> {
        Side {
            config: &mut self.consumer_config,
            client: Some(&mut self.consumer_client),
            given: &mut self.consumer_given,
        }
    }

    pub(super) fn handler_side(&mut self) -> Side<'_, HandlerConfig> {
        Side { config: &mut self.handler_config, client: None, given: &mut self.handler_given }
    }
}

fn set_all<P: Preset>(mut side: Side<'_, P::Role>, preset: P) {
    for (name, value) in preset.values() {
        let applied = side.set("preset", name, &value);
        debug_assert!(applied.is_ok(), "{applied:?}");
    }
}
