//! Topics: made, grown, emptied, deleted; and their replicas.

use kafka_core::protocol::messages::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use kafka_core::protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_core::protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_core::protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_core::protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, CreatePartitionsRequest,
    CreateTopicsRequest, CreateTopicsResponse, DeleteRecordsRequest, DeleteTopicsRequest,
    DescribeLogDirsRequest, ElectLeadersRequest, ListPartitionReassignmentsRequest,
    alter_partition_reassignments_request, alter_replica_log_dirs_request, describe_log_dirs_request,
    elect_leaders_request, list_partition_reassignments_request,
};
use kafka_core::protocol::{ErrorCode, Message, Uuid};

use super::super::records::batch;
use super::super::side::Side;
use super::produce::write;

/// Makes a topic that keeps all its records, without a word about it in what is compared.
pub(super) async fn create(side: &mut Side, name: &str, partitions: i32) -> Uuid {
    create_with(side, name, partitions, &[]).await
}

/// As [`create`], with these settings.
pub(super) async fn create_with(
    side: &mut Side,
    name: &str,
    partitions: i32,
    configs: &[(&str, &str)],
) -> Uuid {
    // Records of another year than their markers would be in another segment, where a fetch of Kafka ends.
    let kept = [("retention.ms", "-1"), ("segment.ms", "9223372036854775807")];
    let all: Vec<_> = kept.iter().chain(configs).copied().collect();
    let request = topics([configured(topic(name, partitions, 1), &all)]);
    let is_there = |code: i16| [ErrorCode::NONE, ErrorCode::TOPIC_ALREADY_EXISTS].contains(&ErrorCode(code));
    side.quietly(7, request, |answer| answer.topics.iter().all(|topic| is_there(topic.error_code))).await;
    side.topic_id(name).await
}

fn topic(name: &str, num_partitions: i32, replication_factor: i16) -> CreatableTopic {
    CreatableTopic { name: name.to_owned(), num_partitions, replication_factor, ..Default::default() }
}

fn configured(mut topic: CreatableTopic, configs: &[(&str, &str)]) -> CreatableTopic {
    let config = |(name, value): &(&str, &str)| CreatableTopicConfig {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
    };
    topic.configs = configs.iter().map(config).collect();
    topic
}

fn assigned(mut topic: CreatableTopic, assignments: &[(i32, &[i32])]) -> CreatableTopic {
    let assignment = |(index, brokers): &(i32, &[i32])| CreatableReplicaAssignment {
        partition_index: *index,
        broker_ids: brokers.to_vec(),
    };
    topic.assignments = assignments.iter().map(assignment).collect();
    topic
}

fn topics(topics: impl IntoIterator<Item = CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest { topics: topics.into_iter().collect(), ..Default::default() }
}

pub(super) async fn run(side: &mut Side) {
    created(side).await;
    not_created(side).await;
    grown(side).await;
    emptied(side).await;
    deleted(side).await;
    replicas(side).await;
    folders(side).await;
}

async fn created(side: &mut Side) {
    for version in CreateTopicsRequest::VERSIONS {
        let name = side.name(&format!("created-{version}"));
        // Settings come back from version 5 on.
        let one = configured(topic(&name, 2, 1), &[("cleanup.policy", "compact"), ("retention.ms", "-1")]);
        side.ask_for("one", version, topics([one]), sources).await;
        side.topic_id(&name).await;
        side.ask("one that is there", version, topics([topic(&name, 2, 1)])).await;
    }
    for version in 4..=7 {
        let name = side.name(&format!("default-{version}"));
        side.ask_for("by the defaults", version, topics([topic(&name, -1, -1)]), sources).await;
    }
    let placed = side.name("placed");
    let two = assigned(topic(&placed, -1, -1), &[(0, &[1]), (1, &[1])]);
    side.ask_for("placed", 7, topics([two]), sources).await;
    let early = side.name("early");
    side.ask("by the defaults, too early", 3, topics([topic(&early, -1, -1)])).await;
    let unused = side.name("validated");
    for version in [5, 7] {
        let request = CreateTopicsRequest { validate_only: true, ..topics([topic(&unused, 3, 1)]) };
        side.ask_for("only validated", version, request, sources).await;
    }
    let (a, b) = (side.name("both-a"), side.name("both-b"));
    side.ask_for("one good, one bad", 7, topics([topic(&a, 1, 1), topic(&b, 0, 1)]), sources).await;
    side.topic_id(&a).await;
    side.ask("none", 7, topics([])).await;
    let quick = side.name("quick");
    let request = CreateTopicsRequest { timeout_ms: 0, ..topics([topic(&quick, 1, 1)]) };
    side.ask_for("without time", 7, request, codes).await;
}

