use std::sync::Arc;

use kafka_core::cluster::Client;
use kafka_stream::consumer::{Consumer, ConsumerHandle, ConsumerStats};
use kafka_stream::handler::{
    EventConsumer, FailureStats, Handler, HandlerOptions, HandlerStats, StatsReader,
};

use super::KafkaManager;
use crate::Result;

/// How [`KafkaManager::consume_events_with`] consumes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ConsumeOptions {
    /// The consumer group. Default: `group.id` of the configuration, or else `streaming-kafka.<topic>`.
    pub group: Option<String>,
    /// Concurrency, retries, and how often is committed. Default: those of the
    /// [configuration](crate::config::HandlerConfig::options), which is also where to begin for others.
    pub handler: Option<HandlerOptions>,
}

impl ConsumeOptions {
    /// In this group, otherwise by default.
    pub fn in_group(group: impl Into<String>) -> Self {
        Self { group: Some(group.into()), ..Self::default() }
    }
}

/// What one consumption has done so far.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConsumptionStats {
    /// The topic.
    pub topic: String,
    /// The consumer group.
    pub group: String,
    /// What was read, and how far behind it is.
    pub consumer: ConsumerStats,
    /// What was handled, tried again and dead-lettered.
    pub handler: HandlerStats,
}

/// A consumption under way.
#[derive(Debug)]
pub(super) struct Running {
    topic: String,
    group: String,
    consumer: ConsumerHandle,
    handler: StatsReader,
}

/// Takes a consumption off the list when it ends, however it ends.
struct Listed {
    manager: KafkaManager,
    running: Arc<Running>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        let mut running = self.manager.inner.running.lock();
        running.retain(|running| !Arc::ptr_eq(running, &self.running));
        self.manager.inner.failures.add(&self.running.handler.stats().failures);
    }
}

impl KafkaManager {
    /// Handles the events of `topic`, at least once each, until [`stop_consuming`](Self::stop_consuming) or a failure that
    /// time does not mend.
    ///
    /// An event that cannot be handled goes to the dead letter topic where that is on, and otherwise ends consumption.
    /// It is committed when it was handled, or its dead letter acknowledged, and not before. For events as types of
    /// your own, make the handler by [`json`](crate::handler::json).
    ///
    /// # Errors
    /// A setting is not right, or consumption had to stop: the error names the record or the failure.
    ///
    /// # Cancel safety
    /// Dropping the future drops running handlers; what was not committed comes again. Prefer to stop.
    pub async fn consume_events(&self, topic: &str, handler: impl Handler) -> Result<HandlerStats> {
        self.consume_events_with(topic, ConsumeOptions::default(), handler).await
    }

    /// As [`consume_events`](Self::consume_events), in a group of its own name and with other retries or concurrency.
    ///
    /// # Errors
    /// As [`consume_events`](Self::consume_events).
    ///
    /// # Cancel safety
    /// As [`consume_events`](Self::consume_events).
    pub async fn consume_events_with(
        &self,
        topic: &str,
        options: ConsumeOptions,
        handler: impl Handler,
    ) -> Result<HandlerStats> {
        let configured = self.inner.config.consumer_config.group_id.clone();
        let group = options.group.or(configured).unwrap_or_else(|| format!("streaming-kafka.{topic}"));
        let (client, config) = self.inner.config.consumer_settings(Some(&group))?;
        let consumer = Consumer::new(Client::new(client)?, config)?;
        let stats = StatsReader::default();
        let running = Arc::new(Running {
            topic: topic.to_owned(),
            group: group.clone(),
            consumer: consumer.handle(),
            handler: stats.clone(),
        });
        self.inner.running.lock().push(Arc::clone(&running));
        let _listed = Listed { manager: self.clone(), running };

        let mut events = EventConsumer::new(consumer)
            .options(options.handler.unwrap_or_else(|| self.inner.handler.options.clone()))
            .stats(stats)
            .shutdown(self.inner.stop.child_token());
        if self.inner.config.enable_dead_letter_queue {
            events = events.dead_letters(self.inner.dead_letters.clone().with_group(group));
        }
        Ok(events.run([topic], handler).await?)
    }

    /// Ends all consumption in an orderly way: running handlers finish, offsets are committed, groups are left. Each
    /// `consume_events` returns when that is done; later ones return at once. Redrives end likewise.
    ///
    /// [`stop_on_signal`](Self::stop_on_signal) does it when the process is told to end.
    pub fn stop_consuming(&self) {
        self.inner.stop.cancel();
    }

    /// What became of all that failed since the manager was made, by topic and class of the error: what was tried again,
    /// skipped, written to retry topics and dead letter topics, and put back from there.
    ///
    /// What could not be produced counts as dead-lettered where it was, with its topic and the
    /// [kind](crate::producer::ProduceErrorKind) of the error.
    pub fn failure_stats(&self) -> Vec<FailureStats> {
        let running = self.inner.running.lock();
        let mut sum = self.inner.failures.all();
        for failure in running.iter().flat_map(|running| running.handler.stats().failures) {
            failure.add_to(&mut sum);
        }
        sum
    }

    /// What each consumption that is under way has done so far.
    pub fn consumer_stats(&self) -> Vec<ConsumptionStats> {
        let running = self.inner.running.lock().clone();
        running
            .iter()
            .map(|running| ConsumptionStats {
                topic: running.topic.clone(),
                group: running.group.clone(),
                consumer: running.consumer.stats(),
                handler: running.handler.stats(),
            })
            .collect()
    }
}
