//! From what a member has to what it is to have: give up first, then take what nobody else has.

use std::collections::{BTreeMap, BTreeSet};

use super::ConsumerMember;
use super::member::Progress;
use crate::groups::Place;

/// What a member is to have.
pub(super) struct Goal<'a> {
    pub(super) epoch: i32,
    pub(super) places: &'a BTreeSet<Place>,
    /// What other members have or have not given up yet.
    pub(super) taken: &'a BTreeSet<Place>,
}

impl ConsumerMember {
    /// Whether the member has reached the goal of this epoch.
    pub(super) fn has_reached(&self, epoch: i32) -> bool {
        self.progress == Progress::Stable && self.epoch == epoch
    }

    /// The next step to the goal, given what the member says that it owns; whether something changed.
    pub(super) fn step(&mut self, goal: &Goal<'_>, owned: Option<&BTreeSet<Place>>) -> bool {
        if self.has_reached(goal.epoch) {
            return false;
        }
        let still_owns = |places: &BTreeMap<Place, i32>| {
            owned.is_none_or(|owned| owned.iter().any(|place| places.contains_key(place)))
        };
        if self.progress == Progress::Unrevoked && still_owns(&self.revoking) {
            return false;
        }
        let (mut kept, given_up): (BTreeMap<Place, i32>, BTreeMap<Place, i32>) =
            self.assigned.iter().partition(|(place, _)| goal.places.contains(place));
        self.previous_epoch = self.epoch;
        if !given_up.is_empty() && still_owns(&given_up) {
            self.progress = Progress::Unrevoked;
            self.assigned = kept;
            self.revoking = given_up;
            return true;
        }
        self.progress = Progress::Stable;
        for place in goal.places {
            if kept.contains_key(place) {
                continue;
            }
            if goal.taken.contains(place) {
                self.progress = Progress::Unreleased;
            } else {
                kept.insert(*place, goal.epoch);
            }
        }
        self.epoch = goal.epoch;
        self.assigned = kept;
        self.revoking = BTreeMap::new();
        true
    }
}
