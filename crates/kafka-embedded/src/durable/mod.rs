//! What of the cluster survives a restart, as keys and JSON values: which there are (`entries`), how changes are found after
//! each request (`collect`), and how a cluster is made of them again (`restore`).
//!
//! Members of groups are not among it: they join again, as after any session that ended. Knows no file.

mod collect;
mod entries;
mod restore;

pub(crate) use collect::Durable;
