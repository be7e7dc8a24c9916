use std::collections::BTreeMap;

use kafka_core::protocol::messages::FetchRequest;
use kafka_core::protocol::messages::fetch_response::PartitionData;
use kafka_core::protocol::{ErrorCode, Uuid};

use super::WantedPartition;

/// The epoch of a request that opens a session.
const INITIAL: i32 = 0;
/// The epoch of a request that wants none.
const FINAL: i32 = -1;

/// The fetch sessions of one broker (KIP-227): what each client wants, so that it need only say what changed.
#[derive(Debug, Default)]
pub(crate) struct Sessions(BTreeMap<i32, Session>);

#[derive(Debug)]
struct Session {
    /// The epoch that the next request must have.
    next_epoch: i32,
    by_id: bool,
    partitions: Vec<SessionPartition>,
}

#[derive(Debug)]
struct SessionPartition {
    wanted: WantedPartition,
    /// What the client was told last.
    high_watermark: i64,
    log_start: i64,
}

/// What a request has to do with sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionContext {
    /// Nothing: all is wanted at once, and all is answered.
    None,
    /// All is answered, and remembered from now on.
    Open,
    /// Only what changed is answered.
    Continue(i32),
}

impl Sessions {
    /// The topics that a session has, by name or by id.
    pub(crate) fn topics(&self, id: i32) -> Vec<(&str, Uuid)> {
        let partitions = self.0.get(&id).into_iter().flat_map(|session| &session.partitions);
        partitions.map(|partition| (partition.wanted.name.as_str(), partition.wanted.id)).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// What the request wants, its session's memory included.
    pub(crate) fn wanted(
        &mut self,
        request: &FetchRequest,
        by_id: bool,
    ) -> Result<(SessionContext, Vec<WantedPartition>), ErrorCode> {
        if matches!(request.session_epoch, INITIAL | FINAL) {
            self.0.remove(&request.session_id);
            let wanted = named_in(request);
            let opens = request.session_epoch == INITIAL && !wanted.is_empty();
            let context = if opens { SessionContext::Open } else { SessionContext::None };
            return Ok((context, wanted));
        }
        let session = self.0.get_mut(&request.session_id).ok_or(ErrorCode::FETCH_SESSION_ID_NOT_FOUND)?;
        if session.next_epoch != request.session_epoch {
            return Err(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR);
        }
        session.next_epoch = if session.next_epoch == i32::MAX { 1 } else { session.next_epoch + 1 };
        session.update(request);
        if session.partitions.is_empty() {
            self.0.remove(&request.session_id);
            return Ok((SessionContext::None, Vec::new()));
        }
        let wanted = session.partitions.iter().map(|partition| partition.wanted.clone()).collect();
        Ok((SessionContext::Continue(request.session_id), wanted))
    }

    /// Remembers what was wanted and answered under a new session, and returns its id; 0 if there is no room.
    pub(crate) fn open(
        &mut self,
        answered: &[(WantedPartition, PartitionData)],
        by_id: bool,
        limit: usize,
        random: &mut fastrand::Rng,
    ) -> i32 {
        if self.0.len() >= limit {
            return 0;
        }
        let id = loop {
            let id = random.i32(1..);
            if !self.0.contains_key(&id) {
                break id;
            }
        };
        let partitions = answered
            .iter()
            .map(|(wanted, data)| SessionPartition {
                wanted: wanted.clone(),
                high_watermark: if data.error_code == 0 { data.high_watermark } else { -1 },
                log_start: data.log_start_offset,
            })
            .collect();
        self.0.insert(id, Session { next_epoch: 1, by_id, partitions });
        id
    }

    /// Leaves out of an answer what the client of the session knows already.
    pub(crate) fn keep_news(&mut self, id: i32, answered: &mut Vec<(WantedPartition, PartitionData)>) {
        if let Some(session) = self.0.get_mut(&id) {
            answered.retain(|(wanted, data)| session.is_news(wanted, data));
        }
    }
}

impl Session {
    fn position(&self, wanted: &WantedPartition) -> Option<usize> {
        self.partitions
            .iter()
            .position(|have| have.wanted.is_same_partition(&wanted.name, wanted.id, wanted.partition))
    }

    fn update(&mut self, request: &FetchRequest) {
        for topic in &request.forgotten_topics_data {
            self.partitions.retain(|have| {
                !topic
                    .partitions
                    .iter()
                    .any(|&partition| have.wanted.is_same_partition(&topic.topic, topic.topic_id, partition))
            });
        }
        for wanted in named_in(request) {
            let at = self.position(&wanted);
            match at.and_then(|at| self.partitions.get_mut(at)) {
                Some(have) => have.wanted = wanted,
                None => self.partitions.push(SessionPartition { wanted, high_watermark: -1, log_start: -1 }),
            }
        }
    }

    fn is_news(&mut self, wanted: &WantedPartition, data: &PartitionData) -> bool {
        let Some(at) = self.position(wanted) else { return true };
        let has_records = data.records.as_ref().is_some_and(|records| !records.is_empty());
        let Some(have) = self.partitions.get_mut(at) else { return true };
        let news = has_records
            || data.error_code != 0
            || data.diverging_epoch.epoch >= 0
            || data.high_watermark != have.high_watermark
            || data.log_start_offset != have.log_start;
        // After an error the client must hear of the partition again as soon as it is well.
        have.high_watermark = if data.error_code == 0 { data.high_watermark } else { -1 };
        have.log_start = data.log_start_offset;
        if has_records {
            // Others come first the next time, so that a full answer starves nobody.
            let moved = self.partitions.remove(at);
            self.partitions.push(moved);
        }
        news
    }
}

fn named_in(request: &FetchRequest) -> Vec<WantedPartition> {
    let topics = request.topics.iter();
    topics
        .flat_map(|topic| topic.partitions.iter().map(|partition| WantedPartition::new(topic, partition)))
        .collect()
}
