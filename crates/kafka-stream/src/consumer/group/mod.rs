//! Membership in a consumer group: who is in it, who reads what, and how far they are.
//!
//! [`GroupHandle`] is what the consumer holds. Behind it a task (`driver`) owns a state machine (`state`) that knows
//! no socket, no clock and no task: it is told what happened and when, and answers with what to do. The task sends its
//! requests to the group's coordinator, runs its timers and passes its [`GroupEvent`]s on to the consumer:
//!
//! ```text
//! consumer --Command--> driver --Input--> state --Action--> driver --Request--> coordinator
//!    ^------GroupEvent----'                  ^------Input------'<----answer----------'
//! ```
//!
//! Heartbeats run in the task, so they depend neither on the user's code nor on a rebalance listener being quick.
//! Commits and look-ups of committed offsets (`offsets`) go past the state machine, on a connection of their own:
//! a broker answers a connection's requests one after the other, and a `JoinGroup` may be held for minutes.
//!
//! What the consumer calls, all on [`GroupHandle`]:
//! `spawn(client, &ConsumerConfig, Vec<Arc<dyn Assignor>>) -> Result<GroupHandle>`; `subscribe`; `polling` at each
//! poll; `next_event` and `revoke_done`; `leave`; `metadata`; and `offsets() -> Offsets` (cheap to clone), with
//! `commit(BTreeMap<TopicPartition, OffsetAndMetadata>, timeout) -> Result<(), CommitError>` and
//! `committed(&[TopicPartition], timeout) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>>`, which also serve a
//! consumer that assigns its partitions by hand and never subscribes.
//!
//! Knows nothing of fetching, positions or records. There are two state machines, one for each protocol
//! (`machine`): `state` for the classic one, and `kip848`.

mod calls;
mod commit_error;
mod consumer_protocol;
mod driver;
mod event;
mod group_heartbeat;
mod handle;
mod kip848;
mod machine;
mod messages;
mod offsets;
mod polls;
mod standing;
mod state;
mod topics;

pub use commit_error::CommitError;
pub use event::{ConsumerGroupMetadata, LossReason, OffsetAndMetadata};
pub(crate) use event::{GroupEvent, Subscription, TopicFilter};
pub(crate) use handle::GroupHandle;
pub(crate) use offsets::Offsets;
pub(crate) use polls::ListenGuard;
