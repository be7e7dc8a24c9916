use std::net::SocketAddr;

use crate::fetching::Sessions;

/// One broker of the cluster, as the others and the clients see it.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) id: i32,
    pub(crate) address: SocketAddr,
    pub(crate) rack: Option<String>,
    pub(crate) alive: bool,
    /// The fetch sessions that it keeps for clients (KIP-227); gone when it stops.
    pub(crate) sessions: Sessions,
}

impl Broker {
    pub(crate) fn new(id: i32, address: SocketAddr) -> Self {
        Self { id, address, rack: None, alive: true, sessions: Sessions::default() }
    }

    pub(crate) fn host(&self) -> String {
        self.address.ip().to_string()
    }

    pub(crate) fn port(&self) -> i32 {
        self.address.port().into()
    }
}
