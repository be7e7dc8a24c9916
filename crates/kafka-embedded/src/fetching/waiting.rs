use std::collections::BTreeMap;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::fetch_response::{
    FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};
use kafka_core::protocol::messages::{FetchRequest, FetchResponse};

use super::read::{Room, refused};
use super::session::Slots;
use super::{SessionContext, WantedPartition};
use crate::core::{Call, Cluster, Ticket, Time, Timer};

/// A fetch that is not answered yet.
#[derive(Debug)]
pub(crate) struct PendingFetch {
    pub(crate) call: Call,
    pub(crate) context: SessionContext,
    pub(crate) wanted: Vec<WantedPartition>,
    pub(crate) deadline: Time,
    pub(crate) min_bytes: usize,
    pub(crate) max_bytes: usize,
    /// Whether only committed records are wanted.
    pub(crate) committed: bool,
    /// Whether topics are named by id.
    pub(crate) by_id: bool,
}

/// The fetches that wait for records (long polls).
#[derive(Debug, Default)]
pub(crate) struct Waiting(BTreeMap<Ticket, PendingFetch>);

impl Cluster {
    /// Answers the fetch if it can be, else keeps it until it can.
    pub(crate) fn answer_or_wait(&mut self, fetch: PendingFetch) -> Option<FetchResponse> {
        if fetch.deadline <= self.now || self.is_ready(&fetch) {
            return Some(self.fetch_response(&fetch));
        }
        let ticket = fetch.call.ticket;
        for wanted in &fetch.wanted {
            if let Some(partition) = self.watched(wanted) {
                partition.watchers.push(ticket);
            }
        }
        self.timers.set(fetch.deadline, Timer::Fetch(ticket));
        self.waiting.0.insert(ticket, fetch);
        None
    }

    /// The time that a fetch wanted to wait is over.
    pub(crate) fn fetch_is_due(&mut self, ticket: Ticket) {
        self.complete_fetch(ticket);
    }

    /// Something changed at a partition that the fetch waits for.
    pub(crate) fn recheck_fetch(&mut self, ticket: Ticket) {
        if self.waiting.0.get(&ticket).is_some_and(|fetch| self.is_ready(fetch)) {
            self.complete_fetch(ticket);
        }
    }

    /// Records were appended to a partition, or its leader or start moved.
    pub(crate) fn partition_changed(&mut self, topic: &str, partition: i32) {
        self.recheck_share_fetches();
        let watchers = match self.topics.partition_to_write(topic, partition) {
            Some(partition) if !partition.watchers.is_empty() => partition.watchers.clone(),
            _ => return,
        };
        for ticket in watchers {
            self.recheck_fetch(ticket);
        }
    }

    pub(crate) fn recheck_all_fetches(&mut self) {
        let tickets: Vec<Ticket> = self.waiting.0.keys().copied().collect();
        for ticket in tickets {
            self.recheck_fetch(ticket);
        }
    }

    fn complete_fetch(&mut self, ticket: Ticket) {
        let Some(fetch) = self.waiting.0.remove(&ticket) else { return };
        self.timers.cancel(fetch.deadline, Timer::Fetch(ticket));
        for wanted in &fetch.wanted {
            if let Some(partition) = self.watched(wanted) {
                partition.watchers.retain(|&watcher| watcher != ticket);
            }
        }
        let response = self.fetch_response(&fetch);
        self.answer::<FetchRequest>(ticket, response);
    }

    fn watched(&mut self, wanted: &WantedPartition) -> Option<&mut crate::topics::Partition> {
        if wanted.id.is_zero() {
            return self.topics.partition_to_write(&wanted.name, wanted.partition);
        }
        let name = self.topics.name_of(wanted.id)?.to_owned();
        self.topics.partition_to_write(&name, wanted.partition)
    }

    fn is_ready(&self, fetch: &PendingFetch) -> bool {
        let mut bytes = 0usize;
        for wanted in &fetch.wanted {
            let Ok(more) = self.available(&fetch.call, wanted, fetch.committed, fetch.min_bytes) else {
                return true;
            };
            bytes = bytes.saturating_add(more);
            if bytes >= fetch.min_bytes {
                return true;
            }
        }
        fetch.wanted.is_empty()
    }

