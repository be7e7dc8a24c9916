//! Consumer groups of the classic protocol, and committed offsets.
//!
//! A [`Group`] is plain state: a request or the time goes in, answers to whoever waited come out in [`Effects`]. `join` brings
//! members in and runs rebalances, `sync` hands assignments out, `membership` keeps and ends memberships, `offsets` keeps
//! what was committed. Knows no topic and no broker.

mod effects;
mod group;
mod join;
mod member;
mod membership;
mod offsets;
mod registry;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use effects::Effects;
pub(crate) use group::{Group, State};
pub(crate) use join::refused_join;
pub(crate) use member::Member;
pub(crate) use offsets::Committed;
pub(crate) use registry::Groups;
