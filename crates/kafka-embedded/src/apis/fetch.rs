//! `Fetch`: records from partitions, at once or as soon as there are enough of them.

use std::time::Duration;

use kafka_core::protocol::messages::{FetchRequest, FetchResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::core::{Api, Call, Cluster, Reply};
use crate::fetching::PendingFetch;

/// From this version on topics are named by id.
const TOPIC_IDS: i16 = 13;

impl Api for FetchRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<FetchResponse> {
        let by_id = call.version >= TOPIC_IDS;
        let now = cluster.now;
        let Some(broker) = cluster.brokers.get_mut(&call.broker) else {
            return self.refuse(call, ErrorCode::UNKNOWN_SERVER_ERROR).into();
        };
        let (context, wanted) = match broker.sessions.wanted(&self, by_id, now) {
            Ok(wanted) => wanted,
            Err(code) => return self.refuse(call, code).into(),
        };
        let max_wait = Duration::from_millis(u64::try_from(self.max_wait_ms).unwrap_or_default());
        let max_bytes = usize::try_from(self.max_bytes).unwrap_or_default();
        let fetch = PendingFetch {
            call: call.clone(),
            context,
            wanted,
            deadline: cluster.now + max_wait,
            min_bytes: usize::try_from(self.min_bytes).unwrap_or_default(),
            max_bytes: max_bytes.min(cluster.settings.fetch_max_bytes).min(cluster.most_bytes_at_once(call)),
            committed: self.isolation_level == 1,
            by_id,
        };
        match cluster.answer_or_wait(fetch) {
            Some(response) => Reply::Now(response),
            None => Reply::Later,
        }
    }

    /// Every partition that is wanted says the code, as it does where something is wrong with it; only what is wrong with a
    /// session stands above them.
    fn fail(self, cluster: &mut Cluster, call: &Call, code: ErrorCode) -> FetchResponse {
        let of_session = [
            ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
            ErrorCode::INVALID_FETCH_SESSION_EPOCH,
            ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
        ];
        let now = cluster.now;
        let broker = cluster.brokers.get_mut(&call.broker).filter(|_| !of_session.contains(&code));
        match broker.map(|broker| broker.sessions.wanted(&self, call.version >= TOPIC_IDS, now)) {
            Some(Ok((context, wanted))) => cluster.refuse_fetch(call, context, wanted, code),
            Some(Err(code)) => self.refuse(call, code),
            None => self.refuse(call, code),
        }
    }

    fn session(&self) -> Option<i32> {
        (self.session_epoch > 0).then_some(self.session_id)
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> FetchResponse {
        FetchResponse { error_code: code.0, session_id: 0, ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.topic.as_str(), topic.topic_id)).collect()
    }
}
