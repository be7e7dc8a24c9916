//! What a user is told who may not do what is asked: `bob`, by the rules that every cluster of the tests has.

use bytes::Bytes;
use kafka_core::protocol::Uuid;
use kafka_core::protocol::messages::create_acls_request::AclCreation;
use kafka_core::protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_core::protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_core::protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_core::protocol::messages::*;

use super::super::records::{batch, numbered, transactional};
use super::super::side::Side;
use super::fetch::fetch;
use super::groups::{heartbeat, join, leave, sync};
use super::offsets;
use super::produce::{Target, produce, write};
use super::topics::create;

pub(super) async fn run(side: &mut Side) {
    let mut topics = Vec::new();
    for name in ["private", "readable", "writable"] {
        let name = side.name_under(&format!("{name}-"), "topic");
        let id = create(side, &name, 1).await;
        write(side, &name, 0, batch(2)).await;
        topics.push(Target { name, id });
    }
    let unknown = Target { name: side.name_under("private-", "unknown"), id: Uuid([9; 16]) };
    topics.push(unknown);
    let mut bob = side.signed_in("bob", "bob-secret");
    for topic in &topics {
        records(&mut bob, topic).await;
        changes(&mut bob, topic).await;
        described(&mut bob, topic).await;
    }
    let private = &topics[0];
    groups(&mut bob, private).await;
    new_groups(&mut bob, private).await;
    transactions(&mut bob, private).await;
    cluster(&mut bob).await;
    side.exchanges.append(&mut bob.exchanges);
}

async fn records(bob: &mut Side, topic: &Target) {
    for version in [3, 12, 13] {
        bob.ask("", version, produce(topic, 0, Some(batch(1)))).await;
        bob.ask("an unknown partition", version, produce(topic, 9, Some(batch(1)))).await;
        bob.ask("numbered", version, produce(topic, 0, Some(numbered(7, 0, 0, 1)))).await;
    }
    for version in [4, 12, 13, 18] {
        bob.ask("", version, fetch(topic, 0, 0)).await;
        bob.ask("an unknown partition", version, fetch(topic, 9, 0)).await;
    }
    let ends = |index: i32| ListOffsetsRequest {
        replica_id: -1,
        topics: vec![list_offsets_request::ListOffsetsTopic {
            name: topic.name.clone(),
            partitions: vec![list_offsets_request::ListOffsetsPartition {
                partition_index: index,
                timestamp: -1,
                ..Default::default()
            }],
        }],
        ..Default::default()
    };
    bob.ask("", 1, ends(0)).await;
    bob.ask("", 7, ends(0)).await;
    bob.ask("an unknown partition", 7, ends(9)).await;
    let epochs = OffsetForLeaderEpochRequest {
        topics: vec![offset_for_leader_epoch_request::OffsetForLeaderTopic {
            topic: topic.name.clone(),
            partitions: vec![Default::default()],
        }],
        ..Default::default()
    };
    bob.ask("", 4, epochs).await;
    let delete = DeleteRecordsRequest {
        topics: vec![delete_records_request::DeleteRecordsTopic {
            name: topic.name.clone(),
            partitions: vec![delete_records_request::DeleteRecordsPartition {
                partition_index: 0,
                offset: 0,
            }],
        }],
        timeout_ms: 5_000,
    };
    bob.ask("", 2, delete).await;
}

