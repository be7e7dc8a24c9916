//! What the callers of a connection and its driver share: the pipeline and the writing half of the stream.
//!
//! Whoever hands over a request writes it at once if the socket takes it, always on behalf of the driver: when the
//! socket is full it is the driver that is woken to go on. So a request on an idle connection costs no wake-up.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncWrite, WriteHalf};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tracing::{debug, trace};

use super::connection::Kind;
use super::metrics::{Counters, count, saturated};
use super::pipeline::{Pipeline, Request, after};
use super::{Address, ByteStream};
use crate::protocol::{ApiKey, correlation_id};
use crate::{Error, ErrorKind, Result};

/// How many segments one system call writes at most.
const SEGMENTS: usize = 64;

pub(super) struct Shared {
    address: Address,
    counters: Arc<Counters>,
    correlation_id: AtomicI32,
    max_idle: Duration,
    /// Made with certificates or credentials that have been replaced: nobody new may use it.
    is_retired: AtomicBool,
    state: Mutex<State>,
    ended: Notify,
}

struct State {
    pipeline: Pipeline,
    /// `None` once the connection has ended.
    stream: Option<WriteHalf<Box<dyn ByteStream>>>,
    /// Written, but perhaps still in a buffer of the stream.
    unflushed: bool,
    /// Wakes the driver; `None` until it has run for the first time.
    driver: Option<Waker>,
    /// When the driver wakes by itself.
    alarm: Option<Instant>,
    last_used: Instant,
    /// Nobody can send any more.
    released: bool,
    /// Set up completely, so that its end counts.
    opened: bool,
    end: Option<Error>,
}

impl Shared {
    pub(super) fn new(
        address: Address,
        stream: WriteHalf<Box<dyn ByteStream>>,
        counters: Arc<Counters>,
        max_idle: Duration,
    ) -> Self {
        let state = State {
            pipeline: Pipeline::default(),
            stream: Some(stream),
            unflushed: false,
            driver: None,
            alarm: None,
            last_used: Instant::now(),
            released: false,
            opened: false,
            end: None,
        };
        Self {
            address,
            counters,
            correlation_id: AtomicI32::new(0),
            max_idle,
            is_retired: AtomicBool::new(false),
            state: Mutex::new(state),
            ended: Notify::new(),
        }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn next_correlation_id(&self) -> i32 {
        self.correlation_id.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state.lock().end.is_some()
    }

    /// Whether it should not be used for anything new.
    pub(super) fn is_closed(&self) -> bool {
        self.is_retired.load(Ordering::Relaxed) || self.has_ended()
    }

    /// Keeps new users away. Who is about to send still can.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
    }

    /// Notes that the connection is set up.
    pub(super) fn opened(&self) {
        self.state.lock().opened = true;
    }

    /// Waits until the connection has ended.
    pub(super) async fn ended(&self) {
        loop {
            let ended = self.ended.notified();
            if self.has_ended() {
                return;
            }
            ended.await;
        }
    }

    pub(super) fn load(&self) -> usize {
        self.state.lock().pipeline.load()
    }

    /// Takes over a request, and writes it if nothing is in its way.
    pub(super) fn enqueue(
        &self,
        api: ApiKey,
        correlation_id: i32,
        timeout: Duration,
        kind: Kind,
        frame: Vec<Bytes>,
    ) -> Result<oneshot::Receiver<Result<Bytes>>> {
        let (reply, answer) = oneshot::channel();
        let now = Instant::now();
        let one_way = kind == Kind::OneWay;
        let request = Request { api, correlation_id, accepted: now, timeout, one_way, reply };
        let deadline = request.deadline();

        let mut state = self.state.lock();
        if let Some(end) = &state.end {
            let message = format!("the request was not sent: the connection had ended ({end})");
            return Err(Error::new(disconnected(end), message).with_source(end.clone()));
        }
        state.last_used = now;
        match kind {
            Kind::First => state.pipeline.accept_first(request, frame),
            Kind::Normal | Kind::OneWay => state.pipeline.accept(request, frame),
        }
        count(&self.counters.requests, 1);
        trace!(broker = %self.address, ?api, correlation_id, "request");
        let Some(driver) = state.driver.clone() else {
            return Ok(answer);
        };
        state.pipeline.release(now);
        let outcome = state.write(&mut Context::from_waker(&driver), &self.counters);
        let alarm_too_late = state.alarm.is_none_or(|alarm| deadline < alarm);
        if alarm_too_late || matches!(outcome, Poll::Ready(Err(_))) {
            // A failed write fails again in the driver, which then ends the connection.
            driver.wake();
        }
        Ok(answer)
    }

