//! The end of the fetch sessions: a broker keeps a session's partitions until its cache is full, unless it is told that
//! nobody comes back (KIP-227).

use std::collections::BTreeMap;

use kafka_core::cluster::{Client, Lane};
use kafka_core::net::CallOptions;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tracing::debug;

use super::FetchSession;
use super::request::{FetchTerms, request};
use crate::consumer::ConsumerConfig;

/// The sessions that brokers hold for one consumer, by broker.
#[derive(Debug, Default)]
pub(crate) struct OpenSessions(Mutex<BTreeMap<i32, i32>>);

impl OpenSessions {
    /// Takes down which session a broker holds; 0 is none.
    pub(super) fn note(&self, broker: i32, session_id: i32) {
        let mut open = self.0.lock();
        if session_id == 0 {
            open.remove(&broker);
        } else {
            open.insert(broker, session_id);
        }
    }

    /// Tells the brokers, each in a task of its own, that the sessions are over. Not behind the fetches under way, which
    /// brokers may hold: on a session's last request they forget it, whichever connection it comes by. What becomes of
    /// it matters to nobody, so whoever drops the tasks should let them go on.
    pub(crate) fn end(&self, client: &Client, config: &ConsumerConfig) -> JoinSet<()> {
        let open = std::mem::take(&mut *self.0.lock());
        let mut farewells = JoinSet::new();
        for (broker, session_id) in open {
            let (client, terms) = (client.clone(), FetchTerms::nothing(config));
            let options = CallOptions::new(config.request_timeout);
            farewells.spawn(async move {
                let plan = FetchSession::end(session_id);
                let last = |version| request(&plan, &terms, version);
                if let Err(error) = client.call(broker, Lane::Admin, options, last).await {
                    debug!(broker, %error, "a fetch session was not closed");
                }
            });
        }
        farewells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_open_from_its_first_answer_until_the_broker_drops_it() {
        let sessions = OpenSessions::default();
        sessions.note(1, 77);
        sessions.note(2, 78);
        sessions.note(2, 79);
        sessions.note(1, 0);
        assert_eq!(*sessions.0.lock(), BTreeMap::from([(2, 79)]));
    }
}