/// A value that nobody set comes from the broker's file in the cluster of the tests, or from what all brokers were told.
fn sources(answer: &mut CreateTopicsResponse) {
    for config in answer.topics.iter_mut().flat_map(|topic| topic.configs.iter_mut().flatten()) {
        if [3, 4].contains(&config.config_source) {
            config.config_source = 5;
        }
    }
}

/// Whether the topics would be made is enough: what they would be is seen of others.
fn codes(answer: &mut CreateTopicsResponse) {
    for topic in &mut answer.topics {
        topic.configs = None;
    }
}

async fn not_created(side: &mut Side) {
    let name = side.name("bad");
    let twice = side.name("twice");
    side.ask("the same twice", 7, topics([topic(&twice, 1, 1), topic(&twice, 2, 1)])).await;
    let long = "x".repeat(250);
    for (label, name) in [
        ("no name", ""),
        ("a dot", "."),
        ("two dots", ".."),
        ("a space", "a b"),
        ("another alphabet", "é"),
        ("a name that is too long", &long),
        ("an internal name", "__consumer_offsets"),
        ("the topic of the metadata", "__cluster_metadata"),
    ] {
        let request = CreateTopicsRequest { validate_only: true, ..topics([topic(name, 1, 1)]) };
        side.ask_for(label, 7, request, codes).await;
    }
    for (partitions, replicas) in [
        (0, 1),
        (-2, 1),
        (i32::MIN, 1),
        (1, 0),
        (1, -2),
        (1, 2),
        (1, i16::MAX),
        (10_001, 1),
        (1_000_000, 1),
        (i32::MAX, 1),
        (i32::MAX, i16::MAX),
    ] {
        let request = topics([topic(&name, partitions, replicas)]);
        side.ask(&format!("{partitions} partitions of {replicas} replicas"), 7, request).await;
    }
    let many = |counts: &[i32]| {
        let named = counts.iter().enumerate();
        let all = named.map(|(number, count)| topic(&format!("{name}-{number}"), *count, 1));
        CreateTopicsRequest { validate_only: true, ..topics(all) }
    };
    side.ask_for("too many together", 7, many(&[6_000, 6_000]), codes).await;
    side.ask_for("the limit", 7, many(&[10_000]), codes).await;
    side.ask_for("the limit together", 7, many(&[4_000, 5_999, -1]), codes).await;
    side.ask_for("nearly too many together", 7, many(&[4_000, 5_900, -1]), codes).await;
    side.ask_for("too many beside a few", 7, many(&[1, 10_000, 0]), codes).await;
    for (label, assignments) in [
        ("an unknown broker", &[(0, &[99][..])][..]),
        ("the same broker twice", &[(0, &[1, 1])]),
        ("no broker", &[(0, &[])]),
        ("a partition left out", &[(1, &[1])]),
        ("the same partition twice", &[(0, &[1]), (0, &[1])]),
        ("a negative partition", &[(-1, &[1])]),
        ("different numbers of replicas", &[(0, &[1]), (1, &[1, 2])]),
        ("a negative broker", &[(0, &[-1])]),
    ] {
        side.ask(label, 7, topics([assigned(topic(&name, -1, -1), assignments)])).await;
    }
    let both = assigned(topic(&name, 1, -1), &[(0, &[1])]);
    side.ask("assignments and a count of partitions", 7, topics([both])).await;
    let both = assigned(topic(&name, -1, 1), &[(0, &[1])]);
    side.ask("assignments and a count of replicas", 7, topics([both])).await;
    for (setting, value) in [
        ("unknown", "1"),
        ("", "1"),
        ("cleanup.policy", "burn"),
        ("cleanup.policy", ""),
        ("cleanup.policy", "delete,compact"),
        ("retention.ms", "long"),
        ("retention.ms", "-2"),
        ("retention.bytes", "-5"),
        ("segment.bytes", "1"),
        ("segment.bytes", "9999999999"),
        ("min.insync.replicas", "0"),
        ("max.message.bytes", "-1"),
        ("compression.type", "rar"),
        ("compression.type", "zstd"),
        ("message.timestamp.type", "Now"),
        ("message.timestamp.type", "LogAppendTime"),
        ("unclean.leader.election.enable", "perhaps"),
        ("min.cleanable.dirty.ratio", "2"),
        ("flush.ms", "0"),
        ("local.retention.ms", "1"),
        ("remote.storage.enable", "true"),
        ("leader.replication.throttled.replicas", "x"),
        ("message.timestamp.before.max.ms", "-1"),
        ("compression.gzip.level", "99"),
        ("compression.lz4.level", "0"),
        ("compression.zstd.level", "23"),
        ("segment.ms", "0"),
        ("delete.retention.ms", "-1"),
        ("index.interval.bytes", "-1"),
        ("preallocate", "true"),
    ] {
        let one = configured(topic(&name, 1, 1), &[(setting, value)]);
        let request = CreateTopicsRequest { validate_only: true, ..topics([one]) };
        side.ask_for(&format!("{setting}={value}"), 7, request, codes).await;
    }
    let mut null = topic(&name, 1, 1);
    null.configs = vec![CreatableTopicConfig { name: "retention.ms".to_owned(), value: None }];
    side.ask("a setting that is null", 7, topics([null])).await;
    let twice = configured(topic(&name, 1, 1), &[("retention.ms", "1"), ("retention.ms", "2")]);
    let request = CreateTopicsRequest { validate_only: true, ..topics([twice]) };
    side.ask_for("a setting twice", 7, request, codes).await;
}

