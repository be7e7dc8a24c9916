use std::net::SocketAddr;

use crate::fetching::Sessions;
use crate::groups::ShareSessions;

/// One broker of the cluster, as the others and the clients see it.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) id: i32,
    /// Where it listens: one place per listener.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) rack: Option<String>,
    pub(crate) alive: bool,
    /// The fetch sessions that it keeps for clients (KIP-227); gone when it stops.
    pub(crate) sessions: Sessions,
    /// The share sessions that it keeps for members of share groups; gone when it stops.
    pub(crate) share_sessions: ShareSessions,
}

impl Broker {
    pub(crate) fn new(id: i32, addresses: Vec<SocketAddr>) -> Self {
        let (sessions, share_sessions) = Default::default();
        Self { id, addresses, rack: None, alive: true, sessions, share_sessions }
    }

    /// Where who came by this listener finds the broker.
    pub(crate) fn host(&self, listener: usize) -> String {
        self.addresses.get(listener).map(|address| address.ip().to_string()).unwrap_or_default()
    }

    /// As [`host`](Self::host).
    pub(crate) fn port(&self, listener: usize) -> i32 {
        self.addresses.get(listener).map_or(-1, |address| address.port().into())
    }
}
