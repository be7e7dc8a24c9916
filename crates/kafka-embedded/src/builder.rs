use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[cfg(feature = "security")]
use kafka_security::Secret;
use tracing::warn;

use crate::cluster::serve;
use crate::core::Cluster;
use crate::disk::{Disk, load};
use crate::settings::{MigrationPolicy, Settings};
use crate::shell::{Shared, bind, run_clock};
use crate::{AuthorizerConfig, EmbeddedCluster, Error, ListenerConfig};

/// Where brokers without sockets begin to count their ports.
const MADE_UP_PORT: u16 = 9092;

/// What an [`EmbeddedCluster`] is to be like; every setting has a default.
#[derive(Clone, Debug)]
#[must_use = "a cluster runs once `start` is awaited"]
pub struct EmbeddedClusterBuilder {
    brokers: u16,
    port: u16,
    topics: Vec<(String, i32)>,
    data_dir: Option<PathBuf>,
    settings: Settings,
    has_listeners: bool,
    #[cfg(feature = "security")]
    users: Vec<(String, Secret)>,
}

impl EmbeddedClusterBuilder {
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_at = i64::try_from(since.as_millis()).unwrap_or_default();
        let settings = Settings { started_at, ..Settings::default() };
        Self {
            brokers: 1,
            port: 0,
            topics: Vec::new(),
            data_dir: None,
            settings,
            has_listeners: false,
            #[cfg(feature = "security")]
            users: Vec::new(),
        }
    }

    /// How many brokers there are, 1 by default. Their ids start at 1.
    pub fn brokers(mut self, brokers: u16) -> Self {
        self.brokers = brokers;
        self
    }

    /// The port of the first broker; the others have the next ones, and further listeners the ones behind those. By default
    /// any that are free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// What decides where Kafka leaves a choice open: ids, and which broker gets which partition. 0 by default.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Opens no sockets: the brokers are reached by [`EmbeddedCluster::connector`] alone, and their addresses are made up, the
    /// same in each run. For simulations, of which thousands run one after the other.
    pub fn in_memory(mut self) -> Self {
        self.settings.sockets = false;
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

    /// How many replicas a topic gets where nobody says it (`default.replication.factor`), 1 by default.
    pub fn default_replication_factor(mut self, replicas: u16) -> Self {
        self.settings.default_replication_factor = i16::try_from(replicas).unwrap_or(i16::MAX);
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

    /// For how long a member that the coordinator assigns (KIP-848) may be silent (`group.consumer.session.timeout.ms`), 45 s
    /// by default.
    pub fn consumer_session_timeout(mut self, timeout: Duration) -> Self {
        self.settings.consumer_session_timeout = timeout;
        self
    }

    /// How often such a member is to be heard of (`group.consumer.heartbeat.interval.ms`), 5 s by default. A rebalance takes
    /// a few of them, so tests want it short.
    pub fn consumer_heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.consumer_heartbeat_interval = interval;
        self
    }

    /// Whether a group with members may change its protocol (`group.consumer.migration.policy`), both ways by default.
    pub fn migration_policy(mut self, policy: MigrationPolicy) -> Self {
        self.settings.migration_policy = policy;
        self
    }

    /// How many bytes all records together may take, 1 GiB by default. What would exceed it is refused with
    /// `KAFKA_STORAGE_ERROR`.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_bytes = bytes;
        self
    }

    /// Keeps all data in this folder, which is made if need be, so that it survives a restart, also one after `kill -9` or a
    /// power cut: records, topics, committed offsets, what is known of producers and transactions, and the cluster's id.
    /// Members of groups join again. By default everything is in memory and nowhere else.
    ///
    /// Nothing is answered before all that the answer may tell of has been written and synchronised (`fsync`): neither an
    /// acknowledgement nor a fetch. One synchronisation serves all requests that arrived during the one before. Reading is from
    /// memory all the same, so that [`max_bytes`](Self::max_bytes) bounds the folder too.
    ///
    /// The records are in segments as a broker of Kafka has them; Kafka's tools for log segments read them. A batch at the
    /// end of a log that was not written to its end is cut off, with a warning in the log. Other damage is an error.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// Adds a port to each broker. Without any, there is one that takes everybody in the clear
    /// ([`ListenerConfig::plaintext`]).
    pub fn listener(mut self, listener: ListenerConfig) -> Self {
        if !std::mem::replace(&mut self.has_listeners, true) {
            self.settings.listeners.clear();
        }
        self.settings.listeners.push(listener);
        self
    }

    /// A user who may sign in with a password, by PLAIN and by SCRAM.
    #[cfg(feature = "security")]
    pub fn user(mut self, name: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.users.push((name.into(), password.into()));
        self
    }

    /// Keeps access rules and holds everybody to them. Without this, everybody may do anything, and requests about rules are
    /// answered with `SECURITY_DISABLED`.
    pub fn authorizer(mut self, authorizer: AuthorizerConfig) -> Self {
        self.settings.authorizer = Some(authorizer);
        self
    }

    /// Starts the cluster on ports of the loopback interface.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting that cannot be, [`Error::Io`] if a port cannot be bound, [`Error::Data`] for a folder
    /// that belongs to something else, is in use, or is damaged.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn start(self) -> Result<EmbeddedCluster, Error> {
        self.check()?;
        let (mut sockets, mut addresses) = (Vec::new(), Vec::new());
        for broker in 0..self.brokers {
            let (mut own_sockets, mut own_addresses) = (Vec::new(), Vec::new());
            for listener in 0..u16::try_from(self.settings.listeners.len()).unwrap_or(u16::MAX) {
                let before = listener.saturating_mul(self.brokers).saturating_add(broker);
                let first = if self.port == 0 && !self.settings.sockets { MADE_UP_PORT } else { self.port };
                let port = if first == 0 { 0 } else { first.saturating_add(before) };
                let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
                let door = bind(address, self.settings.sockets).await?;
                own_addresses.push(door.address);
                own_sockets.push(door);
            }
            addresses.push(own_addresses);
            sockets.push(own_sockets);
        }
        let mut cluster = Cluster::new(self.settings, &addresses);
        let disk = match self.data_dir {
            Some(folder) => {
                cluster.settings.log_dir = folder.display().to_string();
                Some(restore(&mut cluster, folder).await?)
            }
            None => None,
        };
        let shared = Arc::new(Shared::new(cluster, disk));
        #[cfg(feature = "security")]
        crate::users::add_all(&shared, self.users).await?;
        shared.with(|cluster| {
            for (name, partitions) in &self.topics {
                if cluster.topics.get(name).is_some() {
                    continue;
                }
                let partitions = usize::try_from(*partitions).unwrap_or(1);
                let assignment = cluster.place_replicas(partitions, addresses.len().min(3), 0);
                cluster.add_topic(name, assignment, Default::default());
            }
        });
        let clock = tokio::spawn(run_clock(Arc::clone(&shared)));
        let listeners = (1..).zip(sockets).map(|(id, own)| (id, serve(own, id, &shared))).collect();
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
        for (number, listener) in self.settings.listeners.iter().enumerate() {
            let others = self.settings.listeners.iter().take(number);
            if others.into_iter().any(|other| other.name.eq_ignore_ascii_case(&listener.name)) {
                return wrong(format!(
                    "two listeners are called {}; name one otherwise: `named`",
                    listener.name
                ));
            }
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

/// Reads what was kept in the folder, and goes on with it.
async fn restore(cluster: &mut Cluster, folder: PathBuf) -> Result<Disk, Error> {
    let path = folder.clone();
    let loaded = tokio::task::spawn_blocking(move || load(&path)).await;
    let (disk, found) = loaded.map_err(|error| Error::data(&folder, error.to_string()))??;
    let strays = cluster.restore(&found.state, found.logs);
    for stray in strays.map_err(|what| Error::data(&folder, what))? {
        warn!(folder = stray, "a log of a topic that is not known is left out");
    }
    Ok(disk)
}
