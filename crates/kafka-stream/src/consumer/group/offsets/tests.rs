use std::collections::BTreeMap;

use kafka_core::TopicPartition;
use kafka_core::protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_core::protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse,
};
use kafka_core::protocol::{
    ApiVersion, Decoder, Encoder, ErrorCode, Int16, Message, ReadVersionedType, Uuid, WriteVersionedType,
};

use super::topic_ids::TopicIds;
use super::*;

fn partitions() -> Vec<TopicPartition> {
    vec![("t", 0).into(), ("t", 1).into(), ("u", 5).into()]
}

fn ids() -> TopicIds {
    TopicIds::new(&partitions(), |topic| Some(Uuid([topic.as_bytes()[0]; 16])))
}

fn member() -> ConsumerGroupMetadata {
    ConsumerGroupMetadata {
        group_id: "g".into(),
        generation_id: 3,
        member_id: "m".into(),
        group_instance_id: Some("i".into()),
    }
}

fn wire<M: WriteVersionedType<Encoder> + ReadVersionedType<Decoder>>(message: &M, version: i16) -> M {
    let version = ApiVersion(Int16(version));
    let mut encoder = Encoder::new();
    message.write_versioned(&mut encoder, version).unwrap();
    let bytes: Vec<u8> = encoder.finish().into_iter().flatten().collect();
    M::read_versioned(&mut Decoder::new(bytes.into()), version).unwrap()
}

#[test]
fn a_commit_can_be_written_in_every_version_and_says_all_that_the_version_can() {
    let offsets: BTreeMap<_, _> = partitions()
        .into_iter()
        .zip(10..)
        .map(|(tp, at)| (tp, OffsetAndMetadata::new(at).with_leader_epoch(7).with_metadata("note")))
        .collect();
    for version in OffsetCommitRequest::VERSIONS {
        let read = wire(&commit::request(&member(), &offsets, &ids(), version), version);
        assert_eq!((read.group_id.as_str(), read.member_id.as_str()), ("g", "m"));
        assert_eq!(read.generation_id_or_member_epoch, 3);
        assert_eq!(read.group_instance_id.is_some(), version >= 7);
        let [t, u] = &read.topics[..] else { panic!("{read:?}") };
        assert_eq!(ids().name(&u.name, u.topic_id).as_ref(), "u");
        assert_eq!((t.partitions[1].partition_index, t.partitions[1].committed_offset), (1, 11));
        assert_eq!(t.partitions[1].committed_metadata.as_deref(), Some("note"));
        assert_eq!(t.partitions[1].committed_leader_epoch, if version >= 6 { 7 } else { -1 });
    }
}

#[test]
fn a_topic_without_an_id_keeps_requests_to_versions_with_names() {
    assert_eq!(ids().max_version(), None);
    let some = TopicIds::new(&partitions(), |topic| (topic == "t").then_some(Uuid([1; 16])));
    assert_eq!(some.max_version(), Some(9));
}

fn answer(codes: &[ErrorCode]) -> OffsetCommitResponse {
    let partitions = codes
        .iter()
        .zip(0..)
        .map(|(code, partition_index)| OffsetCommitResponsePartition { partition_index, error_code: code.0 });
    let topic = OffsetCommitResponseTopic {
        name: "t".into(),
        partitions: partitions.collect(),
        ..Default::default()
    };
    OffsetCommitResponse { topics: vec![topic], ..Default::default() }
}

#[test]
fn a_commit_is_judged_by_its_worst_partition() {
    use ErrorCode as E;
    let judge = |codes: &[ErrorCode]| commit::outcome(&answer(codes), &ids());
    assert!(matches!(judge(&[E::NONE, E::NONE]), commit::Outcome::Done));
    for code in [E::COORDINATOR_LOAD_IN_PROGRESS, E::UNKNOWN_TOPIC_OR_PARTITION] {
        assert!(matches!(judge(&[E::NONE, code]), commit::Outcome::Again { moved: false, .. }), "{code}");
    }
    for code in [E::NOT_COORDINATOR, E::COORDINATOR_NOT_AVAILABLE, E::REQUEST_TIMED_OUT] {
        assert!(matches!(judge(&[code, E::NONE]), commit::Outcome::Again { moved: true, .. }), "{code}");
    }
    assert!(matches!(judge(&[E::REBALANCE_IN_PROGRESS]), commit::Outcome::Rebalancing));
    for code in [E::UNKNOWN_MEMBER_ID, E::ILLEGAL_GENERATION] {
        let outcome = judge(&[E::OFFSET_METADATA_TOO_LARGE, code, E::NOT_COORDINATOR]);
        let commit::Outcome::Failed(error @ CommitError::NotMember { .. }) = outcome else {
            panic!("{code}")
        };
        assert!(error.to_string().contains("max.poll.interval.ms"), "{error}");
        assert!(!error.is_retriable());
    }
    assert!(matches!(judge(&[E::FENCED_INSTANCE_ID]), commit::Outcome::Failed(CommitError::Fenced)));
    let outcome = judge(&[E::NONE, E::OFFSET_METADATA_TOO_LARGE]);
    let commit::Outcome::Failed(CommitError::Other(error)) = outcome else { panic!("{outcome:?}") };
    assert_eq!((error.topic(), error.partition()), (Some("t"), Some(1)));
}

