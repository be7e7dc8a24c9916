//! Errors on their way to the user: each is said by the next `poll`, and said again only after a while.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::{ConsumerError, ConsumerErrorKind};

/// How long an error that comes again and again is kept back after it was said.
const SAY_AGAIN: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Problems {
    queue: VecDeque<ConsumerError>,
    said: HashMap<(ConsumerErrorKind, Option<String>), Instant>,
}

impl Problems {
    /// Keeps an error for the next `poll`, unless the same was said a short time ago.
    pub(crate) fn report(&mut self, error: ConsumerError, now: Instant) {
        self.said.retain(|_, said| now < *said + SAY_AGAIN);
        let key = (error.kind(), error.topic().map(str::to_owned));
        if self.said.insert(key, now).is_none() {
            self.queue.push_back(error);
        }
    }

    /// Keeps an error for the next `poll`, whatever was said before.
    pub(crate) fn report_always(&mut self, error: ConsumerError) {
        self.queue.push_back(error);
    }

    /// The next error to say.
    pub(crate) fn next(&mut self) -> Option<ConsumerError> {
        self.queue.pop_front()
    }

    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.said.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_error_is_said_once_per_interval_and_others_at_once() {
        let now = Instant::now();
        let mut problems = Problems::default();
        for _ in 0..3 {
            problems.report(ConsumerError::unknown_topic("a"), now);
        }
        problems.report(ConsumerError::unknown_topic("b"), now);
        assert_eq!(problems.next().unwrap().topic(), Some("a"));
        assert_eq!(problems.next().unwrap().topic(), Some("b"));
        assert!(problems.next().is_none());
        problems.report(ConsumerError::unknown_topic("a"), now + SAY_AGAIN);
        assert!(problems.next().is_some());
    }
}
