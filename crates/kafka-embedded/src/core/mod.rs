//! The cluster as plain state: requests go in with the time, answers come out now or later.
//!
//! Knows no socket, no task and no clock. [`Cluster::handle`] takes one request; an answer that has to wait is kept under
//! the request's [`Ticket`] and comes out of [`Cluster::take_answers`] once another request, [`Cluster::tick`] or a
//! fault made it ready. So the same requests at the same times always give the same answers.

mod api;
mod broker;
mod cluster;
mod election;
mod internal_topics;
mod mishaps;
mod timers;

#[cfg(feature = "security")]
pub(crate) use api::SignInId;
pub(crate) use api::{Answer, AnyRequest, Api, Call, Principal, Reply, Ticket, Typed};
pub(crate) use broker::Broker;
pub(crate) use cluster::{Cluster, Outcome, random_uuid};
pub(crate) use internal_topics::{CoordinatorKind, GROUP_OFFSETS, TRANSACTIONS};
pub(crate) use timers::{Time, Timer, Timers};
