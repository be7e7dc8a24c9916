use std::collections::BTreeSet;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_core::Stream;
use kafka_core::TopicPartition;
use kafka_core::cluster::Client;
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::assignor::Assignor;
use super::group::{GroupHandle, Subscription};
use super::handle::{Membership, check_topic};
use super::poller::Poller;
use super::shared::Shared;
use super::subscription::{Wanted, topic_filter};
use super::{
    ConsumerConfig, ConsumerError, ConsumerErrorKind, ConsumerHandle, ConsumerRecord, ConsumerRecords,
    RebalanceListener, resolver,
};

/// Reads records, as a member of a group or from partitions named by hand.
///
/// All methods take `&self`. One task polls; a [`ConsumerHandle`] (which this type dereferences to) commits, seeks and
/// pauses from any other at the same time. If several tasks poll one consumer, they take turns and each record goes to one
/// of them.
///
/// Fetching goes on in the background between polls, bounded by `prefetch_max_bytes`, and heartbeats go on whatever the
/// user's code does. Call [`close`](Self::close) at the end: a consumer that is only dropped stays in its group until the
/// session times out.
///
/// ```no_run
/// use std::time::Duration;
/// use kafka_core::cluster::Client;
/// use kafka_stream::consumer::{Consumer, ConsumerConfig};
///
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = ConsumerConfig::default();
/// config.group_id = Some("billing".to_owned());
/// let consumer = Consumer::new(client, config)?;
/// consumer.subscribe(["payments"])?;
/// loop {
///     let records = consumer.poll(Duration::from_secs(1)).await?;
///     for record in &records {
///         println!("{}: {:?}", record.offset(), record.value());
///     }
///     if !records.is_empty() {
///         consumer.commit_sync().await?;
///     }
/// #   break;
/// }
/// consumer.close(Duration::from_secs(30)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Consumer {
    handle: ConsumerHandle,
    group: Option<Arc<GroupHandle>>,
    poller: tokio::sync::Mutex<Poller>,
    wanted: Mutex<Wanted>,
    resolver: AbortHandle,
}

impl Consumer {
    /// A consumer on a cluster. Reads nothing until [`subscribe`](Self::subscribe) or [`assign`](Self::assign).
    ///
    /// # Errors
    /// [`InvalidConfig`](ConsumerErrorKind::InvalidConfig) names the setting; also outside of a Tokio runtime, which the
    /// background tasks need.
    pub fn new(client: Client, config: ConsumerConfig) -> Result<Self, ConsumerError> {
        Self::with_assignors(client, config, Vec::new())
    }

