use std::sync::Arc;
use std::time::Duration;

use crate::net::{Address, Authenticator, Connector};

/// What a [`Client`](super) needs to reach a cluster.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// `bootstrap.servers`: where to ask for the cluster's brokers.
    pub bootstrap_servers: Vec<Address>,
    /// `client.id`, which brokers show in logs, metrics and quotas. Default: `streaming-kafka`.
    pub client_id: String,
    /// Opens byte streams; `None` is plain TCP.
    pub connector: Option<Arc<dyn Connector>>,
    /// Proves who the client is; `None` where the listener does not ask.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// `request.timeout.ms`: how long one request may take. Default: 30 s.
    pub request_timeout: Duration,
    /// `socket.connection.setup.timeout.ms` (KIP-601). Default: 10 s.
    pub connection_setup_timeout: Duration,
    /// `socket.connection.setup.timeout.max.ms`: up to where the above grows with each failure. Default: 30 s.
    pub connection_setup_timeout_max: Duration,
    /// `reconnect.backoff.ms`. Default: 50 ms.
    pub reconnect_backoff: Duration,
    /// `reconnect.backoff.max.ms`. Default: 1 s.
    pub reconnect_backoff_max: Duration,
    /// `retry.backoff.ms`. Default: 100 ms.
    pub retry_backoff: Duration,
    /// `retry.backoff.max.ms` (KIP-580). Default: 1 s.
    pub retry_backoff_max: Duration,
    /// `metadata.max.age.ms`: metadata is asked for again after this time even if nothing failed. Default: 300 s.
    pub metadata_max_age: Duration,
    /// `metadata.recovery.rebootstrap.trigger.ms` (KIP-1102): how long no broker may answer before the bootstrap
    /// servers are asked again. Default: 300 s.
    pub metadata_rebootstrap_trigger: Duration,
    /// `allow.auto.create.topics`: whether asking for an unknown topic may create it, where the broker allows it.
    /// Default: false.
    pub allow_auto_topic_creation: bool,
    /// `connections.max.idle.ms`. Default: 540 s.
    pub connections_max_idle: Duration,
    /// `send.buffer.bytes`; `None` leaves the system's. Default: 131,072.
    pub send_buffer_bytes: Option<usize>,
    /// `receive.buffer.bytes`; `None` leaves the system's, which grows with what comes. Default: `None`: Java's 65,536
    /// bytes make a consumer ask more than twice as often, for up to a quarter more CPU time.
    pub receive_buffer_bytes: Option<usize>,
    /// The largest answer accepted, in bytes. Default: 104,857,600 (the broker's `socket.request.max.bytes`).
    pub max_response_size: usize,
}

impl ClientConfig {
    /// A configuration with Kafka's defaults for plain TCP.
    pub fn new(bootstrap_servers: impl IntoIterator<Item = Address>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into_iter().collect(),
            client_id: "streaming-kafka".to_owned(),
            connector: None,
            authenticator: None,
            request_timeout: Duration::from_secs(30),
            connection_setup_timeout: Duration::from_secs(10),
            connection_setup_timeout_max: Duration::from_secs(30),
            reconnect_backoff: Duration::from_millis(50),
            reconnect_backoff_max: Duration::from_secs(1),
            retry_backoff: Duration::from_millis(100),
            retry_backoff_max: Duration::from_secs(1),
            metadata_max_age: Duration::from_secs(300),
            metadata_rebootstrap_trigger: Duration::from_secs(300),
            allow_auto_topic_creation: false,
            connections_max_idle: Duration::from_secs(540),
            send_buffer_bytes: Some(131_072),
            receive_buffer_bytes: None,
            max_response_size: 104_857_600,
        }
    }
}
