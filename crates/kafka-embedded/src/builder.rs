use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::core::Cluster;
use crate::settings::Settings;
use crate::shell::{Listener, Shared, bind, run_clock};
use crate::{EmbeddedCluster, Error};

/// What an [`EmbeddedCluster`] is to be like; every setting has a default.
#[derive(Clone, Debug)]
#[must_use = "a cluster runs once `start` is awaited"]
pub struct EmbeddedClusterBuilder {
    brokers: u16,
    port: u16,
    topics: Vec<(String, i32)>,
    settings: Settings,
}

impl EmbeddedClusterBuilder {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_at = i64::try_from(since.as_millis()).unwrap_or_default();
        let settings = Settings { started_at, ..Settings::default() };
        Self { brokers: 1, port: 0, topics: Vec::new(), settings }
    }

    /// How many brokers there are, 1 by default. Their ids start at 1.
    pub fn brokers(mut self, brokers: u16) -> Self {
        self.brokers = brokers;
        self
    }

    /// The port of the first broker; the others have the next ones. By default any that are free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// What decides where Kafka leaves a choice open: ids, and which broker gets which partition. 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// A topic that is there from the start, with up to three replicas per partition.
    pub fn topic(mut self, name: impl Into<String>, partitions: i32) -> Self {
        self.topics.push((name.into(), partitions));
        self
    }

    /// Whether asking for a topic's metadata creates it (`auto.create.topics.enable`), true by default.
    pub fn auto_create_topics(mut self, yes: bool) -> Self {
        self.settings.auto_create_topics = yes;
        self
    }

    /// How many partitions a topic gets where nobody says it (`num.partitions`), 1 by default.
    pub fn num_partitions(mut self, partitions: i32) -> Self {
        self.settings.num_partitions = partitions;
        self
    }

    /// For how long a group that was empty waits for more members (`group.initial.rebalance.delay.ms`). Zero by default,
    /// unlike Kafka's three seconds, so that tests start at once.
    pub fn initial_rebalance_delay(mut self, delay: Duration) -> Self {
        self.settings.initial_rebalance_delay = delay;
        self
    }

    /// The shortest `session.timeout.ms` that members may ask for (`group.min.session.timeout.ms`), 6 s by default.
    pub fn min_session_timeout(mut self, timeout: Duration) -> Self {
        self.settings.min_session_timeout = timeout;
        self
    }

    /// How many bytes all records together may take, 1 GiB by default. What would exceed it is refused with
    /// `KAFKA_STORAGE_ERROR`.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_bytes = bytes;
        self
    }

    /// Starts the cluster on ports of the loopback interface.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting that cannot be, [`Error::Io`] if a port cannot be bound.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn start(self) -> Result<EmbeddedCluster, Error> {
        self.check()?;
        let (mut sockets, mut addresses) = (Vec::new(), Vec::new());
        for index in 0..self.brokers {
            let port = if self.port == 0 { 0 } else { self.port.saturating_add(index) };
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
            let socket = bind(address).await.map_err(|source| Error::Io { address, source })?;
            addresses.push(socket.local_addr().map_err(|source| Error::Io { address, source })?);
            sockets.push(socket);
        }
        let shared = Arc::new(Shared::new(Cluster::new(self.settings, &addresses)));
        shared.with(|cluster| {
            for (name, partitions) in &self.topics {
                let partitions = usize::try_from(*partitions).unwrap_or(1);
                let assignment = cluster.place_replicas(partitions, addresses.len().min(3), 0);
                cluster.add_topic(name, assignment, Default::default());
            }
        });
        let clock = tokio::spawn(run_clock(Arc::clone(&shared)));
        let listeners = (1..)
            .zip(sockets)
            .map(|(id, socket)| (id, Listener::start(socket, id, Arc::clone(&shared))))
            .collect();
        Ok(EmbeddedCluster::new(shared, listeners, clock))
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |what: String| Err(Error::Setting(what));
        if self.brokers == 0 {
            return wrong("a cluster has at least one broker: `brokers(1)`".to_owned());
        }
        if self.settings.num_partitions < 1 {
            return wrong(format!(
                "num_partitions is {}; a topic has at least one",
                self.settings.num_partitions
            ));
        }
        for (name, partitions) in &self.topics {
            kafka_core::validate_topic_name(name).map_err(|error| Error::Setting(error.to_string()))?;
            if *partitions < 1 {
                return wrong(format!("topic {name} has {partitions} partitions; it needs at least one"));
            }
        }
        Ok(())
    }
}
