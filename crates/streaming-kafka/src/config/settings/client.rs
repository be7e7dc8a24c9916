use kafka_core::cluster::ClientConfig;

use super::kind::{Kind, MAX, buffer, millis};
use super::{Place, Setting};

/// The settings of connections, which producers and consumers share; each of the two has its own values.
pub(super) static CLIENT: &[Setting] = &[
    setting(
        "client.id",
        "streaming-kafka",
        "the name that brokers show in logs, metrics and quotas",
        Kind::Text(|c, v| c.client_id = v.to_owned()),
    ),
    time(
        "socket.connection.setup.timeout.ms",
        "10000",
        "how long opening a connection may take at first",
        1,
        |c, v| c.connection_setup_timeout = millis(v),
    ),
    time(
        "socket.connection.setup.timeout.max.ms",
        "30000",
        "up to where that grows with each failure",
        1,
        |c, v| c.connection_setup_timeout_max = millis(v),
    ),
    time("reconnect.backoff.ms", "50", "the wait before connecting again to a broker", 0, |c, v| {
        c.reconnect_backoff = millis(v);
    }),
    time("reconnect.backoff.max.ms", "1000", "up to where that grows with each failure", 0, |c, v| {
        c.reconnect_backoff_max = millis(v);
    }),
    time("retry.backoff.ms", "100", "the wait before a failed request is sent again", 0, |c, v| {
        c.retry_backoff = millis(v);
    }),
    time("retry.backoff.max.ms", "1000", "up to where that grows with each failure", 0, |c, v| {
        c.retry_backoff_max = millis(v);
    }),
    time("metadata.max.age.ms", "300000", "metadata is asked for again after this time", 1, |c, v| {
        c.metadata_max_age = millis(v);
    }),
    time(
        "metadata.recovery.rebootstrap.trigger.ms",
        "300000",
        "after so long without any broker the bootstrap servers are asked again",
        0,
        |c, v| c.metadata_rebootstrap_trigger = millis(v),
    ),
    time("connections.max.idle.ms", "540000", "connections unused for so long are closed", 1, |c, v| {
        c.connections_max_idle = millis(v);
    }),
    setting(
        "send.buffer.bytes",
        "131072",
        "the socket's send buffer; -1 leaves the system's",
        Kind::Whole { unit: " of bytes", min: -1, max: MAX, set: |c, v| c.send_buffer_bytes = buffer(v) },
    ),
    setting(
        "receive.buffer.bytes",
        "-1",
        "the socket's receive buffer; -1 leaves the system's, which grows with what comes",
        Kind::Whole { unit: " of bytes", min: -1, max: MAX, set: |c, v| c.receive_buffer_bytes = buffer(v) },
    ),
];

const fn setting(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    kind: Kind<ClientConfig>,
) -> Setting {
    Setting { name, default, doc, place: Place::Client(kind) }
}

const fn time(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    min: i64,
    set: fn(&mut ClientConfig, i64),
) -> Setting {
    setting(name, default, doc, Kind::Whole { unit: " of milliseconds", min, max: MAX, set })
}
