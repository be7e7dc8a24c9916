use kafka_core::protocol::ErrorCode;

use crate::core::Ticket;
use crate::log::Log;

/// A partition: its log, and which brokers hold it. All replicas in sync share the one log.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) index: i32,
    pub(crate) replicas: Vec<i32>,
    /// Sorted as `replicas`.
    pub(crate) isr: Vec<i32>,
    /// Replicas that are not in sync although their brokers live: a fault keeps them behind.
    pub(crate) behind: Vec<i32>,
    /// -1 while there is none.
    pub(crate) leader: i32,
    pub(crate) leader_epoch: i32,
    pub(crate) partition_epoch: i32,
    pub(crate) log: Log,
    /// Fetches that wait for records here.
    pub(crate) watchers: Vec<Ticket>,
}

impl Partition {
    pub(crate) fn new(index: i32, replicas: Vec<i32>, alive: &[i32], log: Log) -> Self {
        let mut isr: Vec<i32> = replicas.iter().copied().filter(|id| alive.contains(id)).collect();
        let leader = isr.first().copied().unwrap_or(-1);
        if isr.is_empty() {
            isr = replicas.clone();
        }
        Self {
            index,
            replicas,
            isr,
            behind: Vec::new(),
            leader,
            leader_epoch: 0,
            partition_epoch: 0,
            log,
            watchers: Vec::new(),
        }
    }

    /// A new leader, or none (-1): a new epoch begins.
    pub(crate) fn become_led_by(&mut self, leader: i32) {
        self.leader = leader;
        self.leader_epoch += 1;
        self.partition_epoch += 1;
        if leader >= 0 {
            self.log.begin_epoch(self.leader_epoch);
        }
    }

    /// Whether `broker` may answer for the partition to a client that believes in `epoch` (-1: in none).
    pub(crate) fn check_leader(&self, broker: i32, epoch: i32) -> Result<(), ErrorCode> {
        if epoch >= 0 && epoch < self.leader_epoch {
            return Err(ErrorCode::FENCED_LEADER_EPOCH);
        }
        if epoch > self.leader_epoch {
            return Err(ErrorCode::UNKNOWN_LEADER_EPOCH);
        }
        if self.leader != broker {
            return Err(ErrorCode::NOT_LEADER_OR_FOLLOWER);
        }
        Ok(())
    }
}
