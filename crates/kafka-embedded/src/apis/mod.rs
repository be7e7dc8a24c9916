//! What the brokers answer: one file per API, named after it.
//!
//! `table` lists them; what is not there is not advertised, and a request for it ends its connection, as at a real broker.

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod alter_configs;
mod api_versions;
mod broker_configs;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod end_txn;
mod fetch;
mod find_coordinator;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod offset_for_leader_epoch;
mod operations;
mod produce;
mod sync_group;
mod table;
mod txn_offset_commit;

pub(crate) use api_versions::offer;
pub(crate) use table::{decode, find, supported};
