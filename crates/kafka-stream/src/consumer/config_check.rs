//! Settings that cannot work, alone or together, are refused before anything is sent.

use std::collections::HashSet;
use std::time::Duration;

use super::{AutoOffsetReset, ConsumerConfig, ConsumerError, ConsumerErrorKind, GroupProtocol};

impl ConsumerConfig {
    /// Checks each setting and all of them together.
    ///
    /// # Errors
    /// [`ConsumerErrorKind::InvalidConfig`] names the setting, its value and what would be right.
    pub fn validate(&self) -> Result<(), ConsumerError> {
        self.check(false)
    }

    /// As [`validate`](Self::validate); with assignors of the user's own, none need be named.
    pub(super) fn check(&self, own_assignors: bool) -> Result<(), ConsumerError> {
        let classic = self.group_protocol == GroupProtocol::Classic;
        if classic && self.partition_assignment_strategy.is_empty() && !own_assignors {
            return invalid("partition_assignment_strategy is empty; name at least one, for example range");
        }
        self.check_group()?;
        self.check_times()?;
        self.check_sizes()
    }

    fn check_group(&self) -> Result<(), ConsumerError> {
        if self.group_id.as_deref() == Some("") {
            return invalid("group_id is empty; name the group, or leave it out to read without one");
        }
        if let Some(instance) = &self.group_instance_id {
            if self.group_id.is_none() {
                return invalid(format!(
                    "group_instance_id is {instance:?} but group_id is not set; set it too"
                ));
            }
            if let Err(error) = kafka_core::validate_topic_name(instance) {
                return invalid(format!(
                    "group_instance_id {instance:?} is not valid: {error}; Kafka wants the same characters as in topic names"
                ));
            }
        }
        if self.enable_auto_commit && self.group_id.is_none() {
            return invalid("enable_auto_commit is true but group_id is not set; commits belong to a group");
        }
        let mut seen = HashSet::new();
        for strategy in &self.partition_assignment_strategy {
            if !seen.insert(strategy) {
                return invalid(format!(
                    "partition_assignment_strategy names {strategy:?} twice; name each once, the preferred first"
                ));
            }
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), ConsumerError> {
        let times = [
            ("session_timeout", self.session_timeout),
            ("heartbeat_interval", self.heartbeat_interval),
            ("max_poll_interval", self.max_poll_interval),
            ("default_api_timeout", self.default_api_timeout),
            ("request_timeout", self.request_timeout),
        ];
        for (name, value) in times {
            if value < Duration::from_millis(1) {
                return invalid(format!("{name} is {value:?}; it must be at least 1 ms"));
            }
        }
        let rest =
            [("fetch_max_wait", self.fetch_max_wait), ("auto_commit_interval", self.auto_commit_interval)];
        for (name, value) in times.into_iter().chain(rest) {
            if i32::try_from(value.as_millis()).is_err() {
                return invalid(format!(
                    "{name} is {value:?}; it must fit 31 bits of milliseconds (24 days)"
                ));
            }
        }
        if self.heartbeat_interval >= self.session_timeout {
            return invalid(format!(
                "heartbeat_interval is {:?} but session_timeout only {:?}; set it to a third of that at most",
                self.heartbeat_interval, self.session_timeout
            ));
        }
        if self.max_poll_interval < self.session_timeout {
            return invalid(format!(
                "max_poll_interval is {:?}, shorter than session_timeout ({:?}); raise the one or lower the other",
                self.max_poll_interval, self.session_timeout
            ));
        }
        if self.fetch_max_wait >= self.request_timeout {
            return invalid(format!(
                "fetch_max_wait is {:?} but request_timeout only {:?}; every fetch without records would time out",
                self.fetch_max_wait, self.request_timeout
            ));
        }
        match self.auto_offset_reset {
            AutoOffsetReset::ByDuration(age) if i64::try_from(age.as_millis()).is_err() => {
                invalid(format!("auto_offset_reset by_duration is {age:?}; that is longer than time itself"))
            }
            _ => Ok(()),
        }
    }

    fn check_sizes(&self) -> Result<(), ConsumerError> {
        if self.max_poll_records == 0 {
            return invalid("max_poll_records is 0; poll would never return a record: set it to 1 at least");
        }
        if self.prefetch_max_bytes == 0 {
            return invalid("prefetch_max_bytes is 0; nothing could be fetched: set it to 1 at least");
        }
        if self.fetch_min_bytes < 0 {
            return invalid(format!("fetch_min_bytes is {}; it cannot be negative", self.fetch_min_bytes));
        }
        let sizes = [
            ("fetch_max_bytes", self.fetch_max_bytes),
            ("max_partition_fetch_bytes", self.max_partition_fetch_bytes),
        ];
        for (name, value) in sizes {
            if value <= 0 {
                return invalid(format!("{name} is {value}; it must be at least 1"));
            }
        }
        if self.fetch_min_bytes > self.fetch_max_bytes {
            return invalid(format!(
                "fetch_min_bytes is {} but fetch_max_bytes only {}; the broker could never have enough",
                self.fetch_min_bytes, self.fetch_max_bytes
            ));
        }
        Ok(())
    }
}

fn invalid(message: impl Into<String>) -> Result<(), ConsumerError> {
    Err(ConsumerError::new(ConsumerErrorKind::InvalidConfig, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut ConsumerConfig)) -> String {
        let mut config = ConsumerConfig { group_id: Some("g".into()), ..ConsumerConfig::default() };
        change(&mut config);
        let error = config.validate().unwrap_err();
        assert_eq!(error.kind(), ConsumerErrorKind::InvalidConfig);
        error.to_string()
    }

    #[test]
    fn the_defaults_are_accepted() {
        ConsumerConfig::default().validate().unwrap();
    }

    #[test]
    fn a_refused_setting_is_named_with_its_value() {
        assert!(refused(|c| c.group_id = Some(String::new())).starts_with("group_id is empty"));
        assert!(refused(|c| c.max_poll_records = 0).starts_with("max_poll_records is 0"));
        assert!(refused(|c| c.fetch_min_bytes = -1).starts_with("fetch_min_bytes is -1"));
        assert!(refused(|c| c.max_partition_fetch_bytes = 0).starts_with("max_partition_fetch_bytes is 0"));
        assert!(refused(|c| c.prefetch_max_bytes = 0).starts_with("prefetch_max_bytes is 0"));
        assert!(refused(|c| c.session_timeout = Duration::ZERO).starts_with("session_timeout is 0ns"));
        assert!(
            refused(|c| c.fetch_max_wait = Duration::from_secs(1 << 40)).starts_with("fetch_max_wait is")
        );
        assert!(
            refused(|c| c.group_instance_id = Some("a b".into())).starts_with("group_instance_id \"a b\"")
        );
        assert!(
            refused(|c| c.partition_assignment_strategy.clear())
                .starts_with("partition_assignment_strategy is empty")
        );
    }

    #[test]
    fn contradictions_name_both_settings() {
        let second = Duration::from_secs(1);
        let text = refused(|c| c.heartbeat_interval = c.session_timeout);
        assert!(text.contains("heartbeat_interval is 30s") && text.contains("session_timeout"), "{text}");
        let text = refused(|c| c.max_poll_interval = second);
        assert!(text.contains("max_poll_interval is 1s") && text.contains("session_timeout (30s)"), "{text}");
        let text = refused(|c| c.request_timeout = c.fetch_max_wait);
        assert!(text.contains("fetch_max_wait") && text.contains("request_timeout"), "{text}");
        let text = refused(|c| (c.fetch_min_bytes, c.fetch_max_bytes) = (10, 9));
        assert!(text.contains("fetch_min_bytes is 10") && text.contains("fetch_max_bytes only 9"), "{text}");
        let text = refused(|c| (c.group_id, c.enable_auto_commit) = (None, true));
        assert!(text.contains("enable_auto_commit") && text.contains("group_id"), "{text}");
        let text = refused(|c| (c.group_id, c.group_instance_id) = (None, Some("i".into())));
        assert!(text.contains("group_instance_id") && text.contains("group_id"), "{text}");
    }
}
