use std::hash::{DefaultHasher, Hasher};

/// How many records of a partition are handled at the same time. Partitions are always independent of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concurrency {
    /// One after the other, in order.
    #[default]
    ByPartition,
    /// Records with the same key one after the other, in order; up to this many keys of a partition at a time. Records
    /// without a key take turns with them.
    ByKey(usize),
    /// Up to this many records of a partition at a time, each as soon as there is room, whatever its key.
    Unordered(usize),
}

impl Concurrency {
    /// How many lanes a partition has; one at least.
    pub(crate) fn lanes(self) -> usize {
        match self {
            Self::ByPartition => 1,
            Self::ByKey(lanes) | Self::Unordered(lanes) => lanes.max(1),
        }
    }

    /// Whether all lanes take from one queue.
    pub(crate) fn shares_queue(self) -> bool {
        matches!(self, Self::Unordered(_))
    }
}

/// The lane of a record: that of its key, or the next in turn.
pub(crate) fn lane_of(key: Option<&[u8]>, lanes: usize, turn: &mut usize) -> usize {
    match key {
        _ if lanes <= 1 => 0,
        Some(key) => {
            let mut hasher = DefaultHasher::new();
            hasher.write(key);
            // The remainder is below `lanes`, so it fits whatever the width of a usize is.
            usize::try_from(hasher.finish() % lanes as u64).unwrap_or(0)
        }
        None => {
            *turn = (*turn + 1) % lanes;
            *turn
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_lane_and_records_without_one_take_turns() {
        let mut turn = 0;
        for key in [&b"a"[..], b"b", b"", b"long key"] {
            let lane = lane_of(Some(key), 7, &mut turn);
            assert!(lane < 7);
            assert_eq!(lane_of(Some(key), 7, &mut turn), lane);
        }
        let turns: Vec<_> = (0..4).map(|_| lane_of(None, 3, &mut turn)).collect();
        assert_eq!(turns, [1, 2, 0, 1]);
        assert_eq!((Concurrency::ByKey(0).lanes(), Concurrency::Unordered(0).lanes()), (1, 1));
    }
}
