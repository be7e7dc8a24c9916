use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use super::{Failure, RetryPolicy};

/// What is done about a record that could not be handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureAction {
    /// The handler is tried again, as the [`RetryPolicy`] says, then by the [`RetryTopics`](super::RetryTopics) if there
    /// are any; then follows [`FailurePolicy::after_retries`].
    Retry,
    /// The record goes to the dead letter topic at once. Without dead letters it stops consumption.
    DeadLetter,
    /// The failure is logged and counted, and the record is committed as if it had been handled.
    Skip,
    /// Consumption ends at the record, which stays uncommitted.
    Stop,
}

impl FromStr for FailureAction {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        match text.trim().to_ascii_lowercase().as_str() {
            "retry" => Ok(Self::Retry),
            "dead-letter" | "dead_letter" => Ok(Self::DeadLetter),
            "skip" => Ok(Self::Skip),
            "stop" => Ok(Self::Stop),
            _ => Err(UnknownAction),
        }
    }
}

/// A text that is no [`FailureAction`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `retry`, `dead-letter`, `skip`, `stop`")]
pub struct UnknownAction;

/// What is done about failures, by their [class](Failure::class).
///
/// A rule names a class, or the beginning of classes with `*` behind it. The class itself goes before a beginning, and
/// a long beginning before a short one. Without a rule, failures that may pass are retried and all others
/// dead-lettered, and what retries did not help is dead-lettered, too.
///
/// ```
/// use kafka_stream::handler::{FailureAction, FailurePolicy};
///
/// let policy = FailurePolicy::default()
///     .on("serde_json::Error", FailureAction::Skip)
///     .on("Database*", FailureAction::Retry)
///     .after_retries("Database*", FailureAction::Stop);
/// # drop(policy);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailurePolicy {
    first: Rules,
    last: Rules,
}

/// What comes next for a record that just failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The handler is called again after this time.
    Again(Duration),
    /// The record goes to the next retry topic.
    RetryTopic,
    DeadLetter,
    Skip,
    Stop,
}

impl FailurePolicy {
    /// Does `action` about failures of `class`, or of all classes that begin with what is before a `*` at its end. It
    /// goes before what the [`Failure`] itself says about retries.
    #[must_use]
    pub fn on(mut self, class: impl Into<String>, action: FailureAction) -> Self {
        self.first.set(class.into(), action);
        self
    }

    /// Does `action` about failures of `class` (as in [`on`](Self::on)) once retries are used up; `Retry` then means
    /// `DeadLetter`.
    #[must_use]
    pub fn after_retries(mut self, class: impl Into<String>, action: FailureAction) -> Self {
        self.last.set(class.into(), action);
        self
    }

    /// The same with these rules of [`on`](Self::on) in place of those before.
    #[must_use]
    pub fn with_actions<C: Into<String>>(
        mut self,
        rules: impl IntoIterator<Item = (C, FailureAction)>,
    ) -> Self {
        self.first = Rules::default();
        rules.into_iter().fold(self, |policy, (class, action)| policy.on(class, action))
    }

    /// The same with these rules of [`after_retries`](Self::after_retries) in place of those before.
    #[must_use]
    pub fn with_actions_after_retries<C: Into<String>>(
        mut self,
        rules: impl IntoIterator<Item = (C, FailureAction)>,
    ) -> Self {
        self.last = Rules::default();
        rules.into_iter().fold(self, |policy, (class, action)| policy.after_retries(class, action))
    }

    /// What follows the `attempts`-th failure in a row of one record. `random` is from 0 to 1.
    pub(crate) fn decide(
        &self,
        failure: &Failure,
        attempts: u32,
        retry: &RetryPolicy,
        random: f64,
        has_retry_topic: bool,
    ) -> Decision {
        let own = if failure.is_retriable() { FailureAction::Retry } else { FailureAction::DeadLetter };
        let last = match self.first.find(failure.class()).unwrap_or(own) {
            FailureAction::Retry => match retry.backoff(attempts, random) {
                Some(wait) => return Decision::Again(wait),
                None if has_retry_topic => return Decision::RetryTopic,
                None => self.last.find(failure.class()).unwrap_or(FailureAction::DeadLetter),
            },
            other => other,
        };
        match last {
            FailureAction::Skip => Decision::Skip,
            FailureAction::Stop => Decision::Stop,
            FailureAction::Retry | FailureAction::DeadLetter => Decision::DeadLetter,
        }
    }
}