async fn changes(bob: &mut Side, topic: &Target) {
    let create = CreateTopicsRequest {
        topics: vec![create_topics_request::CreatableTopic {
            name: topic.name.clone(),
            num_partitions: 1,
            replication_factor: 1,
            ..Default::default()
        }],
        ..Default::default()
    };
    bob.ask("", 7, create).await;
    let grow = CreatePartitionsRequest {
        topics: vec![create_partitions_request::CreatePartitionsTopic {
            name: topic.name.clone(),
            count: 3,
            assignments: None,
        }],
        timeout_ms: 5_000,
        validate_only: false,
    };
    bob.ask("", 3, grow).await;
    let by_name =
        delete_topics_request::DeleteTopicState { name: Some(topic.name.clone()), topic_id: Uuid::ZERO };
    let by_id = delete_topics_request::DeleteTopicState { name: None, topic_id: topic.id };
    for (label, state) in [("by name", by_name), ("by id", by_id)] {
        bob.ask(
            label,
            6,
            DeleteTopicsRequest { topics: vec![state], timeout_ms: 5_000, ..Default::default() },
        )
        .await;
    }
    let names = DeleteTopicsRequest {
        topic_names: vec![topic.name.clone()],
        timeout_ms: 5_000,
        ..Default::default()
    };
    bob.ask("by name", 5, names).await;
    let set = IncrementalAlterConfigsRequest {
        resources: vec![incremental_alter_configs_request::AlterConfigsResource {
            resource_type: 2,
            resource_name: topic.name.clone(),
            configs: vec![incremental_alter_configs_request::AlterableConfig {
                name: "retention.ms".to_owned(),
                config_operation: 0,
                value: Some("1".to_owned()),
            }],
        }],
        ..Default::default()
    };
    bob.ask("", 1, set).await;
    let replace = AlterConfigsRequest {
        resources: vec![alter_configs_request::AlterConfigsResource {
            resource_type: 2,
            resource_name: topic.name.clone(),
            configs: vec![],
        }],
        ..Default::default()
    };
    bob.ask("", 2, replace).await;
}

async fn described(bob: &mut Side, topic: &Target) {
    let by = |topic_id: Uuid, name: Option<&str>| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { topic_id, name: name.map(str::to_owned) }]),
        allow_auto_topic_creation: true,
        include_topic_authorized_operations: true,
        ..Default::default()
    };
    bob.ask("by name", 8, by(Uuid::ZERO, Some(&topic.name))).await;
    bob.ask("by name", 13, by(Uuid::ZERO, Some(&topic.name))).await;
    bob.ask("by id", 13, by(topic.id, None)).await;
    let partitions = DescribeTopicPartitionsRequest {
        topics: vec![describe_topic_partitions_request::TopicRequest { name: topic.name.clone() }],
        ..Default::default()
    };
    bob.ask("", 0, partitions).await;
    let configs = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: 2,
            resource_name: topic.name.clone(),
            configuration_keys: Some(vec!["retention.ms".to_owned()]),
        }],
        ..Default::default()
    };
    bob.ask("", 4, configs).await;
    let producers = DescribeProducersRequest {
        topics: vec![describe_producers_request::TopicRequest {
            name: topic.name.clone(),
            partition_indexes: vec![0],
        }],
    };
    bob.ask("", 0, producers).await;
    let moves = AlterPartitionReassignmentsRequest {
        topics: vec![alter_partition_reassignments_request::ReassignableTopic {
            name: topic.name.clone(),
            partitions: vec![alter_partition_reassignments_request::ReassignablePartition {
                partition_index: 0,
                replicas: Some(vec![1]),
            }],
        }],
        ..Default::default()
    };
    bob.ask("", 1, moves).await;
    let elect = ElectLeadersRequest {
        topic_partitions: Some(vec![elect_leaders_request::TopicPartitions {
            topic: topic.name.clone(),
            partitions: vec![0],
        }]),
        ..Default::default()
    };
    bob.ask("", 2, elect).await;
}

