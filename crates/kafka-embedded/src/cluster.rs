use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::net::Connector;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::shell::{Door, Listener, MemoryConnector, Shared, bind};
use crate::{Asked, EmbeddedClusterBuilder, Error, Fault, FaultId, GroupView, TopicView};

/// A running cluster. It ends, and frees its ports and memory, when it is dropped.
///
/// Its brokers run as tasks of the runtime that it was started in.
#[derive(Debug)]
pub struct EmbeddedCluster {
    shared: Arc<Shared>,
    /// Of each broker that runs, by its id.
    listeners: Mutex<BTreeMap<i32, Vec<Listener>>>,
    /// Held while a broker stops or starts: one at a time, so that none is half of each.
    changing: tokio::sync::Mutex<()>,
    clock: JoinHandle<()>,
}

impl EmbeddedCluster {
    /// A cluster of one broker, until told otherwise.
    pub fn builder() -> EmbeddedClusterBuilder {
        EmbeddedClusterBuilder::new()
    }

    pub(crate) fn new(
        shared: Arc<Shared>,
        listeners: BTreeMap<i32, Vec<Listener>>,
        clock: JoinHandle<()>,
    ) -> Self {
        Self { shared, listeners: Mutex::new(listeners), changing: tokio::sync::Mutex::default(), clock }
    }

    /// The addresses of all brokers as `host:port`, also of those that are stopped. Where there are several listeners, those
    /// of the first.
    pub fn bootstrap_servers(&self) -> Vec<String> {
        self.addresses(0)
    }

    /// The addresses of all brokers for the listener of this name; none if there is no such listener.
    pub fn listener(&self, name: &str) -> Vec<String> {
        let known = self.shared.with(|cluster| {
            cluster.settings.listeners.iter().position(|listener| listener.name.eq_ignore_ascii_case(name))
        });
        known.map(|listener| self.addresses(listener)).unwrap_or_default()
    }

    fn addresses(&self, listener: usize) -> Vec<String> {
        self.shared.with(|cluster| {
            let own = cluster.brokers.values().filter_map(|broker| broker.addresses.get(listener));
            own.map(ToString::to_string).collect()
        })
    }

    /// Opens connections to these brokers in memory instead of by sockets: for
    /// [`ClientConfig::connector`](kafka_core::cluster::ClientConfig::connector).
    ///
    /// On a paused tokio clock, with all tasks on one thread, a simulation by it is exact: time moves on only when nobody has
    /// anything left to do. With sockets it could move on while bytes are under way.
    pub fn connector(&self) -> Arc<dyn Connector> {
        Arc::new(MemoryConnector(Arc::clone(&self.shared.doors)))
    }

    /// Waits until the [`data_dir`](EmbeddedClusterBuilder::data_dir) cannot be written to any more, because the disk is full
    /// or broken; the brokers end all connections then. Without such a folder this never ends.
    pub async fn disk_failed(&self) {
        self.shared.disk_failed().await;
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
        let _turn = self.changing.lock().await;
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
        let _turn = self.changing.lock().await;
        self.close(broker).await;
        self.shared.with(|cluster| cluster.broker_stopped(broker));
        Ok(())
    }

    /// Starts a broker again, on the ports that it had; nothing if it runs.
    ///
    /// # Errors
    /// [`Error::UnknownBroker`], and [`Error::Io`] if one of its ports is taken by now.
    pub async fn start(&self, broker: i32) -> Result<(), Error> {
        let (addresses, sockets) = self
            .shared
            .with(|cluster| Some((cluster.brokers.get(&broker)?.addresses.clone(), cluster.settings.sockets)))
            .ok_or(Error::UnknownBroker(broker))?;
        let _turn = self.changing.lock().await;
        if self.listeners.lock().contains_key(&broker) {
            return Ok(());
        }
        let mut doors = Vec::new();
        for address in addresses {
            doors.push(bind(address, sockets).await?);
        }
        self.shared.with(|cluster| cluster.broker_started(broker));
        let listeners = serve(doors, broker, &self.shared);
        self.listeners.lock().insert(broker, listeners);
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

    /// The offset that the next record gets, for each partition of a topic, if it exists.
    pub fn end_offsets(&self, topic: &str) -> Option<Vec<i64>> {
        self.shared.with(|cluster| {
            let partitions = &cluster.topics.get(topic)?.partitions;
            Some(partitions.iter().map(|partition| partition.log.end_offset()).collect())
        })
    }

    /// What the cluster knows of a group now, if it exists.
    pub fn group(&self, id: &str) -> Option<GroupView> {
        self.shared.with(|cluster| cluster.groups.get(id).map(GroupView::of))
    }

    /// Adds a fault to those in force, of [requests](crate::on) or of the [network](crate::link). Of several that meet a
    /// request or a connection, the oldest has its way.
    pub fn inject(&self, fault: Fault) -> FaultId {
        let id = self.shared.with(|cluster| cluster.faults.add(fault));
        self.shared.links_changed();
        id
    }

    /// Ends one fault; false if it is over.
    pub fn end(&self, fault: FaultId) -> bool {
        let ended = self.shared.with(|cluster| cluster.faults.end(fault));
        self.shared.links_changed();
        ended
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.shared.with(|cluster| cluster.faults.clear());
        self.shared.links_changed();
    }

    /// What the brokers were asked, in order; the last 100,000 requests at most.
    pub fn history(&self) -> Vec<Asked> {
        self.shared.with(|cluster| cluster.history.all())
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn check(&self, broker: i32) -> Result<(), Error> {
        let known = self.shared.with(|cluster| cluster.brokers.contains_key(&broker));
        if known { Ok(()) } else { Err(Error::UnknownBroker(broker)) }
    }

    async fn close(&self, broker: i32) {
        let listeners = self.listeners.lock().remove(&broker);
        for listener in listeners.into_iter().flatten() {
            listener.stop().await;
        }
    }
}

/// Serves clients of a broker at its ports, in the order of the listeners.
pub(crate) fn serve(doors: Vec<Door>, broker: i32, shared: &Arc<Shared>) -> Vec<Listener> {
    let numbered = doors.into_iter().enumerate();
    numbered.map(|(number, door)| Listener::start(door, broker, number, Arc::clone(shared))).collect()
}

impl Drop for EmbeddedCluster {
    fn drop(&mut self) {
        self.clock.abort();
        self.listeners.lock().clear();
        self.shared.close_disk();
    }
}
