use std::collections::{BTreeMap, BTreeSet};

use kafka_core::protocol::messages::FetchRequest;
use kafka_core::protocol::messages::fetch_response::PartitionData;
use kafka_core::protocol::{ErrorCode, Uuid};

use super::WantedPartition;
use crate::core::Time;

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
    used_at: Time,
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

/// How many sessions there may be, and when one makes room for another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots {
    pub(super) limit: usize,
    pub(super) unused_for: Time,
    pub(super) now: Time,
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
        now: Time,
    ) -> Result<(SessionContext, Vec<WantedPartition>), ErrorCode> {
        if matches!(request.session_epoch, INITIAL | FINAL) {
            self.0.remove(&request.session_id);
            let wanted = named_in(request);
            let context =
                if request.session_epoch == INITIAL { SessionContext::Open } else { SessionContext::None };
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
        session.used_at = now;
        session.update(request);
        if session.partitions.is_empty() {
            self.0.remove(&request.session_id);
            return Ok((SessionContext::None, Vec::new()));
        }
        let wanted = session.partitions.iter().map(|partition| partition.wanted.clone()).collect();
        Ok((SessionContext::Continue(request.session_id), wanted))
    }

    /// Remembers what was wanted and answered under a new session, and returns its id; 0 if there is no room.
    pub(super) fn open(
        &mut self,
        answered: &[(WantedPartition, PartitionData)],
        by_id: bool,
        slots: &Slots,
        random: &mut fastrand::Rng,
    ) -> i32 {
        if self.0.len() >= slots.limit && !self.evict(slots) {
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
        self.0.insert(id, Session { next_epoch: 1, used_at: slots.now, by_id, partitions });
        id
    }

    /// Makes room: the session that was used least lately goes, if that was long ago.
    fn evict(&mut self, slots: &Slots) -> bool {
        let oldest = self.0.iter().min_by_key(|(_, session)| session.used_at);
        match oldest.map(|(id, session)| (*id, session.used_at)) {
            Some((id, used_at)) if slots.now.saturating_sub(used_at) > slots.unused_for => {
                self.0.remove(&id).is_some()
            }
            _ => false,
        }
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
    let named = topics
        .flat_map(|topic| topic.partitions.iter().map(|partition| WantedPartition::new(topic, partition)));
    let (mut known, mut wanted): (BTreeSet<_>, Vec<WantedPartition>) = Default::default();
    for one in named {
        // What is said of a partition last counts.
        if !known.insert((one.name.clone(), one.id, one.partition)) {
            let same = |other: &&mut WantedPartition| {
                (&other.name, other.id, other.partition) == (&one.name, one.id, one.partition)
            };
            if let Some(other) = wanted.iter_mut().find(same) {
                *other = one;
            }
            continue;
        }
        wanted.push(one);
    }
    wanted
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kafka_core::protocol::messages::fetch_request::{FetchPartition, FetchTopic};

    use super::*;

    fn request(session_id: i32, session_epoch: i32) -> FetchRequest {
        let topic = FetchTopic {
            topic: "t".to_owned(),
            partitions: vec![FetchPartition::default()],
            ..Default::default()
        };
        FetchRequest { session_id, session_epoch, topics: vec![topic], ..Default::default() }
    }

    #[test]
    fn a_full_broker_gives_the_place_of_a_session_that_is_not_used() {
        let (mut sessions, mut random) = (Sessions::default(), fastrand::Rng::with_seed(1));
        let mut open = |sessions: &mut Sessions, seconds| {
            let now = Duration::from_secs(seconds);
            let slots = Slots { limit: 2, unused_for: Duration::from_secs(120), now };
            let (_, wanted) = sessions.wanted(&request(0, INITIAL), false, now).unwrap();
            let answered: Vec<_> =
                wanted.into_iter().map(|wanted| (wanted, PartitionData::default())).collect();
            sessions.open(&answered, false, &slots, &mut random)
        };
        let (first, second) = (open(&mut sessions, 0), open(&mut sessions, 10));
        assert_eq!(open(&mut sessions, 100), 0, "there is no place");
        sessions.wanted(&request(first, 1), false, Duration::from_secs(100)).unwrap();
        assert_eq!(open(&mut sessions, 130), 0);
        assert!(open(&mut sessions, 131) > 0);
        let now = Duration::from_secs(131);
        assert!(sessions.wanted(&request(first, 2), false, now).is_ok());
        let gone = sessions.wanted(&request(second, 1), false, now).unwrap_err();
        assert_eq!(gone, ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
    }
}