async fn grown(side: &mut Side) {
    let name = side.name("grown");
    create(side, &name, 1).await;
    let grow = |name: &str, count: i32, assignments: Option<&[&[i32]]>| CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: name.to_owned(),
            count,
            assignments: assignments.map(|all| {
                all.iter()
                    .map(|brokers| CreatePartitionsAssignment { broker_ids: brokers.to_vec() })
                    .collect()
            }),
        }],
        timeout_ms: 5_000,
        validate_only: false,
    };
    // Kafka does grow by thousands, and then has no files left.
    let validated = |request| CreatePartitionsRequest { validate_only: true, ..request };
    for (version, count) in CreatePartitionsRequest::VERSIONS.zip(2..) {
        side.ask("by one", version, grow(&name, count, None)).await;
        side.ask("by none", version, grow(&name, count, None)).await;
        side.ask("back", version, grow(&name, 1, None)).await;
    }
    let unknown = side.name("unknown");
    for (label, request) in [
        ("an unknown topic", grow(&unknown, 2, None)),
        ("no topic's name", grow("", 2, None)),
        ("to zero", grow(&name, 0, None)),
        ("to less", grow(&name, -1, None)),
        ("to too many", validated(grow(&name, 100_000, None))),
        ("placed", grow(&name, 6, Some(&[&[1]]))),
        ("placed too few", grow(&name, 9, Some(&[&[1]]))),
        ("placed too many", grow(&name, 7, Some(&[&[1], &[1]]))),
        ("placed nowhere", grow(&name, 7, Some(&[&[]]))),
        ("no places", grow(&name, 7, Some(&[]))),
        ("placed on an unknown broker", grow(&name, 7, Some(&[&[99]]))),
        ("placed twice on one broker", grow(&name, 7, Some(&[&[1, 1]]))),
        ("placed on too many", grow(&name, 7, Some(&[&[1, 2]]))),
    ] {
        side.ask(label, 3, request).await;
    }
    side.ask("only validated", 3, validated(grow(&name, 20, None))).await;
    let other = side.name("grown-too");
    create(side, &other, 1).await;
    let mut both = validated(grow(&name, 6_000, None));
    both.topics.push(grow(&other, 6_000, None).topics.remove(0));
    // Which of them is too much is a matter of their order in a hash map.
    side.ask_for("to too many together", 3, both, |answer| {
        answer.results.sort_by_key(|result| result.error_code != 0);
        answer.results.iter_mut().for_each(|result| result.name.clear());
    })
    .await;
    let mut twice = grow(&name, 20, None);
    twice.topics = [twice.topics.clone(), twice.topics].concat();
    side.ask("the same twice", 3, twice).await;
    side.ask("none", 3, CreatePartitionsRequest::default()).await;
}

