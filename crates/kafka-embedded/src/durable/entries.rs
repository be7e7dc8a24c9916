use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::groups::Committed;
use crate::log::Producers;

/// The name of an entry; its JSON is the key in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) enum Key {
    Cluster,
    ProducerIds,
    Topic(String),
    Partition(String, i32),
    Transaction(String),
    /// A group that is there, be it without offsets.
    Group(String),
    Offset(String, String, i32),
    /// What a producer's transaction will commit.
    Pending(String, i64),
}

impl Key {
    pub(super) fn text(&self) -> String {
        to_text(self)
    }

    /// How the keys of all partitions of a topic begin.
    pub(super) fn partitions_of(topic: &str) -> String {
        format!(r#"{{"Partition":[{},"#, to_text(&topic))
    }

    /// How the keys of all offsets, or of all open commits, of a group begin.
    pub(super) fn of_group(kind: &str, group: &str) -> String {
        format!(r#"{{"{kind}":[{},"#, to_text(&group))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct ClusterEntry {
    pub(super) id: String,
    pub(super) brokers: usize,
    /// How often it has been started, so that what is random is not the same again.
    pub(super) starts: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct TopicEntry {
    pub(super) id: String,
    pub(super) configs: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct PartitionEntry {
    pub(super) replicas: Vec<i32>,
    pub(super) leader: i32,
    pub(super) leader_epoch: i32,
    pub(super) partition_epoch: i32,
    pub(super) start: i64,
    #[serde(default, skip_serializing_if = "Producers::is_empty")]
    pub(super) producers: Producers,
}

/// Topic, partition, and what is committed for it.
pub(super) type PendingEntry = Vec<(String, i32, Committed)>;

pub(super) fn to_text(value: &impl Serialize) -> String {
    // Nothing here has a map with keys that JSON cannot have.
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| format!("{}: {error}", String::from_utf8_lossy(text)))
}
