//! The sockets.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    End, Link,
    pipe::{Direction, carry},
};

/// A proxy before one address. Dropped, it ends with all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    link: watch::Sender<Link>,
    /// Told to the connections that are open at a moment, and exchanged for a new one then.
    stranded: Mutex<watch::Sender<bool>>,
    /// The same.
    reset: Mutex<CancellationToken>,
    opened: AtomicU64,
}

impl Proxy {
    /// Listens on a free port of this machine and passes on to `target`.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            link: watch::Sender::new(Link::default()),
            stranded: Mutex::default(),
            reset: Mutex::default(),
            opened: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, _tasks: tasks })
    }

    /// Where to connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Passes new connections on to another address.
    pub fn set_target(&self, target: SocketAddr) {
        *self.shared.target.lock() = target;
    }

    /// From now on this happens to bytes, also on open connections.
    pub fn set(&self, link: Link) {
        self.shared.link.send_replace(link);
    }

    /// How many connections it has taken so far.
    #[must_use]
    pub fn opened(&self) -> u64 {
        self.shared.opened.load(Ordering::Relaxed)
    }

    /// Leaves open connections half-open: neither bytes nor an end pass any more, and nobody is told. New ones are not touched.
    pub fn strand(&self) {
        std::mem::take(&mut *self.shared.stranded.lock()).send_replace(true);
    }

    /// Resets all open connections.
    pub fn reset(&self) {
        std::mem::take(&mut *self.shared.reset.lock()).cancel();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // What went wrong with one connection is that one's matter.
                let Ok((client, _)) = accepted else { continue };
                shared.opened.fetch_add(1, Ordering::Relaxed);
                connections.spawn(connect(client, Arc::clone(&shared)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connect(mut client: TcpStream, shared: Arc<Shared>) {
    let reset = shared.reset.lock().clone();
    let stranded = shared.stranded.lock().subscribe();
    let target = *shared.target.lock();
    let Ok(mut server) = TcpStream::connect(target).await else {
        // As if nobody listened: it is only refused a moment late.
        let _refused = client.set_zero_linger();
        return;
    };
    let _no_delay = (client.set_nodelay(true), server.set_nodelay(true));
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let link = || shared.link.subscribe();
        tokio::select! {
            end = carry(from_client, to_server, Direction::Up, link(), stranded.clone()) => end,
            end = carry(from_server, to_client, Direction::Down, link(), stranded) => end,
            () = reset.cancelled() => End::Reset,
        }
    };
    if end == End::Reset {
        let _reset = (client.set_zero_linger(), server.set_zero_linger());
    }
}
