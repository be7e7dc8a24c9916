//! A group changes its protocol while it has members: the first that is assigned by the coordinator brings the others along,
//! and the last one that leaves takes the group back.

use std::collections::BTreeMap;

use super::classic::Member;
use super::consumer_protocol::{read_assignment, read_subscription, write_assignment};
use super::group::Kind;
use super::{CONSUMER, ClassicGroup, ConsumerGroup, ConsumerMember, Effects, Group};

impl Group {
    /// A member wants the coordinator to assign: the others go along if they can.
    pub(super) fn upgrade(&mut self, effects: &mut Effects<'_>) {
        let Kind::Classic(group) = &mut self.kind else { return };
        let fits = group.members.len() <= effects.settings.consumer_max_group_size;
        let allowed = effects.settings.migration_policy.upgrades();
        if !allowed || !fits || group.protocol_type.as_deref() != Some(CONSUMER) {
            return;
        }
        let Some(upgraded) = upgraded(group, effects) else { return };
        group.end_rebalance(effects);
        self.kind = Kind::Consumer(upgraded);
    }

    /// Nobody is left whom the coordinator assigns: those of the classic protocol go on among themselves.
    pub(super) fn downgrade(&mut self, effects: &mut Effects<'_>) {
        let Kind::Consumer(group) = &mut self.kind else { return };
        let fits = group.members.len() <= effects.settings.max_group_size;
        let allowed = effects.settings.migration_policy.downgrades();
        if !allowed || !fits || group.members.is_empty() {
            return;
        }
        let classic = |member: &ConsumerMember| member.classic.is_some();
        if !group.members.values().all(classic) {
            return;
        }
        // That somebody left is no epoch that the others were told of.
        let told = group.members.values().map(|member| member.epoch).max();
        let generation = told.unwrap_or(group.epoch);
        let targets = std::mem::take(&mut group.targets);
        let members = std::mem::take(&mut group.members).into_values().filter_map(|member| {
            let target = targets.get(&member.id).into_iter().flatten().copied();
            let classic = member.classic?;
            let subscription = classic.protocols.first().map(|(_, metadata)| metadata.clone());
            let assignment = write_assignment(target, &subscription.unwrap_or_default(), effects.topics);
            Some(Member {
                id: member.id,
                instance: member.instance,
                client_id: member.client_id,
                host: member.host,
                session_timeout: classic.session_timeout,
                rebalance_timeout: member.rebalance_timeout,
                protocols: classic.protocols,
                assignment,
                joining: None,
                syncing: None,
                expires: effects.now,
            })
        });
        let members = members.collect();
        self.kind = Kind::Classic(ClassicGroup::taken_over(generation, members, effects));
    }
}

/// The group as one that the coordinator assigns: everybody has what the leader gave it. `None` if members' words are not
/// understood.
fn upgraded(group: &ClassicGroup, effects: &Effects<'_>) -> Option<ConsumerGroup> {
    let protocol = group.current_protocol().unwrap_or_default();
    let mut upgraded = ConsumerGroup::in_epoch(group.generation);
    for member in &group.members {
        let subscription = read_subscription(&member.metadata_for(&protocol))?;
        let places = read_assignment(&member.assignment, effects.topics)?;
        let assigned: BTreeMap<_, _> = places.iter().map(|place| (*place, group.generation)).collect();
        upgraded.targets.insert(member.id.clone(), places);
        let member = ConsumerMember::of_classic(member, &subscription, group.generation, assigned);
        upgraded.members.insert(member.id.clone(), member);
    }
    Some(upgraded)
}
