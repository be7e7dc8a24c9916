//! The consumer: groups or manual assignment, `poll`, and commits by hand.

pub mod assignor;
mod config;
mod config_check;
mod error;
mod fetch;
mod group;
mod positions;
mod record;
mod records;

pub use config::{AssignmentStrategy, AutoOffsetReset, ConsumerConfig, GroupProtocol, IsolationLevel};
pub use error::{ConsumerError, ConsumerErrorKind};
pub use group::{CommitError, ConsumerGroupMetadata, LossReason, OffsetAndMetadata};
pub use record::{ConsumerRecord, ConsumerRecordView};
pub use records::{ConsumerRecords, IntoIter, Iter, PartitionIter, PartitionRecords};
