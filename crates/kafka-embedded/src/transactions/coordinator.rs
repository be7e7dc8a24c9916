use std::time::Duration;

use kafka_core::protocol::ErrorCode;

use super::{State, Transaction};
use crate::core::{Cluster, Timer};
use crate::log::Marker;

/// Who a producer is from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
}

impl Cluster {
    /// Gives the transactional id to a new owner: the one before is fenced, and its open transaction aborted. `known` is what
    /// an owner that wants another epoch has by now (KIP-360).
    pub(crate) fn own_transactional_id(
        &mut self,
        id: &str,
        timeout: Duration,
        known: Option<Identity>,
        version: i16,
    ) -> Result<Identity, ErrorCode> {
        let fresh = self.new_producer_id();
        let transaction =
            self.transactions.entry(id.to_owned()).or_insert_with(|| Transaction::new(fresh, timeout));
        let is_new = transaction.producer_id == fresh && transaction.former.is_none();
        if let Some(known) = known.filter(|_| !is_new) {
            // Its request may have been answered already, and the answer lost.
            if transaction.former == Some((known.producer_id, known.epoch))
                && transaction.state != State::Ongoing
            {
                return Ok(Identity { producer_id: transaction.producer_id, epoch: transaction.epoch });
            }
            // Whoever is another one now, by id or by epoch, has been replaced.
            let replaced =
                if version > 0 { ErrorCode::PRODUCER_FENCED } else { ErrorCode::INVALID_PRODUCER_EPOCH };
            transaction.check(known.producer_id, known.epoch, version).map_err(|_| replaced)?;
        }
        transaction.timeout = timeout;
        if is_new {
            transaction.former = Some((-1, -1));
        } else {
            if transaction.state == State::Ongoing {
                self.complete(id, false, true);
            } else {
                transaction.next_epoch(|| fresh);
            }
            if let Some(transaction) = self.transactions.get_mut(id) {
                transaction.state = State::Empty;
            }
        }
        let transaction = self.transactions.get(id).ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)?;
        Ok(Identity { producer_id: transaction.producer_id, epoch: transaction.epoch })
    }

    /// Lets the transaction begin, if it has not, and take part in what `add` adds to it.
    pub(crate) fn join_transaction(
        &mut self,
        id: &str,
        producer: Identity,
        version: i16,
        add: impl FnOnce(&mut Transaction),
    ) -> Result<(), ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let (now, wall_clock) = (self.now, self.wall_clock());
        let transaction = self.transactions.get_mut(id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        transaction.check(producer.producer_id, producer.epoch, version)?;
        add(transaction);
        if transaction.state != State::Ongoing {
            transaction.state = State::Ongoing;
            transaction.started_at = wall_clock;
            let deadline = now + transaction.timeout;
            transaction.deadline = Some(deadline);
            self.timers.set(deadline, Timer::Transaction(id.to_owned()));
        }
        Ok(())
    }

    /// Ends the transaction; `new_epoch` where the producer goes on with another (KIP-890).
    pub(crate) fn end_transaction(
        &mut self,
        id: &str,
        producer: Identity,
        commit: bool,
        version: i16,
        new_epoch: bool,
    ) -> Result<Identity, ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::INVALID_REQUEST);
        }
        let transaction = self.transactions.get_mut(id).ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        let ended_so = transaction.state == if commit { State::CompleteCommit } else { State::CompleteAbort };
        let repeated = transaction.former == Some((producer.producer_id, producer.epoch));
        if !(new_epoch && repeated && ended_so) {
            transaction.check(producer.producer_id, producer.epoch, version)?;
            match transaction.state {
                State::Ongoing => self.complete(id, commit, new_epoch),
                // Nothing was written, and the producer wants to be sure of that.
                State::Empty | State::CompleteCommit | State::CompleteAbort if new_epoch && !commit => {
                    self.complete(id, false, true);
                }
                _ if ended_so && !new_epoch => {}
                _ => return Err(ErrorCode::INVALID_TXN_STATE),
            }
        }
        let transaction = self.transactions.get(id).ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)?;
        Ok(Identity { producer_id: transaction.producer_id, epoch: transaction.epoch })
    }

    /// A transaction was open for too long: it is aborted, and its producer fenced.
    pub(crate) fn transaction_is_due(&mut self, id: &str) {
        let now = self.now;
        let due = |transaction: &Transaction| {
            transaction.state == State::Ongoing
                && transaction.deadline.is_some_and(|deadline| deadline <= now)
        };
        if self.transactions.get(id).is_some_and(due) {
            self.complete(id, false, true);
        }
    }

    /// Writes the markers, and makes committed offsets count.
    fn complete(&mut self, id: &str, commit: bool, new_epoch: bool) {
        let fresh = self.new_producer_id();
        let now = self.wall_clock();
        let Some(transaction) = self.transactions.get_mut(id) else { return };
        let ended = Identity { producer_id: transaction.producer_id, epoch: transaction.epoch };
        if new_epoch {
            transaction.next_epoch(|| fresh);
        }
        // The marker carries the new epoch, so that what is late is out of date.
        let epoch =
            if transaction.producer_id == ended.producer_id { transaction.epoch } else { ended.epoch };
        transaction.state = if commit { State::CompleteCommit } else { State::CompleteAbort };
        let deadline = transaction.deadline.take();
        let partitions = std::mem::take(&mut transaction.partitions);
        let groups = std::mem::take(&mut transaction.groups);
        if let Some(deadline) = deadline {
            self.timers.cancel(deadline, Timer::Transaction(id.to_owned()));
        }
        for (topic, index) in partitions {
            if let Some(partition) = self.topics.partition_to_write(&topic, index) {
                let leader_epoch = partition.leader_epoch;
                let marker = Marker { producer_id: ended.producer_id, epoch, commit, coordinator_epoch: 0 };
                partition.log.end_transaction(marker, leader_epoch, now);
                self.partition_changed(&topic, index);
            }
        }
        for group in groups {
            if let Some(group) = self.groups.get_mut(&group) {
                group.offsets.end_transaction(ended.producer_id, commit);
            }
        }
    }
}
