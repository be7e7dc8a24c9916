use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::{Client, Lane, Leader as ClusterLeader, Metadata};
use kafka_core::net::{CallOptions, Connection};
use kafka_core::protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_core::records::Compression;
use kafka_core::watch;
use kafka_core::{Error, ErrorKind, TopicPartition};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::answers::{Heard, Leader};
use super::partition::Part;
use super::plan::Plan;
use super::{identity, request};
use crate::producer::accumulator::{Accumulator, PartitionQueue};
use crate::producer::flush::FlushToken;
use crate::producer::hooks::count;
use crate::producer::sequence::Identity;
use crate::producer::{Acks, ProduceError, ProduceErrorKind, ProducerConfig};

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type TopicIds = HashMap<Arc<str>, kafka_core::protocol::Uuid>;

/// What the producer's handles ask of its sender.
#[derive(Debug)]
pub(crate) enum Command {
    /// Send everything at once; the token is held until all have their outcome.
    Flush(FlushToken),
    /// Send what there is until `deadline`, give up the rest, and end.
    Close { deadline: Option<Instant>, done: Option<oneshot::Sender<()>> },
}

/// Carries out the plan.
pub(crate) struct Sender {
    client: Client,
    shared: Arc<Accumulator>,
    plan: Plan,
    acks: Acks,
    options: CallOptions,
    compression: Compression,
    max_in_flight: usize,
    metadata: watch::Receiver<Arc<Metadata>>,
    /// What the plan knows of it: nothing is sent by what it has not heard of.
    seen: Arc<Metadata>,
    /// Of the topics that are written to, by which one that was created anew is noticed.
    topic_ids: TopicIds,
    commands: mpsc::UnboundedReceiver<Command>,
    brokers: BTreeMap<i32, Broker>,
    answers: FuturesUnordered<Boxed<Answered>>,
    connecting: FuturesUnordered<Boxed<(i32, Result<Connection, Error>)>>,
    identity: Option<Boxed<Result<Identity, Error>>>,
    identity_failures: u32,
    backoff: ExponentialBackoff,
    /// When metadata is asked for again, as long as a leader is missing.
    metadata_due: Option<Instant>,
    closing: Option<Closing>,
}

#[derive(Default)]
struct Broker {
    connection: Option<Connection>,
    connecting: bool,
    in_flight: usize,
}

struct Closing {
    deadline: Option<Instant>,
    done: Vec<oneshot::Sender<()>>,
}

/// A request's end.
struct Answered {
    broker: i32,
    parts: Vec<Part>,
    ids: Option<TopicIds>,
    response: Result<ProduceResponse, Error>,
}

impl Sender {
    pub(crate) fn new(
        client: Client,
        config: &ProducerConfig,
        plan: Plan,
        shared: Arc<Accumulator>,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let settings = client.config();
        let backoff = ExponentialBackoff::new(settings.retry_backoff, settings.retry_backoff_max);
        let metadata = client.metadata_changes();
        let seen = metadata.borrow().clone();
        Self {
            seen,
            topic_ids: HashMap::new(),
            metadata,
            client,
            shared,
            plan,
            acks: config.acks,
            options: CallOptions::new(config.request_timeout),
            compression: config.compression_type,
            max_in_flight: config.max_in_flight,
            commands,
            brokers: BTreeMap::new(),
            answers: FuturesUnordered::new(),
            connecting: FuturesUnordered::new(),
            identity: None,
            identity_failures: 0,
            backoff,
            metadata_due: None,
            closing: None,
        }
    }

