//! Keeping the metadata fresh: one task asks, everybody shares the answer.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::connections::{Connections, Lane, Node};
use super::interest::Interest;
use super::{ClientConfig, Metadata};
use crate::backoff::ExponentialBackoff;
use crate::net::{Address, CallOptions};
use crate::protocol::ErrorCode;
use crate::protocol::messages::metadata_request::MetadataRequestTopic;
use crate::protocol::messages::{MetadataRequest, MetadataResponse};
use crate::watch;
use crate::{Error, ErrorKind, Result};

/// `metadata.max.idle.ms`, which is fixed here: a topic that nobody asks for is forgotten after this time.
const TOPIC_IDLE: Duration = Duration::from_secs(300);
/// How long one broker may keep silent before the next is asked beside it.
const NEXT_BROKER_AFTER: Duration = Duration::from_secs(1);
/// What a user can do about brokers that do not answer.
const CHECK: &str = "check `bootstrap.servers`, the network and the brokers";

/// How the last request for metadata went.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    /// How many requests were made so far.
    pub(super) number: u64,
    /// Why the last one failed, if it did.
    pub(super) error: Option<Error>,
}

/// The metadata and all that is needed to renew it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) config: ClientConfig,
    pub(super) connections: Arc<Connections>,
    pub(super) metadata: watch::Sender<Arc<Metadata>>,
    pub(super) rounds: watch::Sender<Round>,
    wanted: Mutex<Wanted>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Wanted {
    interest: Interest,
    /// Somebody found the metadata out of date.
    requested: bool,
    /// The known brokers are no use any more (KIP-1102).
    rebootstrap: bool,
}