/// Classes and beginnings of classes with what is done about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    exact: BTreeMap<String, FailureAction>,
    beginning: BTreeMap<String, FailureAction>,
}

impl Rules {
    fn set(&mut self, class: String, action: FailureAction) {
        match class.strip_suffix('*') {
            Some(beginning) => self.beginning.insert(beginning.to_owned(), action),
            None => self.exact.insert(class, action),
        };
    }

    fn find(&self, class: &str) -> Option<FailureAction> {
        let longest = || {
            let fitting =
                self.beginning.iter().filter(|(beginning, _)| class.starts_with(beginning.as_str()));
            fitting.max_by_key(|(beginning, _)| beginning.len()).map(|(_, action)| action)
        };
        self.exact.get(class).or_else(longest).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failure(class: &str, retriable: bool) -> Failure {
        let failure = if retriable { Failure::retry("no") } else { Failure::poison("no") };
        failure.with_class(class.to_owned())
    }

    fn decide(policy: &FailurePolicy, failure: &Failure, attempts: u32) -> Decision {
        policy.decide(failure, attempts, &RetryPolicy::default(), 0.5, false)
    }

    #[test]
    fn without_rules_the_failure_says_whether_it_is_retried() {
        let policy = FailurePolicy::default();
        let wait = Decision::Again(Duration::from_millis(100));
        assert_eq!(decide(&policy, &failure("a", true), 1), wait);
        assert_eq!(decide(&policy, &failure("a", true), 3), Decision::DeadLetter);
        assert_eq!(decide(&policy, &failure("a", false), 1), Decision::DeadLetter);
    }

    #[test]
    fn the_nearest_rule_decides() {
        let policy = FailurePolicy::default()
            .on("*", FailureAction::Stop)
            .on("db::*", FailureAction::Skip)
            .on("db::Timeout", FailureAction::Retry)
            .after_retries("db::*", FailureAction::Stop);
        assert_eq!(decide(&policy, &failure("other", true), 1), Decision::Stop);
        assert_eq!(decide(&policy, &failure("db::Conflict", true), 1), Decision::Skip);
        assert!(matches!(decide(&policy, &failure("db::Timeout", false), 2), Decision::Again(_)));
        assert_eq!(decide(&policy, &failure("db::Timeout", false), 3), Decision::Stop);
    }

    #[test]
    fn a_retry_topic_comes_before_the_end() {
        let policy = FailurePolicy::default().after_retries("*", FailureAction::Skip);
        let with_topic =
            |attempts, has| policy.decide(&failure("a", true), attempts, &RetryPolicy::default(), 0.5, has);
        assert_eq!(with_topic(3, true), Decision::RetryTopic);
        assert_eq!(with_topic(3, false), Decision::Skip);
    }

    #[test]
    fn actions_are_read_from_text() {
        let read: Vec<_> = ["retry", "dead-letter", "DEAD_LETTER", " skip ", "stop"]
            .iter()
            .map(|text| text.parse::<FailureAction>().unwrap())
            .collect();
        use FailureAction::{DeadLetter, Retry, Skip, Stop};
        assert_eq!(read, [Retry, DeadLetter, DeadLetter, Skip, Stop]);
        assert!("drop".parse::<FailureAction>().is_err());
    }

    proptest! {
        #[test]
        fn every_record_comes_to_an_end_after_its_attempts(
            class in "[ab]{1,3}",
            retriable: bool,
            rules in prop::collection::vec(("[ab]{0,3}[*]?", 0_usize..4, any::<bool>()), 0..8),
            max_attempts in 0_u32..6,
            has_retry_topic: bool,
        ) {
            use FailureAction::{DeadLetter, Retry, Skip, Stop};
            let policy = rules.into_iter().fold(FailurePolicy::default(), |policy, (class, action, last)| {
                let action = [Retry, DeadLetter, Skip, Stop][action];
                if last { policy.after_retries(class, action) } else { policy.on(class, action) }
            });
            let retry = RetryPolicy::default().with_max_attempts(max_attempts);
            let failure = failure(&class, retriable);
            for attempts in 1..=max_attempts.max(1) {
                let decision = policy.decide(&failure, attempts, &retry, 0.5, has_retry_topic);
                if attempts >= max_attempts {
                    prop_assert!(!matches!(decision, Decision::Again(_)));
                }
                prop_assert!(has_retry_topic || decision != Decision::RetryTopic);
            }
        }
    }
}
