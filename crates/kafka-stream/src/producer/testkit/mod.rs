//! A cluster of brokers played in memory, for tests of the producer: they check sequences as Kafka does, keep a log, and
//! do to each batch what the test's script says.
//!
//! With `#[tokio::test(start_paused = true)]` all of it runs in made-up time.

mod arrival;
mod brokers;
mod log;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub(crate) use arrival::Arrival;
use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::net::Address;
use kafka_core::protocol::ErrorCode;
use kafka_core::records::Compression;
use parking_lot::Mutex;

use super::{Producer, ProducerConfig, ProducerRecord};

/// The topic that every fake cluster has.
pub(crate) const TOPIC: &str = "events";

/// What a broker does with a batch.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// As Kafka does: checks the sequence, appends, answers.
    Normal,
    /// As `Normal`, after this time; what comes behind it on the connection waits.
    Late(Duration),
    /// Refuses it and appends nothing.
    Refuse(ErrorCode),
    /// Refuses it and says who leads now, and since which epoch (KIP-951).
    Redirect { leader: i32, epoch: i32 },
    /// Appends it, and answers with an error.
    AppendThen(ErrorCode),
    /// Appends it, and ends the connection.
    AppendAndHangUp,
    /// Ends the connection.
    HangUp,
    /// Never answers, nor reads on.
    Silence,
}

type Script = Box<dyn FnMut(&Arrival) -> Reply + Send>;

struct State {
    topics: BTreeMap<String, Vec<log::Partition>>,
    /// Brokers that accept no connection, and answer on those they have once they are back.
    down: BTreeSet<i32>,
    script: Script,
    arrivals: Vec<Arrival>,
    next_producer_id: i64,
    /// What the next requests for a producer id are answered with.
    identity_errors: Vec<ErrorCode>,
    max_produce_version: i16,
}

/// Two brokers, 1 and 2, and the topic [`TOPIC`], whose partitions they lead in turns.
pub(crate) struct FakeCluster {
    state: Arc<Mutex<State>>,
    client: Client,
}

impl FakeCluster {
    pub(crate) fn new(partitions: usize) -> Self {
        Self::with_client(partitions, |_| {})
    }

    pub(crate) fn with_client(partitions: usize, configure: impl FnOnce(&mut ClientConfig)) -> Self {
        let led = |partition: usize| log::Partition::led_by(1 + i32::from(partition % 2 == 1));
        let state = Arc::new(Mutex::new(State {
            topics: [(TOPIC.to_owned(), (0..partitions).map(led).collect())].into(),
            down: BTreeSet::new(),
            script: Box::new(|_| Reply::Normal),
            arrivals: Vec::new(),
            next_producer_id: 1_000,
            identity_errors: Vec::new(),
            max_produce_version: i16::MAX,
        }));
        let mut config = ClientConfig::new([Address::new("broker", 1), Address::new("broker", 2)]);
        config.connector = Some(Arc::new(brokers::InMemory { state: state.clone() }));
        configure(&mut config);
        Self { state, client: Client::new(config).unwrap() }
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// A producer that does not compress, with whatever else `configure` changes.
    pub(crate) fn producer(&self, configure: impl FnOnce(&mut ProducerConfig)) -> Producer {
        let mut config = ProducerConfig { compression_type: Compression::None, ..Default::default() };
        configure(&mut config);
        Producer::new(self.client(), config).unwrap()
    }

    /// Lets `script` say what happens to each batch from now on.
    pub(crate) fn script(&self, script: impl FnMut(&Arrival) -> Reply + Send + 'static) {
        self.state.lock().script = Box::new(script);
    }

    /// Does this to the first batches, one after the other, and treats all others normally.
    pub(crate) fn script_first<const N: usize>(&self, replies: [Reply; N]) {
        let mut replies = replies.into_iter();
        self.script(move |_| replies.next().unwrap_or(Reply::Normal));
    }

    /// The batches that reached a broker, in their order.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.state.lock().arrivals.clone()
    }

    /// The values in a partition's log.
    pub(crate) fn log(&self, partition: usize) -> Vec<String> {
        self.state.lock().topics[TOPIC][partition].values()
    }

    /// The values in all partitions, sorted.
    pub(crate) fn all_values(&self) -> Vec<String> {
        let state = self.state.lock();
        let mut all: Vec<String> = state.topics.values().flatten().flat_map(log::Partition::values).collect();
        all.sort();
        all
    }

    pub(crate) fn lead(&self, partition: usize, broker: i32) {
        let mut state = self.state.lock();
        state.topics.get_mut(TOPIC).unwrap()[partition].lead(broker);
    }

    /// Adds a partition to [`TOPIC`], led by broker 1.
    pub(crate) fn add_partition(&self) {
        self.state.lock().topics.get_mut(TOPIC).unwrap().push(log::Partition::led_by(1));
    }

    /// Whether `broker` is away: it refuses connections, and answers on those it has once it is back.
    pub(crate) fn set_down(&self, broker: i32, down: bool) {
        let mut state = self.state.lock();
        if down {
            state.down.insert(broker)
        } else {
            state.down.remove(&broker)
        };
    }

    pub(crate) fn refuse_identity(&self, errors: impl IntoIterator<Item = ErrorCode>) {
        self.state.lock().identity_errors = errors.into_iter().collect();
    }

    /// Makes the brokers speak no newer version of Produce.
    pub(crate) fn limit_produce_version(&self, version: i16) {
        self.state.lock().max_produce_version = version;
    }
}

/// A record for [`TOPIC`].
pub(crate) fn record(partition: i32, value: &str) -> ProducerRecord<'_> {
    ProducerRecord::to(TOPIC).partition(partition).value(value)
}