    /// The driver's turn: writes what waits, and says when it wants to be woken.
    ///
    /// # Errors
    /// Why the connection has to end.
    pub(super) fn drive(&self, cx: &mut Context<'_>, now: Instant) -> Result<Instant> {
        let mut state = self.state.lock();
        if let Some(end) = &state.end {
            return Err(end.clone());
        }
        if !state.driver.as_ref().is_some_and(|driver| driver.will_wake(cx.waker())) {
            state.driver = Some(cx.waker().clone());
        }
        state.pipeline.release(now);
        if let Poll::Ready(Err(error)) = state.write(cx, &self.counters) {
            let message = format!("writing to the broker failed: {error}");
            return Err(Error::new(ErrorKind::Disconnected, message).with_source(error));
        }
        if state.released && state.pipeline.is_written() {
            return Err(Error::new(ErrorKind::Closed, "the connection is not needed any more"));
        }
        if let Some(timeout) = state.pipeline.expire(now) {
            let message = format!("no answer within {timeout:?}; the connection is closed");
            return Err(Error::new(ErrorKind::Timeout(timeout), message));
        }
        let idle_until = after(state.last_used, self.max_idle);
        let alarm = match state.pipeline.next_deadline() {
            Some(deadline) => deadline,
            None if idle_until <= now => {
                let message = format!("the connection was not used for {:?}", self.max_idle);
                return Err(Error::new(ErrorKind::Disconnected, message));
            }
            None => idle_until,
        };
        // An alarm that comes too early costs one look; moving it with every request would cost more.
        let alarm = state.alarm.filter(|old| *old > now).map_or(alarm, |old| old.min(alarm));
        state.alarm = Some(alarm);
        Ok(alarm)
    }

    /// Hands a frame to whom it belongs.
    pub(super) fn answer(&self, frame: Bytes) -> Result<()> {
        let id = correlation_id(&frame)
            .map_err(|error| Error::new(ErrorKind::Malformed, format!("the broker's answer: {error}")))?;
        let request = self.state.lock().pipeline.answered(id)?;
        let latency = request.accepted.elapsed();
        count(&self.counters.responses, 1);
        count(&self.counters.latency_micros, saturated(latency.as_micros()));
        trace!(
            broker = %self.address, api = ?request.api, correlation_id = request.correlation_id,
            bytes = frame.len(), ?latency, "response"
        );
        let _ = request.reply.send(Ok(frame));
        Ok(())
    }

    pub(super) fn mute(&self, duration: Duration) {
        debug!(broker = %self.address, ?duration, "throttled");
        count(&self.counters.throttled_millis, saturated(duration.as_millis()));
        let mut state = self.state.lock();
        state.pipeline.mute(after(Instant::now(), duration));
        state.wake();
    }

    pub(super) fn hold(&self, held: bool) {
        let mut state = self.state.lock();
        state.pipeline.hold(held);
        state.wake();
    }

    /// Nobody can send any more, and nobody waits: the connection ends when what was accepted is written.
    pub(super) fn release(&self) {
        let mut state = self.state.lock();
        state.released = true;
        state.wake();
    }

    /// Ends the connection: all that wait get an error of `reason`, and nothing more can be sent.
    pub(super) fn fail(&self, reason: Error) {
        let (requests, stream, opened) = {
            let mut state = self.state.lock();
            if state.end.is_some() {
                return;
            }
            state.end = Some(reason.clone());
            state.wake();
            (state.pipeline.drain(), state.stream.take(), state.opened)
        };
        if let Some(mut stream) = stream {
            // Says good-bye where TLS has a word for it; nobody waits for that.
            let _ = Pin::new(&mut stream).poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
        if opened {
            count(&self.counters.connections_closed, 1);
        }
        self.ended.notify_waiters();
        debug!(broker = %self.address, unanswered = requests.len(), %reason, "connection ended");
        let now = Instant::now();
        for request in requests {
            let error = match reason.kind() {
                ErrorKind::Timeout(_) if request.deadline() <= now => Error::new(
                    ErrorKind::Timeout(request.timeout),
                    format!("no answer within {:?}", request.timeout),
                ),
                _ => Error::new(
                    disconnected(&reason),
                    format!("the connection ended before the answer came ({reason})"),
                )
                .with_source(reason.clone()),
            };
            let _ = request.reply.send(Err(error.with_broker(&self.address).with_api(request.api)));
        }
    }
}

/// What those learn who did not cause the end: it is worth another try, unless the client itself was closed or the
/// broker does not want us.
fn disconnected(reason: &Error) -> ErrorKind {
    match reason.kind() {
        kind @ (ErrorKind::Closed | ErrorKind::Authentication | ErrorKind::Tls) => kind.clone(),
        _ => ErrorKind::Disconnected,
    }
}

impl State {
    fn wake(&self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, counters: &Counters) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else {
            return Poll::Ready(Ok(()));
        };
        let mut stream = Pin::new(stream);
        loop {
            let mut slices = [IoSlice::new(&[]); SEGMENTS];
            let filled = self.pipeline.unwritten(&mut slices);
            if filled == 0 {
                break;
            }
            let written =
                ready!(stream.as_mut().poll_write_vectored(cx, slices.get(..filled).unwrap_or_default()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            count(&counters.bytes_sent, written as u64);
            self.pipeline.advance(written);
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(stream.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
