//! What the writing half leaves for the checking half.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::vitals::Vitals;

/// What became of the records.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// How many records each partition was given: those numbered from 0 on. Partitions are named as records name them, so
    /// that those of a topic that was made anew are others.
    pub(crate) sent: BTreeMap<i32, u64>,
    /// How often the topic was made anew.
    pub(crate) lives: i32,
    /// How many were acknowledged.
    pub(crate) acked: u64,
    /// Those that were not, by partition and number.
    pub(crate) failed: Vec<(i32, u64)>,
    /// Errors that no fault explains, with how often each came.
    pub(crate) unexplained: BTreeMap<String, u64>,
    /// The longest time without an acknowledgement, in milliseconds.
    pub(crate) longest_stall_ms: u64,
    /// What our own consumer read.
    pub(crate) consumed: Consumed,
    /// What the program held, every few seconds.
    pub(crate) vitals: Vec<Vitals>,
}

/// What our own consumer read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Consumed {
    /// Acknowledged records that it did not.
    pub(crate) missing: u64,
    pub(crate) repeated: u64,
    pub(crate) out_of_order: u64,
    pub(crate) damaged: u64,
}

impl Report {
    pub(crate) fn load(file: &Path) -> Self {
        serde_json::from_slice(&fs::read(file).expect("a report")).expect("a report of ours")
    }

    pub(crate) fn save(&self, file: &Path) {
        fs::write(file, serde_json::to_vec(self).expect("a report")).expect("write the report");
    }

    /// Partition and number of each record that was acknowledged.
    pub(crate) fn acknowledged(&self) -> impl Iterator<Item = (i32, u64)> {
        let failed: BTreeSet<(i32, u64)> = self.failed.iter().copied().collect();
        let all =
            self.sent.iter().flat_map(|(partition, sent)| (0..*sent).map(|number| (*partition, number)));
        all.filter(move |record| !failed.contains(record))
    }

    /// The last one of each partition.
    pub(crate) fn last_acknowledged(&self) -> impl Iterator<Item = (i32, u64)> {
        let last: BTreeMap<i32, u64> = self.acknowledged().collect();
        last.into_iter()
    }
}
