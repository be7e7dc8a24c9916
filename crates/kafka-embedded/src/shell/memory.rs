use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_core::net::{Address, BoxFuture, ByteStream, Connector};
use kafka_core::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// What a stream holds that nobody has read yet, in bytes; then the writer waits, as at a full socket.
const CAPACITY: usize = 256 * 1024;

/// How streams in memory come to the brokers that run, by port.
#[derive(Debug, Default)]
pub(crate) struct Doors(Mutex<BTreeMap<u16, mpsc::UnboundedSender<DuplexStream>>>);

impl Doors {
    pub(super) fn open(&self, port: u16) -> mpsc::UnboundedReceiver<DuplexStream> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.lock().insert(port, sender);
        receiver
    }
}

/// Opens streams in memory instead of sockets: a simulation on a paused clock stays exact, since nothing of it happens
/// outside of the runtime.
#[derive(Clone, Debug)]
pub(crate) struct MemoryConnector(pub(crate) Arc<Doors>);

impl Connector for MemoryConnector {
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        let (ours, theirs) = tokio::io::duplex(CAPACITY);
        let door = self.0.0.lock().get(&address.port).cloned();
        let opened = match door.map(|door| door.send(theirs)) {
            Some(Ok(())) => Ok(Box::new(ours) as Box<dyn ByteStream>),
            _ => Err(Error::new(ErrorKind::Connect, format!("no broker runs at {address}; start it first"))),
        };
        Box::pin(std::future::ready(opened))
    }
}
