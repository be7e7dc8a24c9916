//! What happens to bytes on their way.

use std::time::Duration;

/// What happens in both directions. The default does no harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// From who connects to the address behind the proxy.
    pub up: Flow,
    /// The way back.
    pub down: Flow,
}

impl Link {
    /// The same in both directions.
    #[must_use]
    pub fn both(flow: Flow) -> Self {
        Self { up: flow, down: flow }
    }
}

/// What happens in one direction. The default does no harm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// How much later each byte arrives.
    pub latency: Duration,
    /// How many bytes a second pass on each connection; `None`: as many as come.
    pub bytes_per_second: Option<u64>,
    /// How many bytes are written at once; `None`: as many as there are.
    pub at_once: Option<usize>,
    /// Bytes are taken and go nowhere. A connection that has lost any never carries bytes in this direction again.
    pub swallow: bool,
    /// When connections end.
    pub cut: Option<Cut>,
}

/// The end of a connection after so many bytes.
///
/// For a request of Kafka: `up` after 0 bytes ends it before any of it is written, `up` after a few in its midst, and `down`
/// after 0 bytes when it was applied and before the answer is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// How many bytes still pass on each connection, counted from when this was set.
    pub after: u64,
    /// What both sides see then.
    pub end: End,
}

/// What is seen of the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// An end of the stream.
    Close,
    /// A reset.
    Reset,
}