async fn emptied(side: &mut Side) {
    let name = side.name("emptied");
    create(side, &name, 2).await;
    write(side, &name, 0, batch(10)).await;
    let until = |name: &str, index: i32, offset: i64| DeleteRecordsRequest {
        topics: vec![DeleteRecordsTopic {
            name: name.to_owned(),
            partitions: vec![DeleteRecordsPartition { partition_index: index, offset }],
        }],
        timeout_ms: 5_000,
    };
    for (version, offset) in DeleteRecordsRequest::VERSIONS.zip(2..) {
        side.ask("some", version, until(&name, 0, offset)).await;
        side.ask("the same again", version, until(&name, 0, offset)).await;
        side.ask("too many", version, until(&name, 0, 11)).await;
    }
    let unknown = side.name("unknown");
    for (label, request) in [
        ("less", until(&name, 0, 1)),
        ("of a negative offset", until(&name, 0, -2)),
        ("of an empty partition", until(&name, 1, 0)),
        ("of an unknown partition", until(&name, 9, 0)),
        ("of a negative partition", until(&name, -1, 0)),
        ("of an unknown topic", until(&unknown, 0, 0)),
        ("of no topic's name", until("", 0, 0)),
        ("of an internal topic", until("__consumer_offsets", 0, 0)),
        ("all", until(&name, 0, -1)),
        ("none", DeleteRecordsRequest::default()),
        (
            "of no partition",
            DeleteRecordsRequest {
                topics: vec![DeleteRecordsTopic { name: name.clone(), partitions: vec![] }],
                ..Default::default()
            },
        ),
    ] {
        side.ask(label, 2, request).await;
    }
}

async fn deleted(side: &mut Side) {
    let by_name = |version: i16, names: &[&str]| {
        let topics = names
            .iter()
            .map(|name| DeleteTopicState { name: Some((*name).to_owned()), topic_id: Uuid::ZERO })
            .collect();
        let topic_names = names.iter().map(|name| (*name).to_owned()).collect();
        if version < 6 {
            DeleteTopicsRequest { topic_names, timeout_ms: 5_000, ..Default::default() }
        } else {
            DeleteTopicsRequest { topics, timeout_ms: 5_000, ..Default::default() }
        }
    };
    let unknown = side.name("unknown");
    for version in DeleteTopicsRequest::VERSIONS {
        let name = side.name(&format!("deleted-{version}"));
        create(side, &name, 1).await;
        side.ask("one", version, by_name(version, &[&name])).await;
        side.ask("an unknown one", version, by_name(version, &[&unknown])).await;
        side.ask("no name", version, by_name(version, &[""])).await;
    }
    let name = side.name("deleted-by-id");
    let id = create(side, &name, 1).await;
    let by_id = |states: &[(Option<&str>, Uuid)]| DeleteTopicsRequest {
        topics: states
            .iter()
            .map(|(name, topic_id)| DeleteTopicState { name: name.map(str::to_owned), topic_id: *topic_id })
            .collect(),
        timeout_ms: 5_000,
        ..Default::default()
    };
    side.ask("by an unknown id", 6, by_id(&[(None, Uuid([9; 16]))])).await;
    side.ask("by id and name", 6, by_id(&[(Some(&name), id)])).await;
    side.ask("by neither", 6, by_id(&[(None, Uuid::ZERO)])).await;
    side.ask("none", 6, by_id(&[])).await;
    side.ask("the same name twice", 6, by_name(6, &[&name, &name])).await;
    side.ask("the same unknown name twice", 6, by_name(6, &[&unknown, &unknown])).await;
    side.ask("the same id twice", 6, by_id(&[(None, id), (None, id)])).await;
    side.ask("by name and by id", 6, by_id(&[(Some(&name), Uuid::ZERO), (None, id)])).await;
    let again = create(side, &name, 1).await;
    side.ask("by id", 6, by_id(&[(None, again)])).await;
    side.ask("by the id that it had", 6, by_id(&[(None, again)])).await;
}

