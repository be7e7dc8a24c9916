//! `ListTransactions`: all transactional ids, or those in some state, of some producers, open for long (KIP-994), or with
//! some names (KIP-1152).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::list_transactions_response::TransactionState;
use kafka_core::protocol::messages::{ListTransactionsRequest, ListTransactionsResponse};
use regex_lite::Regex;

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, CoordinatorKind, Reply};
use crate::transactions::{State, Transaction};

/// The states that a filter may name; the embedded brokers know only some of them.
const STATES: &[&str] = &[
    "Empty",
    "Ongoing",
    "PrepareCommit",
    "PrepareAbort",
    "CompleteCommit",
    "CompleteAbort",
    "Dead",
    "PrepareEpochFence",
];

impl Api for ListTransactionsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ListTransactionsResponse> {
        let pattern = self.transactional_id_pattern.as_deref().filter(|pattern| !pattern.is_empty());
        let pattern = match pattern.map(|pattern| Regex::new(&format!("^(?:{pattern})$"))).transpose() {
            Ok(pattern) => pattern,
            Err(_) => return self.refuse(call, ErrorCode::INVALID_REGULAR_EXPRESSION).into(),
        };
        let (known, unknown): (Vec<String>, Vec<String>) =
            self.state_filters.iter().cloned().partition(|state| STATES.contains(&state.as_str()));
        let now = cluster.wall_clock();
        let wanted = |id: &str, transaction: &Transaction| {
            let state = transaction.state.name();
            let producers = &self.producer_id_filters;
            cluster.check_coordinator(CoordinatorKind::Transaction, call.broker, id).is_ok()
                && cluster.may(call, AclOperation::Describe, Resource::TransactionalId(id))
                && (self.state_filters.is_empty() || known.iter().any(|wanted| wanted == state))
                && (producers.is_empty() || producers.contains(&transaction.producer_id))
                && (self.duration_filter < 0 || open_for(transaction, now) > self.duration_filter)
                && pattern.as_ref().is_none_or(|pattern| pattern.is_match(id))
        };
        let listed = cluster.transactions.iter().filter(|(id, transaction)| wanted(id, transaction));
        let transaction_states = listed
            .map(|(id, transaction)| TransactionState {
                transactional_id: id.clone(),
                producer_id: transaction.producer_id,
                transaction_state: transaction.state.name().to_owned(),
            })
            .collect();
        Reply::Now(ListTransactionsResponse {
            unknown_state_filters: unknown,
            transaction_states,
            ..Default::default()
        })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ListTransactionsResponse {
        ListTransactionsResponse { error_code: code.0, ..Default::default() }
    }
}

/// Milliseconds since the transaction began; one that never did counts as begun in 1970, as in Kafka.
fn open_for(transaction: &Transaction, now: i64) -> i64 {
    match transaction.state {
        State::Empty => now,
        _ => now.saturating_sub(transaction.started_at),
    }
}
