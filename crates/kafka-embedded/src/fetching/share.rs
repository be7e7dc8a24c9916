//! Fetches of share groups: which records a member gets, and the wait for some.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bytes::Bytes;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::share_fetch_response::{
    AcquiredRecords, LeaderIdAndEpoch, NodeEndpoint, PartitionData, ShareFetchableTopicResponse,
};
use kafka_core::protocol::messages::{ShareFetchRequest, ShareFetchResponse};
use kafka_core::records::Batches;

use crate::access::{AclOperation, Resource};
use crate::core::{Call, Cluster, Ticket, Time, Timer};
use crate::groups::{Acquired, Place, Reset, ShareRecords, ShareSettings, Verdict, Wish};
use crate::topics::Partition;

/// What a member says of records of one partition.
pub(crate) type Verdicts = Vec<(RangeInclusive<i64>, Vec<Verdict>)>;

/// A fetch of a share group that is not answered yet.
#[derive(Debug)]
pub(crate) struct PendingShareFetch {
    pub(crate) call: Call,
    pub(crate) group: String,
    pub(crate) member: String,
    pub(crate) places: Vec<Place>,
    pub(crate) deadline: Time,
    pub(crate) max_bytes: usize,
    pub(crate) wish: Wish,
    /// What became of the acknowledgements that came along.
    pub(crate) acknowledged: BTreeMap<Place, ErrorCode>,
}

/// The fetches of share groups that wait for records.
#[derive(Debug, Default)]
pub(crate) struct ShareWaiting(BTreeMap<Ticket, PendingShareFetch>);

impl Cluster {
    /// Answers the fetch if it can be, else keeps it until it can.
    pub(crate) fn answer_or_wait_for_shares(
        &mut self,
        fetch: PendingShareFetch,
    ) -> Option<ShareFetchResponse> {
        let over = fetch.deadline <= self.now || !fetch.acknowledged.is_empty();
        if over || self.has_shares(&fetch) {
            return Some(self.share_response(&fetch));
        }
        let ticket = fetch.call.ticket;
        self.timers.set(fetch.deadline, Timer::ShareFetch(ticket));
        self.share_waiting.0.insert(ticket, fetch);
        None
    }

    /// The time that a fetch of a share group wanted to wait is over.
    pub(crate) fn share_fetch_is_due(&mut self, ticket: Ticket) {
        let Some(fetch) = self.share_waiting.0.remove(&ticket) else { return };
        self.timers.cancel(fetch.deadline, Timer::ShareFetch(ticket));
        let response = self.share_response(&fetch);
        self.answer::<ShareFetchRequest>(ticket, response);
    }

    /// Something changed that such fetches may wait for.
    pub(crate) fn recheck_share_fetches(&mut self) {
        let tickets: Vec<Ticket> = self.share_waiting.0.keys().copied().collect();
        for ticket in tickets {
            let Some(fetch) = self.share_waiting.0.remove(&ticket) else { continue };
            let ready = self.has_shares(&fetch);
            self.share_waiting.0.insert(ticket, fetch);
            if ready {
                self.share_fetch_is_due(ticket);
            }
        }
    }

    fn has_shares(&mut self, fetch: &PendingShareFetch) -> bool {
        let settings = self.share_settings(&fetch.group);
        fetch.places.iter().any(|&place| match self.open_share(&fetch.call, &fetch.group, place, &settings) {
            Ok(end) => self
                .with_share(&fetch.group, place, |records| records.first_available(end, &settings).is_some()),
            // An error is an answer.
            Err(_) => true,
        })
    }

    fn with_share(&self, group: &str, place: Place, ask: impl FnOnce(&ShareRecords) -> bool) -> bool {
        let group = self.groups.get(group).and_then(|group| group.share());
        group.and_then(|group| group.partitions.get(&place)).is_some_and(ask)
    }

    pub(crate) fn share_settings(&self, group: &str) -> ShareSettings {
        ShareSettings::of(&self.settings, self.groups.configs.get(group))
    }

