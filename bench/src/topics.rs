//! Makes and removes the topics of a run, and counts what is in them.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use streaming_kafka::admin::Admin;
use streaming_kafka::consumer::{Consumer, ConsumerConfig};
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
