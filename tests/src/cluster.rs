//! A cluster for a test: brokers in the test's own process, or a real one that tests share.

use std::time::Duration;

use kafka_core::cluster::{Client, ClientConfig};
use kafka_embedded::EmbeddedCluster;

use crate::{Exclusive, real::Real};

/// What the embedded cluster passes for; it answers as this version does.
const EMBEDDED_VERSION: (u16, u16, u16) = (4, 3, 1);

/// A running Kafka cluster.
///
/// Made by [`single`](Self::single) or [`three`](Self::three) it is a real one if the environment names any, and else the
/// test's own, in its process. A real one is shared with the other tests until it is dropped: making one waits while
/// another test holds the same cluster alone; hold only one of a kind at a time.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) runs: Runs,
}

#[derive(Debug)]
pub(crate) enum Runs {
    Embedded(EmbeddedCluster),
    Real(Real),
}

impl Cluster {
    /// A cluster of one broker.
    ///
    /// # Panics
    /// When the environment names real clusters and not this one, with the commands that start it.
    pub async fn single() -> Self {
        if Real::wanted() { Self::real_single() } else { Self::embedded(1).await }
    }

    /// A cluster of three brokers: replication factor 3 where a test does not say it.
    ///
    /// # Panics
    /// When the environment names real clusters and not this one, with the commands that start it.
    pub async fn three() -> Self {
        if Real::wanted() { Self::real_three() } else { Self::embedded(3).await }
    }

    /// The real cluster of one broker.
    ///
    /// # Panics
    /// When the environment names none, with the commands that start it.
    #[must_use]
    pub fn real_single() -> Self {
        Self::of(Real::named("KAFKA_TESTS_SINGLE", "cargo xtask up --name single", "single"))
    }

    /// The real cluster of three brokers: replication factor 3, two in-sync replicas needed.
    ///
    /// # Panics
    /// When the environment names none, with the commands that start it.
    #[must_use]
    pub fn real_three() -> Self {
        Self::of(Real::named("KAFKA_TESTS_THREE", "cargo xtask up --name three --brokers 3", "three"))
    }

    /// The real cluster of the oldest Kafka that is supported: one broker.
    ///
    /// # Panics
    /// When the environment names none, with the commands that start it.
    #[must_use]
    pub fn oldest() -> Self {
        Self::of(Real::named("KAFKA_TESTS_OLDEST", "cargo xtask up --name oldest --kafka 2.8.2", "oldest"))
    }

    fn of(real: Real) -> Self {
        Self { runs: Runs::Real(real) }
    }

    async fn embedded(brokers: u16) -> Self {
        let builder = EmbeddedCluster::builder().brokers(brokers);
        let builder = builder.default_replication_factor(brokers);
        let builder = builder.num_partitions(3).min_session_timeout(Duration::from_secs(1));
        let cluster = builder.start().await.expect("start brokers in this process");
        Self { runs: Runs::Embedded(cluster) }
    }

    /// Whether Kafka's own programs can be used on it: it is a real one.
    #[must_use]
    pub fn is_real(&self) -> bool {
        matches!(self.runs, Runs::Real(_))
    }

    /// The brokers in this process, unless it is a real one.
    #[must_use]
    pub fn in_process(&self) -> Option<&EmbeddedCluster> {
        match &self.runs {
            Runs::Embedded(cluster) => Some(cluster),
            Runs::Real(_) => None,
        }
    }

    pub(crate) fn real(&self) -> &Real {
        match &self.runs {
            Runs::Real(real) => real,
            Runs::Embedded(_) => panic!("this takes a real cluster: such a test belongs to `tests/real`"),
        }
    }

    /// Has it for this test alone, in order to stop and start its brokers; waits until no other test uses it.
    #[must_use]
    pub fn exclusive(self) -> Exclusive {
        Exclusive::new(self)
    }

    /// A client of the cluster, with the defaults.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn client(&self) -> Client {
        let servers = self.bootstrap_servers();
        let addresses = servers.iter().map(|server| server.parse().expect("an address"));
        Client::new(ClientConfig::new(addresses)).expect("a client")
    }

    /// The addresses to bootstrap from, one per broker.
    #[must_use]
    pub fn bootstrap_servers(&self) -> Vec<String> {
        match &self.runs {
            Runs::Embedded(cluster) => cluster.bootstrap_servers(),
            Runs::Real(real) => real.bootstrap_servers(),
        }
    }

    /// The ids of the brokers.
    #[must_use]
    pub fn broker_ids(&self) -> Vec<i32> {
        match &self.runs {
            Runs::Embedded(cluster) => cluster.broker_ids(),
            Runs::Real(real) => real.brokers().map(|node| node.id).collect(),
        }
    }

    /// Kafka's version as numbers, to compare.
    #[must_use]
    pub fn version_numbers(&self) -> (u16, u16, u16) {
        match &self.runs {
            Runs::Embedded(_) => EMBEDDED_VERSION,
            Runs::Real(real) => real.version_numbers(),
        }
    }

    /// The shortest `session.timeout.ms` that a test should ask for: what brokers allow, or what a busy machine does.
    #[must_use]
    pub fn shortest_session(&self) -> Duration {
        Duration::from_secs(if self.is_real() { 6 } else { 2 })
    }
}