    /// Sends until the producer is closed and everything has its outcome.
    pub(crate) async fn run(mut self) {
        let mut announced = Vec::new();
        let mut commands_open = true;
        loop {
            let now = Instant::now();
            self.look(&mut announced, now);
            self.plan.on_time(now);
            self.dispatch(now);
            self.ask(now);
            if self.is_done(now) {
                break;
            }
            let wake_at = self.wake_at();
            tokio::select! {
                biased;
                Some(answered) = self.answers.next(), if !self.answers.is_empty() => self.answered(answered),
                Some((broker, result)) = self.connecting.next(), if !self.connecting.is_empty() => {
                    self.connected(broker, result);
                }
                command = self.commands.recv(), if commands_open => match command {
                    Some(command) => self.command(command, &mut announced),
                    None => commands_open = false,
                },
                result = wait_for(&mut self.identity) => self.identified(result),
                Ok(()) = self.metadata.changed() => self.on_metadata(),
                () = self.shared.wake.notified() => {}
                () = wait_until(wake_at) => {}
            }
        }
    }

    /// Takes in the queues that have changed.
    fn look(&mut self, announced: &mut Vec<Arc<PartitionQueue>>, now: Instant) {
        self.shared.take_announced(announced);
        if announced.is_empty() {
            return;
        }
        // What is new in it may be why they are announced.
        if self.metadata.has_changed().unwrap_or(false) {
            self.on_metadata();
        }
        let metadata = Arc::clone(&self.seen);
        for queue in announced.drain(..) {
            if !self.topic_ids.contains_key(queue.topic())
                && let Some(id) = metadata.topic(queue.topic()).and_then(|topic| topic.id)
            {
                self.topic_ids.insert(queue.topic().clone(), id);
            }
            self.plan.announced(&queue, |topic, partition| leader_of(&metadata, topic, partition), now);
        }
    }

    fn on_metadata(&mut self) {
        self.seen = self.metadata.borrow_and_update().clone();
        let metadata = Arc::clone(&self.seen);
        for topic in metadata.topics() {
            if self.shared.topic(&topic.name).is_some() {
                self.shared.set_partitions(&topic.name, u32::try_from(topic.partitions.len()).unwrap_or(0));
                if let Some(id) = topic.id
                    && self.topic_ids.insert(topic.name.clone(), id).is_some_and(|before| before != id)
                {
                    self.plan.on_created_anew(&topic.name);
                }
            }
        }
        let now = Instant::now();
        self.plan.on_leaders(|topic, partition| leader_of(&metadata, topic, partition), now);
    }

    /// Sends what is ready to whoever can take it.
    fn dispatch(&mut self, now: Instant) {
        let ready: Vec<i32> = self.plan.ready_brokers().collect();
        for id in ready {
            loop {
                let broker = self.brokers.entry(id).or_default();
                if broker.connection.as_ref().is_some_and(Connection::is_closed) {
                    broker.connection = None;
                }
                let Some(connection) = broker.connection.clone() else {
                    // What the old connection lost has to be known before anything goes over a new one.
                    if !broker.connecting && broker.in_flight == 0 {
                        broker.connecting = true;
                        let client = self.client.clone();
                        self.connecting
                            .push(Box::pin(async move { (id, client.connection(id, Lane::Produce).await) }));
                    }
                    self.plan.stalled(id, now);
                    break;
                };
                if broker.in_flight >= self.max_in_flight {
                    self.plan.stalled(id, now);
                    break;
                }
                let parts = self.plan.fill(id, now);
                if parts.is_empty() || !self.send(id, &connection, parts, now) {
                    break;
                }
            }
        }
    }

