use kafka_core::protocol::ErrorCode;

use super::{ClassicGroup, Member, State, refused_join, refused_sync};
use crate::groups::{CONSUMER, Effects};

impl ClassicGroup {
    /// A group of members that were assigned by the coordinator until now; they are to join again.
    pub(crate) fn taken_over(generation: i32, members: Vec<Member>, effects: &mut Effects<'_>) -> Self {
        let mut group = Self::new();
        group.state = State::Stable;
        group.generation = generation;
        group.protocol_type = Some(CONSUMER.to_owned());
        group.leader = members.first().map(|member| member.id.clone());
        group.members = members;
        for member in &mut group.members {
            member.heard_of(effects.now);
        }
        group.protocol = group.choose_protocol();
        group.prepare_rebalance(effects);
        group
    }

    /// The coordinator assigns from now on: whoever waits is told to join again.
    pub(crate) fn end_rebalance(&mut self, effects: &mut Effects<'_>) {
        let code = ErrorCode::REBALANCE_IN_PROGRESS;
        for member in &mut self.members {
            if let Some(waiting) = member.joining.take() {
                effects.joined.push((waiting.ticket, refused_join(waiting.version, &member.id, code)));
            }
            if let Some(waiting) = member.syncing.take() {
                effects.synced.push((waiting.ticket, refused_sync(code)));
            }
        }
    }

    /// The assignor in use, or the one that would be.
    pub(crate) fn current_protocol(&self) -> Option<String> {
        self.protocol.clone().or_else(|| self.choose_protocol())
    }
}