#[test]
fn a_look_up_can_be_written_in_every_version() {
    for version in OffsetFetchRequest::VERSIONS {
        let read = wire(&fetch::request("g", &partitions(), &ids(), version), version);
        assert_eq!(read.require_stable, version >= 7);
        let group = if version >= 8 { &read.groups[0].group_id } else { &read.group_id };
        assert_eq!(group, "g");
        let topics = match version {
            8.. => {
                read.groups[0].topics.as_ref().unwrap().iter().map(|t| t.partition_indexes.clone()).collect()
            }
            _ => read.topics.unwrap().into_iter().map(|t| t.partition_indexes).collect::<Vec<_>>(),
        };
        assert_eq!(topics, [vec![0, 1], vec![5]]);
    }
}

/// An answer for partition 0 and 1 of `t` with the given code on the second.
fn fetched(version: i16, group: ErrorCode, second: ErrorCode) -> OffsetFetchResponse {
    use kafka_core::protocol::messages::offset_fetch_response as r;
    let mut response = OffsetFetchResponse::default();
    let metadata = Some("note".to_owned());
    if version < 8 {
        let part = |partition_index, committed_offset, error_code| r::OffsetFetchResponsePartition {
            partition_index,
            committed_offset,
            error_code,
            committed_leader_epoch: if version >= 5 { 2 } else { -1 },
            metadata: metadata.clone(),
        };
        let partitions = vec![part(0, 10, 0), part(1, -1, second.0)];
        response.topics = vec![r::OffsetFetchResponseTopic { name: "t".into(), partitions }];
        response.error_code = group.0;
    } else {
        let part = |partition_index, committed_offset, error_code| r::OffsetFetchResponsePartitions {
            partition_index,
            committed_offset,
            error_code,
            committed_leader_epoch: 2,
            metadata: metadata.clone(),
        };
        let topic = r::OffsetFetchResponseTopics {
            name: "t".into(),
            topic_id: ids().id("t"),
            partitions: vec![part(0, 10, 0), part(1, -1, second.0)],
        };
        let group =
            r::OffsetFetchResponseGroup { group_id: "g".into(), topics: vec![topic], error_code: group.0 };
        response.groups = vec![group];
    }
    wire(&response, version)
}

#[test]
fn what_is_committed_is_read_from_every_version_and_the_rest_is_nothing() {
    for version in OffsetFetchResponse::VERSIONS {
        let response = fetched(version, ErrorCode::NONE, ErrorCode::NONE);
        let outcome = fetch::outcome(&response, &partitions(), &ids(), version);
        let fetch::Outcome::Done(committed) = outcome else { panic!("{outcome:?}") };
        let mut expected = OffsetAndMetadata::new(10).with_metadata("note");
        expected.leader_epoch = (version >= 5).then_some(2);
        assert_eq!(committed[&("t", 0).into()], Some(expected));
        assert_eq!(committed[&("t", 1).into()], None);
        assert_eq!(committed[&("u", 5).into()], None);
    }
}

#[test]
fn a_look_up_waits_for_open_transactions_and_follows_the_coordinator() {
    for version in [7, 8, 10] {
        let judge = |group, second| {
            let response = fetched(version, group, second);
            fetch::outcome(&response, &partitions(), &ids(), version)
        };
        let waits = judge(ErrorCode::NONE, ErrorCode::UNSTABLE_OFFSET_COMMIT);
        assert!(matches!(waits, fetch::Outcome::Again { moved: false, .. }), "{waits:?}");
        let moved = judge(ErrorCode::NOT_COORDINATOR, ErrorCode::NONE);
        assert!(matches!(moved, fetch::Outcome::Again { moved: true, .. }), "{moved:?}");
        for (group, second) in [
            (ErrorCode::GROUP_AUTHORIZATION_FAILED, ErrorCode::NONE),
            (ErrorCode::NONE, ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        ] {
            let outcome = judge(group, second);
            let fetch::Outcome::Failed(error) = outcome else { panic!("{outcome:?}") };
            assert!(error.to_string().contains("grant READ"), "{error}");
        }
    }
}
