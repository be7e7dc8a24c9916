//! How settings go together: what follows from what was left at its default, and what cannot be.
//!
//! As in Java's client, a default gives way to what was set (with a line in the log), while two settings that were both
//! given and exclude each other are an error.

use std::fmt;
use std::time::Duration;

use kafka_core::cluster::ClientConfig;
use kafka_core::validate_topic_name;
use kafka_stream::consumer::ConsumerConfig;
use kafka_stream::producer::{Acks, ProducerConfig};

use super::kafka_config::Spelled;
use super::settings::snake;
use super::topics::are_topic_characters;
use super::{ConfigError, ConfigErrorKind, HandlerConfig, KafkaConfig};

/// One side's settings for the error about them.
struct Named<'a> {
    variable: String,
    given: &'a Spelled,
}

impl Named<'_> {
    fn is_given(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    fn refuse(&self, name: &'static str, value: impl fmt::Display, right: String) -> ConfigError {
        let key = self.given.get(name).cloned().unwrap_or_else(|| snake(name));
        ConfigError::new(ConfigErrorKind::Contradiction, self.variable.as_str(), right)
            .with_key(key)
            .with_value(value.to_string())
    }
}

fn ms(duration: Duration) -> u128 {
    duration.as_millis()
}

impl KafkaConfig {
    /// The producer's settings after what follows from them.
    pub(super) fn resolve_producer(&self) -> Result<(ClientConfig, ProducerConfig), ConfigError> {
        let named = Named { variable: self.origin.name("producer_config"), given: &self.producer_given };
        let mut client = self.producer_client.clone();
        let mut config = self.producer_config.clone();
        resolve_client(&named, &mut client)?;
        resolve_idempotence(&named, &mut config)?;

        let least = config.linger.saturating_add(config.request_timeout);
        if config.delivery_timeout < least {
            if named.is_given("delivery.timeout.ms") {
                let right = format!(
                    "expected at least `linger.ms` ({}) + `request.timeout.ms` ({})",
                    ms(config.linger),
                    ms(config.request_timeout)
                );
                return Err(named.refuse("delivery.timeout.ms", ms(config.delivery_timeout), right));
            }
            tracing::info!(delivery_timeout_ms = %ms(least), "delivery.timeout.ms follows linger.ms and request.timeout.ms");
            config.delivery_timeout = least;
        }
        if config.buffer_memory < config.batch_size {
            let right = format!("expected at least `batch.size` ({})", config.batch_size);
            return Err(named.refuse("buffer.memory", config.buffer_memory, right));
        }
        client.request_timeout = config.request_timeout;
        Ok((client, config))
    }

    /// The consumer's settings after what follows from them.
    pub(super) fn resolve_consumer(&self) -> Result<(ClientConfig, ConsumerConfig), ConfigError> {
        let named = Named { variable: self.origin.name("consumer_config"), given: &self.consumer_given };
        let mut client = self.consumer_client.clone();
        let mut config = self.consumer_config.clone();
        resolve_client(&named, &mut client)?;

        if config.max_poll_interval < config.session_timeout {
            if named.is_given("max.poll.interval.ms") {
                let right =
                    format!("expected at least `session.timeout.ms` ({})", ms(config.session_timeout));
                return Err(named.refuse("max.poll.interval.ms", ms(config.max_poll_interval), right));
            }
            tracing::info!("max.poll.interval.ms follows session.timeout.ms");
            config.max_poll_interval = config.session_timeout;
        }
        if config.heartbeat_interval >= config.session_timeout {
            let (name, value, right) = if named.is_given("heartbeat.interval.ms") {
                let right =
                    format!("expected less than `session.timeout.ms` ({})", ms(config.session_timeout));
                ("heartbeat.interval.ms", config.heartbeat_interval, right)
            } else {
                let right =
                    format!("expected more than `heartbeat.interval.ms` ({})", ms(config.heartbeat_interval));
                ("session.timeout.ms", config.session_timeout, right)
            };
            return Err(named.refuse(name, ms(value), right));
        }
        if config.fetch_max_wait >= config.request_timeout {
            let (name, value, right) = if named.is_given("fetch.max.wait.ms") {
                let right =
                    format!("expected less than `request.timeout.ms` ({})", ms(config.request_timeout));
                ("fetch.max.wait.ms", config.fetch_max_wait, right)
            } else {
                let right = format!("expected more than `fetch.max.wait.ms` ({})", ms(config.fetch_max_wait));
                ("request.timeout.ms", config.request_timeout, right)
            };
            return Err(named.refuse(name, ms(value), right));
        }
        if config.fetch_min_bytes > config.fetch_max_bytes {
            let (name, value, right) = if named.is_given("fetch.min.bytes") {
                let right = format!("expected at most `fetch.max.bytes` ({})", config.fetch_max_bytes);
                ("fetch.min.bytes", config.fetch_min_bytes, right)
            } else {
                let right = format!("expected at least `fetch.min.bytes` ({})", config.fetch_min_bytes);
                ("fetch.max.bytes", config.fetch_max_bytes, right)
            };
            return Err(named.refuse(name, value, right));
        }
        client.request_timeout = config.request_timeout;
        client.allow_auto_topic_creation = config.allow_auto_create_topics;
        Ok((client, config))
    }

