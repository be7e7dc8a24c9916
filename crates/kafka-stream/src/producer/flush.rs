use std::sync::Arc;

use tokio::sync::oneshot;

/// Held by every batch that a `flush` waits for; when the last one is dropped, the flush is done.
#[derive(Clone, Debug)]
pub(crate) struct FlushToken {
    _done: Arc<oneshot::Sender<()>>,
}

impl FlushToken {
    /// A token, and what ends (with an error, which is of no interest) once all its clones are gone.
    pub(crate) fn new() -> (Self, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        (Self { _done: Arc::new(sender) }, receiver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_token_ends_the_wait() {
        let (token, mut done) = FlushToken::new();
        let other = token.clone();
        drop(token);
        assert_eq!(done.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        drop(other);
        assert_eq!(done.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}
