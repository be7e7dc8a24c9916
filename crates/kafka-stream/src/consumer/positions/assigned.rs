use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Leader;
use crate::consumer::ConsumerErrorKind;
use crate::consumer::fetch::{Chunk, NO_TOPIC_ID, TopicId};

/// A place in a log that only its leader can turn into an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OffsetSpec {
    Earliest,
    /// The high watermark, or the last stable offset when reading committed records.
    Latest,
    /// The first record with this timestamp (milliseconds) or a later one; behind the last record if there is none.
    Timestamp(i64),
    /// The same, this long before the moment of asking.
    Ago(Duration),
}

/// Why a partition stands still until the user does something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Halt {
    pub(crate) kind: ConsumerErrorKind,
    pub(crate) message: String,
    pub(crate) offset: Option<i64>,
    pub(crate) next_offset: Option<i64>,
    /// When `poll` said it last.
    pub(crate) said: Option<Instant>,
}

impl Halt {
    /// How long after saying an error `poll` says it again: a partition that stands still must not be forgotten.
    pub(crate) const SAY_AGAIN: Duration = Duration::from_secs(5);

    pub(crate) fn new(kind: ConsumerErrorKind, message: String) -> Self {
        Self { kind, message, offset: None, next_offset: None, said: None }
    }
}

/// What a partition is waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The group's committed offset.
    Committed,
    /// The offset of a place in the log.
    Reset(OffsetSpec),
    /// Nothing: records are fetched.
    Fetching,
    /// The user.
    Halted(Halt),
}

/// A replica near the consumer that the leader sent it to (KIP-392).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    pub(crate) broker: i32,
    /// When to ask the leader again.
    pub(crate) until: Instant,
}

/// One assigned partition.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) phase: Phase,
    /// Changes with every assignment, seek and reset.
    pub(crate) stamp: u64,
    /// The offset that it went on from under this stamp, -1 while unknown, and the leader epoch of the record before.
    pub(crate) restarted_at: (i64, Option<i32>),
    /// The offset of the next record to hand out; -1 while unknown.
    pub(crate) position: i64,
    /// The leader epoch of the last record handed out.
    pub(crate) position_epoch: Option<i32>,
    /// The offset to fetch next: behind everything buffered.
    pub(crate) fetch_offset: i64,
    /// The leader epoch of the last record buffered.
    pub(crate) fetch_epoch: Option<i32>,
    pub(crate) paused: bool,
    pub(crate) leader: Option<Leader>,
    /// The id by which the group assigned the topic (KIP-848): another topic of its name is not meant.
    pub(super) meant: Option<TopicId>,
    /// Whether the leader must say that its log has what was read before anything is fetched from it (KIP-320).
    pub(crate) unproven: bool,
    /// Whether that is because of another leader.
    pub(crate) moved: bool,
    pub(crate) replica: Option<Replica>,
    pub(crate) high_watermark: Option<i64>,
    pub(crate) last_stable_offset: Option<i64>,
    pub(crate) log_start_offset: Option<i64>,
    /// Not to be asked about before this.
    pub(crate) retry_at: Option<Instant>,
    pub(crate) failures: u32,
    /// Damaged batches met in a row at this position: the first is fetched again.
    pub(crate) corrupt: u32,
    pub(super) chunks: VecDeque<Chunk>,
    /// Bytes of `chunks`.
    pub(super) buffered: usize,
    /// Whether it is in the turn of partitions with something to hand out.
    pub(super) queued: bool,
}

impl Assigned {
    pub(super) fn new(phase: Phase, stamp: u64) -> Self {
        Self {
            phase,
            stamp,
            restarted_at: (-1, None),
            position: -1,
            position_epoch: None,
            fetch_offset: -1,
            fetch_epoch: None,
            paused: false,
            leader: None,
            meant: None,
            unproven: false,
            moved: false,
            replica: None,
            high_watermark: None,
            last_stable_offset: None,
            log_start_offset: None,
            retry_at: None,
            failures: 0,
            corrupt: 0,
            chunks: VecDeque::new(),
            buffered: 0,
            queued: false,
        }
    }

    pub(super) fn restart(&mut self, phase: Phase, offset: i64, epoch: Option<i32>, stamp: u64) {
        self.phase = phase;
        self.stamp = stamp;
        self.restarted_at = (offset, epoch);
        self.position = offset;
        self.position_epoch = epoch;
        self.fetch_offset = offset;
        self.fetch_epoch = epoch;
        self.unproven = epoch.is_some();
        self.moved = false;
        self.retry_at = None;
        self.failures = 0;
        self.corrupt = 0;
        self.chunks.clear();
        self.buffered = 0;
        self.queued = false;
    }

    /// Takes over a leader; true if the topic is another one of the same name.
    pub(super) fn update_leader(&mut self, leader: Option<Leader>) -> bool {
        let is_meant =
            |leader: &Leader| self.meant.is_none_or(|id| [id, NO_TOPIC_ID].contains(&leader.topic_id));
        let Some(new) = leader.filter(is_meant) else {
            // No leader now: fetching stops until one is known. Where the topic was created anew, the group takes the
            // partition back.
            if let Some(known) = &mut self.leader {
                known.broker = -1;
            }
            return false;
        };
        let Some(known) = self.leader else {
            self.leader = Some(new);
            return false;
        };
        let recreated =
            known.topic_id != new.topic_id && known.topic_id != NO_TOPIC_ID && new.topic_id != NO_TOPIC_ID;
        if recreated || new.epoch >= known.epoch || new.epoch < 0 {
            if new != known {
                self.replica = None;
                self.retry_at = None;
                // Another leader's log may part from that of the one before.
                self.moved = new.epoch > known.epoch && self.fetch_epoch.is_some();
                self.unproven |= self.moved;
            }
            self.leader = Some(new);
        }
        recreated
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.retry_at.is_none_or(|at| now >= at)
    }

    /// The broker to fetch from.
    pub(super) fn source(&self, now: Instant) -> Option<i32> {
        if let Some(replica) = self.replica.filter(|replica| now < replica.until) {
            return Some(replica.broker);
        }
        self.leader.map(|leader| leader.broker).filter(|broker| *broker >= 0)
    }

    /// Records between the position and the end of what may be read, if known.
    pub(crate) fn lag(&self, read_committed: bool) -> Option<i64> {
        let end = if read_committed { self.last_stable_offset } else { self.high_watermark }?;
        (self.position >= 0).then(|| (end - self.position).max(0))
    }
}
