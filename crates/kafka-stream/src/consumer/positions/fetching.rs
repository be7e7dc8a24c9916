use std::collections::BTreeSet;

use kafka_core::TopicPartition;
use tokio::time::Instant;

use super::{Assigned, Phase, Positions, Replica};
use crate::consumer::fetch::{Chunk, PartitionFetch, Wanted};

/// How much may be fetched ahead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FetchLimits {
    /// `max.partition.fetch.bytes`; a partition with as much buffered is not fetched.
    pub(crate) partition_bytes: i32,
    /// The bound on all that is buffered; nothing is fetched beyond it.
    pub(crate) total_bytes: usize,
}

/// What one broker should be asked for at this moment.
#[derive(Debug, Default)]
pub(crate) struct FetchNeed {
    /// Partitions to fetch, in their order.
    pub(crate) partitions: Vec<Wanted>,
    /// Partitions of this broker left out because enough of them, or in all, is buffered.
    pub(crate) full: usize,
    /// When the next partition that waits after a failure may be asked for.
    pub(crate) retry_at: Option<Instant>,
    /// How many bytes to ask for at most: what may still be buffered, and no more than this broker's share of all that may.
    pub(crate) room: usize,
}

/// What an answer says of one partition, without an error.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) chunk: Option<Chunk>,
    pub(crate) high_watermark: i64,
    pub(crate) last_stable_offset: i64,
    pub(crate) log_start_offset: i64,
    pub(crate) preferred_replica: Option<Replica>,
}

impl Positions {
    /// What to fetch from a broker.
    pub(crate) fn fetch_need(&self, broker: i32, now: Instant, limits: FetchLimits) -> FetchNeed {
        let mut need = FetchNeed::default();
        let room = limits.total_bytes.saturating_sub(self.buffered);
        let mut others = BTreeSet::new();
        let partition_limit = usize::try_from(limits.partition_bytes).unwrap_or(usize::MAX);
        for (tp, assigned) in &self.partitions {
            let waits = !matches!(assigned.phase, Phase::Fetching) || assigned.unproven || assigned.paused;
            let source = assigned.source(now);
            if source != Some(broker) {
                others.extend(source);
                continue;
            }
            if waits {
                continue;
            }
            if let Some(at) = assigned.retry_at.filter(|at| now < *at) {
                need.retry_at = Some(need.retry_at.map_or(at, |known| known.min(at)));
            } else if assigned.buffered >= partition_limit || room == 0 {
                need.full += 1;
            } else {
                let (tp, fetch) = (tp.clone(), assigned.fetch(limits.partition_bytes));
                need.partitions.push(Wanted { tp, fetch, stamp: assigned.stamp });
            }
        }
        // All brokers are asked at the same time, none knowing what another will bring.
        need.room = room.min(limits.total_bytes / (1 + others.len()));
        need
    }

    /// Brokers that partitions are fetched from.
    pub(crate) fn sources(&self, now: Instant) -> impl Iterator<Item = i32> {
        self.partitions
            .values()
            .filter(|assigned| assigned.phase == Phase::Fetching)
            .filter_map(move |assigned| assigned.source(now))
    }

    /// Takes in what was fetched, unless the partition has moved since it was asked for.
    pub(crate) fn on_fetched(&mut self, tp: &TopicPartition, stamp: u64, fetched: Fetched) {
        let Some(assigned) = self.partitions.get_mut(tp).filter(|assigned| assigned.stamp == stamp) else {
            return;
        };
        assigned.failures = 0;
        assigned.retry_at = None;
        if fetched.high_watermark >= 0 {
            assigned.high_watermark = Some(fetched.high_watermark);
        }
        if fetched.last_stable_offset >= 0 {
            assigned.last_stable_offset = Some(fetched.last_stable_offset);
        }
        if fetched.log_start_offset >= 0 {
            assigned.log_start_offset = Some(fetched.log_start_offset);
        }
        if fetched.preferred_replica.is_some() {
            assigned.replica = fetched.preferred_replica;
        }
        let Some(chunk) = fetched.chunk.filter(|chunk| chunk.fetch_offset() == assigned.fetch_offset) else {
            return;
        };
        assigned.fetch_offset = chunk.next_offset();
        assigned.fetch_epoch = chunk.last_epoch().or(assigned.fetch_epoch);
        let bytes = chunk.bytes();
        assigned.buffered += bytes;
        self.buffered += bytes;
        assigned.chunks.push_back(chunk);
        self.queue(tp);
    }

    /// A broker does not answer: partitions that it served as a replica go back to their leaders.
    pub(crate) fn leave_replicas_on(&mut self, broker: i32) {
        for assigned in self.partitions.values_mut() {
            if assigned.replica.is_some_and(|replica| replica.broker == broker) {
                assigned.replica = None;
            }
        }
    }

    /// The preferred replica cannot serve a partition: back to the leader. True if it was not the leader that failed.
    pub(crate) fn leave_replica(&mut self, tp: &TopicPartition) -> bool {
        self.partitions.get_mut(tp).is_some_and(|assigned| assigned.replica.take().is_some())
    }
}

impl Assigned {
    fn fetch(&self, max_bytes: i32) -> PartitionFetch {
        PartitionFetch {
            topic_id: self.leader.map(|leader| leader.topic_id).unwrap_or_default(),
            fetch_offset: self.fetch_offset,
            current_leader_epoch: self.leader.map_or(-1, |leader| leader.epoch),
            last_fetched_epoch: self.fetch_epoch.unwrap_or(-1),
            max_bytes,
        }
    }
}
