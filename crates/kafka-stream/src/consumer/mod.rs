//! The consumer: groups or manual assignment, `poll`, and commits by hand.

pub mod assignor;
mod config;
mod group;

pub use config::{AssignmentStrategy, AutoOffsetReset, ConsumerConfig, GroupProtocol, IsolationLevel};
pub use group::{CommitError, ConsumerGroupMetadata, LossReason, OffsetAndMetadata};