    /// A consumer whose group may also divide partitions by strategies of the user's own, preferred after those of
    /// `partition_assignment_strategy`, which may be empty here.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_assignors(
        client: Client,
        config: ConsumerConfig,
        assignors: Vec<Arc<dyn Assignor>>,
    ) -> Result<Self, ConsumerError> {
        config.check(!assignors.is_empty())?;
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return Err(ConsumerError::new(
                ConsumerErrorKind::InvalidConfig,
                "a consumer works in background tasks; build it inside of a Tokio runtime",
            ));
        };
        let group = match &config.group_id {
            Some(_) => Some(Arc::new(GroupHandle::spawn(client.clone(), &config, assignors)?)),
            None => None,
        };
        let shared = Arc::new(Shared::new(client, config));
        let offsets = group.as_ref().map(|group| group.offsets().clone());
        let resolver = runtime.spawn(resolver::run(Arc::clone(&shared), offsets)).abort_handle();
        let membership = group
            .as_ref()
            .map(|group| Membership { offsets: group.offsets().clone(), group: Arc::downgrade(group) });
        let handle = ConsumerHandle { shared, group: membership };
        let poller = tokio::sync::Mutex::new(Poller::new(handle.clone(), group.clone()));
        Ok(Self { handle, group, poller, wanted: Mutex::default(), resolver })
    }

    /// A handle for other tasks.
    pub fn handle(&self) -> ConsumerHandle {
        self.handle.clone()
    }

    /// Reads these topics as a member of the group, in place of those subscribed before. A topic that does not exist is
    /// an error of the next polls, and is read once it exists.
    ///
    /// # Errors
    /// [`InvalidConfig`](ConsumerErrorKind::InvalidConfig) without a `group_id`,
    /// [`InvalidInput`](ConsumerErrorKind::InvalidInput) for no topic or a name that Kafka does not allow,
    /// [`NoSubscription`](ConsumerErrorKind::NoSubscription) while partitions are assigned by hand,
    /// [`Closed`](ConsumerErrorKind::Closed).
    pub fn subscribe<T: AsRef<str>>(&self, topics: impl IntoIterator<Item = T>) -> Result<(), ConsumerError> {
        self.subscribe_topics(topics, None)
    }

    /// [`subscribe`](Self::subscribe) with a listener that hears when partitions come and go.
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub fn subscribe_with<T: AsRef<str>>(
        &self,
        topics: impl IntoIterator<Item = T>,
        listener: impl RebalanceListener + 'static,
    ) -> Result<(), ConsumerError> {
        self.subscribe_topics(topics, Some(Arc::new(listener)))
    }

    fn subscribe_topics<T: AsRef<str>>(
        &self,
        topics: impl IntoIterator<Item = T>,
        listener: Option<Arc<dyn RebalanceListener>>,
    ) -> Result<(), ConsumerError> {
        let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
        for topic in topics {
            check_topic(topic.as_ref())?;
            names.insert(topic.as_ref().into());
        }
        if names.is_empty() {
            return Err(ConsumerError::new(
                ConsumerErrorKind::InvalidInput,
                "subscribe needs at least one topic; unsubscribe() reads none",
            ));
        }
        self.join(Wanted::Topics(names.clone()), Subscription::Topics(names), listener)
    }

    /// Reads all topics, now and later, whose whole name matches a regular expression.
    ///
    /// Kafka's own topics are left out unless `exclude_internal_topics` is false.
    ///
    /// # Errors
    /// [`InvalidInput`](ConsumerErrorKind::InvalidInput) for an expression that does not parse, and else as
    /// [`subscribe`](Self::subscribe).
    pub fn subscribe_pattern(&self, pattern: &str) -> Result<(), ConsumerError> {
        self.subscribe_matching(pattern, None)
    }

    /// [`subscribe_pattern`](Self::subscribe_pattern) with a listener that hears when partitions come and go.
    ///
    /// # Errors
    /// As [`subscribe_pattern`](Self::subscribe_pattern).
    pub fn subscribe_pattern_with(
        &self,
        pattern: &str,
        listener: impl RebalanceListener + 'static,
    ) -> Result<(), ConsumerError> {
        self.subscribe_matching(pattern, Some(Arc::new(listener)))
    }

    fn subscribe_matching(
        &self,
        pattern: &str,
        listener: Option<Arc<dyn RebalanceListener>>,
    ) -> Result<(), ConsumerError> {
        let filter = topic_filter(pattern, self.handle.shared.config.exclude_internal_topics)?;
        self.join(Wanted::Pattern(pattern.into()), Subscription::Pattern(pattern.into(), filter), listener)
    }

    fn join(
        &self,
        wanted: Wanted,
        subscription: Subscription,
        listener: Option<Arc<dyn RebalanceListener>>,
    ) -> Result<(), ConsumerError> {
        self.handle.offsets("subscriptions")?;
        self.wanted.lock().change(wanted)?;
        let shared = &self.handle.shared;
        *shared.listener.lock() = listener;
        *shared.failed.lock() = None;
        *shared.topics.lock() = match &subscription {
            Subscription::Topics(topics) => topics.clone(),
            Subscription::Pattern(..) => BTreeSet::new(),
        };
        if let Some(group) = &self.group {
            group.subscribe(subscription);
        }
        shared.wake_all();
        Ok(())
    }

    /// Reads these partitions, in place of those assigned before, without joining the group: nobody else is kept from
    /// reading them. Partitions that stay keep their position; others start at the group's committed offset, if there is
    /// a group and a commit, or else by `auto_offset_reset`.
    ///
    /// # Errors
    /// [`InvalidInput`](ConsumerErrorKind::InvalidInput) for a name or a number that Kafka does not allow,
    /// [`NoSubscription`](ConsumerErrorKind::NoSubscription) while topics are subscribed,
    /// [`Closed`](ConsumerErrorKind::Closed).
    pub fn assign<P: Into<TopicPartition>>(
        &self,
        partitions: impl IntoIterator<Item = P>,
    ) -> Result<(), ConsumerError> {
        let mut wanted = BTreeSet::new();
        for tp in partitions {
            let tp = tp.into();
            check_topic(&tp.topic)?;
            if tp.partition < 0 {
                let message =
                    format!("partition {} of {} is not valid; they count from 0", tp.partition, tp.topic);
                return Err(ConsumerError::new(ConsumerErrorKind::InvalidInput, message).with_partition(&tp));
            }
            wanted.insert(tp);
        }
        self.wanted.lock().change(Wanted::Partitions)?;
        let shared = &self.handle.shared;
        shared.assign(&wanted, self.group.is_some());
        Ok(())
    }

    /// Reads nothing any more: leaves the group, after its listener was told, or drops what was assigned by hand.
    ///
    /// # Cancel safety
    /// If dropped, the consumer may still be a member; call it again.
    pub async fn unsubscribe(&self) {
        let was = std::mem::take(&mut *self.wanted.lock());
        if let Wanted::Closed = was {
            *self.wanted.lock() = was;
            return;
        }
        self.handle.shared.topics.lock().clear();
        let mut poller = {
            let _interrupt = self.handle.shared.interrupt();
            self.poller.lock().await
        };
        if let Wanted::Topics(_) | Wanted::Pattern(_) = was {
            poller.leave("the consumer unsubscribed").await;
        }
        self.handle.shared.positions.lock().clear();
        self.handle.shared.problems.lock().clear();
    }

    /// The subscribed topics; empty for a pattern or without a subscription.
    pub fn subscription(&self) -> Vec<Arc<str>> {
        match &*self.wanted.lock() {
            Wanted::Topics(topics) => topics.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The expression given to [`subscribe_pattern`](Self::subscribe_pattern), while it is in force.
    pub fn subscribed_pattern(&self) -> Option<Arc<str>> {
        match &*self.wanted.lock() {
            Wanted::Pattern(pattern) => Some(Arc::clone(pattern)),
            _ => None,
        }
    }

    /// Returns up to `max_poll_records` records as soon as there are any, or none after `timeout`.
    ///
    /// Partitions take turns from poll to poll. The rebalance listener runs in here, and may take no longer than
    /// `max_poll_interval`. Call it at least that often, also while everything is paused: a consumer that does not poll
    /// counts as stuck, and its partitions go to others.
    ///
    /// # Errors
    /// What kept records from coming since the last poll, each once (an error that lasts is said again after 5 s):
    /// [`UnknownTopic`](ConsumerErrorKind::UnknownTopic), [`NoOffset`](ConsumerErrorKind::NoOffset),
    /// [`OffsetOutOfRange`](ConsumerErrorKind::OffsetOutOfRange), [`LogTruncated`](ConsumerErrorKind::LogTruncated),
    /// [`CorruptRecords`](ConsumerErrorKind::CorruptRecords),
    /// [`MaxPollIntervalExceeded`](ConsumerErrorKind::MaxPollIntervalExceeded),
    /// [`NotAuthorized`](ConsumerErrorKind::NotAuthorized). Poll again: the other partitions go on.
    /// [`NoSubscription`](ConsumerErrorKind::NoSubscription) before `subscribe` or `assign`. Fatal ones
    /// ([`is_fatal`](ConsumerError::is_fatal)) come again at every call.
    ///
    /// # Cancel safety
    /// Safe: a record counts as handed out only when this returns it. A listener at work goes on at the next poll.
    pub async fn poll(&self, timeout: Duration) -> Result<ConsumerRecords, ConsumerError> {
        self.poll_up_to(self.handle.shared.config.max_poll_records, timeout).await
    }

    async fn poll_up_to(&self, max: usize, timeout: Duration) -> Result<ConsumerRecords, ConsumerError> {
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + FOREVER);
        self.wanted.lock().check()?;
        self.poller.lock().await.poll(max, deadline).await
    }

    /// The records one by one, without end. Errors come as items, and the stream goes on after them; it ends when the
    /// consumer is closed or an error is fatal.
    ///
    /// A record counts as handed out, and is committed by [`commit_sync`](ConsumerHandle::commit_sync), once the stream
    /// has yielded it. Dropping the stream loses nothing.
    pub fn stream(&self) -> Pin<Box<dyn Stream<Item = Result<ConsumerRecord, ConsumerError>> + Send + '_>> {
        Box::pin(futures_util::stream::unfold(false, async move |ended| {
            if ended {
                return None;
            }
            loop {
                match self.poll_up_to(1, FOREVER).await {
                    Ok(records) => {
                        if let Some(record) = records.into_iter().next() {
                            return Some((Ok(record), false));
                        }
                    }
                    Err(error) if error.kind() == ConsumerErrorKind::Closed => return None,
                    Err(error) => {
                        let ended = error.is_fatal();
                        return Some((Err(error), ended));
                    }
                }
            }
        }))
    }

    /// Waits for the rebalance listener that a poll, dropped since, has begun, and for nothing else.
    pub(crate) async fn finish_listener(&self) {
        self.poller.lock().await.finish_listener().await;
    }

    /// Ends within about `timeout`: commits what was handed out if `enable_auto_commit`, lets the listener finish, leaves the
    /// group (a static member stays, KIP-345), stops fetching. Further calls of `poll` are refused.
    ///
    /// # Errors
    /// The last auto commit failed, or was not done in time. The consumer is closed all the same.
    ///
    /// # Cancel safety
    /// If dropped, the consumer is closed; the group may learn of it only when the session times out.
    pub async fn close(&self, timeout: Duration) -> Result<(), ConsumerError> {
        let was = std::mem::replace(&mut *self.wanted.lock(), Wanted::Closed);
        if let Wanted::Closed = was {
            return Ok(());
        }
        let shared = &self.handle.shared;
        shared.close();
        let deadline = Instant::now() + timeout;
        let mut poller = self.poller.lock().await;
        // Fetching ends first, with its sessions; that takes its time beside the rest.
        self.resolver.abort();
        let mut farewells = shared.sessions.end(&shared.client, &shared.config);
        let result = poller.close(deadline.saturating_duration_since(Instant::now())).await;
        let patience = deadline.min(Instant::now() + FAREWELL);
        let said = async { while farewells.join_next().await.is_some() {} };
        if tokio::time::timeout_at(patience, said).await.is_err() {
            farewells.detach_all();
        }
        shared.positions.lock().clear();
        result
    }
}

/// How long the brokers' answers to the end of fetching are worth waiting for.
const FAREWELL: Duration = Duration::from_millis(100);
/// As good as no end.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

impl Deref for Consumer {
    type Target = ConsumerHandle;

    fn deref(&self) -> &ConsumerHandle {
        &self.handle
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.resolver.abort();
        self.handle.shared.positions.lock().clear();
        // It may well hold a handle of this consumer, and the two would keep each other and the client alive.
        let _listener = self.handle.shared.listener.lock().take();
    }
}
