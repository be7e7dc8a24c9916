//! Topics and their partitions: who leads what, which records there are, and the settings of each topic.
//!
//! Knows no request. `placement` decides which brokers hold a new partition, `config_table` which settings there are.

mod config_table;
mod partition;
mod placement;
mod registry;
mod settings;
mod topic;

pub(crate) use config_table::{ConfigKind, TOPIC_CONFIGS, check_config};
pub(crate) use partition::Partition;
pub(crate) use registry::Topics;
pub(crate) use settings::TopicSettings;
pub(crate) use topic::Topic;
