//! What all parts of a simulation share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::{Client, ClientConfig, TopicPartition};
use tokio::time::Instant;

/// Who sent a record, and as which of his.
pub(super) type Number = (usize, u32);

/// What a producer was told of a record.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "the reasons are printed")]
pub(super) enum Told {
    /// Handed over, and nothing heard yet.
    Sent,
    Acked(TopicPartition, Option<i64>),
    /// Not in the log, and never will be.
    Absent(String),
    Unknown(String),
}

/// What a group did with records.
#[derive(Debug, Default)]
pub(super) struct Handled {
    pub(super) done: BTreeMap<TopicPartition, BTreeSet<i64>>,
    /// The records by their numbers: offsets mean little where logs are cut off.
    pub(super) numbers: BTreeSet<Number>,
    /// Failed for good: to be found among the dead letters.
    pub(super) failed: BTreeMap<TopicPartition, BTreeSet<i64>>,
    /// Not handled at the first try.
    pub(super) put_off: BTreeMap<TopicPartition, BTreeSet<i64>>,
    /// How many were handled more than once.
    pub(super) again: usize,
    /// How far commits were seen, and found right.
    pub(super) committed: BTreeMap<TopicPartition, i64>,
}

impl Handled {
    pub(super) fn has(&self, tp: &TopicPartition, offset: i64) -> bool {
        let in_it = |all: &BTreeMap<TopicPartition, BTreeSet<i64>>| {
            all.get(tp).is_some_and(|offsets| offsets.contains(&offset))
        };
        in_it(&self.done) || in_it(&self.failed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) sent: BTreeMap<Number, Told>,
    pub(super) handled: BTreeMap<&'static str, Handled>,
    /// What is already known to be wrong.
    pub(super) wrong: Vec<String>,
}

pub(super) struct World {
    pub(super) cluster: EmbeddedCluster,
    pub(super) ledger: Mutex<Ledger>,
    /// The timestamp of all records: sizes are the same in each run.
    pub(super) wall_clock: SystemTime,
    /// All is well with the cluster, and users do nothing odd any more.
    pub(super) calm: AtomicBool,
    notes: Notes,
    started: Instant,
}

/// What happened, for whoever has to find out why a run failed.
pub(super) type Notes = Arc<Mutex<Vec<String>>>;

impl World {
    pub(super) fn new(cluster: EmbeddedCluster, notes: Notes) -> Self {
        Self {
            cluster,
            ledger: Mutex::default(),
            calm: AtomicBool::new(false),
            notes,
            wall_clock: SystemTime::now(),
            started: Instant::now(),
        }
    }

    pub(super) fn note(&self, what: impl std::fmt::Display) {
        self.notes.lock().unwrap().push(format!("{:>12.3?} {what}", self.started.elapsed()));
    }

    pub(super) fn wrong(&self, what: String) {
        self.note(&what);
        self.ledger.lock().unwrap().wrong.push(what);
    }

    /// A client of its own for each part, so that the network can fail for one of them alone.
    pub(super) fn client(&self, id: &str, request_timeout: Duration) -> Client {
        let servers = self.cluster.bootstrap_servers();
        let mut config = ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()));
        config.connector = Some(self.cluster.connector());
        config.client_id = id.to_owned();
        config.request_timeout = request_timeout;
        Client::new(config).unwrap()
    }
}
