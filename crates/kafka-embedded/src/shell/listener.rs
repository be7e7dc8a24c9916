use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tracing::debug;

use super::Shared;
use super::connection::Connection;

/// A broker's port, and all connections to it: both end with it.
#[derive(Debug)]
pub(crate) struct Listener {
    task: JoinHandle<()>,
}

impl Listener {
    /// Starts to serve clients of `broker`.
    pub(crate) fn start(socket: TcpListener, broker: i32, shared: Arc<Shared>) -> Self {
        Self { task: tokio::spawn(accept(socket, broker, shared)) }
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

async fn accept(socket: TcpListener, broker: i32, shared: Arc<Shared>) {
    let max_request_bytes = shared.with(|cluster| cluster.settings.max_request_bytes);
    let Ok(address) = socket.local_addr() else { return };
    let mut door = shared.doors.open(address.port());
    let mut connections = JoinSet::new();
    loop {
        // In this order, so that a simulation runs the same way each time.
        tokio::select! {
            biased;
            Some(_) = connections.join_next() => {}
            Some(stream) = door.recv() => {
                let (shared, host) = (Arc::clone(&shared), address.ip().to_string());
                connections.spawn(Connection { stream, shared, broker, host, max_request_bytes }.run());
            }
            accepted = socket.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Answers are whole when they are written: nothing is gained by holding them back.
                    let _unsupported = stream.set_nodelay(true);
                    let (shared, host) = (Arc::clone(&shared), peer.ip().to_string());
                    connections.spawn(Connection { stream, shared, broker, host, max_request_bytes }.run());
                }
                Err(error) => {
                    debug!(broker, %error, "a connection could not be accepted");
                    tokio::task::yield_now().await;
                }
            },
        }
    }
}

/// Binds a port of this machine; 0 for any that is free.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}
