//! Makes and removes the topics of a run, and counts what is in them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use streaming_kafka::admin::Admin;
use streaming_kafka::consumer::{Consumer, ConsumerConfig};
use streaming_kafka::producer::{Producer, ProducerRecord};
use streaming_kafka::{Client, NewTopic};

use crate::flags::Flags;

fn admin(flags: &Flags) -> Result<Admin> {
    Ok(Admin::new(Client::new(flags.config()?.client_config()?)?))
}

pub(crate) async fn create(flags: &Flags) -> Result<Value> {
    let (partitions, replicas) = (flags.or("partitions", 3)?, flags.or("replicas", 1)?);
    let topics: Vec<NewTopic> = flags
        .topics()?
        .into_iter()
        .map(|name| NewTopic::new(name).partitions(partitions).replication_factor(replicas))
        .collect();
    for created in admin(flags)?.create_topics(&topics).await? {
        created.result?;
    }
    Ok(json!({ "topics": topics.len() }))
}

/// Writes two records to each partition, so that the broker makes its files, the last of them for a second batch: the first
/// to write there waits for that.
pub(crate) async fn touch(flags: &Flags) -> Result<Value> {
    /// Above the distance of two entries in an index (`index.interval.bytes`).
    const ENOUGH: [u8; 8 << 10] = [b'x'; 8 << 10];
    let (client, settings) = flags.config()?.producer_settings()?;
    let client = Client::new(client)?;
    let consumer = Consumer::new(client.clone(), ConsumerConfig::default())?;
    let producer = Producer::new(client, settings)?;
    for topic in flags.topics()? {
        let partitions = consumer.partitions_for(&topic).await?;
        for _ in 0..2 {
            for tp in &partitions {
                let record = ProducerRecord::to(topic.as_str()).partition(tp.partition).value(&ENOUGH[..]);
                drop(producer.send(record).await?);
            }
            producer.flush().await?;
        }
    }
    let stats = producer.stats();
    ensure!(stats.send_errors == 0, "{} records failed", stats.send_errors);
    Ok(json!({ "messages": stats.messages_sent }))
}

pub(crate) async fn delete(flags: &Flags) -> Result<Value> {
    let topics = flags.topics()?;
    for deleted in admin(flags)?.delete_topics(&topics).await? {
        deleted.result?;
    }
    Ok(json!({ "topics": topics.len() }))
}

/// How many records the topics hold, by the offsets of their beginnings and ends.
pub(crate) async fn records(flags: &Flags) -> Result<Value> {
    let client = Client::new(flags.config()?.client_config()?)?;
    let consumer = Consumer::new(client, ConsumerConfig::default())?;
    let mut records = 0;
    for topic in flags.topics()? {
        let partitions = consumer.partitions_for(&topic).await?;
        let (begins, ends) =
            (consumer.beginning_offsets(&partitions).await?, consumer.end_offsets(&partitions).await?);
        ensure!(begins.len() == partitions.len() && ends.len() == partitions.len(), "offsets are missing");
        records += ends.values().sum::<i64>() - begins.values().sum::<i64>();
    }
    Ok(json!({ "messages": records }))
}
