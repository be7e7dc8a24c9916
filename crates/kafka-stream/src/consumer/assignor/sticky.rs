use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use kafka_core::TopicPartition;

use super::balance::{Claims, balance};
use super::user_data::{decode_generation, decode_sticky, encode_generation, encode_sticky};
use super::{
    Assignor, GroupAssignment, GroupMember, PreviousAssignment, RebalanceProtocol, TopicPartitionCounts,
};

/// `sticky`: as even as the subscriptions allow, and then as much as possible where it was before (KIP-54).
///
/// All members stop during a rebalance; [`CooperativeStickyAssignor`] is the better one where all members know it.
#[derive(Clone, Copy, Debug, Default)]
pub struct StickyAssignor;

impl Assignor for StickyAssignor {
    fn name(&self) -> &str {
        "sticky"
    }

    fn user_data(&self, previous: Option<&PreviousAssignment>) -> Option<Bytes> {
        previous.map(encode_sticky)
    }

    fn assign(&self, partitions: &TopicPartitionCounts, members: &[GroupMember]) -> GroupAssignment {
        let previous = |member: &GroupMember| {
            let decoded = member.user_data.clone().and_then(decode_sticky);
            decoded.unwrap_or_else(|| PreviousAssignment::new(Vec::new(), -1))
        };
        balance(partitions, members, &claims(members, previous))
    }
}

/// `cooperative-sticky`: divides as [`StickyAssignor`] does, and only the partitions that move stop (KIP-429).
///
/// To change a running group over from an eager strategy, give all members both (`[Range, CooperativeSticky]`), one
/// after the other, then take the old one away in a second round: a consumer is cooperative only if all its
/// strategies are.
#[derive(Clone, Copy, Debug, Default)]
pub struct CooperativeStickyAssignor;

impl Assignor for CooperativeStickyAssignor {
    fn name(&self) -> &str {
        "cooperative-sticky"
    }

    fn protocol(&self) -> RebalanceProtocol {
        RebalanceProtocol::Cooperative
    }

    fn user_data(&self, previous: Option<&PreviousAssignment>) -> Option<Bytes> {
        previous.map(|previous| encode_generation(previous.generation))
    }

    fn assign(&self, partitions: &TopicPartitionCounts, members: &[GroupMember]) -> GroupAssignment {
        let previous = |member: &GroupMember| {
            // Members older than KIP-792 say the generation in the user data.
            let generation = match member.generation {
                -1 => member.user_data.clone().and_then(decode_generation).unwrap_or(-1),
                generation => generation,
            };
            PreviousAssignment::new(member.owned.clone(), generation)
        };
        balance(partitions, members, &claims(members, previous))
    }
}

/// Who had each partition, as far as members agree: the claim of the latest generation counts, and two claims of the
/// same generation cancel each other out.
fn claims(members: &[GroupMember], previous: impl Fn(&GroupMember) -> PreviousAssignment) -> Claims {
    let mut latest: BTreeMap<TopicPartition, (i32, Option<Arc<str>>)> = BTreeMap::new();
    for member in members {
        let PreviousAssignment { partitions, generation } = previous(member);
        for partition in partitions {
            match latest.entry(partition) {
                Entry::Vacant(free) => {
                    free.insert((generation, Some(Arc::clone(&member.member_id))));
                }
                Entry::Occupied(mut taken) => {
                    let (taken_generation, owner) = taken.get_mut();
                    if generation > *taken_generation {
                        *taken_generation = generation;
                        *owner = Some(Arc::clone(&member.member_id));
                    } else if generation == *taken_generation && owner.as_ref() != Some(&member.member_id) {
                        *owner = None;
                    }
                }
            }
        }
    }
    latest.into_iter().filter_map(|(tp, (_, owner))| Some((tp, owner?))).collect()
}
