//! The connections of a client: one per broker and lane, opened when first asked for, opened again after they end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

use super::{Broker, ClientConfig};
use crate::backoff::ExponentialBackoff;
use crate::net::{Address, Connection, Dialer, TcpConnector};
use crate::watch;
use crate::{Error, ErrorKind, Result};

/// What a connection is used for. Each lane has its own connection per broker, so that a long poll never delays a
/// heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Record batches to the leaders of their partitions.
    Produce,
    /// Long polls for records.
    Fetch,
    /// Group membership, offsets and transactions.
    Coordinator,
    /// Metadata, topics and everything else.
    Admin,
}

/// Whom a connection leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Broker(i32),
    /// A bootstrap server by its place in the settings; its broker id is not known.
    Bootstrap(usize),
}

/// The error of everything that is asked of a client after its end.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the client was closed")
}

#[derive(Debug)]
pub(super) struct Connections {
    pub(super) dialer: Dialer,
    setup_timeout: ExponentialBackoff,
    backoff: ExponentialBackoff,
    slots: Mutex<BTreeMap<(Node, Lane), Arc<Slot>>>,
    is_closed: watch::Sender<bool>,
}

/// The place of one connection.
#[derive(Debug)]
struct Slot {
    address: Address,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<Connection>,
    /// The attempt that is under way; all who want the connection wait for its one outcome.
    attempt: Option<watch::Receiver<Option<Result<Connection>>>>,
    failures: u32,
    /// Why the last attempt failed, if it did.
    last_failure: Option<Error>,
    not_before: Option<Instant>,
}

impl Connections {
    pub(super) fn new(config: &ClientConfig) -> Self {
        let tcp = TcpConnector::new()
            .with_send_buffer(config.send_buffer_bytes)
            .with_receive_buffer(config.receive_buffer_bytes);
        let dialer = Dialer::new(config.client_id.as_str())
            .with_connector(config.connector.clone().unwrap_or_else(|| Arc::new(tcp)))
            .with_authenticator(config.authenticator.clone())
            .with_request_timeout(config.request_timeout)
            .with_max_idle(config.connections_max_idle)
            .with_max_response_size(config.max_response_size);
        Self {
            dialer,
            setup_timeout: ExponentialBackoff::new(
                config.connection_setup_timeout,
                config.connection_setup_timeout_max,
            ),
            backoff: ExponentialBackoff::new(config.reconnect_backoff, config.reconnect_backoff_max),
            slots: Mutex::default(),
            is_closed: watch::Sender::new(false),
        }
    }

    /// The connection to `node` for `lane`, opened if need be.
    ///
    /// After failures it waits first (`reconnect.backoff.ms`); callers share the wait, the attempt and its outcome.
    pub(super) async fn get(
        self: &Arc<Self>,
        node: Node,
        address: &Address,
        lane: Lane,
    ) -> Result<Connection> {
        let slot = self.slot(node, address, lane)?;
        let mut attempt = {
            let mut state = slot.state.lock();
            match &state.connection {
                Some(connection) if !connection.is_closed() => return Ok(connection.clone()),
                _ => state.connection = None,
            }
            match &state.attempt {
                Some(attempt) => attempt.clone(),
                None => {
                    let (outcome, attempt) = watch::channel(None);
                    state.attempt = Some(attempt.clone());
                    let (failures, not_before) = (state.failures, state.not_before);
                    drop(state);
                    tokio::spawn(self.clone().attempt(slot, failures, not_before, outcome));
                    attempt
                }
            }
        };
        match attempt.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(Error::new(ErrorKind::Disconnected, "the attempt to connect was stopped")
                .with_broker(address)),
        }
    }

    /// The connection to `node` for `lane`, if it is open.
    pub(super) fn open(&self, node: Node, lane: Lane) -> Option<Connection> {
        let slot = self.slots.lock().get(&(node, lane)).cloned()?;
        let connection = slot.state.lock().connection.clone();
        connection.filter(|connection| !connection.is_closed())
    }

    /// Why the last attempt to open the connection to `node` for `lane` failed, if it did.
    pub(super) fn last_failure(&self, node: Node, lane: Lane) -> Option<Error> {
        let slot = self.slots.lock().get(&(node, lane)).cloned()?;
        slot.state.lock().last_failure.clone()
    }

    fn slot(&self, node: Node, address: &Address, lane: Lane) -> Result<Arc<Slot>> {
        let mut slots = self.slots.lock();
        if *self.is_closed.borrow() {
            return Err(closed());
        }
        match slots.get(&(node, lane)) {
            Some(slot) if slot.address == *address => Ok(slot.clone()),
            _ => {
                let slot = Arc::new(Slot { address: address.clone(), state: Mutex::default() });
                slots.insert((node, lane), slot.clone());
                Ok(slot)
            }
        }
    }

    async fn attempt(
        self: Arc<Self>,
        slot: Arc<Slot>,
        failures: u32,
        not_before: Option<Instant>,
        outcome: watch::Sender<Option<Result<Connection>>>,
    ) {
        let result = tokio::select! {
            biased;
            () = self.until_closed() => Err(closed()),
            result = async {
                if let Some(at) = not_before {
                    sleep_until(at).await;
                }
                self.dialer.open(&slot.address, self.setup_limit(failures)).await
            } => result,
        };
        {
            let mut state = slot.state.lock();
            state.attempt = None;
            match &result {
                Ok(connection) => {
                    state.connection = Some(connection.clone());
                    (state.failures, state.last_failure) = (0, None);
                    // A broker that accepts and at once hangs up is not asked again and again either.
                    state.not_before = Some(Instant::now() + self.backoff.delay(0));
                }
                Err(error) => {
                    state.last_failure = Some(error.clone());
                    state.not_before = Some(Instant::now() + self.backoff.delay(failures));
                    state.failures = failures.saturating_add(1);
                }
            }
        }
        // Closed while this was opening: whoever closed has not seen this connection.
        if let (Ok(connection), true) = (&result, *self.is_closed.borrow()) {
            connection.close(closed());
        }
        outcome.send_replace(Some(result));
    }

    /// `socket.connection.setup.timeout.ms`, grown by earlier failures (KIP-601).
    fn setup_limit(&self, failures: u32) -> Duration {
        self.setup_timeout.delay(failures)
    }

    /// Lets go of connections to brokers that are gone or have moved; what is under way on them is finished.
    pub(super) fn retain(&self, brokers: &BTreeMap<i32, Broker>) {
        self.slots.lock().retain(|(node, _), slot| match node {
            Node::Broker(id) => brokers.get(id).is_some_and(|broker| broker.address == slot.address),
            Node::Bootstrap(_) => brokers.is_empty(),
        });
    }

    /// Ends all connections and attempts; whoever waits gets [`ErrorKind::Closed`].
    pub(super) fn close(&self) {
        self.is_closed.send_replace(true);
        let slots = std::mem::take(&mut *self.slots.lock());
        for slot in slots.into_values() {
            if let Some(connection) = slot.state.lock().connection.take() {
                connection.close(closed());
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.is_closed.borrow()
    }

    /// Waits for [`close`](Self::close).
    pub(super) async fn until_closed(&self) {
        let _ = self.is_closed.subscribe().wait_for(|closed| *closed).await;
    }
}
