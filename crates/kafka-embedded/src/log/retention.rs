use super::Log;
use crate::topics::TopicSettings;

impl Log {
    /// Removes what is too old or too much (`retention.ms`, `retention.bytes`), segment by segment: the oldest ones, and the
    /// last one too if all of it is too old. Says whether anything went.
    pub(crate) fn apply_retention(&mut self, settings: &TopicSettings, now: i64) -> bool {
        if !settings.delete {
            return false;
        }
        let mut goes_until = self.start;
        let mut surplus =
            u64::try_from(settings.retention_bytes).map_or(0, |limit| self.size.saturating_sub(limit));
        for (at, segment) in self.segments.iter().enumerate() {
            let too_old = settings.retention_ms >= 0
                && now.saturating_sub(segment.latest_timestamp()) > settings.retention_ms;
            let too_much = surplus > 0 && surplus >= segment.size;
            let is_last_and_empty = segment.size == 0 && at + 1 == self.segments.len();
            if is_last_and_empty || !too_old && !too_much {
                break;
            }
            surplus = surplus.saturating_sub(segment.size);
            goes_until = self.segments.get(at + 1).map_or(self.end, |next| next.base_offset);
        }
        let goes = goes_until > self.start;
        self.delete_before(goes_until, now);
        goes
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::testkit::{append, settings};
    use super::*;

    fn starts(log: &Log) -> Vec<i64> {
        log.segments.iter().map(|segment| segment.base_offset).collect()
    }

    #[test]
    fn segments_end_by_size_and_by_time() {
        let mut log = Log::new(Arc::default());
        let by_time = settings(&[("segment.ms", "1000")]);
        for at in [0, 500, 1000, 1001, 1500, 5000] {
            append(&mut log, &by_time, at, "k", Some("v"));
        }
        assert_eq!(starts(&log), [0, 3, 5]);
        let by_size = settings(&[("segment.bytes", "1048576")]);
        let value = "x".repeat(400_000);
        for _ in 0..6 {
            append(&mut log, &by_size, 5000, "k", Some(&value));
        }
        assert_eq!(starts(&log), [0, 3, 5, 8, 10]);
    }

    #[test]
    fn what_is_too_old_goes_by_segments_and_the_last_one_goes_when_all_of_it_is_too_old() {
        let stored = Arc::new(AtomicU64::new(0));
        let mut log = Log::new(Arc::clone(&stored));
        let settings = settings(&[("segment.ms", "1000"), ("retention.ms", "5000")]);
        for at in [0, 500, 1500, 2000, 3000] {
            append(&mut log, &settings, at, "k", Some("v"));
        }
        assert_eq!(starts(&log), [0, 2, 4]);
        assert!(!log.apply_retention(&settings, 5500), "the youngest record of the segment counts");
        assert!(log.apply_retention(&settings, 5501));
        assert_eq!((log.start_offset(), starts(&log)), (2, vec![2, 4]));
        assert!(log.apply_retention(&settings, 10_000));
        assert_eq!((log.start_offset(), log.end_offset(), starts(&log)), (5, 5, vec![5]));
        assert_eq!((log.size(), stored.load(Ordering::Relaxed)), (0, 0));
        assert!(!log.apply_retention(&settings, 1_000_000), "an empty segment stays");
    }

    #[test]
    fn by_size_only_whole_segments_beyond_the_limit_go() {
        let mut log = Log::new(Arc::default());
        let value = "x".repeat(300_000);
        let mut configs = vec![("segment.bytes", "1048576"), ("retention.ms", "-1")];
        for _ in 0..10 {
            append(&mut log, &settings(&configs), 0, "k", Some(&value));
        }
        assert_eq!(starts(&log), [0, 3, 6, 9]);
        configs.push(("retention.bytes", "1500000"));
        assert!(log.apply_retention(&settings(&configs), 0));
        assert_eq!(starts(&log), [3, 6, 9], "without the next one less than the limit would be left");
        configs.push(("cleanup.policy", "compact"));
        configs.push(("retention.bytes", "0"));
        assert!(!log.apply_retention(&settings(&configs), i64::MAX), "the policy is another");
        let map: BTreeMap<_, _> =
            BTreeMap::from([("cleanup.policy".to_owned(), "compact,delete".to_owned())]);
        assert!(log.apply_retention(&TopicSettings::of(&map), i64::MAX));
        assert_eq!(log.start_offset(), 10);
    }

    #[test]
    fn deleting_inside_a_segment_moves_the_start_alone() {
        let mut log = Log::new(Arc::default());
        let settings = settings(&[]);
        for at in 0..4 {
            append(&mut log, &settings, at, "k", Some("v"));
        }
        log.delete_before(2, 0);
        assert_eq!(
            (log.start_offset(), starts(&log), log.read(0, 4, 1 << 20, true).len() as u64),
            (2, vec![0], log.size())
        );
        log.delete_before(4, 0);
        assert_eq!((log.start_offset(), starts(&log), log.size()), (4, vec![4], 0));
    }
}
