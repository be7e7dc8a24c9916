//! Who reads which partition: the strategies by which a group's leader divides them.
//!
//! An [`Assignor`] is a pure function from members and partitions to an assignment, so all members of a group may run
//! different clients as long as they know a common strategy by name. It knows nothing of the group's protocol; what it
//! needs to remember between rebalances travels in its user data, through the coordinator.
//!
//! Range (with racks too), round robin and sticky give what Java's assignors of the same name give, where that is determined.

mod balance;
mod range;
mod round_robin;
mod sticky;
mod types;
mod user_data;
mod withhold;

pub use range::RangeAssignor;
pub use round_robin::RoundRobinAssignor;
pub use sticky::{CooperativeStickyAssignor, StickyAssignor};
pub use types::{
    Assignor, GroupAssignment, GroupMember, PartitionRacks, PreviousAssignment, RebalanceProtocol,
    TopicPartitionCounts, built_in,
};
pub(crate) use withhold::withhold;

#[cfg(test)]
mod tests;
