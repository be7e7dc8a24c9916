use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::net::Connector;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::shell::{Listener, MemoryConnector, Shared, bind};
use crate::{Asked, EmbeddedClusterBuilder, Error, Fault, GroupView, TopicView};

/// A running cluster. It ends, and frees its ports and memory, when it is dropped.
///
/// Its brokers run as tasks of the runtime that it was started in.
#[derive(Debug)]
pub struct EmbeddedCluster {
    shared: Arc<Shared>,
    listeners: Mutex<BTreeMap<i32, Listener>>,
    clock: JoinHandle<()>,
}

impl EmbeddedCluster {
    /// A cluster of one broker, until told otherwise.
    pub fn builder() -> EmbeddedClusterBuilder {
        EmbeddedClusterBuilder::new()
    }

    pub(crate) fn new(
        shared: Arc<Shared>,
        listeners: BTreeMap<i32, Listener>,
        clock: JoinHandle<()>,
    ) -> Self {
        Self { shared, listeners: Mutex::new(listeners), clock }
    }

    /// The addresses of all brokers as `host:port`, also of those that are stopped.
    pub fn bootstrap_servers(&self) -> Vec<String> {
        self.shared
            .with(|cluster| cluster.brokers.values().map(|broker| broker.address.to_string()).collect())
    }

    /// Opens connections to these brokers in memory instead of by sockets: for
    /// [`ClientConfig::connector`](kafka_core::cluster::ClientConfig::connector).
    ///
    /// On a paused tokio clock, with all tasks on one thread, a simulation by it is exact: time moves on only when nobody has
    /// anything left to do. With sockets it could move on while bytes are under way.
    pub fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(MemoryConnector(Arc::clone(&self.shared.doors)))
    }

    /// The ids of all brokers, also of those that are stopped.
    pub fn broker_ids(&self) -> Vec<i32> {
        self.shared.with(|cluster| cluster.brokers.keys().copied().collect())
    }

    /// Stops a broker as its operator would: what it leads moves to others first, then its connections are closed.
    ///
    /// # Errors
    /// [`Error::UnknownBroker`].
    pub async fn stop(&self, broker: i32) -> Result<(), Error> {
        self.check(broker)?;
        self.shared.with(|cluster| cluster.broker_stopped(broker));
        self.close(broker).await;
        Ok(())
    }

    /// Ends a broker as a power cut would: its connections are gone first, then others take over what it led.
    ///
    /// # Errors
    /// [`Error::UnknownBroker`].
    pub async fn kill(&self, broker: i32) -> Result<(), Error> {
        self.check(broker)?;
        self.close(broker).await;
        self.shared.with(|cluster| cluster.broker_stopped(broker));
        Ok(())
    }

    /// Starts a broker again, on the port that it had; nothing if it runs.
    ///
    /// # Errors
    /// [`Error::UnknownBroker`], and [`Error::Io`] if its port is taken by now.
    pub async fn start(&self, broker: i32) -> Result<(), Error> {
        let address = self
            .shared
            .with(|cluster| cluster.brokers.get(&broker).map(|broker| broker.address))
            .ok_or(Error::UnknownBroker(broker))?;
        if self.listeners.lock().contains_key(&broker) {
            return Ok(());
        }
        let socket = bind(address).await.map_err(|source| Error::Io { address, source })?;
        self.shared.with(|cluster| cluster.broker_started(broker));
        self.listeners.lock().insert(broker, Listener::start(socket, broker, Arc::clone(&self.shared)));
        Ok(())
    }

    /// Moves the cluster's clock ahead: sessions end, old records go, long polls are over.
    pub fn advance(&self, by: Duration) {
        self.shared.advance(by);
    }

    /// What the cluster knows of a topic now, if it exists.
    pub fn topic(&self, name: &str) -> Option<TopicView> {
        self.shared.with(|cluster| cluster.topics.get(name).map(TopicView::of))
    }

    /// What the cluster knows of a group now, if it exists.
    pub fn group(&self, id: &str) -> Option<GroupView> {
        self.shared.with(|cluster| cluster.groups.get(id).map(GroupView::of))
    }

    /// Makes `leader` lead a partition; false if it holds no replica of it that is in sync.
    pub fn move_leader(&self, topic: &str, partition: i32, leader: i32) -> bool {
        self.shared.with(|cluster| cluster.move_leader(topic, partition, leader))
    }

    /// Adds a fault to those in force. Of several that meet a request, the oldest has its way.
    pub fn inject(&self, fault: Fault) {
        self.shared.with(|cluster| cluster.faults.add(fault));
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.shared.with(|cluster| cluster.faults.clear());
    }

    /// What the brokers were asked, in order; the last 100,000 requests at most.
    pub fn history(&self) -> Vec<Asked> {
        self.shared.with(|cluster| cluster.history.all())
    }

    /// Cuts a partition's log off at `offset`, as if a leader had been chosen that lacked the rest, and begins a new leader
    /// epoch. Returns where the log ends now: a batch is never divided, so it may be before `offset`. `None` if there is no
    /// such partition.
    pub fn truncate(&self, topic: &str, partition: i32, offset: i64) -> Option<i64> {
        self.shared.with(|cluster| cluster.truncate(topic, partition, offset))
    }

    fn check(&self, broker: i32) -> Result<(), Error> {
        let known = self.shared.with(|cluster| cluster.brokers.contains_key(&broker));
        if known { Ok(()) } else { Err(Error::UnknownBroker(broker)) }
    }

    async fn close(&self, broker: i32) {
        let listener = self.listeners.lock().remove(&broker);
        if let Some(listener) = listener {
            listener.stop().await;
        }
    }
}

impl Drop for EmbeddedCluster {
    fn drop(&mut self) {
        self.clock.abort();
    }
}