    /// Hands a request to the connection; false if that was not possible.
    fn send(&mut self, broker: i32, connection: &Connection, parts: Vec<Part>, now: Instant) -> bool {
        let ids = request::topic_ids(&parts, &self.seen);
        let mut options = self.options;
        if ids.is_none() {
            options = options.with_max_version(request::MAX_VERSION_BY_NAME);
        }
        if let Err(error) = self.check_version(connection, options) {
            parts.iter().for_each(|part| self.plan.fail(part.id, part.number, error.clone()));
            return true;
        }
        let timeout_ms = i32::try_from(self.options.timeout.as_millis()).unwrap_or(i32::MAX);
        let acks = self.acks;
        let body = request::request(&parts, ids.as_ref(), acks, timeout_ms);
        count(&self.plan.hooks.counters.requests, 1);
        if acks == Acks::None {
            let connection = connection.clone();
            self.in_flight(broker);
            self.answers.push(Box::pin(async move {
                let written = connection.send_one_way(options, |_| body).await;
                let response = written.map(|()| ProduceResponse::default());
                Answered { broker, parts, ids, response }
            }));
            return true;
        }
        match connection.send(options, |_| body) {
            Ok(answer) => {
                self.in_flight(broker);
                self.answers.push(Box::pin(async move {
                    let response = answer.await;
                    Answered { broker, parts, ids, response }
                }));
                true
            }
            Err(error) if error.is_retriable() => {
                parts.iter().for_each(|part| self.plan.not_sent(part, now));
                false
            }
            Err(error) => {
                let error = ProduceError::from_client(Arc::new(error));
                parts.iter().for_each(|part| self.plan.fail(part.id, part.number, error.clone()));
                true
            }
        }
    }

    fn in_flight(&mut self, broker: i32) {
        self.brokers.entry(broker).or_default().in_flight += 1;
    }

    fn check_version(&self, connection: &Connection, options: CallOptions) -> Result<(), ProduceError> {
        let version = connection
            .api_versions()
            .negotiate::<ProduceRequest>(options.max_version)
            .map_err(|error| ProduceError::from_client(Arc::new(error)))?;
        if self.compression == Compression::Zstd && version < request::MIN_VERSION_FOR_ZSTD {
            let message = "the broker is too old for `compression_type` zstd: use gzip, snappy or lz4, or upgrade it to 2.1";
            return Err(ProduceError::new(ProduceErrorKind::Unsupported, message));
        }
        Ok(())
    }

    fn answered(&mut self, answered: Answered) {
        let Answered { broker, mut parts, ids, response } = answered;
        let now = Instant::now();
        if let Some(broker) = self.brokers.get_mut(&broker) {
            broker.in_flight = broker.in_flight.saturating_sub(1);
        }
        // What is encoded belongs to the batches again, so that their memory can be used for the next.
        parts.iter_mut().for_each(|part| part.records.clear());
        let heard = match response {
            Ok(_) if self.acks == Acks::None => {
                parts.iter().map(|_| Heard::Written { base_offset: None, log_append_time: None }).collect()
            }
            Ok(response) => request::heard(&parts, ids.as_ref(), response),
            Err(error) => {
                let error = Arc::new(error);
                parts.iter().map(|_| Heard::Lost(error.clone())).collect()
            }
        };
        for (part, heard) in parts.iter().zip(&heard) {
            if let Heard::Refused { leader: Some(leader), .. } = heard {
                let partition = TopicPartition::new(part.topic.clone(), part.partition);
                let leader = ClusterLeader { id: leader.broker, epoch: Some(leader.epoch) };
                let topic_id = ids.as_ref().and_then(|ids| ids.get(&part.topic)).copied();
                self.client.update_leader(&partition, topic_id, leader, &[]);
            }
            self.plan.heard(part, heard, now);
        }
    }

    fn connected(&mut self, id: i32, result: Result<Connection, Error>) {
        let broker = self.brokers.entry(id).or_default();
        broker.connecting = false;
        match result {
            Ok(connection) => broker.connection = Some(connection),
            Err(error) if error.is_fatal() => {
                let error = ProduceError::from_client(Arc::new(error));
                self.plan.abort_broker(id, &error, Instant::now());
            }
            Err(error) => {
                tracing::debug!(broker = id, %error, "no connection to the leader yet");
                // Its partitions may have other leaders by the time it is tried again.
                self.plan.set_back(id, Instant::now(), self.client.config().retry_backoff);
            }
        }
    }

