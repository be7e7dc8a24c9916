//! `ShareFetch`: a member of a share group gets records, and says what it did with earlier ones (KIP-932).

use std::collections::BTreeMap;
use std::time::Duration;

use kafka_core::protocol::messages::{ShareFetchRequest, ShareFetchResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::share_topics::verdicts;
use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::fetching::PendingShareFetch;
use crate::groups::{Place, Turn, Wish};

/// `share_acquire_mode`: not one record more than asked for.
const RECORD_LIMIT: i8 = 1;

impl Api for ShareFetchRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ShareFetchResponse> {
        match fetch(&self, cluster, call) {
            Ok(fetch) => match cluster.answer_or_wait_for_shares(fetch) {
                Some(response) => Reply::Now(response),
                None => Reply::Later,
            },
            Err(code) => self.refuse(call, code).into(),
        }
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ShareFetchResponse {
        ShareFetchResponse { error_code: code.0, error_message: None, ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| ("", topic.topic_id)).collect()
    }
}

fn fetch(
    request: &ShareFetchRequest,
    cluster: &mut Cluster,
    call: &Call,
) -> Result<PendingShareFetch, ErrorCode> {
    let group = request.group_id.as_deref().ok_or(ErrorCode::INVALID_REQUEST)?;
    cluster.check(call, AclOperation::Read, Resource::Group(group))?;
    let member =
        request.member_id.as_deref().filter(|id| !id.is_empty()).ok_or(ErrorCode::INVALID_REQUEST)?;
    let asked = request
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|partition| (topic.topic_id, partition)));
    let mut added: Vec<Place> = Vec::new();
    let mut told = BTreeMap::new();
    for (topic, partition) in asked {
        let place = (topic, partition.partition_index);
        added.push(place);
        if !partition.acknowledgement_batches.is_empty() {
            let batches = partition.acknowledgement_batches.iter();
            let batches = batches
                .map(|batch| (batch.first_offset, batch.last_offset, batch.acknowledge_types.as_slice()));
            told.insert(place, verdicts(batches, request.is_renew_ack));
        }
    }
    if request.share_session_epoch == 0 && !told.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let forgotten: Vec<Place> = request
        .forgotten_topics_data
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|&partition| (topic.topic_id, partition)))
        .collect();
    let limit = cluster.settings.max_share_sessions;
    let broker = cluster.brokers.get_mut(&call.broker).ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)?;
    let who = (group, member);
    let turn = broker.share_sessions.fetch(who, request.share_session_epoch, &added, &forgotten, limit)?;
    let mut acknowledged = BTreeMap::new();
    for (place, verdicts) in told {
        let done = verdicts.and_then(|verdicts| cluster.acknowledge_shares(call, who, place, &verdicts));
        acknowledged.insert(place, done.err().unwrap_or(ErrorCode::NONE));
    }
    if !acknowledged.is_empty() {
        cluster.recheck_share_fetches();
    }
    let places = match turn {
        Turn::Open(places) => places,
        Turn::Closed => {
            cluster.release_shares(call, who);
            Vec::new()
        }
    };
    let closes = request.share_session_epoch == -1;
    let millis = if closes || request.is_renew_ack { 0 } else { request.max_wait_ms };
    let records = if request.is_renew_ack { 0 } else { request.max_records };
    Ok(PendingShareFetch {
        call: call.clone(),
        group: group.to_owned(),
        member: member.to_owned(),
        places,
        deadline: cluster.now + Duration::from_millis(u64::try_from(millis).unwrap_or_default()),
        max_bytes: usize::try_from(request.max_bytes)
            .unwrap_or_default()
            .min(cluster.settings.fetch_max_bytes),
        wish: Wish {
            records: usize::try_from(records).unwrap_or_default(),
            exact: request.share_acquire_mode == RECORD_LIMIT,
        },
        acknowledged,
    })
}
