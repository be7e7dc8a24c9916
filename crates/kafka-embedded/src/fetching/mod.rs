//! Fetching: what a client wants, the sessions that remember it, and the fetches that wait for records; `share` is all that for
//! share groups.

mod read;
mod session;
mod share;
mod waiting;
mod wanted;

pub(crate) use session::{SessionContext, Sessions};
pub(crate) use share::{PendingShareFetch, ShareWaiting, Verdicts, millis};
pub(crate) use waiting::{PendingFetch, Waiting};
pub(crate) use wanted::WantedPartition;
