use std::future::Future;

use tokio::time::{Instant, sleep, timeout_at};

use super::Client;
use super::client::late;
use super::connections::closed;
use crate::backoff::ExponentialBackoff;
use crate::{Error, Result};

/// Attempts that are repeated with growing pauses while that may help, until a deadline.
///
/// Attempts are futures, not an async closure: what borrows from such a closure cannot be spawned.
pub(super) struct Retries<'a> {
    client: &'a Client,
    backoff: ExponentialBackoff,
    started: Instant,
    deadline: Instant,
    failures: u32,
    last: Option<Error>,
}

impl<'a> Retries<'a> {
    pub(super) fn new(client: &'a Client, deadline: Instant) -> Self {
        let backoff =
            ExponentialBackoff::new(client.config().retry_backoff, client.config().retry_backoff_max);
        Self { client, backoff, started: Instant::now(), deadline, failures: 0, last: None }
    }

    /// Makes an attempt. `None`: it failed, the pause after it is over, make another.
    pub(super) async fn attempt<T>(&mut self, attempt: impl Future<Output = Result<T>>) -> Option<Result<T>> {
        let error = match timeout_at(self.deadline, attempt).await {
            Ok(Err(error)) if error.is_retriable() => error,
            Ok(result) => return Some(result),
            Err(_) => {
                // Being unreachable explains why nothing came.
                let unreachable = || self.client.unreachable();
                let late = || late("an answer", self.started);
                return Some(Err(self.last.take().or_else(unreachable).unwrap_or_else(late)));
            }
        };
        if self.client.is_closed() {
            return Some(Err(closed()));
        }
        let pause = self.backoff.delay(self.failures);
        if Instant::now() + pause >= self.deadline {
            return Some(Err(error));
        }
        self.failures = self.failures.saturating_add(1);
        self.last = Some(error);
        self.client.request_metadata_update();
        sleep(pause).await;
        None
    }
}
