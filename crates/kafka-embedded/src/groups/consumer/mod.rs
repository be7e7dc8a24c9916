//! The protocol of KIP-848: the coordinator assigns, and one request, the heartbeat, carries everything.
//!
//! The group counts an epoch for every change of who wants to read what, and makes a target for each. A member goes towards
//! its target by its own heartbeats (`reconcile`): it gives up first and then takes what nobody else has. `heartbeat` brings
//! members in and lets them go, `group` makes targets and ends sessions, `commits` says who may commit. `classic_members` are
//! those that speak the classic protocol all the same, while a group goes from one to the other. Knows no broker, and
//! of topics only their ids and partitions.

mod classic_members;
mod commits;
mod group;
mod heartbeat;
mod member;
mod pattern;
mod reconcile;
#[cfg(test)]
mod tests;

pub(crate) use group::ConsumerGroup;
pub(crate) use member::ConsumerMember;
pub(crate) use pattern::Pattern;
