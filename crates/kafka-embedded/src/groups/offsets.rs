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
pub(crate) struct Offsets(BTreeMap<(String, i32), Committed>);

impl Offsets {
    pub(crate) fn commit(&mut self, topic: &str, partition: i32, committed: Committed) {
        self.0.insert((topic.to_owned(), partition), committed);
    }

    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.0.get(&(topic.to_owned(), partition))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i32, &Committed)> {
        self.0.iter().map(|((topic, partition), committed)| (topic.as_str(), *partition, committed))
    }

    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        self.0.remove(&(topic.to_owned(), partition));
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        self.0.retain(|(name, _), _| name != topic);
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