async fn groups(bob: &mut Side, topic: &Target) {
    let group = bob.name_under("private-", "group");
    let open = bob.name("open-group");
    let member = "member";
    bob.ask("", 6, FindCoordinatorRequest { coordinator_keys: vec![group.clone()], ..Default::default() })
        .await;
    bob.ask("", 2, FindCoordinatorRequest { key: group.clone(), ..Default::default() }).await;
    for version in [0, 9] {
        bob.ask("", version, join(&group, "", &["range"])).await;
    }
    bob.ask("", 5, sync(&group, 1, member, &[])).await;
    bob.ask("", 4, heartbeat(&group, 1, member)).await;
    bob.ask("", 5, leave(&group, &[(member, None)])).await;
    for version in [2, 9, 10] {
        bob.ask("", version, offsets::commit(&group, topic, 0, 1)).await;
        bob.ask("an open group", version, offsets::commit(&open, topic, 0, 1)).await;
    }
    for version in [1, 7, 8, 9, 10] {
        bob.ask("", version, offsets::fetch(version, &group, Some(&[(topic, &[0])]))).await;
        bob.ask("an open group", version, offsets::fetch(version, &open, Some(&[(topic, &[0])]))).await;
    }
    bob.ask("all", 9, offsets::fetch(9, &open, None)).await;
    for version in [0, 6] {
        bob.ask("", version, DescribeGroupsRequest { groups: vec![group.clone()], ..Default::default() })
            .await;
    }
    bob.ask("", 2, DeleteGroupsRequest { groups_names: vec![group.clone()] }).await;
    let delete = |group: &str| OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: vec![offset_delete_request::OffsetDeleteRequestTopic {
            name: topic.name.clone(),
            partitions: vec![Default::default()],
        }],
    };
    bob.ask("", 0, delete(&group)).await;
    bob.ask("an open group", 0, delete(&open)).await;
    let config = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: 32,
            resource_name: group,
            configuration_keys: None,
        }],
        ..Default::default()
    };
    bob.ask("of a group", 4, config).await;
}

async fn new_groups(bob: &mut Side, topic: &Target) {
    let group = bob.name_under("private-", "new-group");
    let open = bob.name("open-new-group");
    let joins = |group: &str| ConsumerGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: "member".to_owned(),
        rebalance_timeout_ms: 5_000,
        subscribed_topic_names: Some(vec![topic.name.clone()]),
        topic_partitions: Some(vec![]),
        ..Default::default()
    };
    bob.ask("", 1, joins(&group)).await;
    bob.ask("an open group", 1, joins(&open)).await;
    let describe = ConsumerGroupDescribeRequest { group_ids: vec![group.clone()], ..Default::default() };
    bob.ask("", 1, describe).await;
    let shares = |group: &str| ShareGroupHeartbeatRequest {
        group_id: group.to_owned(),
        member_id: "AAAAAAAAAAAAAAAAAAAAAw".to_owned(),
        subscribed_topic_names: Some(vec![topic.name.clone()]),
        ..Default::default()
    };
    bob.ask("", 1, shares(&group)).await;
    bob.ask("an open group", 1, shares(&open)).await;
    bob.ask("", 1, ShareGroupDescribeRequest { group_ids: vec![group.clone()], ..Default::default() }).await;
    let fetch = |group: &str| ShareFetchRequest {
        group_id: Some(group.to_owned()),
        member_id: Some("AAAAAAAAAAAAAAAAAAAAAw".to_owned()),
        max_wait_ms: 100,
        max_bytes: 1 << 20,
        max_records: 3,
        batch_size: 3,
        topics: vec![share_fetch_request::FetchTopic {
            topic_id: topic.id,
            partitions: vec![Default::default()],
        }],
        ..Default::default()
    };
    bob.ask("", 2, fetch(&group)).await;
    let acknowledge = ShareAcknowledgeRequest {
        group_id: Some(group.clone()),
        member_id: Some("AAAAAAAAAAAAAAAAAAAAAw".to_owned()),
        share_session_epoch: 1,
        ..Default::default()
    };
    bob.ask("", 2, acknowledge).await;
    let offsets = DescribeShareGroupOffsetsRequest {
        groups: vec![describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup {
            group_id: group.clone(),
            topics: None,
        }],
    };
    bob.ask("", 1, offsets).await;
    bob.ask("", 0, AlterShareGroupOffsetsRequest { group_id: group.clone(), ..Default::default() }).await;
    bob.ask("", 0, DeleteShareGroupOffsetsRequest { group_id: group, ..Default::default() }).await;
}

