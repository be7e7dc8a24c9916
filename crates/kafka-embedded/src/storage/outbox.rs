use std::sync::Arc;

use parking_lot::Mutex;

use super::Change;

/// Where changes are put until the shell takes them, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(Arc<Mutex<Vec<Change>>>);

impl Outbox {
    pub(crate) fn put(&self, change: Change) {
        self.0.lock().push(change);
    }

    pub(crate) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut self.0.lock())
    }
}
