//! `ShareGroupDescribe`: the members of share groups and what each reads (KIP-932).

use std::collections::BTreeMap;

use kafka_core::protocol::messages::share_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use kafka_core::protocol::messages::{ShareGroupDescribeRequest, ShareGroupDescribeResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{Place, ShareGroup};
use crate::topics::Topics;

/// The only assignor of share groups.
const ASSIGNOR: &str = "simple";

impl Api for ShareGroupDescribeRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ShareGroupDescribeResponse> {
        let groups = self.group_ids.iter().map(|id| {
            if let Err(code) = cluster.check(call, AclOperation::Describe, Resource::Group(id)) {
                return refused(id, code, None);
            }
            if id.is_empty() {
                return refused(id, ErrorCode::INVALID_GROUP_ID, None);
            }
            if let Err(code) = cluster.check_group_coordinator(call.broker, id) {
                return refused(id, code, None);
            }
            let not_found =
                |why: &str| refused(id, ErrorCode::GROUP_ID_NOT_FOUND, Some(format!("Group {id} {why}.")));
            let Some(group) = cluster.groups.get(id) else { return not_found("not found") };
            let Some(group) = group.share() else { return not_found("is not a share group") };
            let mut described = describe(id, group, &cluster.topics);
            let sees = |topic: &str| cluster.may(call, AclOperation::Describe, Resource::Topic(topic));
            if !described.members.iter().flat_map(topics_of).all(sees) {
                let why = "The group has described topic(s) that the client is not authorized to describe.";
                return refused(id, ErrorCode::TOPIC_AUTHORIZATION_FAILED, Some(why.to_owned()));
            }
            if self.include_authorized_operations {
                described.authorized_operations = cluster.operations(call, Resource::Group(id));
            }
            described
        });
        Reply::Now(ShareGroupDescribeResponse { groups: groups.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ShareGroupDescribeResponse {
        let groups = self.group_ids.iter().map(|id| refused(id, code, None)).collect();
        ShareGroupDescribeResponse { groups, ..Default::default() }
    }
}

/// Every topic that the description of a member names.
fn topics_of(member: &Member) -> impl Iterator<Item = &str> {
    let assigned = member.assignment.topic_partitions.iter().map(|topic| topic.topic_name.as_str());
    member.subscribed_topic_names.iter().map(String::as_str).chain(assigned)
}

fn refused(id: &str, code: ErrorCode, message: Option<String>) -> DescribedGroup {
    DescribedGroup {
        error_code: code.0,
        error_message: message,
        group_id: id.to_owned(),
        ..Default::default()
    }
}

fn describe(id: &str, group: &ShareGroup, topics: &Topics) -> DescribedGroup {
    let members = group.members.values().map(|member| Member {
        member_id: member.id.clone(),
        rack_id: member.rack.clone(),
        member_epoch: member.epoch,
        client_id: member.client_id.clone(),
        client_host: member.host.clone(),
        subscribed_topic_names: member.names.iter().cloned().collect(),
        assignment: assignment(group.targets.get(&member.id).into_iter().flatten(), topics),
    });
    DescribedGroup {
        group_id: id.to_owned(),
        group_state: group.state().to_owned(),
        group_epoch: group.epoch,
        assignment_epoch: group.assignment_epoch,
        assignor_name: ASSIGNOR.to_owned(),
        members: members.collect(),
        ..Default::default()
    }
}

fn assignment<'a>(places: impl Iterator<Item = &'a Place>, topics: &Topics) -> Assignment {
    let mut by_topic: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for &(topic, partition) in places {
        by_topic.entry(topic).or_default().push(partition);
    }
    let topic_partitions = by_topic.into_iter().filter_map(|(topic_id, partitions)| {
        let topic_name = topics.name_of(topic_id)?.to_owned();
        Some(TopicPartitions { topic_id, topic_name, partitions })
    });
    Assignment { topic_partitions: topic_partitions.collect() }
}
