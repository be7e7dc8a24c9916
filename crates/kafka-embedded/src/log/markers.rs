use kafka_core::protocol::ErrorCode;
use kafka_core::records::{BatchBuilder, Compression, Compressor, ControlRecord, NO_HEADERS, ProducerStamp};

use super::Log;
use super::partition_log::StoredBatch;

/// A transaction that was aborted: its records are not for readers of committed ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Aborted {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    /// Where its marker is.
    pub(crate) last_offset: i64,
}

/// What ends a producer's transaction in a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Marker {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) commit: bool,
    /// The coordinator's epoch; -1 from a tool.
    pub(crate) coordinator_epoch: i32,
}

impl Log {
    /// Whether a marker that came from outside may end the producer's transaction.
    pub(crate) fn check_marker(&self, producer_id: i64, epoch: i16) -> Result<(), ErrorCode> {
        if epoch < 0 {
            return Err(ErrorCode::UNKNOWN_SERVER_ERROR);
        }
        let known = self.producers().find(|producer| producer.id == producer_id);
        match known {
            Some(producer) if producer.epoch > epoch => Err(ErrorCode::INVALID_PRODUCER_EPOCH),
            _ => Ok(()),
        }
    }

    /// Writes the marker that ends a producer's transaction here; one that wrote nothing gets it too, as in Kafka.
    pub(crate) fn end_transaction(&mut self, marker: Marker, leader_epoch: i32, now: i64) {
        let Marker { producer_id, epoch, commit, coordinator_epoch } = marker;
        let key = if commit { ControlRecord::Commit } else { ControlRecord::Abort }.key();
        // The version, 0, stands first.
        let mut value = [0; 6];
        if let Some(epoch) = value.last_chunk_mut() {
            *epoch = coordinator_epoch.to_be_bytes();
        }
        let mut builder = BatchBuilder::with_capacity(128);
        let stamp = ProducerStamp { producer_id, epoch, base_sequence: -1, transactional: true };
        let built = builder.append(now, Some(&key), Some(&value), NO_HEADERS).and_then(|_| {
            let mut batch = builder.finish(Compression::None, &mut Compressor::default(), &stamp)?;
            batch.set_control()?;
            Ok(batch)
        });
        let Ok(mut batch) = built else { return };
        let offset = self.end;
        batch.set_base_offset(offset, leader_epoch);
        self.push(StoredBatch {
            base_offset: offset,
            last_offset: offset,
            max_timestamp: now,
            bytes: batch.bytes(),
        });
        let begun = self.producers.end_transaction(producer_id, epoch, coordinator_epoch, now);
        if let Some(first_offset) = begun.filter(|_| !commit) {
            self.aborted.push(Aborted { producer_id, first_offset, last_offset: offset });
        }
    }

    /// The aborted transactions among the records from `from` to before `to`.
    pub(crate) fn aborted_between(&self, from: i64, to: i64) -> impl Iterator<Item = &Aborted> {
        self.aborted.iter().filter(move |aborted| aborted.last_offset >= from && aborted.first_offset < to)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kafka_core::records::{Batches, Decompressor};

    use super::*;

    #[test]
    fn a_marker_is_a_control_batch_that_ends_the_transaction() {
        let mut log = Log::new(Arc::default());
        let marker = Marker { producer_id: 7, epoch: 3, commit: false, coordinator_epoch: 5 };
        log.end_transaction(marker, 2, 1000);
        assert_eq!((log.end_offset(), log.last_stable_offset()), (1, 1));
        let batch = Batches::new(log.read(0, 1, 1000, true)).next().unwrap().unwrap();
        assert!(batch.is_control() && batch.is_transactional() && batch.check_crc().is_ok());
        assert_eq!((batch.producer_id(), batch.producer_epoch(), batch.leader_epoch()), (7, 3, 2));
        let records = batch.records(&mut Decompressor::default()).unwrap();
        let kind = ControlRecord::read(&records.views().next().unwrap().unwrap()).unwrap();
        assert_eq!(kind, ControlRecord::Abort);
        assert_eq!(log.aborted_between(0, 1).count(), 0, "it had written nothing");
    }
}
