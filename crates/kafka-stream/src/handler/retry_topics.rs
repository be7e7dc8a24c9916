//! Retry topics: where a record waits for a later attempt, so that what follows it need not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kafka_core::TopicPartition;

use crate::consumer::ConsumerRecord;
use crate::dead_letter::{Provenance, header};
use crate::producer::Timestamp;

/// Topics in which records that failed wait for another attempt, each longer than the one before: `orders.retry.1`,
/// `orders.retry.2`. Default: none.
///
/// A record whose attempts in place are used up is written to the next of them, with headers that say where it comes
/// from and when it is due ([`header`](crate::dead_letter::header)), and is committed once that is acknowledged. The
/// same consumer reads these topics, waits until each record is due while its partition is paused, and hands it to the
/// same handler as the record that it was: with the topic, the partition, the offset and the timestamp of its origin.
/// After the last topic it is done with as [`FailurePolicy::after_retries`](super::FailurePolicy::after_retries) says.
///
/// A record that waits no longer keeps its place among those of its key: use these topics where order does not
/// matter. They need [dead letters](super::EventConsumer::dead_letters), which lend their producer, and all members of a
/// group should have the same delays. Groups may share them: each passes by what others wrote.
///
/// ```
/// use std::time::Duration;
/// use kafka_stream::handler::{HandlerOptions, RetryTopics};
///
/// let mut options = HandlerOptions::default();
/// options.retry_topics = RetryTopics::after([Duration::from_secs(10), Duration::from_secs(300)]);
/// ```
#[derive(Clone)]
pub struct RetryTopics {
    delays: Vec<Duration>,
    suffix: Arc<str>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Default for RetryTopics {
    fn default() -> Self {
        Self { delays: Vec::new(), suffix: ".retry.".into(), clock: Arc::new(SystemTime::now) }
    }
}

impl RetryTopics {
    /// A topic for each delay, in this order.
    pub fn after(delays: impl IntoIterator<Item = Duration>) -> Self {
        Self { delays: delays.into_iter().collect(), ..Self::default() }
    }

    /// The same with a topic for each of these delays in place of those before.
    #[must_use]
    pub fn with_delays(mut self, delays: impl IntoIterator<Item = Duration>) -> Self {
        self.delays = delays.into_iter().collect();
        self
    }

    /// What stands between a topic's name and the number of its retry topic. Default: `.retry.`.
    #[must_use]
    pub fn with_suffix(mut self, suffix: impl Into<Arc<str>>) -> Self {
        self.suffix = suffix.into();
        self
    }

    /// The clock by which records are due. Default: the system's; tests in made-up time have their own.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long records wait in each of the topics.
    pub fn delays(&self) -> &[Duration] {
        &self.delays
    }

    /// What stands between a topic's name and the number of its retry topic.
    pub fn suffix(&self) -> &str {
        &self.suffix
    }

    /// The retry topics of `topic`, in the order in which a record goes through them.
    pub fn topics_for(&self, topic: &str) -> Vec<String> {
        (1..=self.delays.len()).map(|number| format!("{topic}{}{number}", self.suffix)).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.delays.is_empty()
    }

    /// What the retry topics of these topics are for.
    pub(crate) fn stages<'a>(&self, topics: impl IntoIterator<Item = &'a str>) -> Stages {
        let stages = topics.into_iter().flat_map(|origin| {
            let names = self.topics_for(origin).into_iter().enumerate();
            names.map(|(index, name)| (name, (origin.to_owned(), index)))
        });
        Stages { stages: stages.collect(), of: self.clone() }
    }

    fn now(&self) -> i64 {
        Timestamp::from((self.clock)()).0
    }
}

impl fmt::Debug for RetryTopics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryTopics").field("delays", &self.delays).field("suffix", &self.suffix).finish()
    }
}

/// Which retry topic comes when, for the topics of one consumption.
#[derive(Debug)]
pub(crate) struct Stages {
    /// By the retry topic's name: the topic that it is for, and which of the delays is its own.
    stages: BTreeMap<String, (String, usize)>,
    of: RetryTopics,
}

/// Where a record goes next, and when it is due there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) topic: String,
    pub(crate) origin: String,
    /// Milliseconds since 1970.
    pub(crate) due_at: i64,
}

/// A record as the handler is to see it.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// From a topic of the user's: as it is.
    Plain,
    /// From a retry topic: the record that it was, and how long it has to wait.
    Waiting { record: ConsumerRecord, wait: Duration },
    /// Put into its topic for another group alone: a retry topic by that group itself, or its own topic by a redrive.
    Foreign,
}

