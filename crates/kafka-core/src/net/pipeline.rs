//! The order of requests on one connection: who waits, what is being written, who awaits which answer until when.
//!
//! A broker answers in the order of the requests, so what is in flight is a queue. Knows no socket and no task; time is
//! handed in.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::protocol::ApiKey;
use crate::{Error, ErrorKind, Result};

/// One request, from the moment it is accepted until its answer, or its failure, is handed over.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) api: ApiKey,
    pub(super) correlation_id: i32,
    pub(super) accepted: Instant,
    pub(super) timeout: Duration,
    /// `acks=0`: no answer comes, the request is done when it is written.
    pub(super) one_way: bool,
    pub(super) reply: oneshot::Sender<Result<Bytes>>,
}

impl Request {
    pub(super) fn deadline(&self) -> Instant {
        after(self.accepted, self.timeout)
    }
}

/// `start + duration`, or so far away that it does not matter.
pub(super) fn after(start: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 10);
    start.checked_add(duration.min(FAR)).unwrap_or(start)
}

/// The requests of one connection.
#[derive(Debug, Default)]
pub(super) struct Pipeline {
    /// Not yet allowed to be written, because the broker throttles us or we are authenticating again.
    waiting: VecDeque<(Request, Vec<Bytes>)>,
    /// Being written, in order.
    segments: VecDeque<Bytes>,
    /// How many bytes were ever put into `segments`, and how many of them are written.
    released: u64,
    written: u64,
    /// Requests without an answer, and the value of `written` at which they are done.
    one_way: VecDeque<(u64, Request)>,
    in_flight: VecDeque<Request>,
    /// The broker asked us to be silent until then (KIP-219).
    muted_until: Option<Instant>,
    /// Only requests that skip the line may be written: the connection authenticates again (KIP-368).
    held: bool,
}

impl Pipeline {
    /// Accepts a request; [`release`](Self::release) lets it be written.
    pub(super) fn accept(&mut self, request: Request, frame: Vec<Bytes>) {
        self.waiting.push_back((request, frame));
    }

    /// Accepts a request of the authentication itself, which goes before all that wait.
    pub(super) fn accept_first(&mut self, request: Request, frame: Vec<Bytes>) {
        self.start(request, frame);
    }

    /// Lets requests be written, unless the broker or an authentication forbids it.
    pub(super) fn release(&mut self, now: Instant) {
        if self.muted_until.is_some_and(|until| until <= now) {
            self.muted_until = None;
        }
        if self.held || self.muted_until.is_some() {
            return;
        }
        while let Some((request, frame)) = self.waiting.pop_front() {
            self.start(request, frame);
        }
    }

    fn start(&mut self, request: Request, frame: Vec<Bytes>) {
        for segment in frame {
            self.released += segment.len() as u64;
            self.segments.push_back(segment);
        }
        if request.one_way {
            self.one_way.push_back((self.released, request));
        } else {
            self.in_flight.push_back(request);
        }
    }

