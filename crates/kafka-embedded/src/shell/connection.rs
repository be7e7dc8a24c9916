use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tracing::debug;

use super::Shared;
use super::client::Client;
use super::frames::Frames;
use super::segments::Segments;
use super::shared::Submitted;
use crate::apis::{self, Incoming};
use crate::core::{Call, Ticket};
use crate::faults::{Effect, LinkEffect, Moment};

/// Which way a frame goes, as the broker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

/// What became of a frame that was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    Done,
    Never,
}

/// One client's connection to one broker.
#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) stream: S,
    pub(super) shared: Arc<Shared>,
    pub(super) client: Client,
    pub(super) max_request_bytes: usize,
}

/// What a request comes to for its connection.
#[derive(Debug, Default)]
struct Served {
    frame: Vec<Bytes>,
    /// For how long nothing more is read (KIP-219).
    silence: Duration,
    /// The connection ends.
    is_last: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// Serves the client until it goes or sends what cannot be read.
    pub(super) async fn run(mut self) {
        let mut frames = Frames::new(self.max_request_bytes);
        loop {
            let frame = match frames.next(&mut self.stream).await {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => return self.ends(&error),
            };
            let served = match self.serve(frame).await {
                Ok(served) => served,
                Err(error) => return self.ends(&error),
            };
            if let Err(error) = self.write(served.frame).await {
                return self.ends(&error);
            }
            if served.is_last {
                return;
            }
            if !served.silence.is_zero() {
                tokio::time::sleep(served.silence).await;
            }
        }
    }

    async fn write(&mut self, frame: Vec<Bytes>) -> io::Result<()> {
        if frame.is_empty() {
            return Ok(());
        }
        self.stream.write_all_buf(&mut Segments::new(frame)).await?;
        // What is encrypted may be held back otherwise.
        self.stream.flush().await
    }

    fn ends(&self, error: &io::Error) {
        debug!(broker = self.client.broker, client = self.client.host, %error, "a client's connection ends");
    }

    /// What one request comes to.
    async fn serve(&mut self, frame: Bytes) -> io::Result<Served> {
        #[cfg(feature = "security")]
        if let Some(answer) = self.client.bare_token(&frame) {
            return answer.map(|frame| Served { frame, ..Served::default() });
        }
        let size = frame.len();
        let (header, request) = match apis::read(frame).map_err(invalid)? {
            Incoming::Request(header, request) => (header, request),
            Incoming::TooNew(frame) => return Ok(Served { frame, ..Served::default() }),
        };
        let client = header.client_id.clone();
        if self.under_way(client.as_deref(), Direction::In, size).await == Passage::Never {
            return self.swallow().await;
        }
        let call = Call {
            ticket: Ticket(0),
            broker: self.client.broker,
            version: header.api_version,
            client_id: header.client_id.clone(),
            host: self.client.host.clone(),
            listener: self.client.listener,
            principal: self.client.principal.clone(),
            #[cfg(feature = "security")]
            sign_in: self.client.sign_in,
            size,
        };
        let (submitted, effect) = self.shared.submit(call, request);
        if effect == Some(Effect::DropConnection(Moment::BeforeApplying)) {
            return Err(faulted());
        }
        let (stamped, is_last) = match submitted {
            Submitted::Answer(stamped) => (stamped, false),
            Submitted::Last(stamped) => (stamped, true),
            Submitted::Later(stamped) => (stamped.await.map_err(invalid)?, false),
            Submitted::Silence(silence) => return Ok(Served { silence, ..Served::default() }),
            Submitted::Close => return Ok(Served { is_last: true, ..Served::default() }),
        };
        self.shared.written(stamped.group).await?;
        let mut answer = stamped.answer;
        let silence = u64::try_from(answer.throttle_time()).unwrap_or_default();
        match effect {
            Some(Effect::Delay(time)) => tokio::time::sleep(time).await,
            Some(Effect::DropConnection(_)) => return Err(faulted()),
            Some(Effect::NeverAnswer) => return self.swallow().await,
            Some(Effect::Throttle(time)) => {
                answer.throttle(i32::try_from(time.as_millis()).unwrap_or(i32::MAX))
            }
            _ => {}
        }
        let frame = answer.encode(header.api_version, header.correlation_id).map_err(invalid)?;
        let size = frame.iter().map(Bytes::len).sum();
        if self.under_way(client.as_deref(), Direction::Out, size).await == Passage::Never {
            return self.swallow().await;
        }
        let frame = self.distort(frame, effect).await?;
        Ok(Served { frame, silence: Duration::from_millis(silence), is_last })
    }

    /// An answer's frame, as a fault leaves it.
    async fn distort(&mut self, frame: Vec<Bytes>, effect: Option<Effect>) -> io::Result<Vec<Bytes>> {
        match effect {
            Some(Effect::Truncate(bytes)) => {
                let mut part = frame.concat();
                part.truncate(bytes);
                self.write(vec![Bytes::from(part)]).await?;
                Err(faulted())
            }
            Some(Effect::Corrupt(at)) => {
                let mut whole = frame.concat();
                let at = at.min(whole.len().saturating_sub(1));
                if let Some(byte) = whole.get_mut(at) {
                    *byte ^= 0xff;
                }
                Ok(vec![Bytes::from(whole)])
            }
            Some(Effect::Overwrite(at, bytes)) => {
                let mut whole = frame.concat();
                for (byte, new) in whole.iter_mut().skip(at).zip(bytes) {
                    *byte = new;
                }
                Ok(vec![Bytes::from(whole)])
            }
            _ => Ok(frame),
        }
    }

    /// Waits for as long as a frame needs to pass the network.
    async fn under_way(&self, client: Option<&str>, direction: Direction, bytes: usize) -> Passage {
        if !*self.shared.broken_links.borrow() {
            return Passage::Done;
        }
        let mut changes = self.shared.broken_links.subscribe();
        loop {
            changes.mark_unchanged();
            match self.shared.link(self.client.broker, client) {
                None => return Passage::Done,
                Some(LinkEffect::HalfOpen) => return Passage::Never,
                Some(LinkEffect::HoldAnswers) if direction == Direction::In => return Passage::Done,
                Some(LinkEffect::Cut | LinkEffect::HoldAnswers) => {
                    if changes.changed().await.is_err() {
                        return Passage::Never;
                    }
                }
                Some(slow @ LinkEffect::Slow { .. }) => {
                    tokio::time::sleep(slow.time_for(bytes)).await;
                    return Passage::Done;
                }
            }
        }
    }

    /// Reads, and answers nothing, until the client goes.
    async fn swallow(&mut self) -> io::Result<Served> {
        tokio::io::copy(&mut self.stream, &mut tokio::io::sink()).await?;
        Err(faulted())
    }
}

fn faulted() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a fault ends the connection")
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