impl Cluster {
    pub(super) fn new(config: ClientConfig) -> Self {
        Self {
            connections: Arc::new(Connections::new(&config)),
            config,
            metadata: watch::Sender::new(Arc::default()),
            rounds: watch::Sender::new(Round::default()),
            wanted: Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(super) fn snapshot(&self) -> Arc<Metadata> {
        self.metadata.borrow().clone()
    }

    /// Puts a newer snapshot in the place of the present one, where `change` makes one.
    pub(super) fn change(&self, change: impl FnOnce(&Metadata) -> Option<Metadata>) -> bool {
        self.metadata.send_if_modified(|present| match change(present) {
            Some(next) => {
                *present = Arc::new(next);
                true
            }
            None => false,
        })
    }

    /// Asks for all topics in use again, soon.
    pub(super) fn request_update(&self) {
        self.wanted.lock().requested = true;
        self.wake.notify_one();
    }

    /// Notes that a topic is in use, and asks for it if it is new.
    pub(super) fn touch(&self, topic: &str) {
        if self.wanted.lock().interest.touch(topic, Instant::now()) {
            self.wake.notify_one();
        }
    }

    pub(super) fn pin(&self, topic: &str) {
        if self.wanted.lock().interest.pin(topic, Instant::now()) {
            self.wake.notify_one();
        }
    }

    pub(super) fn unpin(&self, topic: &str) {
        self.wanted.lock().interest.unpin(topic);
    }

    /// The task: ends when the client is closed.
    pub(super) async fn keep_fresh(self: Arc<Self>) {
        tokio::select! {
            biased;
            () = self.connections.until_closed() => {}
            () = self.refresh_forever() => {}
        }
    }

    async fn refresh_forever(self: &Arc<Self>) {
        let backoff = ExponentialBackoff::new(self.config.retry_backoff, self.config.retry_backoff_max);
        let (mut failures, mut last_attempt, mut last_success) = (0u32, None::<Instant>, None::<Instant>);
        let mut failing_since = None;
        loop {
            self.until_wanted(last_success).await;
            if let Some(last) = last_attempt {
                let not_before = last + backoff.delay(failures);
                if failures > 0 {
                    sleep_until(not_before).await;
                }
                // A topic that was never asked for need not wait for the others' turn.
                while !self.wanted.lock().interest.has_new() {
                    tokio::select! {
                        biased;
                        () = sleep_until(not_before) => break,
                        () = self.wake.notified() => {}
                    }
                }
            }
            last_attempt = Some(Instant::now());
            let outcome = self.refresh(last_success, failing_since).await;
            match &outcome {
                Ok(()) => {
                    (failures, failing_since) = (0, None);
                    last_success = Some(Instant::now());
                }
                Err(error) => {
                    // An outage is worth one warning, not one per second.
                    match failures {
                        0 => warn!(%error, "no metadata; trying on"),
                        _ => debug!(%error, failures, "no metadata"),
                    }
                    failing_since = failing_since.or(last_attempt);
                    failures = failures.saturating_add(1);
                    // Nobody may be waiting, but the next user should not pay for this.
                    self.wanted.lock().requested = true;
                    self.wake.notify_one();
                }
            }
            self.rounds.send_modify(|round| {
                round.number += 1;
                round.error = outcome.err();
            });
        }
    }

    /// Waits until somebody asks, or the metadata is old.
    async fn until_wanted(&self, last_success: Option<Instant>) {
        loop {
            {
                let wanted = self.wanted.lock();
                if wanted.requested || wanted.rebootstrap || wanted.interest.has_new() {
                    return;
                }
            }
            match last_success {
                // Not asked for anything yet: a client that is not used opens no connection.
                None => self.wake.notified().await,
                Some(at) => tokio::select! {
                    biased;
                    () = self.wake.notified() => {}
                    () = sleep_until(at + self.config.metadata_max_age) => return,
                },
            }
        }
    }

    /// One round: asks, and publishes the answer.
    async fn refresh(
        self: &Arc<Self>,
        last_success: Option<Instant>,
        failing_since: Option<Instant>,
    ) -> Result<()> {
        let now = Instant::now();
        let (topics, only_new, rebootstrap) = {
            let mut wanted = self.wanted.lock();
            let aged = last_success.is_none_or(|at| now >= at + self.config.metadata_max_age);
            let hopeless =
                failing_since.is_some_and(|at| now >= at + self.config.metadata_rebootstrap_trigger);
            let only_new = wanted.interest.has_new() && !wanted.requested && !aged;
            let rebootstrap = std::mem::take(&mut wanted.rebootstrap) || hopeless;
            wanted.requested = false;
            (wanted.interest.take(only_new, now, TOPIC_IDLE), only_new, rebootstrap)
        };
        match self.fetch(Some(&topics), rebootstrap).await {
            Ok(response) => {
                debug!(brokers = response.brokers.len(), topics = response.topics.len(), "metadata");
                self.publish(response, only_new);
                Ok(())
            }
            Err(error) => {
                let mut wanted = self.wanted.lock();
                wanted.interest.put_back(&topics);
                wanted.rebootstrap |= error.code() == Some(ErrorCode::REBOOTSTRAP_REQUIRED);
                Err(error)
            }
        }
    }

    fn publish(&self, response: MetadataResponse, keep_others: bool) {
        let known = self.snapshot();
        let cluster_id = response.cluster_id.as_deref();
        if let (Some(old), Some(new)) = (known.cluster_id.as_deref(), cluster_id)
            && old != new
        {
            warn!(
                old,
                new, "the brokers now belong to another cluster: do all bootstrap servers belong to one?"
            );
        }
        self.change(|present| {
            let wanted = self.wanted.lock();
            Some(present.updated(response, |topic| keep_others || wanted.interest.contains(topic)))
        });
        self.connections.retain(&self.snapshot().brokers);
    }

    /// For each bootstrap server, why it did not answer, or that it did not yet.
    pub(super) fn silent(&self) -> String {
        let servers = self.config.bootstrap_servers.iter().enumerate().map(|(place, address)| {
            match self.connections.last_failure(Node::Bootstrap(place), Lane::Admin) {
                Some(error) => error.to_string(),
                None => format!("no answer yet from {address}"),
            }
        });
        let servers: Vec<_> = servers.collect();
        format!("{}; {CHECK}", servers.join("; "))
    }

    /// Asks any broker about `topics`, or about all there are.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        topics: Option<&[Arc<str>]>,
        rebootstrap: bool,
    ) -> Result<MetadataResponse> {
        let topic =
            |name: &Arc<str>| MetadataRequestTopic { name: Some(name.to_string()), ..Default::default() };
        let request = Arc::new(MetadataRequest {
            topics: topics.map(|topics| topics.iter().map(topic).collect()),
            allow_auto_topic_creation: self.config.allow_auto_topic_creation,
            ..Default::default()
        });
        let nodes = if rebootstrap { Vec::new() } else { self.nodes() };
        let response = match self.race(nodes, request.clone()).await {
            Ok(response) => response,
            // All known brokers are gone: perhaps the whole cluster has moved (KIP-899).
            Err(failures) => {
                self.race(self.bootstrap(), request).await.map_err(|more| unreachable(failures, more))?
            }
        };
        match ErrorCode(response.error_code) {
            ErrorCode::NONE => Ok(response),
            code => Err(Error::from_code(code)),
        }
    }

    /// Sends `request` to `nodes` in turn until one answers; one that keeps silent does not hold up the rest.
    async fn race(
        self: &Arc<Self>,
        nodes: Vec<(Node, Address)>,
        request: Arc<MetadataRequest>,
    ) -> Result<MetadataResponse, Vec<Error>> {
        let mut untried = nodes.into_iter();
        let mut attempts = JoinSet::new();
        let mut failures = Vec::new();
        loop {
            let next = untried.next();
            let more = next.is_some();
            if let Some((node, address)) = next {
                attempts.spawn(self.clone().ask(node, address, request.clone()));
            }
            tokio::select! {
                biased;
                answer = attempts.join_next() => match answer {
                    Some(Ok(Ok(response))) => return Ok(response),
                    Some(Ok(Err(error))) => failures.push(error),
                    Some(Err(stopped)) => failures.push(Error::new(ErrorKind::Disconnected, stopped.to_string())),
                    None => return Err(failures),
                },
                () = sleep(NEXT_BROKER_AFTER), if more => {}
            }
        }
    }

    async fn ask(
        self: Arc<Self>,
        node: Node,
        address: Address,
        request: Arc<MetadataRequest>,
    ) -> Result<MetadataResponse> {
        let connection = self.connections.get(node, &address, Lane::Admin).await?;
        let options = CallOptions::new(self.config.request_timeout);
        connection.send(options, |_| MetadataRequest::clone(&request))?.await
    }

    /// The known brokers, in the order in which to ask them: idle connections first, then those without one.
    pub(super) fn nodes(&self) -> Vec<(Node, Address)> {
        let metadata = self.snapshot();
        let mut nodes: Vec<_> = metadata
            .brokers
            .values()
            .map(|broker| {
                let node = Node::Broker(broker.id);
                let load = self.connections.open(node, Lane::Admin).map_or(usize::MAX, |open| open.load());
                (load, fastrand::u32(..), node, broker.address.clone())
            })
            .collect();
        nodes.sort_unstable_by_key(|&(load, dice, ..)| (load, dice));
        nodes.into_iter().map(|(_, _, node, address)| (node, address)).collect()
    }

    /// The bootstrap servers in random order.
    pub(super) fn bootstrap(&self) -> Vec<(Node, Address)> {
        let servers = self.config.bootstrap_servers.iter().cloned().enumerate();
        let mut nodes: Vec<_> = servers.map(|(place, address)| (Node::Bootstrap(place), address)).collect();
        fastrand::shuffle(&mut nodes);
        nodes
    }
}

/// One error that names each address and why it did not answer.
fn unreachable(mut failures: Vec<Error>, more: Vec<Error>) -> Error {
    failures.extend(more);
    // The same refusal awaits us everywhere, and only the user can do something about it.
    if let Some(fatal) = failures.iter().find(|error| error.is_fatal()) {
        return fatal.clone();
    }
    let mut reasons: Vec<_> = failures.iter().map(ToString::to_string).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let error = Error::new(ErrorKind::Connect, format!("no broker answers: {}; {CHECK}", reasons.join("; ")));
    match failures.into_iter().next() {
        Some(first) => error.with_source(first),
        None => error,
    }
}
