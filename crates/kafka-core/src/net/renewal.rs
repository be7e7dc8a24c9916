//! Connections that were made with certificates or passwords that have been replaced since.
//!
//! Such a connection is given to nobody any more, while what is under way on it comes to its end: no request fails, and
//! whoever cares for order waits for the answers as after any other end of a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use tracing::debug;

use super::shared::Shared;
use crate::{Error, ErrorKind};

/// How long a connection without requests is kept for those who hold it already and are about to send.
const GRACE: Duration = Duration::from_secs(1);

/// Retires a connection at the first renewal, and ends it when all its requests are answered.
pub(super) async fn retire_when_renewed(
    shared: Arc<Shared>,
    stream: Option<watch::Receiver<u64>>,
    credentials: Option<watch::Receiver<u64>>,
) {
    tokio::select! {
        () = renewed(stream) => {}
        () = renewed(credentials) => {}
        () = shared.ended() => return,
    }
    debug!(broker = %shared.address(), "certificates or credentials are new: the connection is renewed");
    shared.retire();
    let mut was_idle = false;
    loop {
        tokio::select! {
            () = sleep(GRACE) => {}
            () = shared.ended() => return,
        }
        let is_idle = shared.load() == 0;
        if is_idle && was_idle {
            let message = "the connection was replaced by one with newer certificates or credentials";
            shared.fail(Error::new(ErrorKind::Disconnected, message));
            return;
        }
        was_idle = is_idle;
    }
}

/// Waits for the next value; for ever, if there will be none.
async fn renewed(receiver: Option<watch::Receiver<u64>>) {
    if let Some(mut receiver) = receiver
        && receiver.changed().await.is_ok()
    {
        return;
    }
    std::future::pending().await
}
