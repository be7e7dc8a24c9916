use std::collections::BTreeMap;

use kafka_core::protocol::ErrorCode;

use super::{Group, State};

/// An offset that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// What a group committed, by topic and partition.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    committed: BTreeMap<(String, i32), Committed>,
    /// What counts once a producer's transaction is committed.
    pending: BTreeMap<i64, BTreeMap<(String, i32), Committed>>,
}

impl Offsets {
    pub(crate) fn commit(&mut self, topic: &str, partition: i32, committed: Committed) {
        self.committed.insert((topic.to_owned(), partition), committed);
    }

    /// The offset counts once the producer's transaction is committed.
    pub(crate) fn commit_later(
        &mut self,
        producer_id: i64,
        topic: &str,
        partition: i32,
        committed: Committed,
    ) {
        let pending = self.pending.entry(producer_id).or_default();
        pending.insert((topic.to_owned(), partition), committed);
    }

    pub(crate) fn end_transaction(&mut self, producer_id: i64, commit: bool) {
        let pending = self.pending.remove(&producer_id).unwrap_or_default();
        if commit {
            self.committed.extend(pending);
        }
    }

    /// Whether an open transaction may change the offset.
    pub(crate) fn is_unstable(&self, topic: &str, partition: i32) -> bool {
        let place = (topic.to_owned(), partition);
        self.pending.values().any(|pending| pending.contains_key(&place))
    }

    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.committed.get(&(topic.to_owned(), partition))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i32, &Committed)> {
        self.committed.iter().map(|((topic, partition), committed)| (topic.as_str(), *partition, committed))
    }

    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        self.committed.remove(&(topic.to_owned(), partition));
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        self.committed.retain(|(name, _), _| name != topic);
    }
}

impl Group {
    /// Whether offsets may be committed: by a member of this generation, or by anybody while there are none.
    pub(crate) fn check_commit(
        &self,
        member: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        if generation < 0 && self.state == State::Empty {
            return Ok(());
        }
        if generation >= 0 || !member.is_empty() || instance.is_some() {
            self.check_member(member, instance)?;
            self.check_generation(generation)?;
        } else if self.state != State::Empty {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        if self.state == State::CompletingRebalance {
            return Err(ErrorCode::REBALANCE_IN_PROGRESS);
        }
        Ok(())
    }
}
