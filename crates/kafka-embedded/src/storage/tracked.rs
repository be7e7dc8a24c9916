use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

/// A map that remembers which of its entries were touched, if it is told to.
#[derive(Debug)]
pub(crate) struct Tracked<V> {
    entries: BTreeMap<String, V>,
    touched: Option<BTreeSet<String>>,
}

impl<V> Default for Tracked<V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), touched: None }
    }
}

impl<V> Deref for Tracked<V> {
    type Target = BTreeMap<String, V>;

    fn deref(&self) -> &Self::Target {
        &self.entries
    }
}

impl<V> Tracked<V> {
    /// Remembers from now on.
    pub(crate) fn track(&mut self) {
        self.touched.get_or_insert_default();
    }

    pub(crate) fn is_tracking(&self) -> bool {
        self.touched.is_some()
    }

    pub(crate) fn touch(&mut self, key: &str) {
        if let Some(touched) = self.touched.as_mut().filter(|touched| !touched.contains(key)) {
            touched.insert(key.to_owned());
        }
    }

    pub(crate) fn touch_all(&mut self) {
        if let Some(touched) = &mut self.touched {
            touched.extend(self.entries.keys().cloned());
        }
    }

    /// What was touched since the last time.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<String> {
        self.touched.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        self.touch(key);
        self.entries.get_mut(key)
    }

    /// For a change of what need not survive.
    pub(crate) fn get_untouched(&mut self, key: &str) -> Option<&mut V> {
        self.entries.get_mut(key)
    }

    pub(crate) fn entry(&mut self, key: String) -> std::collections::btree_map::Entry<'_, String, V> {
        self.touch(&key);
        self.entries.entry(key)
    }

    pub(crate) fn insert(&mut self, key: String, value: V) -> Option<V> {
        self.touch(&key);
        self.entries.insert(key, value)
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<V> {
        self.touch(key);
        self.entries.remove(key)
    }

    /// Goes over all entries; those that `act` says yes to count as touched.
    pub(crate) fn tend(&mut self, mut act: impl FnMut(&mut V) -> bool) {
        for (key, value) in &mut self.entries {
            if act(value)
                && let Some(touched) = &mut self.touched
            {
                touched.insert(key.clone());
            }
        }
    }

    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.touch_all();
        self.entries.values_mut()
    }
}
