//! Versions, metadata, coordinators, the cluster itself, and what is no request.

use kafka_core::protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_core::protocol::messages::{
    ApiVersionsRequest, CreateDelegationTokenRequest, DescribeClusterRequest, DescribeDelegationTokenRequest,
    DescribeQuorumRequest, DescribeTopicPartitionsRequest, ExpireDelegationTokenRequest,
    FindCoordinatorRequest, GetTelemetrySubscriptionsRequest, MetadataRequest, PushTelemetryRequest,
    RenewDelegationTokenRequest, SaslAuthenticateRequest, SaslHandshakeRequest, UnregisterBrokerRequest,
    UpdateFeaturesRequest, describe_quorum_request, describe_topic_partitions_request,
    update_features_request::FeatureUpdateKey,
};
use kafka_core::protocol::{ApiKey, Message, Uuid};

use super::super::side::Side;
use super::topics::create;

pub(super) async fn run(side: &mut Side) {
    versions(side).await;
    frames(side).await;
    metadata(side).await;
    coordinators(side).await;
    cluster(side).await;
    topic_partitions(side).await;
    sign_in(side).await;
    telemetry(side).await;
}

async fn versions(side: &mut Side) {
    let named = |name: &str, version: &str| ApiVersionsRequest {
        client_software_name: name.to_owned(),
        client_software_version: version.to_owned(),
    };
    side.ask_each("", |version| if version < 3 { named("", "") } else { named("a", "1") }).await;
    for (label, name, version) in [
        ("no name", "", "1"),
        ("no version", "a", ""),
        ("a name with a space", "a b", "1"),
        ("a name that ends so", "a-", "1"),
        ("a name with a dot and a dash", "a.b-c", "1.0-x"),
        ("a name of another alphabet", "é", "1"),
        ("a version that begins so", "a", ".1"),
    ] {
        side.ask(label, 4, named(name, version)).await;
    }
    for version in [5i16, 99, i16::MAX, -1] {
        let mut frame = vec![0, 18];
        frame.extend(version.to_be_bytes());
        frame.extend([0, 0, 0, 7, 255, 255, 0, 2, b'a', 2, b'b', 0]);
        // The list of what is offered is in the answers above.
        side.raw_start(ApiKey::ApiVersions, &format!("version {version}"), &frame, 10).await;
    }
}

