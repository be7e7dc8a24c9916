//! `ConsumerGroupDescribe`: the members of groups that the coordinator assigns (KIP-848), what each has and is to have.

use std::collections::BTreeMap;

use kafka_core::protocol::messages::consumer_group_describe_response::{
    Assignment, DescribedGroup, Member, TopicPartitions,
};
use kafka_core::protocol::messages::{ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::groups::{ConsumerGroup, ConsumerMember, Place};
use crate::topics::Topics;

/// A member of the classic protocol in such a group.
const CLASSIC_MEMBER: i8 = 0;
/// A member of the protocol of KIP-848.
const CONSUMER_MEMBER: i8 = 1;

impl Api for ConsumerGroupDescribeRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<ConsumerGroupDescribeResponse> {
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
            let Some(group) = group.consumer() else { return not_found("is not a consumer group") };
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
        Reply::Now(ConsumerGroupDescribeResponse { groups: groups.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> ConsumerGroupDescribeResponse {
        let groups = self.group_ids.iter().map(|id| refused(id, code, None)).collect();
        ConsumerGroupDescribeResponse { groups, ..Default::default() }
    }
}

/// Every topic that the description of a member names.
fn topics_of(member: &Member) -> impl Iterator<Item = &str> {
    let assigned = [&member.assignment, &member.target_assignment];
    let assigned = assigned.into_iter().flat_map(|assignment| &assignment.topic_partitions);
    let subscribed = member.subscribed_topic_names.iter().map(String::as_str);
    subscribed.chain(assigned.map(|topic| topic.topic_name.as_str()))
}

fn refused(id: &str, code: ErrorCode, message: Option<String>) -> DescribedGroup {
    DescribedGroup {
        error_code: code.0,
        error_message: message,
        group_id: id.to_owned(),
        ..Default::default()
    }
}

fn describe(id: &str, group: &ConsumerGroup, topics: &Topics) -> DescribedGroup {
    let members = group.members.values().map(|member| describe_member(group, member, topics));
    DescribedGroup {
        group_id: id.to_owned(),
        group_state: group.state().to_owned(),
        group_epoch: group.epoch,
        assignment_epoch: group.assignment_epoch,
        assignor_name: group.assignor().to_owned(),
        members: members.collect(),
        ..Default::default()
    }
}

fn describe_member(group: &ConsumerGroup, member: &ConsumerMember, topics: &Topics) -> Member {
    let target = group.targets.get(&member.id).into_iter().flatten().copied();
    Member {
        member_id: member.id.clone(),
        instance_id: member.instance.clone(),
        rack_id: member.rack.clone(),
        member_epoch: member.epoch,
        client_id: member.client_id.clone(),
        client_host: member.host.clone(),
        subscribed_topic_names: member.names.iter().cloned().collect(),
        subscribed_topic_regex: Some(member.pattern.text().to_owned()),
        assignment: assignment(member.held(), topics),
        target_assignment: assignment(target, topics),
        member_type: if member.classic.is_some() { CLASSIC_MEMBER } else { CONSUMER_MEMBER },
    }
}

/// Topics that are gone are left out.
fn assignment(places: impl Iterator<Item = Place>, topics: &Topics) -> Assignment {
    let mut by_topic: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in places {
        by_topic.entry(topic).or_default().push(partition);
    }
    let topic_partitions = by_topic.into_iter().filter_map(|(topic_id, partitions)| {
        let topic_name = topics.name_of(topic_id)?.to_owned();
        Some(TopicPartitions { topic_id, topic_name, partitions })
    });
    Assignment { topic_partitions: topic_partitions.collect() }
}
