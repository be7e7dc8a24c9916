use std::time::Duration;

use super::{Acks, ProduceError, ProducerConfig};

impl ProducerConfig {
    /// Checks that each setting is in its range and that no two contradict each other.
    ///
    /// # Errors
    /// [`InvalidConfig`](super::ProduceErrorKind::InvalidConfig), naming the first setting that is wrong, its value, and
    /// what would be right.
    pub fn validate(&self) -> Result<(), ProduceError> {
        let at_least_one = [
            ("batch_size", self.batch_size),
            ("buffer_memory", self.buffer_memory),
            ("max_request_size", self.max_request_size),
            ("max_in_flight", self.max_in_flight),
            ("compression_parallelism", self.compression_parallelism),
        ];
        for (setting, value) in at_least_one {
            if value == 0 {
                return Err(wrong(setting, "is 0: it must be at least 1"));
            }
        }
        for (setting, value) in
            [("request_timeout", self.request_timeout), ("delivery_timeout", self.delivery_timeout)]
        {
            if value < Duration::from_millis(1) {
                return Err(wrong(setting, "must be at least 1 ms"));
            }
        }
        let i32_max = i32::MAX as usize;
        for (setting, value) in [("batch_size", self.batch_size), ("max_request_size", self.max_request_size)]
        {
            if value > i32_max {
                return Err(wrong(setting, format!("is {value}: it must be at most {i32_max} bytes")));
            }
        }
        if self.buffer_memory > u32::MAX as usize {
            let why = format!("is {}: it must be at most {} bytes", self.buffer_memory, u32::MAX);
            return Err(wrong("buffer_memory", why));
        }
        if self.max_in_flight > 5 {
            let why = format!(
                "is {}: it must be from 1 to 5, because brokers remember the last 5 batches of a producer",
                self.max_in_flight
            );
            return Err(wrong("max_in_flight", why));
        }
        if self.batch_size > self.buffer_memory {
            let why = format!("is {}, more than `buffer_memory` of {}", self.batch_size, self.buffer_memory);
            return Err(wrong("batch_size", why));
        }
        let least = self.linger.saturating_add(self.request_timeout);
        if self.delivery_timeout < least {
            let why = format!(
                "is {:?}: it must be at least `linger` plus `request_timeout`, which is {least:?}",
                self.delivery_timeout
            );
            return Err(wrong("delivery_timeout", why));
        }
        self.validate_idempotence()
    }

    fn validate_idempotence(&self) -> Result<(), ProduceError> {
        if !self.enable_idempotence {
            return Ok(());
        }
        if self.acks != Acks::All {
            let why =
                format!("is {:?}: `enable_idempotence` needs all (or switch idempotence off)", self.acks);
            return Err(wrong("acks", why));
        }
        if self.retries == 0 {
            let why = "is 0: `enable_idempotence` needs at least 1 (or switch idempotence off)";
            return Err(wrong("retries", why));
        }
        Ok(())
    }
}

fn wrong(setting: &'static str, why: impl std::fmt::Display) -> ProduceError {
    ProduceError::config(setting, format!("producer setting `{setting}` {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::producer::ProduceErrorKind;

    fn setting_of(config: &ProducerConfig) -> Option<&'static str> {
        match config.validate().err()?.kind() {
            ProduceErrorKind::InvalidConfig { setting } => Some(setting),
            other => panic!("unexpected {other:?}"),
        }
    }

    fn with(change: impl FnOnce(&mut ProducerConfig)) -> Option<&'static str> {
        let mut config = ProducerConfig::default();
        change(&mut config);
        setting_of(&config)
    }

    #[test]
    fn the_defaults_and_the_usual_presets_are_valid() {
        assert_eq!(setting_of(&ProducerConfig::default()), None);
        let low_latency = with(|config| {
            config.acks = Acks::Leader;
            config.enable_idempotence = false;
            config.retries = 0;
            config.batch_size = 1;
            config.linger = Duration::ZERO;
        });
        assert_eq!(low_latency, None);
    }

    #[test]
    fn contradictions_name_the_setting() {
        assert_eq!(with(|config| config.acks = Acks::Leader), Some("acks"));
        assert_eq!(with(|config| config.retries = 0), Some("retries"));
        assert_eq!(with(|config| config.max_in_flight = 6), Some("max_in_flight"));
        assert_eq!(with(|config| config.batch_size = config.buffer_memory + 1), Some("batch_size"));
        assert_eq!(
            with(|config| config.delivery_timeout = Duration::from_secs(30)),
            Some("delivery_timeout")
        );
    }

    #[test]
    fn values_out_of_range_name_the_setting() {
        assert_eq!(with(|config| config.batch_size = 0), Some("batch_size"));
        assert_eq!(with(|config| config.buffer_memory = 0), Some("buffer_memory"));
        assert_eq!(with(|config| config.max_in_flight = 0), Some("max_in_flight"));
        assert_eq!(with(|config| config.compression_parallelism = 0), Some("compression_parallelism"));
        assert_eq!(with(|config| config.request_timeout = Duration::ZERO), Some("request_timeout"));
        assert_eq!(with(|config| config.max_request_size = usize::MAX), Some("max_request_size"));
    }
}
