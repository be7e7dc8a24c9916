use std::time::Duration;

use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep};

use super::Client;
use super::connections::closed;
use crate::backoff::ExponentialBackoff;
use crate::{Error, Result};

/// The tries of one call, with growing pauses between them until the time is over.
///
/// A value that its callers loop over, not a function that takes an async closure: futures with such a closure inside
/// cannot be shown to be `Send`, so that no task could be spawned with them.
#[derive(Debug)]
pub(super) struct Attempts {
    pub(super) deadline: Instant,
    started: Instant,
    failures: u32,
    last: Option<Error>,
}

impl Attempts {
    pub(super) fn within(timeout: Duration) -> Self {
        let started = Instant::now();
        Self { deadline: started + timeout, started, failures: 0, last: None }
    }

    /// Judges a try: its value, or `None` after the pause before the next try.
    ///
    /// # Errors
    /// The try's own if another cannot help or there is no time for one.
    pub(super) async fn settle<T>(
        &mut self,
        client: &Client,
        outcome: Result<Result<T>, Elapsed>,
    ) -> Result<Option<T>> {
        let error = match outcome {
            Ok(Ok(value)) => return Ok(Some(value)),
            Ok(Err(error)) if error.is_retriable() => error,
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                return Err(self.last.take().unwrap_or_else(|| client.late("an answer", self.started)));
            }
        };
        if client.is_closed() {
            return Err(closed());
        }
        let config = client.config();
        let pause =
            ExponentialBackoff::new(config.retry_backoff, config.retry_backoff_max).delay(self.failures);
        if Instant::now() + pause >= self.deadline {
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        self.last = Some(error);
        client.request_metadata_update();
        sleep(pause).await;
        Ok(None)
    }
}