impl Stages {
    /// All retry topics, each with the topic that it is for.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&str, &str)> {
        self.stages.iter().map(|(name, (origin, _))| (name.as_str(), origin.as_str()))
    }

    /// Whether it is a retry topic.
    pub(crate) fn contains(&self, topic: &str) -> bool {
        self.stages.contains_key(topic)
    }

    /// Where a record that was read from `topic` goes when it fails; `None` after the last one.
    pub(crate) fn next(&self, topic: &str) -> Option<Next> {
        let (origin, index) = match self.stages.get(topic) {
            Some((origin, index)) => (origin.as_str(), index + 1),
            None => (topic, 0),
        };
        let delay = self.of.delays.get(index)?;
        let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
        let topic = format!("{origin}{}{}", self.of.suffix, index + 1);
        Some(Next { topic, origin: origin.to_owned(), due_at: self.of.now().saturating_add(delay) })
    }

    /// Whether there is a topic for a record to wait in that was read from `topic` and failed.
    pub(crate) fn goes_on(&self, topic: &str) -> bool {
        let index = self.stages.get(topic).map_or(0, |(_, index)| index + 1);
        index < self.of.delays.len()
    }

    /// What a record that was read is to this consumption.
    pub(crate) fn arrived(&self, record: &ConsumerRecord, group: Option<&str>) -> Arrived {
        if !self.contains(&record.topic) {
            let foreign = !record.headers.is_empty() && is_for_another(record, group);
            return if foreign { Arrived::Foreign } else { Arrived::Plain };
        }
        // What somebody else put there, without headers, is handled as it is.
        let Some(from) = Provenance::of(record) else { return Arrived::Plain };
        if from.group.is_some() && from.group.as_deref() != group {
            return Arrived::Foreign;
        }
        let due_at = record.header(header::DUE_AT).and_then(|at| std::str::from_utf8(at).ok()?.parse().ok());
        let wait = wait_until(due_at.unwrap_or(i64::MIN), self.of.now(), self.longest());
        Arrived::Waiting { record: original(record.clone(), from), wait }
    }

    /// No record waits for longer, whatever its header and the clocks say.
    fn longest(&self) -> Duration {
        self.of.delays.iter().max().copied().unwrap_or_default()
    }
}

/// How long a record that is due at `due_at` has to wait at `now`, both in milliseconds; at most `longest`.
fn wait_until(due_at: i64, now: i64, longest: Duration) -> Duration {
    let wait = due_at.saturating_sub(now);
    Duration::from_millis(u64::try_from(wait).unwrap_or_default()).min(longest)
}

/// Whether a record was put back for the handlers of another group alone.
fn is_for_another(record: &ConsumerRecord, group: Option<&str>) -> bool {
    let its = record.header(header::REDRIVES).and_then(|_| record.header(header::GROUP));
    its.is_some_and(|its| Some(its) != group.map(str::as_bytes))
}

/// The record as it was in its own topic; headers of a dead letter stay, and say how often it was tried.
fn original(mut record: ConsumerRecord, from: Provenance) -> ConsumerRecord {
    if let (Some(partition), Some(offset)) = (from.partition, from.offset) {
        let place = TopicPartition::new(from.topic, partition);
        record.topic = place.topic;
        record.partition = partition;
        record.offset = offset;
        record.timestamp = from.timestamp.unwrap_or(record.timestamp);
        record.leader_epoch = None;
    }
    record
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    fn stages() -> Stages {
        let topics = RetryTopics::after([Duration::from_secs(1), Duration::from_secs(60)])
            .with_clock(|| UNIX_EPOCH + Duration::from_millis(500));
        topics.stages(["orders", "users"])
    }

    #[test]
    fn a_record_goes_through_the_topics_in_their_order() {
        let stages = stages();
        let first = stages.next("orders").unwrap();
        assert_eq!((first.topic.as_str(), first.due_at), ("orders.retry.1", 1_500));
        let second = stages.next(&first.topic).unwrap();
        assert_eq!((second.topic.as_str(), second.origin.as_str()), ("orders.retry.2", "orders"));
        assert_eq!(second.due_at, 60_500);
        assert_eq!(stages.next(&second.topic), None);
        assert_eq!(stages.topics().count(), 4);
        assert!(stages.contains("users.retry.2") && !stages.contains("users"));
        assert_eq!(RetryTopics::default().stages(["orders"]).next("orders"), None);
    }

    proptest! {
        #[test]
        fn no_clock_and_no_header_makes_a_record_wait_longer_than_the_longest_delay(
            due: i64,
            now: i64,
            longest in 0_u64..1_000_000,
        ) {
            let wait = wait_until(due, now, Duration::from_millis(longest));
            prop_assert!(wait <= Duration::from_millis(longest));
            if due <= now {
                prop_assert_eq!(wait, Duration::ZERO);
            } else if due - 1 <= now {
                prop_assert!(wait <= Duration::from_millis(1));
            }
        }
    }
}
