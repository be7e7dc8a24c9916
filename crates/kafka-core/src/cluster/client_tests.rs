//! The client against clusters that the test plays: who is asked, how often, and what comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};

use super::*;
use crate::net::testkit::{InMemory, Incoming, Peer, all_versions};
use crate::net::{Address, CallOptions};
use crate::protocol::messages::find_coordinator_response::Coordinator;
use crate::protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use crate::protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, CreateTopicsResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, HeartbeatRequest, HeartbeatResponse, MetadataRequest, MetadataResponse,
};
use crate::protocol::{ApiKey, ErrorCode, Uuid};
use crate::{ErrorKind, TopicPartition};

/// What the brokers answer, and what they were asked.
#[derive(Debug, Default)]
struct Script {
    brokers: BTreeMap<i32, u16>,
    topics: Vec<&'static str>,
    /// Brokers that hang up on whoever connects.
    down: Vec<u16>,
    controller: i32,
    coordinator_errors: Vec<ErrorCode>,
    asked: Vec<(u16, ApiKey)>,
    topics_asked: Vec<Vec<String>>,
}

type Shared = Arc<Mutex<Script>>;

/// Starts brokers that follow `script`, and a client of them.
fn cluster(script: Script, configure: impl FnOnce(&mut ClientConfig)) -> (Client, Shared, JoinHandle<()>) {
    let (connector, mut accepted) = InMemory::new();
    let script = Arc::new(Mutex::new(script));
    let served = script.clone();
    let brokers = tokio::spawn(async move {
        let mut peers = JoinSet::new();
        while let Some((address, peer)) = accepted.recv().await {
            peers.spawn(serve(address.port, peer, served.clone()));
        }
    });
    let mut config = ClientConfig::new([Address::new("boot", 1), Address::new("boot", 2)]);
    config.connector = Some(connector);
    configure(&mut config);
    (Client::new(config).unwrap(), script, brokers)
}

async fn serve(port: u16, mut peer: Peer, script: Shared) {
    while let Some(request) = peer.next().await {
        let Some(answer) = answer(port, &request, &mut script.lock()) else {
            return;
        };
        peer.write(&answer).await;
    }
}

fn answer(port: u16, request: &Incoming, script: &mut Script) -> Option<Vec<u8>> {
    if script.down.contains(&port) {
        return None;
    }
    script.asked.push((port, request.api()));
    Some(match request.api() {
        ApiKey::ApiVersions => request.answer::<ApiVersionsRequest>(&all_versions()),
        ApiKey::Metadata => {
            let asked = request.body::<MetadataRequest>().topics;
            let mut names: Vec<_> = asked.iter().flatten().filter_map(|topic| topic.name.clone()).collect();
            names.sort();
            script.topics_asked.push(names);
            request.answer::<MetadataRequest>(&metadata(asked.is_none(), script))
        }
        ApiKey::FindCoordinator => {
            let code = if script.coordinator_errors.is_empty() {
                ErrorCode::NONE
            } else {
                script.coordinator_errors.remove(0)
            };
            let found = Coordinator {
                key: "group".to_owned(),
                node_id: 77,
                host: "coordinator".to_owned(),
                port: 77,
                error_code: code.0,
                ..Default::default()
            };
            request.answer::<FindCoordinatorRequest>(&FindCoordinatorResponse {
                coordinators: vec![found],
                ..Default::default()
            })
        }
        ApiKey::CreateTopics => request.answer::<CreateTopicsRequest>(&CreateTopicsResponse::default()),
        _ => request.answer::<HeartbeatRequest>(&HeartbeatResponse::default()),
    })
}

fn metadata(all: bool, script: &Script) -> MetadataResponse {
    let broker = |(&id, &port): (&i32, &u16)| MetadataResponseBroker {
        node_id: id,
        host: "broker".to_owned(),
        port: port.into(),
        ..Default::default()
    };
    let asked = script.topics_asked.last().cloned().unwrap_or_default();
    let names: Vec<String> =
        if all { script.topics.iter().map(ToString::to_string).collect() } else { asked };
    let topic = |name: String| {
        let exists = script.topics.contains(&name.as_str());
        let code = if exists { ErrorCode::NONE } else { ErrorCode::UNKNOWN_TOPIC_OR_PARTITION };
        let partition = MetadataResponsePartition { leader_id: 1, leader_epoch: 5, ..Default::default() };
        MetadataResponseTopic {
            error_code: code.0,
            name: Some(name),
            partitions: if exists { vec![partition] } else { Vec::new() },
            ..Default::default()
        }
    };
    MetadataResponse {
        brokers: script.brokers.iter().map(broker).collect(),
        controller_id: script.controller,
        topics: names.into_iter().map(topic).collect(),
        ..Default::default()
    }
}

fn two_brokers() -> Script {
    Script { brokers: [(1, 11), (2, 12)].into(), topics: vec!["events"], controller: 1, ..Script::default() }
}

