//! Who reads what: pure functions from members and partitions to an assignment.
//!
//! `uniform` gives each member about as many partitions and moves few; `range` gives out each topic's partitions side by
//! side. `simple` is for groups whose members share partitions. Know nothing of the protocol that asks them.

mod range;
mod simple;
mod uniform;

use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::Uuid;

use range::range;
pub(crate) use simple::simple;
use uniform::uniform;

use super::Place;

/// The assignors by the names that members ask for, the default one first.
pub(crate) const ASSIGNORS: [(&str, Assignor); 2] = [("uniform", uniform), ("range", range)];

/// From members and the topics' partition counts to what each member gets.
pub(crate) type Assignor =
    fn(&BTreeMap<String, Subscriber>, &BTreeMap<Uuid, i32>) -> BTreeMap<String, BTreeSet<Place>>;

/// A member as an assignor sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subscriber {
    pub(crate) instance: Option<String>,
    /// The topics that it wants to read.
    pub(crate) topics: BTreeSet<Uuid>,
    /// What it was given the last time.
    pub(crate) current: BTreeSet<Place>,
}

/// The names of the assignors, the default one first.
pub(crate) fn assignor_names() -> impl Iterator<Item = &'static str> {
    ASSIGNORS.iter().map(|(name, _)| *name)
}
