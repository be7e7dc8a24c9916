use kafka_core::protocol::messages::consumer_protocol_subscription::ConsumerProtocolSubscription;

use super::{ClassicGroup, Member};
use crate::groups::consumer_protocol::read_subscription;

impl ClassicGroup {
    /// Whether a member says that it reads the topic; one whose words are not understood reads everything.
    pub(crate) fn is_subscribed(&self, topic: &str) -> bool {
        let protocol = self.protocol.as_deref().unwrap_or_default();
        self.members.iter().any(|member| {
            let subscription = member.subscription(protocol);
            subscription.is_none_or(|subscription| subscription.topics.iter().any(|name| name == topic))
        })
    }
}

impl Member {
    /// What the member says to the assignor that it wants to read.
    pub(crate) fn subscription(&self, protocol: &str) -> Option<ConsumerProtocolSubscription> {
        read_subscription(&self.metadata_for(protocol))
    }
}