    /// Fills `slices` with what is to be written next and returns how many it filled.
    pub(super) fn unwritten<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, segment) in slices.iter_mut().zip(&self.segments) {
            *slice = IoSlice::new(segment);
            filled += 1;
        }
        filled
    }

    /// Notes that `n` more bytes are on their way.
    pub(super) fn advance(&mut self, mut n: usize) {
        self.written += n as u64;
        while let Some(front) = self.segments.front_mut() {
            if n < front.len() {
                front.advance(n);
                break;
            }
            n -= front.len();
            self.segments.pop_front();
        }
        while let Some((_, done)) = self.one_way.pop_front_if(|(end, _)| *end <= self.written) {
            let _ = done.reply.send(Ok(Bytes::new()));
        }
    }

    /// Whose answer this is: always that of the oldest request.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the broker answers something else; nothing after it can be trusted.
    pub(super) fn answered(&mut self, correlation_id: i32) -> Result<Request> {
        match self.in_flight.pop_front() {
            Some(request) if request.correlation_id == correlation_id => Ok(request),
            Some(request) => {
                let message = format!(
                    "the broker answered request {correlation_id} where {} ({:?}) was next",
                    request.correlation_id, request.api
                );
                self.in_flight.push_front(request);
                Err(Error::new(ErrorKind::Malformed, message))
            }
            None => Err(Error::new(
                ErrorKind::Malformed,
                format!("the broker answered request {correlation_id}, which was not asked"),
            )),
        }
    }

    /// Writes nothing new until `until`.
    pub(super) fn mute(&mut self, until: Instant) {
        self.muted_until = self.muted_until.max(Some(until));
    }

    /// Writes nothing but what [skips the line](Self::accept_first) while `held`.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// When something has to happen even if no byte moves.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let waits = self.waiting.iter().map(|(request, _)| request);
        let one_way = self.one_way.iter().map(|(_, request)| request);
        waits.chain(one_way).chain(&self.in_flight).map(Request::deadline).chain(self.muted_until).min()
    }

    /// Fails what was never written in time, and returns the timeout of a written request that is late: then the
    /// connection must be closed, because the broker may be gone.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Duration> {
        let mut i = 0;
        while let Some((request, _)) = self.waiting.get(i) {
            if request.deadline() > now {
                i += 1;
            } else if let Some((late, _)) = self.waiting.remove(i) {
                let message = format!(
                    "the request was held back for {:?}: the broker throttles this client; raise its quota or send less",
                    late.timeout
                );
                let error = Error::new(ErrorKind::Timeout(late.timeout), message).with_api(late.api);
                let _ = late.reply.send(Err(error));
            }
        }
        let one_way = self.one_way.iter().map(|(_, request)| request);
        one_way
            .chain(&self.in_flight)
            .find(|request| request.deadline() <= now)
            .map(|request| request.timeout)
    }

    /// Whether all that was accepted is written.
    pub(super) fn is_written(&self) -> bool {
        self.waiting.is_empty() && self.segments.is_empty()
    }

    /// How many requests are not done.
    pub(super) fn load(&self) -> usize {
        self.waiting.len() + self.one_way.len() + self.in_flight.len()
    }

    /// Takes all that is not done, because the connection ends.
    pub(super) fn drain(&mut self) -> Vec<Request> {
        self.segments.clear();
        let one_way = self.one_way.drain(..).map(|(_, request)| request);
        let waiting = self.waiting.drain(..).map(|(request, _)| request);
        self.in_flight.drain(..).chain(one_way).chain(waiting).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = oneshot::Receiver<Result<Bytes>>;

    fn request(id: i32, now: Instant, timeout_ms: u64, one_way: bool) -> (Request, Answer) {
        let (reply, answer) = oneshot::channel();
        let timeout = Duration::from_millis(timeout_ms);
        (
            Request { api: ApiKey::Metadata, correlation_id: id, accepted: now, timeout, one_way, reply },
            answer,
        )
    }

    fn unwritten(pipeline: &Pipeline) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 8];
        let n = pipeline.unwritten(&mut slices);
        slices[..n].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    fn frame(parts: &[&'static str]) -> Vec<Bytes> {
        parts.iter().map(|part| Bytes::from_static(part.as_bytes())).collect()
    }

    #[test]
    fn partial_writes_go_on_where_they_stopped() {
        let (now, mut pipeline) = (Instant::now(), Pipeline::default());
        let (first, _a) = request(1, now, 10, false);
        let (second, _b) = request(2, now, 10, false);
        pipeline.accept(first, frame(&["ab", "cde"]));
        pipeline.accept(second, frame(&["f"]));
        assert_eq!(unwritten(&pipeline), b"");
        pipeline.release(now);
        assert_eq!(unwritten(&pipeline), b"abcdef");
        pipeline.advance(3);
        assert_eq!(unwritten(&pipeline), b"def");
        pipeline.advance(2);
        assert_eq!(unwritten(&pipeline), b"f");
        pipeline.advance(1);
        assert_eq!(unwritten(&pipeline), b"");
        assert_eq!(pipeline.load(), 2, "written is not answered");
    }

    #[test]
    fn answers_must_come_in_order() {
        let (now, mut pipeline) = (Instant::now(), Pipeline::default());
        for id in [1, 2] {
            let (request, _) = request(id, now, 10, false);
            pipeline.accept(request, frame(&["x"]));
        }
        pipeline.release(now);
        assert_eq!(pipeline.answered(2).unwrap_err().kind(), &ErrorKind::Malformed);
        assert_eq!(pipeline.answered(1).unwrap().correlation_id, 1);
        assert_eq!(pipeline.answered(2).unwrap().correlation_id, 2);
        assert_eq!(pipeline.answered(3).unwrap_err().kind(), &ErrorKind::Malformed);
    }

    #[test]
    fn one_way_requests_are_done_when_written() {
        let (now, mut pipeline) = (Instant::now(), Pipeline::default());
        let (first, mut first_done) = request(1, now, 10, true);
        let (second, mut second_done) = request(2, now, 10, true);
        pipeline.accept(first, frame(&["abc"]));
        pipeline.accept(second, frame(&["de"]));
        pipeline.release(now);
        pipeline.advance(4);
        assert!(first_done.try_recv().is_ok());
        assert!(second_done.try_recv().is_err());
        pipeline.advance(1);
        assert!(second_done.try_recv().is_ok());
        assert!(pipeline.is_written() && pipeline.load() == 0);
    }

    #[test]
    fn a_throttled_connection_keeps_silent_and_order() {
        let (now, mut pipeline) = (Instant::now(), Pipeline::default());
        let until = now + Duration::from_millis(5);
        pipeline.mute(until);
        for id in [1, 2] {
            let (request, _) = request(id, now, 10, false);
            pipeline.accept(request, frame(&[if id == 1 { "a" } else { "b" }]));
        }
        pipeline.release(now);
        assert_eq!(unwritten(&pipeline), b"");
        assert_eq!(pipeline.next_deadline(), Some(until));
        pipeline.release(until);
        assert_eq!(unwritten(&pipeline), b"ab");
    }

    #[test]
    fn authentication_goes_before_all_that_wait() {
        let (now, mut pipeline) = (Instant::now(), Pipeline::default());
        pipeline.hold(true);
        let (normal, _a) = request(1, now, 10, false);
        let (sasl, _b) = request(2, now, 10, false);
        pipeline.accept(normal, frame(&["normal"]));
        pipeline.accept_first(sasl, frame(&["sasl"]));
        pipeline.release(now);
        assert_eq!(unwritten(&pipeline), b"sasl");
        assert_eq!(pipeline.answered(2).unwrap().correlation_id, 2);
        pipeline.hold(false);
        pipeline.release(now);
        assert_eq!(unwritten(&pipeline), b"saslnormal");
    }

    #[test]
    fn late_requests_end_the_connection_only_if_they_were_written() {
        let (now, mut pipeline) = (Instant::now(), Pipeline::default());
        let (written, _a) = request(1, now, 30, false);
        pipeline.accept(written, frame(&["a"]));
        pipeline.release(now);
        pipeline.mute(now + Duration::from_secs(9));
        let (held, mut answer) = request(2, now, 10, false);
        pipeline.accept(held, frame(&["b"]));

        let at = |ms| now + Duration::from_millis(ms);
        assert_eq!(pipeline.next_deadline(), Some(at(10)));
        assert_eq!(pipeline.expire(at(9)), None);
        assert_eq!(pipeline.expire(at(10)), None);
        let error = answer.try_recv().unwrap().unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Timeout(Duration::from_millis(10)));
        assert_eq!(pipeline.expire(at(30)), Some(Duration::from_millis(30)));
        assert_eq!(pipeline.drain().len(), 1);
        assert!(pipeline.is_written() && pipeline.load() == 0);
    }
}
