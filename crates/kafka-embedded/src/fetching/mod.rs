//! Fetching: what a client wants, the sessions that remember it, and the fetches that wait for records.

mod read;
mod session;
mod waiting;
mod wanted;

pub(crate) use session::{SessionContext, Sessions};
pub(crate) use waiting::{PendingFetch, Waiting};
pub(crate) use wanted::WantedPartition;
