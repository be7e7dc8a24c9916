//! What the proxy does to bytes, seen from both ends.

// What is not as it must be ends the test, also in its helpers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use fault_proxy::{Cut, End, Flow, Link, Proxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Shorter than any test, and longer than a busy machine takes for a few bytes.
const SILENCE: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(10);

/// Both ends of a connection through a proxy.
struct Ends {
    proxy: Proxy,
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
}

async fn ends() -> Ends {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    Ends { proxy, listener, client, server }
}

async fn passes(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).await.unwrap();
    let mut read = vec![0; bytes.len()];
    timeout(PATIENCE, to.read_exact(&mut read)).await.unwrap().unwrap();
    assert_eq!(read, bytes);
}

/// All that comes before the end, and the error if that is one.
async fn rest(from: &mut TcpStream) -> (Vec<u8>, Option<std::io::ErrorKind>) {
    let mut read = Vec::new();
    let end = timeout(PATIENCE, from.read_to_end(&mut read)).await.expect("an end");
    (read, end.err().map(|error| error.kind()))
}

async fn keeps_silent(from: &mut TcpStream) {
    let read = timeout(SILENCE, from.read_u8()).await;
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test]
async fn a_link_that_is_whole_passes_everything_and_the_end() {
    let Ends { proxy, mut client, mut server, .. } = ends().await;
    let much: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    client.write_all(&much).await.unwrap();
    server.write_all(b"answer").await.unwrap();
    let mut answer = [0; 6];
    client.read_exact(&mut answer).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await, (much, None));
    assert_eq!(proxy.opened(), 1);
}

#[tokio::test]
async fn a_request_is_cut_before_within_and_after_its_bytes() {
    for (after, end) in [(0, End::Reset), (3, End::Reset), (3, End::Close)] {
        let Ends { proxy, mut client, mut server, .. } = ends().await;
        passes(&mut client, &mut server, b"earlier").await;
        proxy.set(Link { up: Flow { cut: Some(Cut { after, end }), ..Flow::default() }, ..Link::default() });
        client.write_all(b"request").await.unwrap();
        let (read, error) = rest(&mut server).await;
        // A reset may overtake what was sent before it.
        assert!(read.len() as u64 <= after && b"request".starts_with(&read), "{read:?}");
        assert_eq!(error.is_some(), end == End::Reset, "{error:?}");
        if end == End::Close {
            assert_eq!(read, b"req");
        }
    }
}

#[tokio::test]
async fn an_answer_is_cut_when_the_request_has_arrived() {
    let Ends { proxy, mut client, mut server, .. } = ends().await;
    proxy.set(Link {
        down: Flow { cut: Some(Cut { after: 0, end: End::Reset }), ..Flow::default() },
        ..Link::default()
    });
    passes(&mut client, &mut server, b"request").await;
    server.write_all(b"answer").await.unwrap();
    let (read, error) = rest(&mut client).await;
    assert_eq!((read.as_slice(), error), (&b""[..], Some(std::io::ErrorKind::ConnectionReset)));
}

#[tokio::test]
async fn a_stranded_connection_passes_neither_bytes_nor_an_end_and_a_new_one_works() {
    let Ends { proxy, listener, mut client, mut server } = ends().await;
    proxy.strand();
    client.write_all(b"lost").await.unwrap();
    server.write_all(b"lost").await.unwrap();
    keeps_silent(&mut client).await;
    drop(client);
    keeps_silent(&mut server).await;
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut fresh, _) = listener.accept().await.unwrap();
    passes(&mut client, &mut fresh, b"request").await;
    passes(&mut fresh, &mut client, b"answer").await;
}

#[tokio::test]
async fn what_has_lost_bytes_stays_silent_when_the_link_is_whole_again() {
    let Ends { proxy, mut client, mut server, .. } = ends().await;
    proxy.set(Link::both(Flow { swallow: true, ..Flow::default() }));
    client.write_all(b"lost").await.unwrap();
    keeps_silent(&mut server).await;
    proxy.set(Link::default());
    client.write_all(b"what follows a gap").await.unwrap();
    keeps_silent(&mut server).await;
    // The other direction has lost nothing.
    passes(&mut server, &mut client, b"answer").await;
}

#[tokio::test]
async fn a_reset_ends_what_is_open_on_both_sides() {
    let Ends { proxy, listener, mut client, mut server } = ends().await;
    passes(&mut client, &mut server, b"request").await;
    proxy.reset();
    assert_eq!(rest(&mut client).await.1, Some(std::io::ErrorKind::ConnectionReset));
    assert_eq!(rest(&mut server).await.1, Some(std::io::ErrorKind::ConnectionReset));
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    passes(&mut client, &mut server, b"request").await;
}

#[tokio::test]
async fn bytes_come_late_and_slowly() {
    let Ends { proxy, mut client, mut server, .. } = ends().await;
    proxy.set(Link::both(Flow { latency: Duration::from_millis(200), ..Flow::default() }));
    let begin = Instant::now();
    passes(&mut client, &mut server, b"request").await;
    passes(&mut server, &mut client, b"answer").await;
    assert!(begin.elapsed() >= Duration::from_millis(400), "{:?}", begin.elapsed());

    proxy.set(Link::both(Flow { bytes_per_second: Some(10_000), ..Flow::default() }));
    let begin = Instant::now();
    passes(&mut client, &mut server, &[7; 4_000]).await;
    // The last piece is not waited for.
    assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn latency_delays_a_stream_and_does_not_thin_it() {
    let Ends { proxy, mut client, mut server, .. } = ends().await;
    proxy.set(Link::both(Flow { latency: Duration::from_millis(100), ..Flow::default() }));
    let begin = Instant::now();
    // Twenty times as many pieces as there are latencies to wait.
    let much = vec![7; 400_000];
    let (sent, read) = tokio::join!(client.write_all(&much), async {
        let mut read = vec![0; much.len()];
        server.read_exact(&mut read).await
    });
    sent.unwrap();
    read.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(1_500), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn bytes_come_one_by_one() {
    let Ends { proxy, mut client, mut server, .. } = ends().await;
    proxy.set(Link::both(Flow { at_once: Some(1), bytes_per_second: Some(1_000), ..Flow::default() }));
    client.write_all(&[7; 100]).await.unwrap();
    let mut read = [0; 100];
    let first = timeout(PATIENCE, server.read(&mut read)).await.unwrap().unwrap();
    assert!(first < 50, "{first} bytes at once");
}

#[tokio::test]
async fn a_target_that_is_gone_refuses_and_another_one_is_found() {
    let Ends { proxy, listener, .. } = ends().await;
    drop(listener);
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (read, _) = rest(&mut client).await;
    assert!(read.is_empty());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxy.set_target(listener.local_addr().unwrap());
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    passes(&mut client, &mut server, b"request").await;
}
