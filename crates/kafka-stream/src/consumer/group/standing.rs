use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kafka_core::TopicPartition;
use tokio::sync::Notify;

use super::ConsumerGroupMetadata;

/// How a member stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Never subscribed, or left: commits are made outside of any generation.
    Outside,
    /// On the way into a generation; what is held through it stays the member's if the assignment says so.
    Rebalancing,
    /// In a generation; the consumer gives up partitions at this moment.
    Revoking,
    /// In a generation.
    Stable,
    /// Thrown out; what was held belongs to others.
    Lost,
}

/// What those who commit need to know of the membership.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Snapshot {
    pub(super) member: ConsumerGroupMetadata,
    pub(super) standing: Standing,
    pub(super) owned: Arc<BTreeSet<TopicPartition>>,
}

impl Snapshot {
    /// Outside of any generation.
    pub(super) fn outside(group_id: &str, instance_id: Option<&str>) -> Self {
        let member = ConsumerGroupMetadata {
            group_id: group_id.to_owned(),
            generation_id: -1,
            member_id: String::new(),
            group_instance_id: instance_id.map(str::to_owned),
        };
        Self { member, standing: Standing::Outside, owned: Arc::default() }
    }
}

/// How often membership was lost, and how often the consumer has heard of it. In between the member may own the same
/// partitions anew, while the consumer still counts records as its own that others have handled since.
#[derive(Debug, Default)]
pub(super) struct Losses {
    told: AtomicU64,
    heard: AtomicU64,
    news: Notify,
}

impl Losses {
    /// The consumer is about to be told of one more.
    pub(super) fn tell(&self) {
        self.told.fetch_add(1, Ordering::SeqCst);
        self.news.notify_waiters();
    }

    /// The consumer has worked off one.
    pub(super) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::SeqCst);
    }

    /// How many the consumer has heard of; `None` while it has still to hear of one.
    pub(super) fn all_heard(&self) -> Option<u64> {
        let heard = self.heard.load(Ordering::SeqCst);
        (self.told.load(Ordering::SeqCst) == heard).then_some(heard)
    }

    /// Waits until there is one that the consumer has not heard of.
    pub(super) async fn unheard(&self) {
        loop {
            let news = self.news.notified();
            if self.all_heard().is_none() {
                return;
            }
            news.await;
        }
    }
}
