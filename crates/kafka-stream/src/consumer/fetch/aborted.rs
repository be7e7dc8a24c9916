//! Which transactional batches a `read_committed` consumer must not see.

use std::collections::{HashSet, VecDeque};

use kafka_core::Result;
use kafka_core::records::{Batch, ControlRecord, Decompressor};

/// The aborted transactions that a fetch response names for one partition, worked off in the order of its batches.
#[derive(Debug, Default)]
pub(crate) struct AbortedTransactions {
    /// Producer id and first offset of transactions that have not begun yet, by that offset.
    ahead: VecDeque<(i64, i64)>,
    /// Producers inside an aborted transaction.
    open: HashSet<i64>,
}

impl AbortedTransactions {
    /// Takes (producer id, first offset) of each.
    pub(crate) fn new(transactions: impl IntoIterator<Item = (i64, i64)>) -> Self {
        let mut ahead: Vec<_> = transactions.into_iter().collect();
        ahead.sort_unstable_by_key(|&(_, first_offset)| first_offset);
        Self { ahead: ahead.into(), open: HashSet::new() }
    }

    /// Whether the next batch holds nothing for the user: control records, or records of an aborted transaction.
    pub(crate) fn hides(&mut self, batch: &Batch, decompressor: &mut Decompressor) -> Result<bool> {
        while let Some(&(producer_id, first_offset)) = self.ahead.front()
            && first_offset <= batch.last_offset()
        {
            self.open.insert(producer_id);
            self.ahead.pop_front();
        }
        if batch.is_control() {
            if self.open.contains(&batch.producer_id()) && is_abort(batch, decompressor)? {
                self.open.remove(&batch.producer_id());
            }
            return Ok(true);
        }
        Ok(batch.is_transactional() && self.open.contains(&batch.producer_id()))
    }
}

fn is_abort(batch: &Batch, decompressor: &mut Decompressor) -> Result<bool> {
    let mut records = batch.records(decompressor)?;
    Ok(match records.next_view()? {
        Some(record) => ControlRecord::read(&record)? == ControlRecord::Abort,
        None => false,
    })
}