    /// The handlers' settings after what follows from them.
    pub(super) fn resolve_handler(&self) -> Result<HandlerConfig, ConfigError> {
        let named = Named { variable: self.origin.name("handler_config"), given: &self.handler_given };
        let mut config = self.handler_config.clone();
        let retry = &mut config.options.retry;
        if retry.initial_backoff > retry.max_backoff {
            match (named.is_given("handler.retry.backoff.ms"), named.is_given("handler.retry.backoff.max.ms"))
            {
                (true, true) => {
                    let right = format!(
                        "expected at most `handler.retry.backoff.max.ms` ({})",
                        ms(retry.max_backoff)
                    );
                    return Err(named.refuse("handler.retry.backoff.ms", ms(retry.initial_backoff), right));
                }
                (false, true) => retry.initial_backoff = retry.max_backoff,
                _ => retry.max_backoff = retry.initial_backoff,
            }
        }
        let (_, consumer) = self.resolve_consumer()?;
        let drain_timeout = &mut config.options.drain_timeout;
        // The group waits for whoever gives partitions away as long as for whoever polls.
        if *drain_timeout > consumer.max_poll_interval {
            if named.is_given("handler.drain.timeout.ms") {
                let most = ms(consumer.max_poll_interval);
                let right = format!("expected at most `max.poll.interval.ms` ({most})");
                return Err(named.refuse("handler.drain.timeout.ms", ms(*drain_timeout), right));
            }
            *drain_timeout = consumer.max_poll_interval;
        }
        self.check_retry_topics(&named)?;
        Ok(config)
    }

    fn check_retry_topics(&self, named: &Named<'_>) -> Result<(), ConfigError> {
        let topics = &self.handler_config.options.retry_topics;
        if topics.is_empty() {
            return Ok(());
        }
        if !self.enable_dead_letter_queue {
            let delays: Vec<_> = topics.delays().iter().map(|delay| ms(*delay).to_string()).collect();
            let off = self.origin.name("enable_dead_letter_queue");
            let right = format!(
                "expected no retry topics while `{off}` is `false`: what failed in the last has nowhere to go"
            );
            return Err(named.refuse("retry.topic.delays.ms", delays.join(","), right));
        }
        let suffix = topics.topics_for("").pop().unwrap_or_default();
        if topics.topics_for("").contains(&self.dead_letter_topic_suffix) {
            let right = "expected a suffix other than that of a retry topic";
            let name = self.origin.name("dead_letter_topic_suffix");
            let error = ConfigError::new(ConfigErrorKind::Contradiction, name, right);
            return Err(error.with_value(&self.dead_letter_topic_suffix));
        }
        for topic in self.topics.all() {
            if validate_topic_name(&format!("{topic}{suffix}")).is_err() {
                let right = format!(
                    "expected a suffix with which the retry topics of `{topic}` have at most 249 characters"
                );
                return Err(named.refuse("retry.topic.suffix", topics.suffix(), right));
            }
        }
        Ok(())
    }

    pub(super) fn check_dead_letters(&self) -> Result<(), ConfigError> {
        let suffix = &self.dead_letter_topic_suffix;
        if suffix.is_empty() || suffix.len() > 100 || !are_topic_characters(suffix) {
            let right = "expected 1 to 100 of the characters `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`";
            let name = self.origin.name("dead_letter_topic_suffix");
            return Err(ConfigError::new(ConfigErrorKind::OutOfRange, name, right).with_value(suffix));
        }
        for topic in self.topics.all().into_iter().filter(|_| self.enable_dead_letter_queue) {
            if validate_topic_name(&self.dead_letter_topic(topic)).is_err() {
                let right =
                    format!("expected a suffix with which the topic `{topic}` has at most 249 characters");
                let name = self.origin.name("dead_letter_topic_suffix");
                return Err(ConfigError::new(ConfigErrorKind::Contradiction, name, right).with_value(suffix));
            }
        }
        Ok(())
    }
}

fn resolve_idempotence(named: &Named<'_>, config: &mut ProducerConfig) -> Result<(), ConfigError> {
    if !config.enable_idempotence {
        return Ok(());
    }
    let against = if config.acks != Acks::All {
        let value = if config.acks == Acks::Leader { "1" } else { "0" };
        Some(("acks", value, "`all`"))
    } else if config.retries == 0 {
        Some(("retries", "0", "at least 1"))
    } else {
        None
    };
    let Some((name, value, right)) = against else { return Ok(()) };
    if named.is_given("enable.idempotence") {
        let right = format!("expected {right}, which `enable.idempotence` needs; or set that to `false`");
        return Err(named.refuse(name, value, right));
    }
    tracing::info!("{name}={value}: the producer is not idempotent");
    config.enable_idempotence = false;
    Ok(())
}

fn resolve_client(named: &Named<'_>, client: &mut ClientConfig) -> Result<(), ConfigError> {
    for (name, value, max_name, max) in [
        (
            "reconnect.backoff.ms",
            &mut client.reconnect_backoff,
            "reconnect.backoff.max.ms",
            &mut client.reconnect_backoff_max,
        ),
        (
            "retry.backoff.ms",
            &mut client.retry_backoff,
            "retry.backoff.max.ms",
            &mut client.retry_backoff_max,
        ),
        (
            "socket.connection.setup.timeout.ms",
            &mut client.connection_setup_timeout,
            "socket.connection.setup.timeout.max.ms",
            &mut client.connection_setup_timeout_max,
        ),
    ] {
        if *value <= *max {
            continue;
        }
        match (named.is_given(name), named.is_given(max_name)) {
            (true, true) => {
                let right = format!("expected at most `{max_name}` ({})", ms(*max));
                return Err(named.refuse(name, ms(*value), right));
            }
            (false, true) => *value = *max,
            _ => *max = *value,
        }
    }
    Ok(())
}
