use std::collections::HashMap;
use std::time::Duration;

use streaming_kafka::consumer::{Consumer, OffsetAndMetadata};
use streaming_kafka::{Client, Error, KafkaConfig, TopicPartition};

/// Where each partition of a topic ended before this run wrote to it.
pub(crate) type Marks = HashMap<TopicPartition, i64>;

/// A consumer in `group` that is no member of it: for looking at offsets, and for reading without a group.
pub(crate) fn observer(config: &KafkaConfig, group: &str) -> Result<Consumer, Error> {
    let (client, consumer) = config.consumer_settings(Some(group))?;
    Ok(Consumer::new(Client::new(client)?, consumer)?)
}

/// The ends of a topic's partitions.
pub(crate) async fn ends(consumer: &Consumer, topic: &str) -> Result<Marks, Error> {
    let partitions = consumer.partitions_for(topic).await?;
    Ok(consumer.end_offsets(&partitions).await?)
}

/// Has the group begin at `marks`, so that it sees nothing that was there before.
pub(crate) async fn begin_at(consumer: &Consumer, marks: &Marks) -> Result<(), Error> {
    let offsets = marks.iter().map(|(tp, offset)| (tp.clone(), OffsetAndMetadata::new(*offset)));
    Ok(consumer.commit_sync_offsets(offsets).await?)
}

/// By how much the group's offsets have moved on from `marks`.
pub(crate) async fn committed_since(consumer: &Consumer, marks: &Marks) -> Result<u64, Error> {
    let partitions: Vec<_> = marks.keys().cloned().collect();
    let committed = consumer.committed(&partitions).await?;
    let moved = marks.iter().filter_map(|(tp, mark)| Some(committed.get(tp)?.as_ref()?.offset - mark));
    Ok(moved.filter_map(|n| u64::try_from(n).ok()).sum())
}

/// Reads all records of a topic from `marks` to its present end, and gives each value to `see`.
pub(crate) async fn read_from(
    consumer: &Consumer,
    topic: &str,
    marks: &Marks,
    patience: Duration,
    mut see: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let ends = ends(consumer, topic).await?;
    let unread = |tp: &TopicPartition, at: i64| ends.get(tp).is_some_and(|end| at < *end);
    consumer.assign(marks.keys().cloned())?;
    for (tp, mark) in marks {
        consumer.seek(tp, *mark)?;
    }
    let mut positions = marks.clone();
    let mut progress = std::time::Instant::now();
    while positions.iter().any(|(tp, at)| unread(tp, *at)) && progress.elapsed() < patience {
        let records = consumer.poll(Duration::from_millis(500)).await?;
        for record in &records {
            see(record.value().unwrap_or_default());
            positions.insert(record.topic_partition().clone(), record.offset() + 1);
            progress = std::time::Instant::now();
        }
    }
    Ok(())
}
