//! The script, one file for each group of APIs.

mod access;
mod cluster;
mod configs;
mod denied;
mod fetch;
mod groups;
mod kip848;
mod offsets;
mod produce;
mod shares;
mod topics;
mod transactions;

use super::side::Side;

/// Sends all of it to one of the brokers.
pub(crate) async fn run(side: &mut Side) {
    cluster::run(side).await;
    produce::run(side).await;
    fetch::run(side).await;
    configs::run(side).await;
    transactions::run(side).await;
    denied::run(side).await;
    groups::run(side).await;
    offsets::run(side).await;
    kip848::run(side).await;
    access::run(side).await;
    shares::run(side).await;
    topics::run(side).await;
}
