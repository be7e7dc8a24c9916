//! Topics by name.
//!
//! Each record looks its topic up, from many threads at a time, while topics come rarely, grow seldom, and never go. So
//! what is there is never changed: what is new is linked behind it, and looking up takes no lock.

use std::hash::BuildHasher;
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use super::Topic;

/// More than most programs write to; with more topics than these, some share one.
const BUCKETS: usize = 256;

#[derive(Debug)]
pub(super) struct Topics {
    buckets: Box<[Link]>,
    hasher: RandomState,
}

type Link = OnceLock<Box<Entry>>;

#[derive(Debug)]
struct Entry {
    topic: Arc<Topic>,
    /// The same topic with more partitions.
    grown: Link,
    /// Another topic of this bucket.
    next: Link,
}

impl Topics {
    pub(super) fn new() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| Link::new()).collect(), hasher: RandomState::default() }
    }

    /// The topic as it was added last.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&Arc<Topic>> {
        let mut entry = self.bucket(name)?.get()?;
        while **entry.topic.name() != *name {
            entry = entry.next.get()?;
        }
        while let Some(grown) = entry.grown.get() {
            entry = grown;
        }
        Some(&entry.topic)
    }

    /// Adds a topic, or what has become of one. Of two who add at the same time, one waits for the other.
    pub(super) fn add(&self, topic: Arc<Topic>) {
        let name = topic.name().clone();
        let Some(mut link) = self.bucket(&name) else { return };
        let mut new = Box::new(Entry { topic, grown: Link::new(), next: Link::new() });
        while let Err(refused) = link.set(new) {
            new = refused;
            let Some(there) = link.get() else { continue };
            link = if *there.topic.name() == name { &there.grown } else { &there.next };
        }
    }

    #[inline]
    fn bucket(&self, name: &str) -> Option<&Link> {
        self.buckets.get(self.hasher.hash_one(name) as usize % BUCKETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str, partitions: usize) -> Arc<Topic> {
        let loads = super::super::Loads::new(partitions);
        Arc::new(Topic::new(name.into(), Vec::new(), vec![loads]))
    }

    #[test]
    fn every_topic_is_found_as_it_was_added_last() {
        let topics = Topics::new();
        let names: Vec<String> = (0..5 * BUCKETS).map(|i| format!("topic-{i}")).collect();
        names.iter().for_each(|name| topics.add(topic(name, 1)));
        for round in 2..5 {
            names.iter().step_by(round).for_each(|name| topics.add(topic(name, round)));
        }
        for (i, name) in names.iter().enumerate() {
            let rounds = (2..5).filter(|round| i % round == 0).max().unwrap_or(1);
            let found = topics.get(name).unwrap();
            assert_eq!((&**found.name(), found.loads()[0].lengths().count()), (name.as_str(), rounds));
        }
        assert!(topics.get("another").is_none());
    }
}
