//! How much waits in each partition of a topic, side by side in memory: whoever chooses a partition looks at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Set where nothing should go.
const UNAVAILABLE: u32 = 1 << 31;

/// The loads of partitions that were learnt together.
#[derive(Debug)]
pub(super) struct Loads(Box<[AtomicU32]>);

impl Loads {
    pub(super) fn new(partitions: usize) -> Arc<Self> {
        Arc::new(Self((0..partitions).map(|_| AtomicU32::new(0)).collect()))
    }

    /// How many batches wait in each partition; `None` where nothing should go.
    pub(super) fn lengths(&self) -> impl Iterator<Item = Option<u32>> + Clone {
        self.0.iter().map(|load| {
            let load = load.load(Ordering::Relaxed);
            (load & UNAVAILABLE == 0).then_some(load)
        })
    }

    /// The load of the partition at `place`.
    pub(super) fn at(self: &Arc<Self>, place: usize) -> Load {
        Load { loads: self.clone(), place }
    }
}

/// One partition's load.
#[derive(Debug)]
pub(super) struct Load {
    loads: Arc<Loads>,
    place: usize,
}

impl Load {
    fn get(&self) -> Option<&AtomicU32> {
        self.loads.0.get(self.place)
    }

    /// How many batches wait.
    pub(super) fn len(&self) -> u32 {
        self.get().map_or(0, |load| load.load(Ordering::Relaxed) & !UNAVAILABLE)
    }

    pub(super) fn add(&self) {
        if let Some(load) = self.get() {
            load.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn subtract(&self) {
        if let Some(load) = self.get() {
            load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    #[cfg(test)]
    pub(super) fn is_available(&self) -> bool {
        self.get().is_some_and(|load| load.load(Ordering::Relaxed) & UNAVAILABLE == 0)
    }

    pub(super) fn set_available(&self, available: bool) {
        let Some(load) = self.get() else { return };
        if available {
            load.fetch_and(!UNAVAILABLE, Ordering::Relaxed);
        } else {
            load.fetch_or(UNAVAILABLE, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_availability_do_not_touch_each_other() {
        let loads = Loads::new(3);
        let load = loads.at(1);
        load.add();
        load.set_available(false);
        load.add();
        assert_eq!((load.len(), load.is_available()), (2, false));
        assert_eq!(loads.lengths().collect::<Vec<_>>(), [Some(0), None, Some(0)]);
        load.subtract();
        load.set_available(true);
        assert_eq!(loads.lengths().collect::<Vec<_>>(), [Some(0), Some(1), Some(0)]);
    }
}
