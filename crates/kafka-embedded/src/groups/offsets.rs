use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// An offset that was committed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

/// What a group committed, by topic and partition.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    committed: BTreeMap<(String, i32), Committed>,
    /// What counts once a producer's transaction is committed.
    pending: BTreeMap<i64, BTreeMap<(String, i32), Committed>>,
    /// Whether anything was committed since somebody looked.
    pub(super) is_used: bool,
    /// What changed, if that is to be remembered.
    touched: Option<Touched>,
}

/// What changed of a group's offsets since somebody looked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    pub(crate) committed: BTreeSet<(String, i32)>,
    pub(crate) pending: BTreeSet<i64>,
}

impl Offsets {
    /// Remembers what changes from now on.
    pub(crate) fn track(&mut self) {
        self.touched.get_or_insert_default();
    }

    pub(crate) fn take_touched(&mut self) -> Touched {
        self.touched.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn touch(&mut self, topic: &str, partition: i32) {
        self.is_used = true;
        if let Some(touched) = &mut self.touched {
            touched.committed.insert((topic.to_owned(), partition));
        }
    }

    fn touch_pending(&mut self, producer_id: i64) {
        self.is_used = true;
        if let Some(touched) = &mut self.touched {
            touched.pending.insert(producer_id);
        }
    }

    /// What counts once the producer's transaction is committed.
    pub(crate) fn pending_of(&self, producer_id: i64) -> impl Iterator<Item = (&str, i32, &Committed)> {
        let pending = self.pending.get(&producer_id).into_iter().flatten();
        pending.map(|((topic, partition), committed)| (topic.as_str(), *partition, committed))
    }

    pub(crate) fn commit(&mut self, topic: &str, partition: i32, committed: Committed) {
        self.touch(topic, partition);
        self.committed.insert((topic.to_owned(), partition), committed);
    }

    /// The offset counts once the producer's transaction is committed.
    pub(crate) fn commit_later(
        &mut self,
        producer_id: i64,
        topic: &str,
        partition: i32,
        committed: Committed,
    ) {
        self.touch_pending(producer_id);
        let pending = self.pending.entry(producer_id).or_default();
        pending.insert((topic.to_owned(), partition), committed);
    }

    pub(crate) fn end_transaction(&mut self, producer_id: i64, commit: bool) {
        self.touch_pending(producer_id);
        let pending = self.pending.remove(&producer_id).unwrap_or_default();
        if commit {
            for (topic, partition) in pending.keys() {
                self.touch(topic, *partition);
            }
            self.committed.extend(pending);
        }
    }

    /// Whether an open transaction may change the offset.
    pub(crate) fn is_unstable(&self, topic: &str, partition: i32) -> bool {
        let place = (topic.to_owned(), partition);
        self.pending.values().any(|pending| pending.contains_key(&place))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.committed.is_empty() && self.pending.is_empty()
    }

    pub(crate) fn get(&self, topic: &str, partition: i32) -> Option<&Committed> {
        self.committed.get(&(topic.to_owned(), partition))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i32, &Committed)> {
        self.committed.iter().map(|((topic, partition), committed)| (topic.as_str(), *partition, committed))
    }

    pub(crate) fn remove(&mut self, topic: &str, partition: i32) {
        self.touch(topic, partition);
        self.committed.remove(&(topic.to_owned(), partition));
    }

    pub(crate) fn forget_topic(&mut self, topic: &str) {
        if let Some(touched) = &mut self.touched {
            touched.committed.extend(self.committed.keys().filter(|(name, _)| name == topic).cloned());
        }
        self.committed.retain(|(name, _), _| name != topic);
    }
}
