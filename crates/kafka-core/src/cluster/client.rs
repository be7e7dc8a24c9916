use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::attempts::Attempts;
use super::connections::{Lane, Node, closed};
use super::coordinators::{CoordinatorKind, Coordinators};
use super::refresh::Cluster;
use super::{Broker, ClientConfig, Leader, Metadata, TopicMetadata};
use crate::net::{CallOptions, ClientMetrics, Connection};
use crate::protocol::{ApiKey, ErrorCode, Request, Uuid};
use crate::watch;
use crate::{Error, ErrorKind, Result, TopicPartition};

/// A Kafka cluster: its metadata, and requests to its brokers.
///
/// Cheap to clone; all clones share connections and metadata. Everything ends with [`close`](Self::close) or when the
/// last clone is dropped.
#[derive(Clone)]
pub struct Client {
    owner: Arc<Owner>,
}

/// Ends the client's tasks when the last clone is gone; the tasks themselves only hold what is inside.
struct Owner {
    cluster: Arc<Cluster>,
    coordinators: Coordinators,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.cluster.connections.close();
    }
}

impl Client {
    /// A client of the cluster that `config` names. Nothing is connected before something is asked.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there is no bootstrap server, or no tokio runtime to run in.
    pub fn new(config: ClientConfig) -> Result<Self> {
        if config.bootstrap_servers.is_empty() {
            let message = "`bootstrap.servers` is empty: name at least one broker as `host:port`";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let runtime = Handle::try_current().map_err(|error| {
            let message = "a Kafka client must be made within a tokio runtime";
            Error::new(ErrorKind::InvalidInput, message).with_source(error)
        })?;
        let cluster = Arc::new(Cluster::new(config));
        runtime.spawn(cluster.clone().keep_fresh());
        Ok(Self { owner: Arc::new(Owner { cluster, coordinators: Coordinators::default() }) })
    }

    /// The settings it was made with.
    pub fn config(&self) -> &ClientConfig {
        &self.cluster().config
    }

    /// What its connections have done so far.
    pub fn metrics(&self) -> ClientMetrics {
        self.cluster().connections.dialer.metrics()
    }

    /// What is known of the cluster now. Never waits; empty before the first answer.
    pub fn metadata(&self) -> Arc<Metadata> {
        self.cluster().snapshot()
    }

    /// Follows the metadata: the receiver sees each newer snapshot.
    pub fn metadata_changes(&self) -> watch::Receiver<Arc<Metadata>> {
        self.cluster().metadata.subscribe()
    }

    /// Notes that the metadata seems out of date. It is asked for again soon, not more often than `retry.backoff.ms`
    /// allows; callers share the request.
    pub fn request_metadata_update(&self) {
        self.cluster().request_update();
    }

    /// Waits for the next metadata, successfully or not, that is asked for after this call.
    ///
    /// # Errors
    /// Why the request failed; [`Timeout`](ErrorKind::Timeout) at `deadline`, [`Closed`](ErrorKind::Closed).
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn refresh_metadata(&self, deadline: Instant) -> Result<Arc<Metadata>> {
        let started = Instant::now();
        let mut rounds = self.cluster().rounds.subscribe();
        rounds.mark_unchanged();
        self.request_metadata_update();
        tokio::select! {
            biased;
            () = self.cluster().connections.until_closed() => Err(closed()),
            round = rounds.changed() => match round.ok().and_then(|()| rounds.borrow().error.clone()) {
                None => Ok(self.metadata()),
                Some(error) => Err(error),
            },
            () = sleep_until(deadline) => Err(self.late("metadata", started)),
        }
    }

    /// Waits until the cluster's brokers are known.
    ///
    /// # Errors
    /// [`Connect`](ErrorKind::Connect), naming each address and why, if none answers for `request.timeout.ms`;
    /// [`Authentication`](ErrorKind::Authentication) and [`Tls`](ErrorKind::Tls) at once.
    pub async fn ready(&self) -> Result<Arc<Metadata>> {
        if self.metadata().version > 0 {
            return Ok(self.metadata());
        }
        self.request_metadata_update();
        let started = Instant::now();
        let deadline = started + self.config().request_timeout + self.config().connection_setup_timeout_max;
        self.wait_for(deadline, |metadata| (metadata.version > 0).then(|| Ok(metadata.clone())))
            .await
            .unwrap_or_else(|| Err(self.late("metadata", started)))
    }

    /// A topic that is in use from now on. Waits until it is known, which may be after it is created.
    ///
    /// A topic that nobody asks for is forgotten after five minutes, unless it is [tracked](Self::track_topics).
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound), naming the topic, at `deadline`; at once if the broker refuses it for good
    /// (an invalid name, no authorization); [`Connect`](ErrorKind::Connect) if no broker answers for
    /// `request.timeout.ms`.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn topic(&self, name: &str, deadline: Instant) -> Result<Arc<TopicMetadata>> {
        if let Some(topic) = self.metadata().topic(name) {
            self.cluster().touch(name);
            return Ok(topic.clone());
        }
        // What was said of it earlier is no answer now.
        self.cluster().change(|metadata| metadata.without_error(name));
        self.cluster().touch(name);
        self.request_metadata_update();
        let found = self.wait_for(deadline, |metadata| {
            if let Some(topic) = metadata.topic(name) {
                return Some(Ok(topic.clone()));
            }
            let code = metadata.topic_error(name)?;
            if !code.is_retriable() {
                return Some(Err(Error::from_code(code).with_topic(name)));
            }
            self.request_metadata_update();
            None
        });
        found.await.unwrap_or_else(|| {
            let reason = match self.metadata().topic_error(name) {
                Some(code) => format!("the brokers say: {}", code.description()),
                None => "no broker has answered".to_owned(),
            };
            let message = format!("the topic is not known ({reason}): create it, or check its name");
            Err(Error::new(ErrorKind::NotFound, message).with_topic(name))
        })
    }

    /// Keeps topics in use, whether or not anybody asks for them, until [`untrack_topics`](Self::untrack_topics).
    pub fn track_topics<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        names.into_iter().for_each(|name| self.cluster().pin(name));
    }

    /// Ends one earlier [`track_topics`](Self::track_topics) of each topic.
    pub fn untrack_topics<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        names.into_iter().for_each(|name| self.cluster().unpin(name));
    }

    /// All topics of the cluster that the client may see. They do not count as in use.
    ///
    /// # Errors
    /// [`Connect`](ErrorKind::Connect) if no broker answers.
    pub async fn list_all_topics(&self) -> Result<Vec<Arc<TopicMetadata>>> {
        let response = self.cluster().fetch(None, false).await?;
        let nothing = Metadata::default();
        Ok(nothing.updated(response, |_| false).topics().cloned().collect())
    }

    /// Takes over a newer leader that an answer to a produce or fetch request named (KIP-951). Returns whether that was
    /// news; a leader of an older or equal epoch is not, nor is one of a topic that was deleted since: `topic_id` is the id
    /// in the request, if it had one.
    pub fn update_leader(
        &self,
        partition: &TopicPartition,
        topic_id: Option<Uuid>,
        leader: Leader,
        brokers: &[Broker],
    ) -> bool {
        self.cluster().change(|metadata| metadata.with_leader(partition, topic_id, leader, brokers))
    }

    /// The connection to a broker for `lane`, opened if need be; callers share one attempt.
    ///
    /// Use it where the order of requests matters: [`Connection::send`] keeps that of its calls.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) for a broker that is not in the metadata, [`Connect`](ErrorKind::Connect),
    /// [`Tls`](ErrorKind::Tls), [`Authentication`](ErrorKind::Authentication), [`Closed`](ErrorKind::Closed).
    pub async fn connection(&self, broker_id: i32, lane: Lane) -> Result<Connection> {
        let metadata = self.ready().await?;
        let Some(broker) = metadata.brokers.get(&broker_id) else {
            self.request_metadata_update();
            let message = "the cluster has no such broker now; the metadata is being renewed";
            return Err(Error::new(ErrorKind::NotFound, message).with_broker(broker_id));
        };
        let opened = self.cluster().connections.get(Node::Broker(broker_id), &broker.address, lane).await;
        if opened.is_err() {
            self.request_metadata_update();
        }
        opened
    }

    /// Sends one request to a broker and waits for its answer. Nothing is retried.
    ///
    /// `build` makes the request for the version that was negotiated. It may take `options.timeout`, and before that
    /// whatever it takes to open the connection (`socket.connection.setup.timeout.ms`).
    ///
    /// # Errors
    /// Those of [`connection`](Self::connection) and [`Connection::send`], when nothing was sent;
    /// [`Timeout`](ErrorKind::Timeout) and [`Disconnected`](ErrorKind::Disconnected), when the outcome is unknown;
    /// [`Malformed`](ErrorKind::Malformed).
    ///
    /// # Cancel safety
    /// Dropping the future before the request was sent sends nothing; after that the request is carried out.
    pub async fn call<R: Request>(
        &self,
        broker_id: i32,
        lane: Lane,
        options: CallOptions,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::ResponseBody> {
        let connection = self.connection(broker_id, lane).await?;
        let answer = connection.send(options, build)?.await;
        if let Err(error) = &answer
            && error.is_retriable()
        {
            self.request_metadata_update();
        }
        answer
    }

    /// Sends a request that gets no answer (`acks=0`) and waits until it is written.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub async fn send_one_way<R: Request>(
        &self,
        broker_id: i32,
        lane: Lane,
        options: CallOptions,
        build: impl FnOnce(i16) -> R,
    ) -> Result<()> {
        self.connection(broker_id, lane).await?.send_one_way(options, build).await
    }

    /// Sends a request that any broker can answer, and tries another broker when one fails, for up to
    /// `options.timeout` in all. For requests that may be repeated.
    ///
    /// # Errors
    /// The last failure, when the time is over or another try cannot help.
    pub async fn call_any<R: Request>(
        &self,
        options: CallOptions,
        mut build: impl FnMut(i16) -> R,
    ) -> Result<R::ResponseBody> {
        let mut attempts = Attempts::within(options.timeout);
        loop {
            let attempt = self.call_first_reachable(options, &mut build);
            let outcome = timeout_at(attempts.deadline, attempt).await;
            if let Some(answer) = attempts.settle(self, outcome).await? {
                return Ok(answer);
            }
        }
    }

    async fn call_first_reachable<R: Request>(
        &self,
        options: CallOptions,
        build: impl FnOnce(i16) -> R,
    ) -> Result<R::ResponseBody> {
        self.ready().await?;
        let mut last = None;
        for (node, address) in self.cluster().nodes() {
            match self.cluster().connections.get(node, &address, Lane::Admin).await {
                Ok(connection) => return connection.send(options, build)?.await,
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new(ErrorKind::NotFound, "the cluster has no broker now")))
    }

    /// Sends a request to the cluster's controller, and follows the controller when it moves, for up to
    /// `options.timeout` in all. For requests that may be repeated.
    ///
    /// `error_of` finds the error code of an answer: [`ErrorCode::NOT_CONTROLLER`] there (or in any of its parts) means
    /// another try, every other answer is returned.
    ///
    /// # Errors
    /// The last failure, when the time is over or another try cannot help.
    pub async fn call_controller<R: Request>(
        &self,
        options: CallOptions,
        mut build: impl FnMut(i16) -> R,
        error_of: impl Fn(&R::ResponseBody) -> ErrorCode,
    ) -> Result<R::ResponseBody> {
        let mut attempts = Attempts::within(options.timeout);
        loop {
            let attempt = self.call_current_controller(options, &mut build, &error_of);
            let outcome = timeout_at(attempts.deadline, attempt).await;
            if let Some(answer) = attempts.settle(self, outcome).await? {
                return Ok(answer);
            }
        }
    }

    async fn call_current_controller<R: Request>(
        &self,
        options: CallOptions,
        build: impl FnOnce(i16) -> R,
        error_of: impl Fn(&R::ResponseBody) -> ErrorCode,
    ) -> Result<R::ResponseBody> {
        let controller = self.ready().await?.controller_id.ok_or_else(|| {
            let message = "the cluster has no controller now; the metadata is being renewed";
            Error::new(ErrorKind::NotFound, message).with_api(ApiKey::of::<R>())
        })?;
        let response = self.call(controller, Lane::Admin, options, build).await?;
        match error_of(&response) {
            code @ ErrorCode::NOT_CONTROLLER => {
                Err(Error::from_code(code).with_api(ApiKey::of::<R>()).with_broker(controller))
            }
            _ => Ok(response),
        }
    }

    /// The broker that coordinates a group or a transactional id; asked once, then remembered until
    /// [`forget_coordinator`](Self::forget_coordinator).
    ///
    /// # Errors
    /// The broker's error if it is final (no authorization), else the last one after `request.timeout.ms`.
    pub async fn coordinator(&self, kind: CoordinatorKind, key: &str) -> Result<i32> {
        self.owner.coordinators.find(self, kind, key).await
    }

    /// Notes that a coordinator has moved (`NOT_COORDINATOR`) or is unreachable; the next
    /// [`coordinator`](Self::coordinator) asks again.
    pub fn forget_coordinator(&self, kind: CoordinatorKind, key: &str) {
        self.owner.coordinators.forget(kind, key);
    }

    /// The versions of `api` that a broker speaks; `None` if it does not know the API.
    ///
    /// # Errors
    /// Those of [`connection`](Self::connection).
    pub async fn api_version_range(
        &self,
        broker_id: i32,
        api: ApiKey,
    ) -> Result<Option<RangeInclusive<i16>>> {
        Ok(self.any_lane(broker_id).await?.api_versions().range(api))
    }

    /// The finalized level of a cluster feature (KIP-584), such as `group.version` or `transaction.version`, as a broker
    /// says; `None` if the cluster does not have it.
    ///
    /// # Errors
    /// Those of [`connection`](Self::connection).
    pub async fn feature(&self, broker_id: i32, name: &str) -> Result<Option<i16>> {
        Ok(self.any_lane(broker_id).await?.api_versions().feature(name))
    }

    /// Ends all connections and tasks. Whoever waits for something gets [`Closed`](ErrorKind::Closed).
    pub fn close(&self) {
        self.cluster().connections.close();
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.cluster().connections.is_closed()
    }

    fn cluster(&self) -> &Arc<Cluster> {
        &self.owner.cluster
    }

    pub(super) fn learn_brokers(&self, brokers: &[Broker]) {
        self.cluster().change(|metadata| metadata.with_brokers(brokers));
    }

    async fn any_lane(&self, broker_id: i32) -> Result<Connection> {
        let lanes = [Lane::Admin, Lane::Coordinator, Lane::Produce, Lane::Fetch];
        let node = Node::Broker(broker_id);
        match lanes.into_iter().find_map(|lane| self.cluster().connections.open(node, lane)) {
            Some(open) => Ok(open),
            None => self.connection(broker_id, Lane::Admin).await,
        }
    }

    /// Why no broker answered when one was last asked for metadata; `None` if one did, or none was asked yet.
    ///
    /// Says so too while the client still has connections to some broker from before.
    pub fn unreachable(&self) -> Option<Error> {
        self.cluster().rounds.borrow().error.clone()
    }

    /// The error of waiting for `what` since `started` until the time was over: the reason that the last request for
    /// metadata gave, or whom the client is still waiting for.
    pub(super) fn late(&self, what: &str, started: Instant) -> Error {
        self.unreachable().unwrap_or_else(|| {
            let waited = started.elapsed();
            let silent = match self.metadata().version {
                0 => self.cluster().silent(),
                _ => "are the brokers overloaded or unreachable?".to_owned(),
            };
            Error::new(ErrorKind::Timeout(waited), format!("waited {waited:?} for {what} in vain: {silent}"))
        })
    }

    /// Waits until `found` finds what it looks for in the metadata; `None` at `deadline`.
    ///
    /// Fails when the client is closed, when no broker answers for the request timeout, and at once when brokers refuse
    /// who we are.
    async fn wait_for<T>(
        &self,
        deadline: Instant,
        mut found: impl FnMut(&Arc<Metadata>) -> Option<Result<T>>,
    ) -> Option<Result<T>> {
        let cluster = self.cluster();
        let unreachable_at = Instant::now() + self.config().request_timeout;
        let mut rounds = cluster.rounds.subscribe();
        rounds.mark_unchanged();
        let mut changes = cluster.metadata.subscribe();
        let mut failed: Option<Error> = None;
        loop {
            let metadata = changes.borrow_and_update().clone();
            if let Some(found) = found(&metadata) {
                return Some(found);
            }
            tokio::select! {
                biased;
                () = cluster.connections.until_closed() => return Some(Err(closed())),
                _ = changes.changed() => {}
                _ = rounds.changed() => {
                    failed = rounds.borrow_and_update().error.clone();
                    if let Some(error) = &failed
                        && error.is_fatal()
                    {
                        return Some(Err(error.clone()));
                    }
                }
                // Refused again and again: the reason is known, there is no need to wait for yet another.
                () = sleep_until(unreachable_at), if failed.is_some() => return failed.map(Err),
                () = sleep_until(deadline) => {
                    // Being unreachable explains why nothing was found.
                    return rounds.borrow().error.clone().map(Err);
                }
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("client_id", &self.config().client_id)
            .field("bootstrap_servers", &self.config().bootstrap_servers)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