    fn share_partition(&self, call: &Call, place: Place) -> Result<&Partition, ErrorCode> {
        let name = self.topics.name_of(place.0).ok_or(ErrorCode::UNKNOWN_TOPIC_ID)?;
        self.check(call, AclOperation::Read, Resource::Topic(name))?;
        let partition = self.topics.partition(name, place.1).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        partition.check_leader(call.broker, -1)?;
        Ok(partition)
    }

    /// Makes sure that the group knows how far it has come in the partition; where what it may read ends.
    fn open_share(
        &mut self,
        call: &Call,
        group: &str,
        place: Place,
        settings: &ShareSettings,
    ) -> Result<i64, ErrorCode> {
        let log = &self.share_partition(call, place)?.log;
        let start = log.start_offset();
        let end = if settings.committed { log.last_stable_offset() } else { log.end_offset() };
        let first = match settings.reset {
            Reset::Latest => end,
            Reset::Earliest => start,
            Reset::ByDuration(ago) => {
                let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
                let since = self.wall_clock().saturating_sub(ago);
                log.offset_at_time(since, end).map_or(end, |found| found.offset)
            }
        };
        let group = self.groups.get_mut(group).and_then(|group| group.share_mut());
        let group = group.ok_or(ErrorCode::GROUP_ID_NOT_FOUND)?;
        let records = group.partitions.entry(place).or_insert_with(|| ShareRecords::from(first));
        records.log_starts_at(start);
        Ok(end)
    }

    fn share_response(&mut self, fetch: &PendingShareFetch) -> ShareFetchResponse {
        let settings = self.share_settings(&fetch.group);
        let (mut wish, mut room) = (fetch.wish, fetch.max_bytes);
        let mut answered: Vec<(Place, PartitionData)> = Vec::new();
        let mut places = fetch.places.clone();
        places.extend(fetch.acknowledged.keys().filter(|place| !fetch.places.contains(place)));
        for place in places {
            let mut data = PartitionData { partition_index: place.1, ..Default::default() };
            data.acknowledge_error_code = fetch.acknowledged.get(&place).map_or(0, |code| code.0);
            if fetch.places.contains(&place) && wish.records > 0 && room > 0 {
                match self.share(fetch, place, wish, room, &settings) {
                    Ok((records, acquired)) => {
                        let count = acquired.iter().map(|run| run.last - run.first + 1).sum::<i64>();
                        wish.records =
                            wish.records.saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
                        room = room.saturating_sub(records.len());
                        data.records = records;
                        data.acquired_records = acquired
                            .iter()
                            .map(|run| AcquiredRecords {
                                first_offset: run.first,
                                last_offset: run.last,
                                delivery_count: run.deliveries,
                            })
                            .collect();
                    }
                    Err(code) => {
                        data.error_code = code.0;
                        data.current_leader = self.share_leader(place, code);
                    }
                }
            }
            answered.push((place, data));
        }
        let leaders = answered.iter().map(|(_, data)| data.current_leader.leader_id);
        let node_endpoints = self.share_endpoints(&fetch.call, leaders.filter(|id| *id > 0).collect());
        ShareFetchResponse {
            acquisition_lock_timeout_ms: millis(settings.record_lock),
            responses: by_topic(answered),
            node_endpoints,
            ..Default::default()
        }
    }

