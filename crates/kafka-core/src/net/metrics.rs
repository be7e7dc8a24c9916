use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a client's connections have done so far; counted by all of them together.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(super) connections_opened: AtomicU64,
    pub(super) connections_closed: AtomicU64,
    pub(super) connection_failures: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) responses: AtomicU64,
    pub(super) bytes_sent: AtomicU64,
    pub(super) bytes_received: AtomicU64,
    pub(super) latency_micros: AtomicU64,
    pub(super) throttled_millis: AtomicU64,
}

/// The counters of a client's connections at one moment. They only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientMetrics {
    /// Connections that were set up completely.
    pub connections_opened: u64,
    /// Of those, the ones that have ended, for whatever reason.
    pub connections_closed: u64,
    /// Attempts that did not lead to a connection.
    pub connection_failures: u64,
    /// Requests handed to a connection.
    pub requests: u64,
    /// Answers received.
    pub responses: u64,
    /// Bytes written, lengths and headers included, TLS not.
    pub bytes_sent: u64,
    /// Bytes read, lengths and headers included, TLS not.
    pub bytes_received: u64,
    /// The time from request to answer, summed up over `responses`.
    pub request_latency: Duration,
    /// How long brokers asked this client to be silent (KIP-219).
    pub throttled: Duration,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> ClientMetrics {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ClientMetrics {
            connections_opened: get(&self.connections_opened),
            connections_closed: get(&self.connections_closed),
            connection_failures: get(&self.connection_failures),
            requests: get(&self.requests),
            responses: get(&self.responses),
            bytes_sent: get(&self.bytes_sent),
            bytes_received: get(&self.bytes_received),
            request_latency: Duration::from_micros(get(&self.latency_micros)),
            throttled: Duration::from_millis(get(&self.throttled_millis)),
        }
    }
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

/// A whole number of `u64` from one that may be wider.
pub(super) fn saturated(n: u128) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
