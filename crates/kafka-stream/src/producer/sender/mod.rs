//! The one task of a producer that sends.
//!
//! [`Plan`] decides, in made-up or real time, what goes to whom; [`Sender`] does it: it opens connections, hands requests
//! to them in order, and tells the plan what is heard. A record's way: queue -> [`Plan::fill`] (encoded and stamped)
//! -> [`request`] -> the leader's connection -> [`request::heard`] -> [`Plan::heard`] -> its `Delivery`.

mod answers;
mod availability;
mod identity;
mod outcome;
mod partition;
mod plan;
#[cfg(test)]
mod plan_tests;
mod request;
mod run;

pub(crate) use plan::{Plan, Terms};
pub(crate) use run::{Command, Sender};