    /// All that is wanted is answered with an error.
    pub(crate) fn refuse_fetch(
        &mut self,
        call: &Call,
        context: SessionContext,
        wanted: Vec<WantedPartition>,
        code: ErrorCode,
    ) -> FetchResponse {
        let by_id = wanted.first().is_some_and(|wanted| !wanted.id.is_zero());
        let refused = |wanted: WantedPartition| {
            let data = refused(wanted.partition, code, LeaderIdAndEpoch::default());
            (wanted, data)
        };
        let answered = wanted.into_iter().map(refused).collect();
        self.finish_fetch(call, context, by_id, answered)
    }

    fn fetch_response(&mut self, fetch: &PendingFetch) -> FetchResponse {
        let mut room = Room { bytes: fetch.max_bytes, empty: true };
        let mut answered = Vec::with_capacity(fetch.wanted.len());
        for wanted in &fetch.wanted {
            let data = self.read(&fetch.call, wanted, fetch.committed, room);
            let size = data.records.as_ref().map_or(0, bytes::Bytes::len);
            room = Room { bytes: room.bytes.saturating_sub(size), empty: room.empty && size == 0 };
            answered.push((wanted.clone(), data));
        }
        let bytes = |(_, data): &(_, PartitionData)| data.records.as_ref().map_or(0, bytes::Bytes::len);
        let bytes = answered.iter().map(bytes).sum();
        let silence = self.charge_fetch(&fetch.call, bytes);
        if silence.is_zero() {
            return self.finish_fetch(&fetch.call, fetch.context, fetch.by_id, answered);
        }
        // Nothing is sent, and the session does not think that it was.
        let session_id = if let SessionContext::Continue(id) = fetch.context { id } else { 0 };
        let throttle_time_ms = i32::try_from(silence.as_millis()).unwrap_or(i32::MAX);
        FetchResponse { session_id, throttle_time_ms, ..Default::default() }
    }

    /// What the client's session makes of the answer.
    fn finish_fetch(
        &mut self,
        call: &Call,
        context: SessionContext,
        by_id: bool,
        mut answered: Vec<(WantedPartition, PartitionData)>,
    ) -> FetchResponse {
        let slots = Slots {
            limit: self.settings.max_fetch_sessions,
            unused_for: self.settings.fetch_session_eviction,
            now: self.now,
        };
        let mut session_id = 0;
        if let Some(broker) = self.brokers.get_mut(&call.broker) {
            match context {
                SessionContext::None => {}
                SessionContext::Open => {
                    session_id = broker.sessions.open(&answered, by_id, &slots, &mut self.random);
                }
                SessionContext::Continue(id) => {
                    broker.sessions.keep_news(id, &mut answered);
                    session_id = id;
                }
            }
        }
        let node_endpoints = self.endpoints(call, &answered);
        FetchResponse { session_id, responses: by_topic(answered), node_endpoints, ..Default::default() }
    }

    /// Where the leaders are that the answer names.
    fn endpoints(&self, call: &Call, answered: &[(WantedPartition, PartitionData)]) -> Vec<NodeEndpoint> {
        if call.version < 16 {
            return Vec::new();
        }
        let leaders = answered.iter().map(|(_, data)| data.current_leader.leader_id);
        self.distinct_brokers(leaders)
            .map(|broker| NodeEndpoint {
                node_id: broker.id,
                host: broker.host(call.listener),
                port: broker.port(call.listener),
                rack: broker.rack.clone(),
            })
            .collect()
    }
}

fn by_topic(answered: Vec<(WantedPartition, PartitionData)>) -> Vec<FetchableTopicResponse> {
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    for (wanted, data) in answered {
        match topics.last_mut() {
            Some(topic) if topic.topic == wanted.name && topic.topic_id == wanted.id => {
                topic.partitions.push(data)
            }
            _ => topics.push(FetchableTopicResponse {
                topic: wanted.name,
                topic_id: wanted.id,
                partitions: vec![data],
            }),
        }
    }
    topics
}