async fn transactions(bob: &mut Side, topic: &Target) {
    let name = bob.name_under("private-", "transaction");
    let open = bob.name("open-transaction");
    bob.ask(
        "",
        6,
        FindCoordinatorRequest { key_type: 1, coordinator_keys: vec![name.clone()], ..Default::default() },
    )
    .await;
    let init = |name: &str| InitProducerIdRequest {
        transactional_id: Some(name.to_owned()),
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    bob.ask("", 5, init(&name)).await;
    let anonymous = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: 60_000,
        ..Default::default()
    };
    bob.ask("anonymous", 5, anonymous).await;
    let own = bob.quietly(5, init(&open), |answer| answer.error_code == 0).await;
    let add = |name: &str, topic: &str| AddPartitionsToTxnRequest {
        v3_and_below_transactional_id: name.to_owned(),
        v3_and_below_producer_id: own.producer_id,
        v3_and_below_producer_epoch: own.producer_epoch,
        v3_and_below_topics: vec![add_partitions_to_txn_request::AddPartitionsToTxnTopic {
            name: topic.to_owned(),
            partitions: vec![0],
        }],
        ..Default::default()
    };
    bob.ask("", 3, add(&name, &topic.name)).await;
    bob.ask("an open one", 3, add(&open, &topic.name)).await;
    bob.ask("as a broker", 5, AddPartitionsToTxnRequest::default()).await;
    for version in [11, 12] {
        let records = Some(transactional(own.producer_id, own.producer_epoch, 0, 1));
        let write = |name: &str| ProduceRequest {
            transactional_id: Some(name.to_owned()),
            ..produce(topic, 0, records.clone())
        };
        bob.ask("in a transaction", version, write(&name)).await;
        bob.ask("in an open transaction", version, write(&open)).await;
        bob.ask("in no transaction", version, ProduceRequest { transactional_id: None, ..write(&open) })
            .await;
    }
    let group = bob.name_under("private-", "group");
    for (label, name, group) in
        [("", &name, &open), ("a private group", &open, &group), ("an open group", &open, &open)]
    {
        let offsets = AddOffsetsToTxnRequest {
            transactional_id: name.clone(),
            producer_id: own.producer_id,
            producer_epoch: own.producer_epoch,
            group_id: group.clone(),
        };
        bob.until(label, 4, offsets, |answer| answer.error_code != 51).await;
        let commit = TxnOffsetCommitRequest {
            transactional_id: name.clone(),
            group_id: group.clone(),
            producer_id: own.producer_id,
            producer_epoch: own.producer_epoch,
            topics: vec![txn_offset_commit_request::TxnOffsetCommitRequestTopic {
                name: topic.name.clone(),
                partitions: vec![Default::default()],
            }],
            ..Default::default()
        };
        bob.ask(label, 4, commit).await;
    }
    for (label, name) in [("", &name), ("an open one", &open)] {
        let end = EndTxnRequest {
            transactional_id: name.clone(),
            producer_id: own.producer_id,
            producer_epoch: own.producer_epoch,
            committed: true,
        };
        bob.until(label, 4, end, |answer| answer.error_code != 51).await;
    }
    bob.ask("", 0, DescribeTransactionsRequest { transactional_ids: vec![name] }).await;
    bob.ask(
        "",
        2,
        WriteTxnMarkersRequest {
            markers: vec![write_txn_markers_request::WritableTxnMarker {
                producer_id: own.producer_id,
                topics: vec![write_txn_markers_request::WritableTxnMarkerTopic {
                    name: topic.name.clone(),
                    partition_indexes: vec![0],
                }],
                ..Default::default()
            }],
        },
    )
    .await;
}

