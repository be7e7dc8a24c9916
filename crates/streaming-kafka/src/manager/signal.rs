use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::KafkaManager;
use crate::{Error, Result};

/// What listens for signals; it ends with the manager.
#[derive(Debug, Default)]
pub(super) struct Listening(JoinSet<()>);

impl KafkaManager {
    /// Ends all consumption in an orderly way, as [`stop_consuming`](Self::stop_consuming) does, when the process is told to
    /// end: by SIGTERM or SIGINT, or Ctrl-C on Windows. Each `consume_events` then returns, and with it the program as it
    /// likes.
    ///
    /// ```no_run
    /// # async fn example(handler: impl streaming_kafka::handler::Handler) -> streaming_kafka::Result<()> {
    /// let manager = streaming_kafka::KafkaManager::from_env()?;
    /// manager.stop_on_signal()?;
    /// manager.consume_events("analytics-events", handler).await?;
    /// manager.close(std::time::Duration::from_secs(30)).await
    /// # }
    /// ```
    ///
    /// From then on these signals do not end the process by themselves any more, for as long as it runs. A handler that hangs
    /// is dropped after `handler.drain.timeout.ms`.
    ///
    /// # Errors
    /// [`Error::Signals`](crate::Error::Signals): the system does not let this process listen for signals.
    pub fn stop_on_signal(&self) -> Result<()> {
        let signal = end_signal().map_err(Error::Signals)?;
        let stop = self.inner.stop.clone();
        self.inner.listening.lock().0.spawn(stop_at(signal, stop));
        Ok(())
    }
}

async fn stop_at(signal: impl Future<Output = ()>, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = signal => {
            tracing::info!("told to end: consumption stops");
            stop.cancel();
        }
    }
}

/// Listens from now on, not only once it is awaited.
#[cfg(unix)]
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    })
}

/// Listens from now on, not only once it is awaited.
#[cfg(windows)]
fn end_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        ctrl_c.recv().await;
    })
}
