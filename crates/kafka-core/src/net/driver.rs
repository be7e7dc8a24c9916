//! The task of a connection: reads answers, goes on with writes that the socket did not take at once, watches the clock.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncReadExt, ReadHalf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::ByteStream;
use super::frame::FrameReader;
use super::metrics::count;
use super::shared::Shared;
use crate::{Error, ErrorKind, Result};

pub(super) struct Driver {
    shared: Arc<Shared>,
    stream: ReadHalf<Box<dyn ByteStream>>,
    frames: FrameReader,
    alarm: Pin<Box<Sleep>>,
}

impl Driver {
    pub(super) fn new(
        shared: Arc<Shared>,
        stream: ReadHalf<Box<dyn ByteStream>>,
        max_response_size: usize,
    ) -> Self {
        let alarm = Box::pin(sleep_until(Instant::now()));
        Self { shared, stream, frames: FrameReader::new(max_response_size), alarm }
    }

    pub(super) async fn run(mut self) {
        let reason = poll_fn(|cx| self.poll(cx)).await;
        self.shared.fail(reason);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if let Poll::Ready(Err(reason)) = self.read(cx) {
            return Poll::Ready(reason);
        }
        loop {
            match self.shared.drive(cx, Instant::now()) {
                Ok(alarm) if alarm != self.alarm.deadline() => self.alarm.as_mut().reset(alarm),
                Ok(_) => {}
                Err(reason) => return Poll::Ready(reason),
            }
            if self.alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Reads until the socket has no more; only ever ready with the reason for the end.
    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let mut spare = self.frames.spare();
            let read = {
                let read = pin!(self.stream.read_buf(&mut spare));
                match read.poll(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(read) => read,
                }
            };
            match read {
                Ok(0) => {
                    return Poll::Ready(Err(Error::new(
                        ErrorKind::Disconnected,
                        "the broker closed the connection",
                    )));
                }
                Ok(n) => count(&self.shared.counters().bytes_received, n as u64),
                Err(error) => {
                    if let Some(known) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                        return Poll::Ready(Err(known.clone()));
                    }
                    let message = format!("reading from the broker failed: {error}");
                    return Poll::Ready(Err(Error::new(ErrorKind::Disconnected, message).with_source(error)));
                }
            }
            while let Some(frame) = self.frames.next_frame()? {
                self.shared.answer(frame)?;
            }
        }
    }
}

impl Drop for Driver {
    /// The runtime is going away, or the task is done: either way nobody will read an answer any more.
    fn drop(&mut self) {
        self.shared.fail(Error::new(ErrorKind::Disconnected, "the connection's task was stopped"));
    }
}
