use std::future::Future;
use std::pin::Pin;

use kafka_core::TopicPartition;

use super::ConsumerHandle;

/// What a [`RebalanceListener`] method returns: `Box::pin(async move { ... })`.
pub type ListenerFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Hears when partitions come and go.
///
/// The methods run inside `poll` (and `close`), one at a time, in the order in which the group decides: revoked before
/// assigned. A `poll` that is dropped while a method runs does not cancel it: the next `poll` goes on with it.
///
/// The group waits for them up to `max_poll_interval`, however often `poll` is called meanwhile; heartbeats go on. After that,
/// or when the coordinator throws the member out, others may have the partitions: a method that still runs is then dropped
/// at the await where it stands, [`on_partitions_lost`](Self::on_partitions_lost) follows, and `poll` says
/// [`MaxPollIntervalExceeded`](super::ConsumerErrorKind::MaxPollIntervalExceeded) if that was the reason.
///
/// ```
/// use kafka_core::TopicPartition;
/// use kafka_stream::consumer::{ConsumerHandle, ListenerFuture, RebalanceListener};
///
/// struct CommitFirst;
///
/// impl RebalanceListener for CommitFirst {
///     fn on_partitions_revoked<'a>(
///         &'a self,
///         consumer: &'a ConsumerHandle,
///         _partitions: &'a [TopicPartition],
///     ) -> ListenerFuture<'a> {
///         Box::pin(async move {
///             if let Err(error) = consumer.commit_sync().await {
///                 eprintln!("{error}");
///             }
///         })
///     }
/// }
/// ```
pub trait RebalanceListener: Send + Sync {
    /// These partitions go to others as soon as this is done. They are still assigned: positions can be read and offsets
    /// committed; no record of them is handed out any more.
    fn on_partitions_revoked<'a>(
        &'a self,
        consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        let _ = (consumer, partitions);
        Box::pin(std::future::ready(()))
    }

    /// These partitions are new; none of their records was handed out yet, so a seek here is in time.
    fn on_partitions_assigned<'a>(
        &'a self,
        consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        let _ = (consumer, partitions);
        Box::pin(std::future::ready(()))
    }

    /// Membership was lost, and these partitions may belong to others already: committing them is refused.
    ///
    /// By default the same as [`on_partitions_revoked`](Self::on_partitions_revoked), as in Java.
    fn on_partitions_lost<'a>(
        &'a self,
        consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        self.on_partitions_revoked(consumer, partitions)
    }
}
