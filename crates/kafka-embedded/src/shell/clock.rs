use std::sync::Arc;

use super::Shared;

/// Lets the core do what is due, when it is due, for ever.
pub(crate) async fn run_clock(shared: Arc<Shared>) {
    loop {
        match shared.sleep() {
            Some(time) => {
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(time) => shared.with(|_| ()),
                    () = shared.clock.notified() => {}
                }
            }
            None => shared.clock.notified().await,
        }
    }
}
