use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Address, BoxFuture, ByteStream, Connector};
use crate::{Error, ErrorKind, Result};

/// How long an address may take before the next one of the same name is tried beside it.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(300);

/// Opens plain TCP connections, without delay (Nagle's algorithm off) and with keep-alive.
///
/// All addresses of a name are tried in the resolver's order. One that refuses gives way to the next at once; one that
/// keeps silent is tried on while the next is tried too, so that a dead address costs 300 ms.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnector {
    send_buffer: Option<u32>,
    receive_buffer: Option<u32>,
}

impl TcpConnector {
    /// A connector with the system's buffer sizes.
    pub fn new() -> Self {
        Self::default()
    }

    /// `send.buffer.bytes`: the socket's send buffer; `None` leaves the system's.
    #[must_use]
    pub fn with_send_buffer(mut self, bytes: Option<usize>) -> Self {
        self.send_buffer = bytes.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        self
    }

    /// `receive.buffer.bytes`: the socket's receive buffer; `None` leaves the system's.
    #[must_use]
    pub fn with_receive_buffer(mut self, bytes: Option<usize>) -> Self {
        self.receive_buffer = bytes.map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        self
    }

    /// Opens a TCP stream, for connectors that put something on top of it.
    ///
    /// # Errors
    /// [`ErrorKind::Connect`], with the reason for each address that was tried.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was opened.
    pub async fn connect_tcp(&self, address: &Address) -> Result<TcpStream> {
        let resolved: Vec<SocketAddr> = match lookup_host((&*address.host, address.port)).await {
            Ok(addresses) => addresses.collect(),
            Err(error) => {
                return Err(Error::new(
                    ErrorKind::Connect,
                    format!("cannot connect to {address}: the name does not resolve ({error})"),
                )
                .with_source(error));
            }
        };
        let mut untried = resolved.into_iter();
        let mut attempts = JoinSet::new();
        let mut failures = Vec::new();
        loop {
            let next = untried.next();
            let more = next.is_some();
            if let Some(next) = next {
                let connector = *self;
                attempts
                    .spawn(async move { connector.connect_to(next).await.map_err(|error| (next, error)) });
            }
            tokio::select! {
                outcome = attempts.join_next() => match outcome {
                    Some(Ok(Ok(stream))) => return Ok(stream),
                    Some(Ok(Err((tried, error)))) => failures.push(format!("{tried}: {}", reason(&error))),
                    Some(Err(stopped)) => failures.push(stopped.to_string()),
                    None => return Err(unreachable(address, &failures)),
                },
                () = sleep(NEXT_ADDRESS_AFTER), if more => {}
            }
        }
    }

    async fn connect_to(self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.set_keepalive(true)?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

fn unreachable(address: &Address, failures: &[String]) -> Error {
    let tried = if failures.is_empty() { "the name has no address".to_owned() } else { failures.join("; ") };
    Error::new(ErrorKind::Connect, format!("cannot connect to {address} ({tried})"))
}

/// The system's words without the number that Rust adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}

impl Connector for TcpConnector {
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        Box::pin(async move { Ok(Box::new(self.connect_tcp(address).await?) as Box<dyn ByteStream>) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_port_is_named_with_its_reason() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let error = TcpConnector::new().connect_tcp(&Address::new("localhost", port)).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Connect);
        let text = error.to_string();
        assert!(text.contains(&format!("127.0.0.1:{port}: connection refused")), "{text}");
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        let error = TcpConnector::new().connect_tcp(&Address::new("nowhere.invalid", 1)).await.unwrap_err();
        assert!(error.to_string().contains("nowhere.invalid:1: the name does not resolve"), "{error}");
    }

    #[tokio::test]
    async fn settings_reach_the_socket() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connector = TcpConnector::new().with_send_buffer(Some(50_000)).with_receive_buffer(Some(70_000));
        let stream = connector.connect_tcp(&Address::new("localhost", port)).await.unwrap();
        assert!(stream.nodelay().unwrap());
        let socket = socket2::SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert!(socket.send_buffer_size().unwrap() >= 50_000);
        assert!(socket.recv_buffer_size().unwrap() >= 70_000);
    }
}
