//! What a partition does when the cluster refuses to go on where it stands.

use kafka_core::TopicPartition;
use tokio::time::Instant;
use tracing::warn;

use super::{Halt, OffsetSpec, Positions};
use crate::consumer::ConsumerErrorKind;
use crate::consumer::fetch::Damage;

impl Positions {
    /// The fetch offset is outside the log. `policy` is `auto.offset.reset`.
    pub(crate) fn on_out_of_range(
        &mut self,
        tp: &TopicPartition,
        stamp: u64,
        policy: Option<OffsetSpec>,
        retry_at: Instant,
    ) {
        let Some(assigned) = self.partitions.get(tp).filter(|assigned| assigned.stamp == stamp) else {
            return;
        };
        if assigned.replica.is_some() {
            // A follower may lag behind its leader: only the leader knows.
            self.leave_replica(tp);
            return;
        }
        if assigned.fetch_offset != assigned.position {
            // Records before it are still to be handed out; the question comes again when they are.
            self.retry_after(tp, stamp, retry_at);
            return;
        }
        let offset = assigned.position;
        match policy {
            Some(spec) => {
                warn!(partition = %tp, offset, reset = ?spec, "position is outside the log; resetting it");
                self.reset(tp, spec);
            }
            None => {
                let message = format!(
                    "offset {offset} of {tp} is outside the log, and auto_offset_reset is none; seek to an offset \
                     between beginning_offsets() and end_offsets()"
                );
                let halt = Halt::new(ConsumerErrorKind::OffsetOutOfRange, message);
                self.halt(tp, Halt { offset: Some(offset), ..halt });
            }
        }
    }

    /// The leader's log parts from what was read: of epoch `epoch` and before it has only offsets below `end_offset`
    /// (KIP-320).
    pub(crate) fn on_diverged(
        &mut self,
        tp: &TopicPartition,
        stamp: u64,
        epoch: i32,
        end_offset: i64,
        policy: Option<OffsetSpec>,
    ) {
        let Some(assigned) = self.partitions.get(tp).filter(|assigned| assigned.stamp == stamp) else {
            return;
        };
        let (position, position_epoch) = (assigned.position, assigned.position_epoch);
        let known_epoch = Some(epoch).filter(|epoch| *epoch >= 0);
        if assigned.fetch_offset != position {
            // What is buffered may be gone from the log; what was handed out may not.
            self.seek(tp, position, position_epoch);
        } else if end_offset >= position {
            self.seek(tp, position, known_epoch);
        } else if policy.is_some() {
            warn!(partition = %tp, offset = position, end_offset, "log was truncated; going back to where it parts");
            self.seek(tp, end_offset.max(0), known_epoch);
        } else {
            let message = format!(
                "log of {tp} was truncated to offset {end_offset}, below the position {position}: records that were \
                 read are gone, and others may take their offsets; seek to {end_offset} to read what replaced them"
            );
            let halt = Halt::new(ConsumerErrorKind::LogTruncated, message);
            self.halt(tp, Halt { offset: Some(position), next_offset: Some(end_offset), ..halt });
        }
    }

    /// A batch in the buffer is damaged. It is fetched once more, since the network may have done it; then the
    /// partition stops.
    pub(crate) fn on_damage(&mut self, tp: &TopicPartition, stamp: u64, damage: &Damage, retry_at: Instant) {
        let Some(assigned) = self.partitions.get(tp).filter(|assigned| assigned.stamp == stamp) else {
            return;
        };
        let (position, epoch, met) = (assigned.position, assigned.position_epoch, assigned.corrupt);
        if met == 0 {
            warn!(partition = %tp, offset = damage.offset, error = %damage.error, "fetching a damaged batch again");
            self.seek(tp, position, epoch);
            if let Some(assigned) = self.partitions.get_mut(tp) {
                assigned.corrupt = met + 1;
                assigned.retry_at = Some(retry_at);
            }
            return;
        }
        let past = match damage.next_offset {
            Some(next) => format!("seek to {next} to go past it"),
            None => "seek to an offset behind it to go past it".to_owned(),
        };
        let message =
            format!("records of {tp} at offset {} cannot be read: {}; {past}", damage.offset, damage.error);
        let halt = Halt::new(ConsumerErrorKind::CorruptRecords, message);
        self.halt(tp, Halt { offset: Some(damage.offset), next_offset: damage.next_offset, ..halt });
    }

    /// The group has no committed offset and `auto.offset.reset` is none.
    pub(crate) fn on_no_offset(&mut self, tp: &TopicPartition, stamp: u64) {
        if self.has_stamp(tp, stamp) {
            let message = format!(
                "no offset of {tp} is committed, and auto_offset_reset is none; commit one, or seek to where to start"
            );
            self.halt(tp, Halt::new(ConsumerErrorKind::NoOffset, message));
        }
    }

    /// The topic was deleted, and another one has its name: the old position means nothing there.
    pub(crate) fn on_recreated(&mut self, tp: &TopicPartition, policy: Option<OffsetSpec>) {
        match policy {
            Some(spec) => {
                warn!(partition = %tp, reset = ?spec, "topic was deleted and created again; resetting the position");
                self.reset(tp, spec);
            }
            None => {
                let message = format!(
                    "topic of {tp} was deleted and created again, and auto_offset_reset is none; seek to where to start"
                );
                self.halt(tp, Halt::new(ConsumerErrorKind::OffsetOutOfRange, message));
            }
        }
    }
}