/// What is the cluster's own.
async fn cluster(bob: &mut Side) {
    let filter = DescribeAclsRequest {
        resource_type_filter: 1,
        resource_name_filter: None,
        pattern_type_filter: 1,
        principal_filter: Some("User:nobody".to_owned()),
        host_filter: None,
        operation: 1,
        permission_type: 1,
    };
    bob.ask("", 3, filter).await;
    let rule = AclCreation {
        resource_type: 2,
        resource_name: bob.name("ruled"),
        resource_pattern_type: 3,
        principal: "User:bob".to_owned(),
        host: "*".to_owned(),
        operation: 3,
        permission_type: 3,
    };
    bob.ask("", 3, CreateAclsRequest { creations: vec![rule] }).await;
    let filter = DeleteAclsFilter {
        resource_type_filter: 1,
        resource_name_filter: None,
        pattern_type_filter: 1,
        principal_filter: Some("User:nobody".to_owned()),
        host_filter: None,
        operation: 1,
        permission_type: 1,
    };
    bob.ask("", 3, DeleteAclsRequest { filters: vec![filter] }).await;
    bob.ask("", 1, DescribeClientQuotasRequest { strict: true, ..Default::default() }).await;
    let quota = alter_client_quotas_request::EntryData {
        entity: vec![alter_client_quotas_request::EntityData {
            entity_type: "client-id".to_owned(),
            entity_name: Some("nobody".to_owned()),
        }],
        ops: vec![],
    };
    bob.ask("", 1, AlterClientQuotasRequest { entries: vec![quota], validate_only: true }).await;
    let unknown = describe_user_scram_credentials_request::UserName { name: bob.name("unknown") };
    bob.ask("", 0, DescribeUserScramCredentialsRequest { users: Some(vec![unknown]) }).await;
    let user = alter_user_scram_credentials_request::ScramCredentialUpsertion {
        name: bob.name("user"),
        mechanism: 1,
        iterations: 4096,
        salt: Bytes::from_static(b"salt"),
        salted_password: Bytes::from_static(b"password"),
    };
    bob.ask("", 0, AlterUserScramCredentialsRequest { upsertions: vec![user], ..Default::default() }).await;
    for include_cluster_authorized_operations in [false, true] {
        let request = DescribeClusterRequest { include_cluster_authorized_operations, ..Default::default() };
        bob.ask("", 2, request).await;
    }
    bob.ask("", 2, UpdateFeaturesRequest { validate_only: true, ..Default::default() }).await;
    bob.ask(
        "",
        2,
        DescribeQuorumRequest {
            topics: vec![describe_quorum_request::TopicData {
                topic_name: "other".to_owned(),
                partitions: vec![Default::default()],
            }],
        },
    )
    .await;
    bob.ask("", 0, ListPartitionReassignmentsRequest { topics: None, ..Default::default() }).await;
    bob.ask_for("", 4, DescribeLogDirsRequest { topics: Some(vec![]) }, |answer| {
        for folder in &mut answer.results {
            (folder.total_bytes, folder.usable_bytes) = (0, 0);
        }
    })
    .await;
    bob.ask("", 2, AlterReplicaLogDirsRequest::default()).await;
    bob.ask("", 1, ElectLeadersRequest { topic_partitions: Some(vec![]), ..Default::default() }).await;
    for (label, resource_type) in [("of a broker", 4), ("of loggers", 8)] {
        let config = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type,
                resource_name: "1".to_owned(),
                configuration_keys: Some(vec!["num.partitions".to_owned()]),
            }],
            ..Default::default()
        };
        bob.ask(label, 4, config).await;
    }
    let set = IncrementalAlterConfigsRequest {
        resources: vec![incremental_alter_configs_request::AlterConfigsResource {
            resource_type: 4,
            resource_name: "1".to_owned(),
            configs: vec![],
        }],
        ..Default::default()
    };
    bob.ask("of a broker", 1, set).await;
    let ours = bob.name("");
    let part = |answer: &mut MetadataResponse| {
        answer.topics.retain(|topic| topic.name.as_ref().is_some_and(|name| name.contains(&ours)));
        answer.topics.sort_by(|a, b| a.name.cmp(&b.name));
    };
    bob.ask_for("all", 12, MetadataRequest { topics: None, ..Default::default() }, part).await;
    let part = |answer: &mut ListGroupsResponse| {
        answer.groups.retain(|group| group.group_id.contains(&ours));
        answer.groups.sort_by(|a, b| a.group_id.cmp(&b.group_id));
    };
    bob.ask_for("all", 5, ListGroupsRequest::default(), part).await;
    let part = |answer: &mut ListTransactionsResponse| {
        answer.transaction_states.retain(|found| found.transactional_id.contains("open-transaction"));
        answer.transaction_states.retain(|found| found.transactional_id.contains(&ours));
    };
    bob.ask_for("all", 2, ListTransactionsRequest::default(), part).await;
    let part = |answer: &mut ListConfigResourcesResponse| {
        answer.config_resources.retain(|found| found.resource_name.contains(&ours));
    };
    bob.ask_for("all", 1, ListConfigResourcesRequest { resource_types: vec![32] }, part).await;
}
