use kafka_core::TopicPartition;
use kafka_core::records::RecordViews;

use super::fetch::Slice;
use super::{ConsumerRecord, ConsumerRecordView};

/// What one `poll` returned: records by partition, in the order of their offsets within each.
///
/// [`iter`](Self::iter) borrows and allocates nothing per record; `into_iter` yields owned records that share the
/// batches' memory. All records were checked when they were polled, so neither can fail.
#[derive(Clone, Debug, Default)]
pub struct ConsumerRecords {
    partitions: Vec<PartitionRecords>,
    len: usize,
    bytes: usize,
}

/// The records of one partition within a [`ConsumerRecords`].
#[derive(Clone, Debug)]
pub struct PartitionRecords {
    tp: TopicPartition,
    slices: Vec<Slice>,
    len: usize,
    next_offset: i64,
    stamp: u64,
}

impl ConsumerRecords {
    /// Adds what was taken of a partition; `reached` is the offset behind it, and the partition's stamp.
    pub(super) fn push(&mut self, tp: TopicPartition, slices: Vec<Slice>, bytes: usize, reached: (i64, u64)) {
        let (next_offset, stamp) = reached;
        let len = slices.iter().map(|slice| slice.len).sum();
        self.len += len;
        self.bytes += bytes;
        match self.partitions.iter_mut().find(|known| known.tp == tp) {
            Some(known) => {
                known.slices.extend(slices);
                known.len += len;
                known.next_offset = next_offset;
                known.stamp = stamp;
            }
            None => self.partitions.push(PartitionRecords { tp, slices, len, next_offset, stamp }),
        }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none: the time was up.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of all keys and values.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The partitions that records came from.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.partitions.iter().map(|partition| &partition.tp)
    }

    /// The records of each partition.
    pub fn by_partition(&self) -> impl Iterator<Item = &PartitionRecords> {
        self.partitions.iter()
    }

    /// The records of one partition, if there are any.
    pub fn records(&self, tp: &TopicPartition) -> Option<&PartitionRecords> {
        self.partitions.iter().find(|partition| partition.tp == *tp)
    }

    /// All records, borrowed.
    pub fn iter(&self) -> Iter<'_> {
        Iter { partitions: self.partitions.iter(), current: None }
    }
}

impl PartitionRecords {
    /// The partition.
    pub fn topic_partition(&self) -> &TopicPartition {
        &self.tp
    }

    /// How many records there are; at least one.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never true: a partition without records is left out.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The offset to commit once all of these records are done with.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// Tells assignments, seeks and resets of the partition apart.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// The records, borrowed.
    pub fn iter(&self) -> PartitionIter<'_> {
        PartitionIter { tp: &self.tp, slices: self.slices.iter(), views: None, left: 0, leader_epoch: -1 }
    }
}

/// Borrows the records of a [`ConsumerRecords`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    partitions: std::slice::Iter<'a, PartitionRecords>,
    current: Option<PartitionIter<'a>>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = ConsumerRecordView<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(current) = &mut self.current
                && let Some(record) = current.next()
            {
                return Some(record);
            }
            self.current = Some(self.partitions.next()?.iter());
        }
    }
}

/// Borrows the records of a [`PartitionRecords`].
#[derive(Clone, Debug)]
pub struct PartitionIter<'a> {
    tp: &'a TopicPartition,
    slices: std::slice::Iter<'a, Slice>,
    views: Option<RecordViews<'a>>,
    left: usize,
    leader_epoch: i32,
}

impl<'a> Iterator for PartitionIter<'a> {
    type Item = ConsumerRecordView<'a>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        while self.left == 0 {
            self.next_slice()?;
        }
        self.left -= 1;
        // Cannot be an error: the slice was read through when it was cut.
        let view = self.views.as_mut()?.next()?.ok()?;
        Some(ConsumerRecordView { tp: self.tp, leader_epoch: self.leader_epoch, view })
    }
}

impl PartitionIter<'_> {
    #[cold]
    fn next_slice(&mut self) -> Option<()> {
        let slice = self.slices.next()?;
        self.views = Some(slice.records.views());
        self.left = slice.len;
        self.leader_epoch = slice.leader_epoch;
        Some(())
    }
}

impl<'a> IntoIterator for &'a ConsumerRecords {
    type Item = ConsumerRecordView<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a PartitionRecords {
    type Item = ConsumerRecordView<'a>;
    type IntoIter = PartitionIter<'a>;

    fn into_iter(self) -> PartitionIter<'a> {
        self.iter()
    }
}

/// Yields the records of a [`ConsumerRecords`], owned.
#[derive(Debug)]
pub struct IntoIter {
    partitions: std::vec::IntoIter<PartitionRecords>,
    current: Option<(TopicPartition, std::vec::IntoIter<Slice>)>,
    slice: Option<Slice>,
    left: usize,
}

impl Iterator for IntoIter {
    type Item = ConsumerRecord;

    fn next(&mut self) -> Option<ConsumerRecord> {
        loop {
            if let (Some((tp, _)), Some(slice)) = (&self.current, &mut self.slice)
                && slice.len > 0
            {
                slice.len -= 1;
                self.left -= 1;
                let leader_epoch = slice.leader_epoch;
                let view = slice.records.next_view().ok()??;
                return Some(ConsumerRecordView { tp, leader_epoch, view }.to_record());
            }
            self.slice = self.current.as_mut().and_then(|(_, slices)| slices.next());
            if self.slice.is_none() {
                let partition = self.partitions.next()?;
                self.current = Some((partition.tp, partition.slices.into_iter()));
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for IntoIter {}

impl IntoIterator for ConsumerRecords {
    type Item = ConsumerRecord;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { partitions: self.partitions.into_iter(), current: None, slice: None, left: self.len }
    }
}
