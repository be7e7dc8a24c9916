//! The consumer: groups or manual assignment, `poll`, and commits by hand.

mod config;

pub use config::{AssignmentStrategy, AutoOffsetReset, ConsumerConfig, GroupProtocol, IsolationLevel};
