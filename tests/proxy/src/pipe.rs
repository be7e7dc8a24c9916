//! One direction of one connection.

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use crate::{End, Flow, Link};

/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// How many pieces may be under way: more are left with the sender, as on a real line.
const UNDER_WAY: usize = 64;

/// Which way the bytes go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl Direction {
    fn of(self, link: &Link) -> Flow {
        match self {
            Self::Up => link.up,
            Self::Down => link.down,
        }
    }
}

/// Carries bytes until either side ends; says how the other direction is to end.
pub(crate) async fn carry(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    direction: Direction,
    link: watch::Receiver<Link>,
    stranded: watch::Receiver<bool>,
) -> End {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    let reading = read(from, sender, direction, link.clone());
    let writing = write(to, receiver, direction, link, stranded);
    // Either one ends when the other has: the writer once it has written all.
    tokio::join!(reading, writing).1
}

/// A piece, and when it arrives at the earliest.
type Piece = (Instant, Vec<u8>);

async fn read(
    mut from: impl AsyncRead + Unpin,
    pieces: mpsc::Sender<Piece>,
    direction: Direction,
    link: watch::Receiver<Link>,
) {
    let mut buffer = vec![0; PIECE];
    loop {
        tokio::select! {
            read = from.read(&mut buffer) => {
                let Some(piece) = read.ok().and_then(|length| buffer.get(..length)) else { return };
                if piece.is_empty() {
                    return;
                }
                let latency = direction.of(&link.borrow()).latency;
                if pieces.send((Instant::now() + latency, piece.to_vec())).await.is_err() {
                    return;
                }
            }
            () = pieces.closed() => return,
        }
    }
}

async fn write(
    mut to: impl AsyncWrite + Unpin,
    mut pieces: mpsc::Receiver<Piece>,
    direction: Direction,
    mut link: watch::Receiver<Link>,
    stranded: watch::Receiver<bool>,
) -> End {
    let mut swallowed = false;
    let mut passed = 0_u64;
    while let Some((due, piece)) = pieces.recv().await {
        sleep_until(due).await;
        let mut rest = piece.as_slice();
        while !rest.is_empty() {
            if link.has_changed().unwrap_or(false) {
                link.mark_unchanged();
                passed = 0;
            }
            let flow = direction.of(&link.borrow());
            if swallowed || flow.swallow || *stranded.borrow() {
                swallowed = true;
                break;
            }
            let allowed = flow.cut.map_or(u64::MAX, |cut| cut.after.saturating_sub(passed));
            if let (0, Some(cut)) = (allowed, flow.cut) {
                return cut.end;
            }
            let length = rest.len().min(at_once(&flow)).min(usize::try_from(allowed).unwrap_or(usize::MAX));
            let (now, later) = rest.split_at(length);
            if to.write_all(now).await.is_err() {
                return End::Close;
            }
            rest = later;
            passed += u64::try_from(length).unwrap_or(u64::MAX);
            if let Some(rate) = flow.bytes_per_second {
                sleep(Duration::from_secs_f64(length as f64 / rate.max(1) as f64)).await;
            }
        }
    }
    if swallowed || *stranded.borrow() {
        // Who lost bytes is not told of an end either.
        std::future::pending::<()>().await;
    }
    End::Close
}

/// How many bytes are written before the next look at what happens to them.
fn at_once(flow: &Flow) -> usize {
    /// A slow line is looked at so many times a second.
    const LOOKS: u64 = 20;
    let by_rate = flow.bytes_per_second.map_or(u64::MAX, |rate| rate / LOOKS);
    flow.at_once.unwrap_or(usize::MAX).min(usize::try_from(by_rate).unwrap_or(usize::MAX)).max(1)
}
