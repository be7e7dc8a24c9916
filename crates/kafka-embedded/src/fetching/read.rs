use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::fetch_response::{
    AbortedTransaction, EpochEndOffset, LeaderIdAndEpoch, PartitionData,
};
use kafka_core::records::Batches;

use super::WantedPartition;
use crate::access::{AclOperation, Resource};
use crate::core::{Call, Cluster};
use crate::topics::Partition;

/// From this version on topics are named by id.
const TOPIC_IDS: i16 = 13;
/// From this version on an error may say who leads now.
const LEADER_HINTS: i16 = 16;

/// What one partition may take of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) bytes: usize,
    /// Whether the answer has no records yet: then one batch comes, however large.
    pub(crate) empty: bool,
}

impl Cluster {
    /// The partition that is meant, if the broker may answer for it, and to who asks.
    pub(super) fn wanted_partition(
        &self,
        call: &Call,
        wanted: &WantedPartition,
    ) -> Result<&Partition, ErrorCode> {
        let name = self.topics.resolve(call.version >= TOPIC_IDS, wanted.id, &wanted.name)?;
        self.check(call, AclOperation::Read, Resource::Topic(&name))?;
        let partition =
            self.topics.partition(&name, wanted.partition).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        partition.check_leader(call.broker, wanted.leader_epoch)?;
        Ok(partition)
    }

    /// How many bytes the partition has for the fetch, or why it must be answered now.
    pub(super) fn available(
        &self,
        call: &Call,
        wanted: &WantedPartition,
        committed: bool,
        enough: usize,
    ) -> Result<usize, ErrorCode> {
        let partition = self.wanted_partition(call, wanted)?;
        check_offset(partition, wanted)?;
        if diverging(partition, wanted)?.is_some() {
            return Ok(usize::MAX);
        }
        let limit = limit(partition, committed);
        Ok(partition.log.readable_bytes(wanted.offset, limit, enough.min(wanted.max_bytes.max(1))))
    }

    /// A partition's part of an answer.
    pub(super) fn read(
        &self,
        call: &Call,
        wanted: &WantedPartition,
        committed: bool,
        room: Room,
    ) -> PartitionData {
        match self.try_read(call, wanted, committed, room) {
            Ok(data) => data,
            Err(code) => refused(wanted.partition, code, self.leader_hint(call, wanted, code)),
        }
    }

    fn try_read(
        &self,
        call: &Call,
        wanted: &WantedPartition,
        committed: bool,
        room: Room,
    ) -> Result<PartitionData, ErrorCode> {
        let partition = self.wanted_partition(call, wanted)?;
        check_offset(partition, wanted)?;
        let diverging_epoch = diverging(partition, wanted)?;
        let records = match diverging_epoch {
            Some(_) => Bytes::new(),
            None => partition.log.read(
                wanted.offset,
                limit(partition, committed),
                wanted.max_bytes.min(room.bytes),
                room.empty,
            ),
        };
        Ok(PartitionData {
            partition_index: wanted.partition,
            high_watermark: partition.log.end_offset(),
            last_stable_offset: partition.log.last_stable_offset(),
            log_start_offset: partition.log.start_offset(),
            aborted_transactions: committed.then(|| aborted(partition, wanted.offset, &records)),
            records: Some(records),
            diverging_epoch: diverging_epoch.unwrap_or_default(),
            ..Default::default()
        })
    }

    /// Who leads the partition, where the error says that the client does not know (KIP-951).
    fn leader_hint(&self, call: &Call, wanted: &WantedPartition, code: ErrorCode) -> LeaderIdAndEpoch {
        if call.version < LEADER_HINTS {
            return LeaderIdAndEpoch::default();
        }
        if code != ErrorCode::NOT_LEADER_OR_FOLLOWER && code != ErrorCode::FENCED_LEADER_EPOCH {
            return LeaderIdAndEpoch::default();
        }
        let name =
            if wanted.name.is_empty() { self.topics.name_of(wanted.id) } else { Some(wanted.name.as_str()) };
        let partition = name.and_then(|name| self.topics.partition(name, wanted.partition));
        partition.map_or_else(LeaderIdAndEpoch::default, |partition| LeaderIdAndEpoch {
            leader_id: partition.leader,
            leader_epoch: partition.leader_epoch,
        })
    }
}

/// The aborted transactions that the reader of these records must leave out.
fn aborted(partition: &Partition, from: i64, records: &Bytes) -> Vec<AbortedTransaction> {
    let last = Batches::new(records.clone()).map_while(Result::ok).last();
    let Some(last) = last else { return Vec::new() };
    let aborted = partition.log.aborted_between(from, last.last_offset().saturating_add(1));
    aborted
        .map(|one| AbortedTransaction { producer_id: one.producer_id, first_offset: one.first_offset })
        .collect()
}

pub(crate) fn refused(partition: i32, code: ErrorCode, current_leader: LeaderIdAndEpoch) -> PartitionData {
    let unknown = [
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::UNKNOWN_TOPIC_ID,
        ErrorCode::INCONSISTENT_TOPIC_ID,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
    ];
    PartitionData {
        partition_index: partition,
        error_code: code.0,
        high_watermark: -1,
        // Only who has found the log says that it has no list of them.
        aborted_transactions: unknown.contains(&code).then(Vec::new),
        records: Some(Bytes::new()),
        current_leader,
        ..Default::default()
    }
}

fn limit(partition: &Partition, committed: bool) -> i64 {
    if committed { partition.log.last_stable_offset() } else { partition.log.end_offset() }
}

fn check_offset(partition: &Partition, wanted: &WantedPartition) -> Result<(), ErrorCode> {
    if wanted.last_fetched_epoch >= 0 {
        // A client that says what it read last hears where its log and ours part instead.
        return if wanted.offset < partition.log.start_offset() {
            Err(ErrorCode::OFFSET_OUT_OF_RANGE)
        } else {
            Ok(())
        };
    }
    if (partition.log.start_offset()..=partition.log.end_offset()).contains(&wanted.offset) {
        Ok(())
    } else {
        Err(ErrorCode::OFFSET_OUT_OF_RANGE)
    }
}

/// Where the client's log and ours part, if they do (KIP-595).
fn diverging(partition: &Partition, wanted: &WantedPartition) -> Result<Option<EpochEndOffset>, ErrorCode> {
    if wanted.last_fetched_epoch < 0 {
        return Ok(None);
    }
    let end = partition.log.epochs().end_of(wanted.last_fetched_epoch, partition.log.end_offset());
    let (epoch, end_offset) = end.ok_or(ErrorCode::OFFSET_OUT_OF_RANGE)?;
    let diverges = epoch < wanted.last_fetched_epoch || end_offset < wanted.offset;
    Ok(diverges.then_some(EpochEndOffset { epoch, end_offset }))
}
