use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::BoxFuture;
use crate::{Error, ErrorKind, Result};

/// Where a broker listens: `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// A name, an IPv4 address, or an IPv6 address without brackets.
    pub host: Arc<str>,
    /// The TCP port.
    pub port: u16,
}

impl Address {
    /// An address from its parts; nothing is resolved.
    pub fn new(host: impl Into<Arc<str>>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    /// Reads `host:port`, an IPv6 address in brackets.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            Error::new(
                ErrorKind::InvalidInput,
                format!("`{text}` is not a broker address: write `host:port`"),
            )
        };
        let (host, port) = text.trim().rsplit_once(':').ok_or_else(invalid)?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or_else(invalid)?,
            None if host.contains(':') => return Err(invalid()),
            None => host,
        };
        let port = port.parse::<u16>().map_err(|_| invalid())?;
        if host.is_empty() || port == 0 || host.contains(|c: char| c.is_whitespace() || c == '/') {
            return Err(invalid());
        }
        Ok(Self::new(host, port))
    }
}

/// A connected stream of bytes, plain or encrypted.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// Opens byte streams to brokers: TCP here, TLS over it in `kafka-security`, anything in a test.
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// Opens a stream to `address`, trying all addresses of a name in turn.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`] or [`ErrorKind::Tls`], with the reason for each address that was tried.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>>;

    /// As [`connect`](Self::connect), and says what it is doing, for the error if that takes too long, and when the stream
    /// should be renewed. A connector that has neither to say leaves this as it is.
    fn open<'a>(&'a self, address: &'a Address, stage: &'a Stage) -> BoxFuture<'a, Result<Opened>> {
        let _ = stage;
        Box::pin(async move { Ok(Opened { stream: self.connect(address).await?, renewals: None }) })
    }
}

/// A stream that a [`Connector`] has opened.
pub struct Opened {
    /// The stream.
    pub stream: Box<dyn ByteStream>,
    /// Changes when a new stream would be made with newer certificates or keys: then the connection is renewed once
    /// nobody waits for an answer on it.
    pub renewals: Option<watch::Receiver<u64>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("renewals", &self.renewals).finish_non_exhaustive()
    }
}

/// What is being done to set up a connection.
#[derive(Debug)]
pub struct Stage(Mutex<&'static str>);

impl Default for Stage {
    fn default() -> Self {
        Self(Mutex::new("opening the connection"))
    }
}

impl Stage {
    /// From now on it is this, as a phrase: `shaking hands for TLS`.
    pub fn enter(&self, what: &'static str) {
        *self.0.lock() = what;
    }

    /// What is being done now.
    pub fn name(&self) -> &'static str {
        *self.0.lock()
    }
}
