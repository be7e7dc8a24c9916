use std::cmp::Ordering;

use kafka_core::protocol::ErrorCode;

use super::{ConsumerGroup, ConsumerMember};
use crate::groups::{Commit, TopicTable};

/// The first version of `OffsetCommit` for members of this protocol.
const FOR_MEMBERS: i16 = 9;

impl ConsumerGroup {
    /// Whether these offsets may be committed: by a member in its epoch, by one that has not heard of a newer epoch yet for
    /// what it has had since then (KIP-1251), or by anybody while there are no members.
    pub(crate) fn check_commit(&self, commit: &Commit<'_>, topics: &dyn TopicTable) -> Result<(), ErrorCode> {
        if commit.generation < 0 && self.members.is_empty() {
            return Ok(());
        }
        let nobody = commit.generation == -1 && commit.member.is_empty() && commit.instance.is_none();
        if commit.transactional && nobody {
            return Ok(());
        }
        let member = self.member(commit.member)?;
        if member.classic.is_some() {
            return check_generation(member, commit.generation);
        }
        if !commit.transactional && commit.version < FOR_MEMBERS {
            return Err(ErrorCode::UNSUPPORTED_VERSION);
        }
        let stale =
            if commit.transactional { ErrorCode::ILLEGAL_GENERATION } else { ErrorCode::STALE_MEMBER_EPOCH };
        match commit.generation.cmp(&member.epoch) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(stale),
            Ordering::Less => {
                let had = |(topic, partition): &(String, i32)| {
                    let place = topics.shape(topic).map(|shape| (shape.id, *partition));
                    place
                        .and_then(|place| member.holds(&place))
                        .is_some_and(|since| since <= commit.generation)
                };
                if commit.partitions.iter().all(had) { Ok(()) } else { Err(stale) }
            }
        }
    }

    /// Whether a member may ask what was committed; anybody who names no member may.
    pub(crate) fn check_fetch(&self, member: Option<&str>, epoch: i32) -> Result<(), ErrorCode> {
        let Some(id) = member else {
            // As Kafka, which stumbles over it.
            return if epoch < 0 { Ok(()) } else { Err(ErrorCode::UNKNOWN_SERVER_ERROR) };
        };
        let member = self.member(id)?;
        if member.classic.is_some() {
            return check_generation(member, epoch);
        }
        if epoch == member.epoch { Ok(()) } else { Err(ErrorCode::STALE_MEMBER_EPOCH) }
    }
}

fn check_generation(member: &ConsumerMember, generation: i32) -> Result<(), ErrorCode> {
    if generation == member.epoch { Ok(()) } else { Err(ErrorCode::ILLEGAL_GENERATION) }
}
