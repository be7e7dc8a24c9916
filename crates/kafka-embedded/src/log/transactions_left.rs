use std::collections::{BTreeMap, BTreeSet};

use kafka_core::records::{Batch, ControlRecord};

use super::markers::Aborted;
use super::producers::marker;

/// What compaction has to know of transactions while it goes over the batches in order: the records of aborted ones go at
/// once, and a marker may go when nothing is left that it is about.
#[derive(Debug)]
pub(super) struct TransactionsLeft {
    /// By first offset, not begun yet.
    ahead: Vec<Aborted>,
    /// By producer: whether any of its records were there.
    aborted: BTreeMap<i64, (Aborted, bool)>,
    committed: BTreeSet<i64>,
    /// Aborted transactions that readers must still be told of.
    pub(super) left: Vec<Aborted>,
}

impl TransactionsLeft {
    pub(super) fn new(aborted: &[Aborted], until: i64) -> Self {
        let mut ahead: Vec<_> = aborted.iter().filter(|one| one.first_offset < until).copied().collect();
        // The next one is taken from the end.
        ahead.sort_by_key(|one| std::cmp::Reverse(one.first_offset));
        Self { ahead, aborted: BTreeMap::new(), committed: BTreeSet::new(), left: Vec::new() }
    }

    /// Whether the batch as a whole is of no use any more, readers' progress and producers' numbers aside.
    pub(super) fn is_useless(&mut self, batch: &Batch) -> bool {
        while let Some(next) = self.ahead.pop_if(|next| next.first_offset <= batch.last_offset()) {
            self.aborted.insert(next.producer_id, (next, false));
        }
        let producer = batch.producer_id();
        if batch.is_control() {
            return match marker(batch) {
                Some(ControlRecord::Abort) => match self.aborted.remove(&producer) {
                    Some((aborted, true)) => {
                        self.left.push(aborted);
                        false
                    }
                    _ => true,
                },
                Some(ControlRecord::Commit) => !self.committed.remove(&producer),
                _ => false,
            };
        }
        if !batch.is_transactional() {
            return false;
        }
        match self.aborted.get_mut(&producer) {
            Some((_, seen)) => {
                *seen = true;
                true
            }
            None => {
                self.committed.insert(producer);
                false
            }
        }
    }
}
