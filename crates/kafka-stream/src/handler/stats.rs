use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// So many pairs of topic and class are told apart: classes may be made of anything, and memory is not.
const MAX_CLASSES: usize = 500;

/// What all other classes count as.
const OTHERS: &str = "(others)";

/// What handlers have done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerStats {
    /// Records that the handler accepted.
    pub handled: u64,
    /// Times that the handler was called again for a record, without a retry topic in between.
    pub retries: u64,
    /// Records that are in a retry topic, acknowledged: once for each of these topics.
    pub retry_topics: u64,
    /// Records that are in the dead letter topic, acknowledged.
    pub dead_lettered: u64,
    /// Records that were skipped, since the policy says so.
    pub skipped: u64,
    /// Records that were passed by, since another group put them into a retry topic, or a redrive put them back for that
    /// group alone.
    pub foreign: u64,
    /// Commits that the broker accepted.
    pub commits: u64,
    /// Commits that failed; the next one covers what they would have.
    pub failed_commits: u64,
    /// Times that a partition was paused because its records piled up or waited.
    pub pauses: u64,
    /// Records whose handling was dropped because the partition was taken away.
    pub abandoned: u64,
    /// What became of failures, by topic and class.
    pub failures: Vec<FailureStats>,
}

/// What became of the failures of one class in one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailureStats {
    /// The topic that the records came from; that of their origin, if they came by a retry topic.
    pub topic: Arc<str>,
    /// The class of the error; `(others)` for all beyond the first 500.
    pub class: Arc<str>,
    /// Times that the handler was called again.
    pub retried: u64,
    /// Records that were written to a retry topic.
    pub retry_topics: u64,
    /// Records that were written to the dead letter topic.
    pub dead_lettered: u64,
    /// Records that were skipped.
    pub skipped: u64,
    /// Records that were put back from the dead letter topic.
    pub redriven: u64,
}

/// What became of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    Retried,
    InRetryTopic,
    DeadLetter,
    Skipped,
    Redriven,
}

/// Counts failures by topic and class.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<BTreeMap<TopicAndClass, FailureStats>>);

type TopicAndClass = (Arc<str>, Arc<str>);

impl Failures {
    pub(crate) fn count(&self, topic: &str, class: &str, became: Became) {
        let mut failures = self.0.lock();
        let key = (Arc::from(topic), Arc::from(class));
        let key = match failures.contains_key(&key) || failures.len() < MAX_CLASSES {
            true => key,
            false => (key.0, Arc::from(OTHERS)),
        };
        let (topic, class) = key.clone();
        let stats =
            failures.entry(key).or_insert_with(|| FailureStats { topic, class, ..Default::default() });
        let counter = match became {
            Became::Retried => &mut stats.retried,
            Became::InRetryTopic => &mut stats.retry_topics,
            Became::DeadLetter => &mut stats.dead_lettered,
            Became::Skipped => &mut stats.skipped,
            Became::Redriven => &mut stats.redriven,
        };
        *counter += 1;
    }

    pub(crate) fn stats(&self) -> Vec<FailureStats> {
        self.0.lock().values().cloned().collect()
    }
}

impl FailureStats {
    /// Adds these counts to those of their topic and class, or else at the end; where that is too long already, to those of
    /// the topic's `(others)`.
    ///
    /// ```
    /// use kafka_stream::handler::{FailureStats, HandlerStats};
    ///
    /// fn all_together(members: &[HandlerStats]) -> Vec<FailureStats> {
    ///     let mut sum = Vec::new();
    ///     for failure in members.iter().flat_map(|member| &member.failures) {
    ///         failure.add_to(&mut sum);
    ///     }
    ///     sum
    /// }
    /// # assert!(all_together(&[]).is_empty());
    /// ```
    pub fn add_to(&self, sum: &mut Vec<Self>) {
        let same = |other: &&mut Self| other.topic == self.topic && other.class == self.class;
        let is_full = sum.len() >= MAX_CLASSES;
        match sum.iter_mut().find(same) {
            Some(other) => {
                other.retried += self.retried;
                other.retry_topics += self.retry_topics;
                other.dead_lettered += self.dead_lettered;
                other.skipped += self.skipped;
                other.redriven += self.redriven;
            }
            None if is_full && *self.class != *OTHERS => {
                Self { class: Arc::from(OTHERS), ..self.clone() }.add_to(sum);
            }
            None => sum.push(self.clone()),
        }
    }
}

/// Reads the [`HandlerStats`] of an [`EventConsumer`](super::EventConsumer) while it runs. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StatsReader(pub(crate) Arc<Counters>);

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) handled: AtomicU64,
    pub(crate) retries: AtomicU64,
    pub(crate) retry_topics: AtomicU64,
    pub(crate) dead_lettered: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) foreign: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) failed_commits: AtomicU64,
    pub(crate) pauses: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) failures: Failures,
}

impl StatsReader {
    /// The numbers at this moment.
    pub fn stats(&self) -> HandlerStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        HandlerStats {
            handled: read(&self.0.handled),
            retries: read(&self.0.retries),
            retry_topics: read(&self.0.retry_topics),
            dead_lettered: read(&self.0.dead_lettered),
            skipped: read(&self.0.skipped),
            foreign: read(&self.0.foreign),
            commits: read(&self.0.commits),
            failed_commits: read(&self.0.failed_commits),
            pauses: read(&self.0.pauses),
            abandoned: read(&self.0.abandoned),
            failures: self.0.failures.stats(),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart_by_topic_and_class_up_to_a_bound() {
        let failures = Failures::default();
        failures.count("a", "x", Became::Retried);
        failures.count("a", "x", Became::DeadLetter);
        failures.count("b", "x", Became::Skipped);
        let stats = failures.stats();
        assert_eq!(stats.len(), 2);
        assert_eq!((stats[0].retried, stats[0].dead_lettered, stats[1].skipped), (1, 1, 1));
        for class in 0..10_000 {
            failures.count("a", &class.to_string(), Became::Redriven);
        }
        let stats = failures.stats();
        assert!(stats.len() <= MAX_CLASSES + 1);
        assert_eq!(stats.iter().map(|stats| stats.redriven).sum::<u64>(), 10_000);
        let mut sum = stats.clone();
        stats.iter().for_each(|stats| stats.add_to(&mut sum));
        assert_eq!(sum.iter().map(|stats| stats.redriven).sum::<u64>(), 20_000);
        assert_eq!(sum.len(), stats.len());
        for class in 0..1_000 {
            FailureStats {
                topic: "c".into(),
                class: class.to_string().into(),
                skipped: 1,
                ..Default::default()
            }
            .add_to(&mut sum);
        }
        assert_eq!(sum.len(), stats.len() + 1, "whatever comes next is among the others of its topic");
        assert_eq!(sum.iter().map(|stats| stats.skipped).sum::<u64>(), 1_002);
    }
}
