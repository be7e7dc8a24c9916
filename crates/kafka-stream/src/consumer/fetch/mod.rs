//! Fetching: from a broker's answer to records that `poll` can hand out.
//!
//! One task per broker ([`task`]) asks the positions what to fetch, lets its session ([`session`]) say what of that the
//! broker must be told, builds the request ([`request`]), which asks for a [`portion`], and sends it, and puts what comes
//! back ([`response`]) into the positions as chunks ([`chunk`]); the next request leaves at once, so that the broker works
//! while the user does. [`farewell`] ends the sessions with the consumer. Decoding (checksums, decompression, aborted
//! transactions) happens when `poll` takes records out of a chunk.

mod aborted;
mod chunk;
mod farewell;
mod portion;
mod request;
mod response;
mod session;
mod task;

pub(crate) use aborted::AbortedTransactions;
pub(crate) use chunk::{Chunk, Damage, Decoding, Slice};
pub(crate) use farewell::OpenSessions;
pub(crate) use session::{FetchSession, NO_TOPIC_ID, PartitionFetch, SessionPlan, TopicId, Wanted};
pub(crate) use task::run;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
