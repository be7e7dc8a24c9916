use super::Log;
use crate::topics::TopicSettings;

impl Log {
    /// Removes what is too old or too much (`retention.ms`, `retention.bytes`).
    ///
    /// Kafka removes whole segments and never the one being written; here each batch counts as a segment.
    pub(crate) fn apply_retention(&mut self, settings: &TopicSettings, now: i64) {
        if !settings.delete {
            return;
        }
        let by_size = u64::try_from(settings.retention_bytes).ok();
        while let Some(first) = self.batches.front() {
            let too_old = settings.retention_ms >= 0
                && first.max_timestamp >= 0
                && now.saturating_sub(first.max_timestamp) > settings.retention_ms;
            let first_size = u64::try_from(first.bytes.len()).unwrap_or_default();
            let too_much = by_size.is_some_and(|limit| self.size.saturating_sub(first_size) >= limit);
            if !too_old && !too_much {
                break;
            }
            let next = first.last_offset.saturating_add(1);
            self.delete_before(next);
        }
    }
}