    /// Asks for what the plan lacks.
    fn ask(&mut self, now: Instant) {
        if std::mem::take(&mut self.plan.wants_identity) && self.identity.is_none() {
            let (client, options) = (self.client.clone(), self.options);
            let wait = (self.identity_failures > 0).then(|| self.backoff.delay(self.identity_failures - 1));
            self.identity = Some(Box::pin(async move {
                if let Some(wait) = wait {
                    tokio::time::sleep(wait).await;
                }
                identity::new_identity(client, options).await
            }));
        }
        if std::mem::take(&mut self.plan.wants_metadata) {
            self.client.request_metadata_update();
            self.metadata_due = now.checked_add(self.backoff.delay(2));
        } else if self.metadata_due.is_some_and(|due| due <= now) {
            self.metadata_due = None;
            self.plan.consider_all(now);
            if std::mem::take(&mut self.plan.wants_metadata) {
                self.client.request_metadata_update();
                self.metadata_due = now.checked_add(self.backoff.delay(2));
            }
        }
    }

    fn identified(&mut self, result: Result<Identity, Error>) {
        self.identity = None;
        match result {
            Ok(identity) => {
                self.identity_failures = 0;
                self.plan.on_identity(identity, Instant::now());
            }
            Err(error) if error.is_retriable() && error.kind() != &ErrorKind::Closed => {
                tracing::debug!(%error, "no producer id yet");
                self.identity_failures = self.identity_failures.saturating_add(1);
                self.plan.wants_identity = true;
            }
            Err(error) => {
                // What waits for it cannot be sent; the next records ask again.
                let error = ProduceError::from_client(Arc::new(error));
                self.plan.abort(|| error.clone());
            }
        }
    }

    fn command(&mut self, command: Command, announced: &mut Vec<Arc<PartitionQueue>>) {
        let now = Instant::now();
        self.look(announced, now);
        let metadata = Arc::clone(&self.seen);
        let leader = |topic: &str, partition| leader_of(&metadata, topic, partition);
        match command {
            Command::Flush(token) => self.plan.flush(&token, leader, now),
            Command::Close { deadline, done } => {
                self.shared.close();
                let (token, _) = FlushToken::new();
                self.plan.flush(&token, leader, now);
                let closing = self.closing.get_or_insert(Closing { deadline, done: Vec::new() });
                closing.deadline = closing.deadline.into_iter().chain(deadline).min();
                closing.done.extend(done);
            }
        }
    }

    fn is_done(&mut self, now: Instant) -> bool {
        let Some(closing) = &self.closing else { return false };
        if !self.plan.is_idle() {
            if closing.deadline.is_none_or(|deadline| deadline > now) {
                return false;
            }
            let why = || {
                let message =
                    "the producer was closed before the records could be written: give `close` more time";
                ProduceError::new(ProduceErrorKind::Closed, message)
            };
            self.plan.abort(why);
        }
        true
    }

    fn wake_at(&self) -> Option<Instant> {
        let closing = self.closing.as_ref().and_then(|closing| closing.deadline);
        self.plan.next_timer().into_iter().chain(self.metadata_due).chain(closing).min()
    }
}

impl Drop for Sender {
    /// Also runs when the runtime ends: nobody is left waiting for an outcome.
    fn drop(&mut self) {
        self.shared.close();
        self.plan.abort(|| {
            let message =
                "the producer ended with its runtime before the records were written: close it first";
            ProduceError::new(ProduceErrorKind::Closed, message)
        });
        let done = self.closing.take().map(|closing| closing.done).unwrap_or_default();
        for done in done {
            let _ = done.send(());
        }
    }
}

fn leader_of(metadata: &Metadata, topic: &str, partition: i32) -> Option<Leader> {
    let partition = metadata.topic(topic)?.partition(partition)?;
    Some(Leader { broker: partition.leader?, epoch: partition.leader_epoch.unwrap_or(-1) })
}

async fn wait_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

async fn wait_for<T>(future: &mut Option<Boxed<T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