fn options() -> CallOptions {
    CallOptions::new(Duration::from_secs(5))
}

fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

async fn beat(client: &Client, broker: i32) -> crate::Result<HeartbeatResponse> {
    client.call(broker, Lane::Coordinator, options(), |_| HeartbeatRequest::default()).await
}

fn count(script: &Shared, port: u16, api: ApiKey) -> usize {
    script.lock().asked.iter().filter(|asked| **asked == (port, api)).count()
}

#[tokio::test]
async fn no_reachable_broker_is_an_error_that_names_each_address_and_why() {
    let refused = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let (first, second) = (refused(), refused());
    let mut config = ClientConfig::new([
        Address::new("127.0.0.1", first),
        Address::new("127.0.0.1", second),
        Address::new("nowhere.invalid", 9092),
    ]);
    config.request_timeout = Duration::from_secs(1);
    let started = Instant::now();
    let client = Client::new(config).unwrap();
    let error = client.topic("events", within(60)).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert_eq!(error.kind(), &ErrorKind::Connect);
    let text = error.to_string();
    for part in
        [&format!("127.0.0.1:{first}: connection refused"), &format!(":{second}"), "nowhere.invalid:9092"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn silent_servers_are_given_up_within_the_request_timeout_and_the_set_up() {
    let (connector, _accepted) = InMemory::new();
    let mut config = ClientConfig::new((1..=5).map(|port| Address::new("silent", port)));
    config.connector = Some(connector);
    let started = Instant::now();
    let error = Client::new(config).unwrap().ready().await.unwrap_err();
    let waited = started.elapsed();
    assert!(waited <= Duration::from_secs(40), "{waited:?}");
    let text = error.to_string();
    assert!((1..=5).all(|port| text.contains(&format!("silent:{port}"))), "{text}");
}

#[tokio::test]
async fn callers_share_one_attempt_to_connect() {
    let (client, script, _brokers) = cluster(two_brokers(), |_| ());
    let calls = (0..20).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { beat(&client, 1).await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(count(&script, 11, ApiKey::ApiVersions), 1);
    assert_eq!(count(&script, 11, ApiKey::Heartbeat), 20);
    assert_eq!(script.lock().topics_asked.len(), 1, "one request for metadata serves all");
}

#[tokio::test]
async fn each_lane_has_its_own_connection() {
    let (client, script, _brokers) = cluster(two_brokers(), |_| ());
    for lane in [Lane::Produce, Lane::Fetch, Lane::Coordinator, Lane::Admin, Lane::Produce] {
        client.call(1, lane, options(), |_| HeartbeatRequest::default()).await.unwrap();
    }
    assert_eq!(count(&script, 11, ApiKey::ApiVersions), 4);
}

#[tokio::test]
async fn dropping_or_closing_the_client_leaves_no_task() {
    for close in [false, true] {
        let (client, _script, brokers) = cluster(two_brokers(), |_| ());
        let before = Handle::current().metrics().num_alive_tasks() - 1;
        beat(&client, 1).await.unwrap();
        beat(&client, 2).await.unwrap();
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.topic("nowhere", within(60)).await }
        });
        sleep(Duration::from_millis(20)).await;
        if close {
            client.close();
            assert_eq!(waiting.await.unwrap().unwrap_err().kind(), &ErrorKind::Closed);
            assert_eq!(beat(&client, 1).await.unwrap_err().kind(), &ErrorKind::Closed);
        } else {
            waiting.abort();
            let _ = waiting.await;
        }
        drop(client);
        brokers.await.unwrap();
        sleep(Duration::from_millis(20)).await;
        assert_eq!(Handle::current().metrics().num_alive_tasks() + 1, before, "closed: {close}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_waited_for_and_then_not_found() {
    let (client, script, _brokers) = cluster(two_brokers(), |_| ());
    let started = Instant::now();
    let error = client.topic("nowhere", within(3)).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!((error.kind(), error.topic()), (&ErrorKind::NotFound, Some("nowhere")));
    let rounds = script.lock().topics_asked.len();
    assert!((3..=40).contains(&rounds), "asked {rounds} times in three seconds");

    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.topic("late", within(30)).await }
    });
    sleep(Duration::from_secs(2)).await;
    script.lock().topics.push("late");
    let topic = waiting.await.unwrap().unwrap();
    assert_eq!((&*topic.name, topic.partitions.len()), ("late", 1));
}

