//! Transactions (KIP-98), also with a new epoch for each (KIP-890): what a coordinator knows of a transactional id.
//!
//! Markers are written the moment a transaction ends, so none is ever seen half ended.

mod coordinator;
mod transaction;

pub(crate) use coordinator::Identity;
pub(crate) use transaction::{State, Transaction, Transactions};
