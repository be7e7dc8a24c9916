//! Which topics this client wants to know, and until when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Topics in use. A topic that somebody asked for once is forgotten when nobody has asked for a while; one that is
/// pinned stays until it is unpinned as often.
#[derive(Debug, Default)]
pub(super) struct Interest {
    topics: BTreeMap<Arc<str>, Use>,
}

#[derive(Debug)]
struct Use {
    pins: usize,
    last: Instant,
    /// Whether a request for it was ever made.
    asked: bool,
}

impl Interest {
    /// Notes that a topic is in use; true if it is new.
    pub(super) fn touch(&mut self, topic: &str, now: Instant) -> bool {
        if let Some(known) = self.topics.get_mut(topic) {
            known.last = now;
            return !known.asked;
        }
        self.topics.insert(topic.into(), Use { pins: 0, last: now, asked: false });
        true
    }

    /// As [`touch`](Self::touch), and keeps the topic until [`unpin`](Self::unpin).
    pub(super) fn pin(&mut self, topic: &str, now: Instant) -> bool {
        let new = self.touch(topic, now);
        if let Some(known) = self.topics.get_mut(topic) {
            known.pins += 1;
        }
        new
    }

    pub(super) fn unpin(&mut self, topic: &str) {
        if let Some(known) = self.topics.get_mut(topic) {
            known.pins = known.pins.saturating_sub(1);
        }
    }

    /// Whether there are topics that no request was made for.
    pub(super) fn has_new(&self) -> bool {
        self.topics.values().any(|known| !known.asked)
    }

    /// The topics to ask for: only the new ones, or all in use (forgetting those that are not).
    pub(super) fn take(&mut self, only_new: bool, now: Instant, idle: Duration) -> Vec<Arc<str>> {
        if !only_new {
            self.topics.retain(|_, known| known.pins > 0 || now.duration_since(known.last) < idle);
        }
        let mut taken = Vec::new();
        for (topic, known) in &mut self.topics {
            if !only_new || !known.asked {
                known.asked = true;
                taken.push(topic.clone());
            }
        }
        taken
    }

    /// The request failed: these are as good as never asked for.
    pub(super) fn put_back(&mut self, topics: &[Arc<str>]) {
        for topic in topics {
            if let Some(known) = self.topics.get_mut(topic) {
                known.asked = false;
            }
        }
    }

    pub(super) fn contains(&self, topic: &str) -> bool {
        self.topics.contains_key(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(300);

    fn sorted(mut topics: Vec<Arc<str>>) -> Vec<String> {
        topics.sort();
        topics.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn new_topics_are_asked_for_alone_and_once() {
        let (now, mut interest) = (Instant::now(), Interest::default());
        assert!(interest.touch("a", now));
        assert_eq!(sorted(interest.take(true, now, IDLE)), ["a"]);
        assert!(!interest.touch("a", now));
        assert!(interest.touch("b", now));
        assert_eq!(sorted(interest.take(true, now, IDLE)), ["b"]);
        assert!(!interest.has_new());
        assert_eq!(sorted(interest.take(false, now, IDLE)), ["a", "b"]);
    }

    #[test]
    fn a_failed_request_leaves_its_topics_new() {
        let (now, mut interest) = (Instant::now(), Interest::default());
        interest.touch("a", now);
        let asked = interest.take(true, now, IDLE);
        interest.put_back(&asked);
        assert!(interest.has_new());
    }

    #[test]
    fn unused_topics_are_forgotten_and_pinned_ones_are_not() {
        let (now, mut interest) = (Instant::now(), Interest::default());
        interest.touch("used", now);
        interest.touch("unused", now);
        interest.pin("pinned", now);
        let later = now + IDLE;
        interest.touch("used", later);
        assert_eq!(sorted(interest.take(false, later, IDLE)), ["pinned", "used"]);
        interest.unpin("pinned");
        assert_eq!(sorted(interest.take(false, later, IDLE)), ["used"]);
    }
}