#[tokio::test(start_paused = true)]
async fn only_topics_in_use_are_asked_for_again() {
    let mut script = two_brokers();
    script.topics = vec!["once", "tracked", "unused"];
    let (client, script, _brokers) =
        cluster(script, |config| config.metadata_max_age = Duration::from_secs(200));
    client.track_topics(["tracked"]);
    client.topic("tracked", within(5)).await.unwrap();
    client.topic("once", within(5)).await.unwrap();
    sleep(Duration::from_secs(210)).await;
    assert_eq!(script.lock().topics_asked.last().unwrap(), &["once", "tracked"]);
    sleep(Duration::from_secs(200)).await;
    assert_eq!(script.lock().topics_asked.last().unwrap(), &["tracked"]);
    assert!(client.metadata().topic("once").is_none());
    let mut all: Vec<_> =
        client.list_all_topics().await.unwrap().iter().map(|topic| topic.name.to_string()).collect();
    all.sort();
    assert_eq!(all, ["once", "tracked", "unused"]);
    assert!(client.metadata().topic("unused").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_moved_is_found_by_its_bootstrap_servers() {
    let (client, script, _brokers) = cluster(two_brokers(), |_| ());
    client.topic("events", within(5)).await.unwrap();
    {
        let mut script = script.lock();
        script.down = vec![11, 12];
        script.brokers = [(1, 21), (3, 23)].into();
    }
    beat(&client, 2).await.unwrap_err();
    let metadata = client.refresh_metadata(within(30)).await.unwrap();
    assert_eq!(metadata.brokers.keys().copied().collect::<Vec<_>>(), [1, 3]);
    beat(&client, 1).await.unwrap();
    assert_eq!(count(&script, 21, ApiKey::Heartbeat), 1);
    assert_eq!(beat(&client, 2).await.unwrap_err().kind(), &ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_request_for_the_controller_follows_it() {
    let (client, script, _brokers) = cluster(two_brokers(), |_| ());
    let mut tries = 0;
    let moved = script.clone();
    let error_of = |_: &CreateTopicsResponse| match moved.lock().controller {
        1 => ErrorCode::NOT_CONTROLLER,
        _ => ErrorCode::NONE,
    };
    let build = |_| {
        tries += 1;
        if tries == 2 {
            script.lock().controller = 2;
        }
        CreateTopicsRequest::default()
    };
    client.call_controller(options(), build, error_of).await.unwrap();
    assert!(count(&script, 11, ApiKey::CreateTopics) >= 1);
    assert!(tries >= 2);
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_is_asked_for_until_there_is_one_and_remembered_until_forgotten() {
    let mut script = two_brokers();
    script.coordinator_errors =
        vec![ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::COORDINATOR_LOAD_IN_PROGRESS];
    let (client, script, _brokers) = cluster(script, |_| ());
    let asked = || script.lock().asked.iter().filter(|(_, api)| *api == ApiKey::FindCoordinator).count();
    assert_eq!(client.coordinator(CoordinatorKind::Group, "group").await.unwrap(), 77);
    assert_eq!(client.coordinator(CoordinatorKind::Group, "group").await.unwrap(), 77);
    assert_eq!(asked(), 3);
    // It can be called although the metadata did not name it.
    beat(&client, 77).await.unwrap();
    assert_eq!(count(&script, 77, ApiKey::Heartbeat), 1);
    client.forget_coordinator(CoordinatorKind::Group, "group");
    script.lock().coordinator_errors = vec![ErrorCode::GROUP_AUTHORIZATION_FAILED];
    let error = client.coordinator(CoordinatorKind::Group, "group").await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::GROUP_AUTHORIZATION_FAILED));
    assert_eq!(asked(), 4, "a final error is not asked for again");
}

#[tokio::test]
async fn a_broker_that_fails_is_passed_over_by_requests_for_any() {
    let (client, script, _brokers) = cluster(two_brokers(), |_| ());
    client.ready().await.unwrap();
    script.lock().down = vec![11];
    for _ in 0..5 {
        client.call_any(options(), |_| HeartbeatRequest::default()).await.unwrap();
    }
    assert_eq!(count(&script, 12, ApiKey::Heartbeat), 5);
}

#[tokio::test]
async fn a_leader_named_by_an_answer_is_taken_over_once() {
    let (client, _script, _brokers) = cluster(two_brokers(), |_| ());
    client.topic("events", within(5)).await.unwrap();
    let partition = TopicPartition::new("events", 0);
    let mut changes = client.metadata_changes();
    changes.mark_unchanged();
    let newer = Leader { id: 9, epoch: Some(6) };
    assert!(!client.update_leader(&partition, None, newer, &[]), "nobody knows where broker 9 is");
    let broker = Broker::new(9, "broker", 19, None).unwrap();
    let other = Some(Uuid([7; 16]));
    assert!(
        !client.update_leader(&partition, other, newer, std::slice::from_ref(&broker)),
        "of another topic"
    );
    assert!(client.update_leader(&partition, None, newer, std::slice::from_ref(&broker)));
    assert!(changes.has_changed().unwrap());
    assert_eq!(client.metadata().leader(&partition), Some(newer));
    assert!(!client.update_leader(&partition, None, Leader { id: 1, epoch: Some(6) }, &[broker]));
    // The brokers' metadata still says epoch 5.
    client.refresh_metadata(within(5)).await.unwrap();
    assert_eq!(client.metadata().leader(&partition), Some(newer));
}
