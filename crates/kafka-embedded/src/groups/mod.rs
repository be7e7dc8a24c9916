//! Groups, and what they committed.
//!
//! A [`Group`] is plain state: a request or the time goes in, answers to whoever waited come out in [`Effects`]. What it is
//! besides its offsets depends on the protocol of its members: `classic`, where one of them assigns, or `consumer` (KIP-848),
//! where `assignors` does, or `share` (KIP-932), where members share partitions. Knows no broker, and of topics only their ids and partitions.

mod assignors;
mod classic;
mod consumer;
mod consumer_protocol;
mod effects;
mod group;
mod migration;
mod offsets;
mod registry;
mod share;
mod topic_table;

pub(crate) use assignors::assignor_names;
pub(crate) use classic::{ClassicGroup, State, refused_join};
pub(crate) use consumer::{ConsumerGroup, ConsumerMember, Pattern};
pub(crate) use consumer_protocol::CONSUMER;
pub(crate) use effects::Effects;
pub(crate) use group::{Commit, Group, Refusal};
pub(crate) use offsets::{Committed, Touched};
pub(crate) use registry::Groups;
pub(crate) use share::{
    Acquired, Reset, ShareGroup, ShareRecords, ShareSessions, ShareSettings, Turn, Verdict, Wish, reset,
};
#[cfg(test)]
pub(crate) use topic_table::TopicMap;
pub(crate) use topic_table::{Place, TopicShape, TopicTable};