/// Frames that hold no request that could be served.
async fn frames(side: &mut Side) {
    let header = |key: i16, version: i16| {
        [&key.to_be_bytes()[..], &version.to_be_bytes(), &[0, 0, 0, 7, 255, 255]].concat()
    };
    for key in
        [4i16, 5, 6, 7, 38, 52, 53, 54, 56, 58, 59, 62, 63, 67, 70, 73, 80, 81, 82, 83, 200, -1, i16::MAX]
    {
        side.raw(ApiKey::from_code(key), &format!("key {key}"), &header(key, 0)).await;
    }
    for (key, version) in [
        (ApiKey::Metadata, 14),
        (ApiKey::Metadata, -1),
        (ApiKey::Produce, 2),
        (ApiKey::Produce, 14),
        (ApiKey::Fetch, 3),
        (ApiKey::Fetch, 19),
        (ApiKey::ListOffsets, 0),
        (ApiKey::OffsetCommit, 1),
        (ApiKey::InitProducerId, 7),
        (ApiKey::Heartbeat, 5),
    ] {
        side.raw(key, &format!("version {version}"), &header(key.code(), version)).await;
    }
    let heartbeat = |body: &[u8]| [&header(12, 0)[..], body].concat();
    let whole: &[u8] = &[0, 1, b'g', 0, 0, 0, 1, 0, 1, b'm'];
    for (label, body) in [
        ("cut off", &whole[..7]),
        ("empty", &[][..]),
        ("a string of negative length", &[255, 254, 0, 0, 0, 1, 0, 0][..]),
        ("a null where none may be", &[255, 255, 0, 0, 0, 1, 0, 0][..]),
        ("a string longer than the frame", &[127, 255, 0, 0][..]),
        ("a string that is no text", &[0, 1, 0xff, 0, 0, 0, 1, 0, 1, b'm'][..]),
        ("bytes behind it", &[0, 1, b'g', 0, 0, 0, 1, 0, 1, b'm', 1, 2, 3][..]),
    ] {
        side.raw(ApiKey::Heartbeat, label, &heartbeat(body)).await;
    }
    let metadata = |count: i32| [&header(3, 1)[..], &count.to_be_bytes()].concat();
    for count in [i32::MAX, -2, i32::MIN, 1] {
        // All topics are not what is compared here.
        let label = format!("{count} topics and none of them");
        side.raw_start(ApiKey::Metadata, &label, &metadata(count), 4).await;
    }
    side.raw(ApiKey::Metadata, "no client id", &header(3, 1)[..8]).await;
    side.raw(ApiKey::Metadata, "half a header", &header(3, 1)[..3]).await;
    for length in [-1i32, i32::MIN, 0, 104_857_601, i32::MAX] {
        side.bytes(ApiKey::Metadata, &format!("a frame of length {length}"), &length.to_be_bytes()).await;
    }
    side.bytes(ApiKey::Metadata, "another protocol", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
}

fn asks_for(name: &str) -> MetadataRequest {
    let topic = MetadataRequestTopic { name: Some(name.to_owned()), ..Default::default() };
    MetadataRequest { topics: Some(vec![topic]), allow_auto_topic_creation: false, ..Default::default() }
}

fn old(version: i16, mut request: MetadataRequest) -> MetadataRequest {
    if version < 4 {
        request.allow_auto_topic_creation = true;
    }
    request
}

async fn metadata(side: &mut Side) {
    let name = side.name("metadata");
    create(side, &name, 2).await;
    side.ask_each("one topic", |version| old(version, asks_for(&name))).await;
    side.ask_each("no topics", |version| MetadataRequest {
        // An empty list asks for all at first.
        topics: if version == 0 { asks_for(&name).topics } else { Some(vec![]) },
        ..Default::default()
    })
    .await;
    let unknown = side.name("unknown");
    for version in 4..=13 {
        side.ask("an unknown topic", version, asks_for(&unknown)).await;
    }
    for (label, name) in [
        ("an empty name", ""),
        ("a dot", "."),
        ("two dots", ".."),
        ("a space", "a b"),
        ("a slash", "a/b"),
        ("another alphabet", "é"),
    ] {
        side.ask(label, 12, asks_for(name)).await;
        side.ask(label, 1, old(1, asks_for(name))).await;
    }
    side.ask("a name that is too long", 12, asks_for(&"x".repeat(250))).await;
    let id = side.topic_id(&name).await;
    let by_id = |topic_id: Uuid, name: Option<&str>| MetadataRequest {
        topics: Some(vec![MetadataRequestTopic { topic_id, name: name.map(str::to_owned) }]),
        allow_auto_topic_creation: false,
        ..Default::default()
    };
    for version in [12, 13] {
        side.ask("by id", version, by_id(id, None)).await;
        side.ask("by an unknown id", version, by_id(Uuid([9; 16]), None)).await;
        side.ask("by id and name", version, by_id(id, Some(&name))).await;
        side.ask("by neither", version, by_id(Uuid::ZERO, None)).await;
    }
    side.ask("by id, too early", 10, by_id(id, Some(&name))).await;
    side.ask("by no name, too early", 11, by_id(id, None)).await;
    let mut twice = asks_for(&name);
    twice.topics = twice.topics.map(|topics| [topics.clone(), topics].concat());
    side.ask("the same topic twice", 12, twice).await;
    let mut mixed = asks_for(&name);
    mixed.topics = mixed.topics.map(|topics| [topics, by_id(id, None).topics.unwrap()].concat());
    side.ask("by id and by name", 12, mixed).await;
    let operations = MetadataRequest { include_topic_authorized_operations: true, ..asks_for(&name) };
    for version in 8..=13 {
        let cluster_too = version <= 10;
        let request =
            MetadataRequest { include_cluster_authorized_operations: cluster_too, ..operations.clone() };
        side.ask("with operations", version, request).await;
    }
    for version in 0..=13 {
        let all = if version == 0 { Some(vec![]) } else { None };
        let request = MetadataRequest { topics: all, ..Default::default() };
        let ours = side.name("");
        side.ask_for("all topics", version, request, |answer| {
            answer.topics.retain(|topic| topic.name.as_ref().is_some_and(|name| name.starts_with(&ours)));
        })
        .await;
    }
    let created = side.name("created-by-asking");
    let request = MetadataRequest { allow_auto_topic_creation: true, ..asks_for(&created) };
    side.ask("a topic that comes to life", 12, request).await;
    side.topic_id(&created).await;
    side.ask("a topic that came to life", 12, asks_for(&created)).await;
    let internal = MetadataRequest { allow_auto_topic_creation: false, ..asks_for("__cluster_metadata") };
    side.ask("the topic of the metadata", 12, internal).await;
}

async fn coordinators(side: &mut Side) {
    let found = |answer: &kafka_core::protocol::messages::FindCoordinatorResponse| {
        answer.error_code == 0 && answer.coordinators.iter().all(|found| found.error_code == 0)
    };
    let key = side.name("group");
    for key_type in [0, 1] {
        let request = FindCoordinatorRequest { key: key.clone(), key_type, ..Default::default() };
        side.quietly(3, request, found).await;
    }
    side.ask_each("of a group", |version| {
        if version < 4 {
            FindCoordinatorRequest { key: key.clone(), ..Default::default() }
        } else {
            FindCoordinatorRequest { coordinator_keys: vec![key.clone()], ..Default::default() }
        }
    })
    .await;
    for version in 1..=6 {
        for key_type in [1, 2, 3, -1] {
            let mut request = FindCoordinatorRequest { key_type, ..Default::default() };
            if version < 4 {
                request.key = key.clone();
            } else {
                request.coordinator_keys = vec![key.clone()];
            }
            side.ask(&format!("of type {key_type}"), version, request).await;
        }
    }
    for (label, keys) in [
        ("of none", vec![]),
        ("of an empty name", vec![String::new()]),
        ("of two", vec![key.clone(), side.name("other")]),
        ("of the same twice", vec![key.clone(), key.clone()]),
    ] {
        for key_type in [0, 1] {
            let request =
                FindCoordinatorRequest { coordinator_keys: keys.clone(), key_type, ..Default::default() };
            side.ask(&format!("{label}, type {key_type}"), 6, request).await;
        }
    }
    side.ask("of an empty name", 0, FindCoordinatorRequest::default()).await;
    let share = |key: &str| FindCoordinatorRequest {
        key_type: 2,
        coordinator_keys: vec![key.to_owned()],
        ..Default::default()
    };
    // Kafka makes the topic of these coordinators when it is first asked for one.
    side.quietly(6, share("g:AAAAAAAAAAAAAAAAAAAAAQ:0"), found).await;
    for key in [
        "",
        "g",
        "g:t",
        "g:t:0",
        "g:AAAAAAAAAAAAAAAAAAAAAQ:0",
        "g:AAAAAAAAAAAAAAAAAAAAAQ:x",
        ":AAAAAAAAAAAAAAAAAAAAAQ:0",
        "g:AAAAAAAAAAAAAAAAAAAAAQ:-1",
    ] {
        side.ask(&format!("of the share {key}"), 6, share(key)).await;
    }
}

async fn cluster(side: &mut Side) {
    side.ask_each("", |_| DescribeClusterRequest::default()).await;
    for include_cluster_authorized_operations in [true, false] {
        for endpoint_type in [1, 2, 3, 0] {
            let request = DescribeClusterRequest {
                include_cluster_authorized_operations,
                endpoint_type,
                ..Default::default()
            };
            let label =
                format!("endpoints {endpoint_type}, operations {include_cluster_authorized_operations}");
            side.ask(&label, 2, request).await;
        }
    }
    let fenced = DescribeClusterRequest { include_fenced_brokers: true, ..Default::default() };
    side.ask("with fenced brokers", 2, fenced).await;

    let quorum = |topic: &str, partitions: &[i32]| DescribeQuorumRequest {
        topics: vec![describe_quorum_request::TopicData {
            topic_name: topic.to_owned(),
            partitions: partitions
                .iter()
                .map(|index| describe_quorum_request::PartitionData { partition_index: *index })
                .collect(),
        }],
    };
    // How far its log is, and which epoch it has, is what a cluster went through.
    side.ask_each("of another topic", |_| quorum("other", &[0])).await;
    side.ask("of another partition", 2, quorum("__cluster_metadata", &[1])).await;
    side.ask("of no partition", 2, quorum("__cluster_metadata", &[])).await;
    side.ask("of no topic", 2, DescribeQuorumRequest::default()).await;

    let update = |feature: &str, level: i16, upgrade_type: i8| UpdateFeaturesRequest {
        feature_updates: vec![FeatureUpdateKey {
            feature: feature.to_owned(),
            max_version_level: level,
            upgrade_type,
            ..Default::default()
        }],
        validate_only: true,
        ..Default::default()
    };
    for version in [1, 2] {
        side.ask("an unknown feature", version, update("other", 1, 1)).await;
        side.ask("a level that is too high", version, update("group.version", 99, 1)).await;
        side.ask("a level that is negative", version, update("group.version", -1, 1)).await;
        side.ask("the level that it has", version, update("group.version", 1, 1)).await;
        side.ask("a lower level as an upgrade", version, update("group.version", 0, 1)).await;
        side.ask("an unknown kind of upgrade", version, update("group.version", 1, 9)).await;
        side.ask("nothing", version, UpdateFeaturesRequest { validate_only: true, ..Default::default() })
            .await;
    }
    side.ask("of a broker that is not there", 0, UnregisterBrokerRequest { broker_id: 4711 }).await;
}

async fn topic_partitions(side: &mut Side) {
    let (first, second) = (side.name("parts-1"), side.name("parts-2"));
    create(side, &first, 3).await;
    create(side, &second, 2).await;
    let request = |names: &[&str], limit: i32, cursor: Option<(&str, i32)>| DescribeTopicPartitionsRequest {
        topics: names
            .iter()
            .map(|name| describe_topic_partitions_request::TopicRequest { name: (*name).to_owned() })
            .collect(),
        response_partition_limit: limit,
        cursor: cursor.map(|(topic_name, partition_index)| describe_topic_partitions_request::Cursor {
            topic_name: topic_name.to_owned(),
            partition_index,
        }),
    };
    let (a, b) = (first.as_str(), second.as_str());
    let unknown = side.name("unknown");
    for (label, request) in [
        ("of two", request(&[a, b], 2000, None)),
        ("in another order", request(&[b, a], 2000, None)),
        ("of the same twice", request(&[a, a], 2000, None)),
        ("of an unknown one", request(&[&unknown, a], 2000, None)),
        ("of a bad name", request(&["a b"], 2000, None)),
        ("of an empty name", request(&[""], 2000, None)),
        ("of two by two", request(&[a, b], 2, None)),
        ("of two by two, the rest", request(&[a, b], 2, Some((a, 2)))),
        ("from the second", request(&[a, b], 2000, Some((b, 1)))),
        ("from behind the end", request(&[a, b], 2000, Some((a, 9)))),
        ("from a negative partition", request(&[a, b], 2000, Some((a, -1)))),
        ("from another topic", request(&[a], 2000, Some((b, 0)))),
        ("from an unknown topic", request(&[a], 2000, Some((&unknown, 0)))),
        ("by none", request(&[a], 0, None)),
        ("by less than none", request(&[a], -1, None)),
        ("by three", request(&[a, b], 3, None)),
        ("by one", request(&[a, b], 1, None)),
    ] {
        side.ask(label, 0, request).await;
    }
}

/// On a listener that takes everybody.
async fn sign_in(side: &mut Side) {
    for version in SaslHandshakeRequest::VERSIONS {
        side.ask("PLAIN", version, SaslHandshakeRequest { mechanism: "PLAIN".to_owned() }).await;
        side.ask("unknown", version, SaslHandshakeRequest { mechanism: "unknown".to_owned() }).await;
    }
    side.ask_each("", |_| SaslAuthenticateRequest { auth_bytes: b"\0alice\0alice-secret".as_slice().into() })
        .await;
    side.ask_each("", |_| CreateDelegationTokenRequest { max_lifetime_ms: -1, ..Default::default() }).await;
    side.ask_each("", |_| RenewDelegationTokenRequest::default()).await;
    side.ask_each("", |_| ExpireDelegationTokenRequest::default()).await;
    side.ask_each("", |_| DescribeDelegationTokenRequest::default()).await;
}

async fn telemetry(side: &mut Side) {
    side.ask("", 0, GetTelemetrySubscriptionsRequest::default()).await;
    let one = GetTelemetrySubscriptionsRequest { client_instance_id: Uuid([7; 16]) };
    side.ask("with an id", 0, one).await;
    side.ask("", 0, PushTelemetryRequest::default()).await;
    side.ask(
        "with an id",
        0,
        PushTelemetryRequest { client_instance_id: Uuid([7; 16]), ..Default::default() },
    )
    .await;
}
