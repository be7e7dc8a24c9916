//! The classic protocol: members join, one of them assigns, all ask for what they got.
//!
//! `join` brings members in and runs rebalances, `sync` hands assignments out, `membership` keeps and ends memberships,
//! `commits` says who may commit; `migration` is how a group comes from and goes to the new protocol. Knows no topic and no broker.

mod commits;
mod group;
mod join;
mod member;
mod membership;
mod migration;
mod subscription;
mod sync;
#[cfg(test)]
mod tests;

pub(crate) use group::{ClassicGroup, State};
pub(crate) use join::{MEMBER_ID_REQUIRED, refused_join};
pub(crate) use member::{Member, protocols_of};
pub(crate) use sync::refused_sync;
