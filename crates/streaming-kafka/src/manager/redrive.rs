use kafka_core::cluster::Client;
use kafka_stream::consumer::{AutoOffsetReset, Consumer, ConsumerRecord};
use kafka_stream::dead_letter::{Provenance, Redrive, RedriveOptions, RedriveReport};

use super::KafkaManager;
use crate::Result;

impl KafkaManager {
    /// Puts the dead letters of `topic` back into it, those that are there now: call it once what made them fail is mended.
    ///
    /// How often a record is put back at most, and how many of them, say the settings `redrive.*`. The group
    /// `redrive.group.id` keeps how far was come; a letter that was looked at is not looked at again. Ends early, and in an
    /// orderly way, with [`stop_consuming`](Self::stop_consuming). Let one redrive of a topic run at a time.
    ///
    /// # Errors
    /// A setting is not right, the dead letter topic cannot be read, or a letter cannot be written to its topic: what was
    /// put back before is committed, and the next redrive begins with that letter.
    ///
    /// # Cancel safety
    /// If dropped, letters may have been put back and not be committed: the next redrive puts them back again.
    pub async fn redrive(&self, topic: &str) -> Result<RedriveReport> {
        self.redrive_with(topic, self.inner.handler.redrive.clone(), |_, _| true).await
    }

    /// As [`redrive`](Self::redrive) in another way, of those letters for which `filter` says true: as a dry run, from the
    /// beginning, a few at first. The settings' own way is in
    /// [`config().handler_config.redrive`](crate::config::HandlerConfig::redrive).
    ///
    /// ```no_run
    /// # async fn example(manager: streaming_kafka::KafkaManager) -> streaming_kafka::Result<()> {
    /// let mut options = manager.config().handler_config.redrive.clone();
    /// options.dry_run = true;
    /// let report = manager
    ///     .redrive_with("analytics-events", options, |_letter, from| from.error_class.ends_with("Timeout"))
    ///     .await?;
    /// println!("{} of {} letters would be put back", report.redriven, report.read);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`redrive`](Self::redrive).
    ///
    /// # Cancel safety
    /// As [`redrive`](Self::redrive).
    pub async fn redrive_with(
        &self,
        topic: &str,
        options: RedriveOptions,
        filter: impl Fn(&ConsumerRecord, &Provenance) -> bool + Send + Sync + 'static,
    ) -> Result<RedriveReport> {
        let config = &self.inner.config;
        let (client, mut consumer) = config.consumer_settings(Some(&self.inner.handler.redrive_group))?;
        // Letters are read one and all, and committed when they are back, however events are read.
        consumer.auto_offset_reset = AutoOffsetReset::Earliest;
        consumer.enable_auto_commit = false;
        consumer.group_instance_id = None;
        let consumer = Consumer::new(Client::new(client)?, consumer)?;
        let report = Redrive::new(consumer, self.inner.producer.clone())
            .options(options)
            .filter(filter)
            .shutdown(self.inner.stop.child_token())
            .run(&config.dead_letter_topic(topic))
            .await?;
        self.inner.failures.add(&report.failures);
        Ok(report)
    }
}