    /// Gives the member records of one partition.
    fn share(
        &mut self,
        fetch: &PendingShareFetch,
        place: Place,
        wish: Wish,
        room: usize,
        settings: &ShareSettings,
    ) -> Result<(Bytes, Vec<Acquired>), ErrorCode> {
        let end = self.open_share(&fetch.call, &fetch.group, place, settings)?;
        let group = self.groups.get(&fetch.group).and_then(|group| group.share());
        let records = group.and_then(|group| group.partitions.get(&place));
        let Some(first) = records.and_then(|records| records.first_available(end, settings)) else {
            return Ok((Bytes::new(), Vec::new()));
        };
        let bytes = self.share_partition(&fetch.call, place)?.log.read(first, end, room, true);
        let batches: Vec<RangeInclusive<i64>> = Batches::new(bytes)
            .map_while(Result::ok)
            .map(|batch| batch.base_offset().max(first)..=batch.last_offset())
            .collect();
        let now = self.now;
        let acquired = self.in_group(&fetch.group, |group, _| {
            let records = group.share_mut()?.partitions.get_mut(&place)?;
            Some(records.acquire(&fetch.member, &batches, wish, settings, now))
        });
        let acquired = acquired.flatten().unwrap_or_default();
        let bytes = match (acquired.first(), acquired.last()) {
            (Some(first), Some(last)) => {
                let log = &self.share_partition(&fetch.call, place)?.log;
                log.read(first.first, last.last.saturating_add(1), usize::MAX, true)
            }
            _ => Bytes::new(),
        };
        Ok((bytes, acquired))
    }

    /// A member says what it did with records.
    pub(crate) fn acknowledge_shares(
        &mut self,
        call: &Call,
        who: (&str, &str),
        place: Place,
        verdicts: &Verdicts,
    ) -> Result<(), ErrorCode> {
        let settings = self.share_settings(who.0);
        self.open_share(call, who.0, place, &settings)?;
        let now = self.now;
        let done = self.in_group(who.0, |group, _| {
            let records = group.share_mut()?.partitions.get_mut(&place)?;
            Some(records.acknowledge(who.1, verdicts, &settings, now))
        });
        done.flatten().unwrap_or(Err(ErrorCode::GROUP_ID_NOT_FOUND))
    }

    /// The member's session with a broker is over: what it has of partitions that are led there goes back.
    pub(crate) fn release_shares(&mut self, call: &Call, who: (&str, &str)) {
        let Some(group) = self.groups.get(who.0).and_then(|group| group.share()) else { return };
        let places = group.partitions.keys().copied();
        let places: Vec<Place> = places.filter(|place| self.share_partition(call, *place).is_ok()).collect();
        self.in_group(who.0, |group, _| {
            for place in places {
                if let Some(records) = group.share_mut().and_then(|group| group.partitions.get_mut(&place)) {
                    records.release(who.1);
                }
            }
        });
        self.recheck_share_fetches();
    }

    /// Who leads the partition, where the error says that the client does not know.
    fn share_leader(&self, place: Place, code: ErrorCode) -> LeaderIdAndEpoch {
        let name = self.topics.name_of(place.0).filter(|_| code == ErrorCode::NOT_LEADER_OR_FOLLOWER);
        let partition = name.and_then(|name| self.topics.partition(name, place.1));
        partition.map_or_else(LeaderIdAndEpoch::default, |partition| LeaderIdAndEpoch {
            leader_id: partition.leader,
            leader_epoch: partition.leader_epoch,
        })
    }

    fn share_endpoints(&self, call: &Call, mut leaders: Vec<i32>) -> Vec<NodeEndpoint> {
        leaders.sort_unstable();
        leaders.dedup();
        let brokers = leaders.iter().filter_map(|leader| self.brokers.get(leader));
        let endpoints = brokers.map(|broker| NodeEndpoint {
            node_id: broker.id,
            host: broker.host(call.listener),
            port: broker.port(call.listener),
            rack: broker.rack.clone(),
        });
        endpoints.collect()
    }
}

pub(crate) fn millis(time: Time) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

fn by_topic(mut answered: Vec<(Place, PartitionData)>) -> Vec<ShareFetchableTopicResponse> {
    answered.sort_by_key(|(place, _)| *place);
    let mut topics: Vec<ShareFetchableTopicResponse> = Vec::new();
    for ((topic_id, _), data) in answered {
        match topics.last_mut() {
            Some(topic) if topic.topic_id == topic_id => topic.partitions.push(data),
            _ => topics.push(ShareFetchableTopicResponse { topic_id, partitions: vec![data] }),
        }
    }
    topics
}