async fn replicas(side: &mut Side) {
    let name = side.name("replicas");
    create(side, &name, 2).await;
    let unknown = side.name("unknown");
    let move_to = |name: &str, index: i32, replicas: Option<&[i32]>| AlterPartitionReassignmentsRequest {
        topics: vec![alter_partition_reassignments_request::ReassignableTopic {
            name: name.to_owned(),
            partitions: vec![alter_partition_reassignments_request::ReassignablePartition {
                partition_index: index,
                replicas: replicas.map(<[i32]>::to_vec),
            }],
        }],
        ..Default::default()
    };
    for version in AlterPartitionReassignmentsRequest::VERSIONS {
        for (label, request) in [
            ("to where it is", move_to(&name, 0, Some(&[1]))),
            ("nothing to cancel", move_to(&name, 0, None)),
            ("to an unknown broker", move_to(&name, 0, Some(&[99]))),
            ("to nowhere", move_to(&name, 0, Some(&[]))),
            ("twice to one broker", move_to(&name, 0, Some(&[1, 1]))),
            ("to a negative broker", move_to(&name, 0, Some(&[-1]))),
            ("an unknown partition", move_to(&name, 9, Some(&[1]))),
            ("an unknown topic", move_to(&unknown, 0, Some(&[1]))),
            ("none", AlterPartitionReassignmentsRequest::default()),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let fixed = AlterPartitionReassignmentsRequest {
        allow_replication_factor_change: false,
        ..move_to(&name, 0, Some(&[1, 2]))
    };
    side.ask("to more replicas than allowed", 1, fixed).await;
    let list = |topics: Option<&[(&str, &[i32])]>| ListPartitionReassignmentsRequest {
        topics: topics.map(|topics| {
            topics
                .iter()
                .map(|(name, indexes)| {
                    list_partition_reassignments_request::ListPartitionReassignmentsTopics {
                        name: (*name).to_owned(),
                        partition_indexes: indexes.to_vec(),
                    }
                })
                .collect()
        }),
        ..Default::default()
    };
    for (label, request) in [
        ("all", list(None)),
        ("of none", list(Some(&[]))),
        ("of one", list(Some(&[(&name, &[0, 1])]))),
        ("of an unknown partition", list(Some(&[(&name, &[9])]))),
        ("of an unknown topic", list(Some(&[(&unknown, &[0])]))),
    ] {
        side.ask(label, 0, request).await;
    }
    let elect = |election_type: i8, topics: &[(&str, &[i32])]| ElectLeadersRequest {
        election_type,
        topic_partitions: Some(
            topics
                .iter()
                .map(|(topic, partitions)| elect_leaders_request::TopicPartitions {
                    topic: (*topic).to_owned(),
                    partitions: partitions.to_vec(),
                })
                .collect(),
        ),
        ..Default::default()
    };
    for version in ElectLeadersRequest::VERSIONS {
        side.ask("the preferred one", version, elect(0, &[(&name, &[0])])).await;
        side.ask("of an unknown partition", version, elect(0, &[(&name, &[9])])).await;
        side.ask("of an unknown topic", version, elect(0, &[(&unknown, &[0])])).await;
        side.ask("of none", version, elect(0, &[])).await;
    }
    side.ask("an unclean one", 2, elect(1, &[(&name, &[0])])).await;
    side.ask("of an unknown kind", 2, elect(5, &[(&name, &[0])])).await;
    side.ask("of two", 2, elect(0, &[(&name, &[0, 1]), (&unknown, &[0])])).await;
    side.ask("of the same twice", 2, elect(0, &[(&name, &[0, 0])])).await;
}

async fn folders(side: &mut Side) {
    let name = side.name("folders");
    create(side, &name, 1).await;
    write(side, &name, 0, batch(10)).await;
    let unknown = side.name("unknown");
    let of = |topics: Option<&[(&str, &[i32])]>| DescribeLogDirsRequest {
        topics: topics.map(|topics| {
            topics
                .iter()
                .map(|(topic, partitions)| describe_log_dirs_request::DescribableLogDirTopic {
                    topic: (*topic).to_owned(),
                    partitions: partitions.to_vec(),
                })
                .collect()
        }),
    };
    let no_space = |answer: &mut kafka_core::protocol::messages::DescribeLogDirsResponse| {
        for folder in &mut answer.results {
            // What the disk has.
            (folder.total_bytes, folder.usable_bytes) =
                (folder.total_bytes.signum(), folder.usable_bytes.signum());
        }
    };
    for version in DescribeLogDirsRequest::VERSIONS {
        side.ask_for("of one", version, of(Some(&[(&name, &[0])])), no_space).await;
    }
    side.ask_for("of an unknown partition", 4, of(Some(&[(&name, &[9])])), no_space).await;
    side.ask_for("of an unknown topic", 4, of(Some(&[(&unknown, &[0])])), no_space).await;
    side.ask_for("of none", 4, of(Some(&[])), no_space).await;
    let ours = side.name("folders");
    side.ask_for("of all", 4, of(None), |answer| {
        no_space(answer);
        for folder in &mut answer.results {
            folder.topics.retain(|topic| topic.name == ours);
        }
    })
    .await;
    let move_to = |path: &str, name: &str, partition: i32| AlterReplicaLogDirsRequest {
        dirs: vec![alter_replica_log_dirs_request::AlterReplicaLogDir {
            path: path.to_owned(),
            topics: vec![alter_replica_log_dirs_request::AlterReplicaLogDirTopic {
                name: name.to_owned(),
                partitions: vec![partition],
            }],
        }],
    };
    for version in AlterReplicaLogDirsRequest::VERSIONS {
        side.ask("to an unknown folder", version, move_to("/nowhere", &name, 0)).await;
        side.ask("to a folder here", version, move_to("here", &name, 0)).await;
        side.ask("of an unknown topic", version, move_to("/nowhere", &unknown, 0)).await;
        side.ask("of none", version, AlterReplicaLogDirsRequest::default()).await;
    }
}
