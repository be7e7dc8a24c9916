use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tracing::debug;

use super::Shared;
use super::client::Client;
use super::connection::Connection;
use crate::Error;

/// One of a broker's ports, and all connections to it: both end with it.
#[derive(Debug)]
pub(crate) struct Listener {
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts to serve clients of `broker` that come by its listener of this number.
    pub(crate) fn start(door: Door, broker: i32, listener: usize, shared: Arc<Shared>) -> Self {
        // Before the task runs, so that whoever connects next is let in.
        let in_memory = shared.doors.open(door.address.port());
        Self { task: tokio::spawn(accept(door, in_memory, broker, listener, shared)) }
    }

    /// Closes the port and all connections at once.
    pub(crate) async fn stop(mut self) {
        self.task.abort();
        // Whoever binds the port next must not find it taken.
        let _aborted = (&mut self.task).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    Door { socket, address }: Door,
    mut in_memory: mpsc::UnboundedReceiver<DuplexStream>,
    broker: i32,
    listener: usize,
    shared: Arc<Shared>,
) {
    let mut connections = JoinSet::new();
    loop {
        // In this order, so that a simulation runs the same way each time.
        tokio::select! {
            biased;
            Some(_) = connections.join_next() => {}
            Some(stream) = in_memory.recv() => {
                connections.spawn(serve(stream, address, broker, listener, Arc::clone(&shared)));
            }
            accepted = next_client(socket.as_ref()) => match accepted {
                Ok((stream, peer)) => {
                    // Answers are whole when they are written: nothing is gained by holding them back.
                    let _unsupported = stream.set_nodelay(true);
                    connections.spawn(serve(stream, peer, broker, listener, Arc::clone(&shared)));
                }
                Err(error) => {
                    debug!(broker, %error, "a connection could not be accepted");
                    tokio::task::yield_now().await;
                }
            },
        }
    }
}

async fn serve<S>(stream: S, peer: SocketAddr, broker: i32, listener: usize, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let max_request_bytes = shared.with(|cluster| cluster.settings.max_request_bytes);
    let client = Client::new(&shared, broker, listener, peer.ip().to_string());
    #[cfg(feature = "security")]
    {
        let tls = shared.with(|cluster| cluster.settings.listeners.get(listener)?.tls.clone());
        if let Some(tls) = tls {
            let mut client = client;
            return match tls.accept(stream).await {
                Ok((stream, shown)) => {
                    if let Some(subject) = shown {
                        client.shows_certificate(&subject);
                    }
                    // One of the two halves of a large type would be enough for the stack.
                    Box::pin(Connection { stream, shared, client, max_request_bytes }.run()).await;
                }
                Err(error) => {
                    debug!(broker, client = client.host, %error, "a client's TLS handshake failed");
                }
            };
        }
    }
    Connection { stream, shared, client, max_request_bytes }.run().await;
}

/// The next client that comes by the socket.
async fn next_client(socket: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match socket {
        Some(socket) => socket.accept().await,
        None => std::future::pending().await,
    }
}

/// Where a listener can be reached: by a socket, unless there are none, and in memory.
#[derive(Debug)]
pub(crate) struct Door {
    socket: Option<TcpListener>,
    pub(crate) address: SocketAddr,
}

/// Binds a port of this machine, 0 for any that is free; without `sockets` nothing is bound.
pub(crate) async fn bind(address: SocketAddr, sockets: bool) -> Result<Door, Error> {
    if !sockets {
        return Ok(Door { socket: None, address });
    }
    let failed = |source| Error::Io { address, source };
    let socket = TcpListener::bind(address).await.map_err(failed)?;
    let address = socket.local_addr().map_err(failed)?;
    Ok(Door { socket: Some(socket), address })
}
