//! One connection against a broker that misbehaves in every way that the network or a bug may bring.

use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

use super::testkit::*;
use super::*;
use crate::ErrorKind;
use crate::protocol::messages::api_versions_response::ApiVersion as ApiRange;
use crate::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, HeartbeatRequest, HeartbeatResponse, ProduceRequest,
};
use crate::protocol::{ApiKey, ErrorCode};

fn options(seconds: u64) -> CallOptions {
    CallOptions::new(Duration::from_secs(seconds))
}

fn heartbeat(group: &str) -> impl FnOnce(i16) -> HeartbeatRequest {
    let group_id = group.to_owned();
    move |_| HeartbeatRequest { group_id, ..Default::default() }
}

fn beat(code: i16) -> HeartbeatResponse {
    HeartbeatResponse { error_code: code, ..Default::default() }
}

#[tokio::test]
async fn answers_find_their_requests_however_the_bytes_arrive() {
    let (connection, mut peer) = connected_by(InMemory::with_buffer(16), |dialer| dialer).await;
    let answers: Vec<_> =
        (0..5).map(|_| connection.send(options(5), heartbeat(&"g".repeat(1000))).unwrap()).collect();
    let broker = tokio::spawn(async move {
        for code in 0..5 {
            let request = peer.next().await.unwrap();
            assert_eq!(request.body::<HeartbeatRequest>().group_id.len(), 1000);
            for byte in request.answer::<HeartbeatRequest>(&beat(code)) {
                peer.write(&[byte]).await;
                tokio::task::yield_now().await;
            }
        }
        peer
    });
    for (code, answer) in (0..).zip(answers) {
        assert_eq!(answer.await.unwrap().error_code, code);
    }
    drop(broker.await.unwrap());
}

#[tokio::test]
async fn nonsense_ends_the_connection_with_the_reason() {
    let wrong_id = |request: &Incoming| {
        let mut bytes = request.answer::<HeartbeatRequest>(&beat(0));
        bytes[7] ^= 1;
        bytes
    };
    let negative = |_: &Incoming| (-5i32).to_be_bytes().to_vec();
    let giant = |_: &Incoming| i32::MAX.to_be_bytes().to_vec();
    let unasked = |request: &Incoming| request.answer::<HeartbeatRequest>(&beat(0)).repeat(3);
    type Nonsense<'a> = &'a dyn Fn(&Incoming) -> Vec<u8>;
    let cases: [(&str, Nonsense<'_>); 4] = [
        ("was next", &wrong_id),
        ("-5 bytes", &negative),
        ("2147483647 bytes", &giant),
        ("was not asked", &unasked),
    ];
    for (reason, nonsense) in cases {
        let (connection, mut peer) = connected(|dialer| dialer).await;
        let first = connection.send(options(5), heartbeat("a")).unwrap();
        let request = peer.next().await.unwrap();
        peer.write(&nonsense(&request)).await;
        let _ = first.await;
        let second = timeout(LIMIT, async {
            loop {
                match connection.send(options(5), heartbeat("b")) {
                    Ok(answer) => drop(answer.await),
                    Err(error) => break error,
                }
            }
        });
        let error = second.await.unwrap();
        assert_eq!(error.kind(), &ErrorKind::Disconnected, "{reason}");
        assert!(error.to_string().contains(reason), "{reason}: {error}");
        assert!(error.to_string().contains("not sent"), "{error}");
        assert!(connection.is_closed());
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_decoded_is_malformed_and_ends_the_connection() {
    let (connection, mut peer) = connected(|dialer| dialer).await;
    let answer = connection.send(options(5), heartbeat("a")).unwrap();
    let request = peer.next().await.unwrap();
    let whole = request.answer::<HeartbeatRequest>(&beat(0));
    let cut = &whole[4..whole.len() - 3];
    peer.write(&u32::try_from(cut.len()).unwrap().to_be_bytes()).await;
    peer.write(cut).await;
    let error = answer.await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Malformed, "{error}");
    assert_eq!((error.api(), error.broker()), (Some(ApiKey::Heartbeat), Some("broker:9092")));
    assert!(connection.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_never_answers_costs_the_late_request_a_timeout_and_the_others_the_connection() {
    let (connection, _peer) = connected(|dialer| dialer).await;
    let started = Instant::now();
    let patient = connection.send(options(30), heartbeat("patient")).unwrap();
    let hasty = connection.send(options(10), heartbeat("hasty")).unwrap();
    let (patient, hasty) = tokio::join!(patient, hasty);
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(hasty.unwrap_err().kind(), &ErrorKind::Timeout(Duration::from_secs(10)));
    let error = patient.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Disconnected, "{error}");
    assert!(error.is_retriable() && error.to_string().contains("no answer within 10s"), "{error}");
}

#[tokio::test]
async fn a_connection_that_ends_tells_all_who_wait() {
    let (connection, mut peer) = connected(|dialer| dialer).await;
    let answers: Vec<_> = (0..3).map(|_| connection.send(options(5), heartbeat("a")).unwrap()).collect();
    let first = peer.next().await.unwrap();
    let whole = first.answer::<HeartbeatRequest>(&beat(0));
    peer.write(&whole[..whole.len() / 2]).await;
    drop(peer);
    for answer in answers {
        let error = answer.await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::Disconnected);
        assert_eq!((error.api(), error.broker()), (Some(ApiKey::Heartbeat), Some("broker:9092")));
        assert!(error.to_string().contains("closed the connection"), "{error}");
    }
}

#[tokio::test]
async fn dropping_a_wait_leaves_the_others_theirs() {
    let (connection, mut peer) = connected(|dialer| dialer).await;
    let mut answers: Vec<_> = (0..6).map(|_| connection.send(options(5), heartbeat("a")).unwrap()).collect();
    answers.retain({
        let mut i = 0;
        move |_| {
            i += 1;
            i % 2 == 0
        }
    });
    for code in 0..6 {
        let request = peer.next().await.unwrap();
        peer.answer::<HeartbeatRequest>(&request, &beat(code)).await;
    }
    for (answer, code) in answers.into_iter().zip([1, 3, 5]) {
        assert_eq!(answer.await.unwrap().error_code, code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_client_is_silent_for_that_long() {
    let (connection, mut peer) = connected(|dialer| dialer).await;
    let first = connection.send(options(5), heartbeat("a")).unwrap();
    let request = peer.next().await.unwrap();
    let throttled = HeartbeatResponse { throttle_time_ms: 700, ..Default::default() };
    peer.answer::<HeartbeatRequest>(&request, &throttled).await;
    first.await.unwrap();
    let started = Instant::now();
    let _second = connection.send(options(5), heartbeat("b")).unwrap();
    peer.next().await.unwrap();
    assert!(started.elapsed() >= Duration::from_millis(700), "{:?}", started.elapsed());
    assert!(started.elapsed() < Duration::from_millis(750), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_one_way_request_is_done_when_written_and_the_next_answer_is_not_its_own() {
    let (connection, mut peer) = connected(|dialer| dialer).await;
    let produce = ProduceRequest { acks: 0, timeout_ms: 1000, ..Default::default() };
    connection.send_one_way(options(5), |_| produce).await.unwrap();
    let answer = connection.send(options(5), heartbeat("a")).unwrap();
    assert_eq!(peer.next().await.unwrap().api(), ApiKey::Produce);
    let request = peer.next().await.unwrap();
    peer.answer::<HeartbeatRequest>(&request, &beat(3)).await;
    assert_eq!(answer.await.unwrap().error_code, 3);
}

#[tokio::test(start_paused = true)]
async fn an_unused_connection_ends_and_a_used_one_does_not() {
    let (connection, mut peer) = connected(|dialer| dialer.with_max_idle(Duration::from_secs(60))).await;
    sleep(Duration::from_secs(50)).await;
    let answer = connection.send(options(30), heartbeat("a")).unwrap();
    let request = peer.next().await.unwrap();
    peer.answer::<HeartbeatRequest>(&request, &beat(0)).await;
    answer.await.unwrap();
    sleep(Duration::from_secs(50)).await;
    assert!(!connection.is_closed());
    sleep(Duration::from_secs(11)).await;
    assert!(connection.is_closed());
    assert!(peer.next().await.is_none());
}

#[tokio::test]
async fn the_last_clone_takes_the_task_and_the_stream_with_it() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let (connection, mut peer) = connected(|dialer| dialer).await;
    let clone = connection.clone();
    drop(connection);
    let answer = clone.send(options(5), heartbeat("a")).unwrap();
    drop(clone);
    let request = peer.next().await.unwrap();
    peer.answer::<HeartbeatRequest>(&request, &beat(9)).await;
    assert_eq!(answer.await.unwrap().error_code, 9, "the wait itself keeps the connection");
    assert!(peer.next().await.is_none());
    tokio::task::yield_now().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}

#[tokio::test]
async fn an_old_broker_is_asked_again_in_the_version_that_it_knows() {
    for (known, again) in [(Some(2), 2), (None, 0)] {
        let (connector, mut accepted) = InMemory::new();
        let dialer = Dialer::new("test").with_connector(connector);
        let broker = async {
            let (_, mut peer) = accepted.recv().await.unwrap();
            let request = peer.next().await.unwrap();
            assert!(request.header.api_version > 2);
            assert_eq!(request.body::<ApiVersionsRequest>().client_software_name, "streaming-kafka");
            let range =
                |max| ApiRange { api_key: ApiKey::ApiVersions.code(), min_version: 0, max_version: max };
            let refusal = ApiVersionsResponse {
                error_code: ErrorCode::UNSUPPORTED_VERSION.0,
                api_keys: known.map(range).into_iter().collect(),
                ..Default::default()
            };
            peer.write(&request.answer_in::<ApiVersionsRequest>(&refusal, 0)).await;
            let request = peer.next().await.unwrap();
            assert_eq!(request.header.api_version, again);
            peer.answer::<ApiVersionsRequest>(&request, &all_versions()).await;
            peer
        };
        let address = address();
        let (connection, _peer) = tokio::join!(dialer.open(&address, LIMIT), broker);
        assert_eq!(connection.unwrap().api_versions().range(ApiKey::Fetch), Some(0..=i16::MAX));
    }
}

#[tokio::test]
async fn versions_that_do_not_meet_are_unsupported() {
    let (connection, _peer) = connected(|dialer| dialer).await;
    let versions = connection.api_versions();
    assert!(versions.negotiate::<HeartbeatRequest>(None).unwrap() >= 4);
    assert_eq!(versions.negotiate::<HeartbeatRequest>(Some(1)).unwrap(), 1);
    let error = connection.send(options(5).with_max_version(-1), heartbeat("a")).unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("at most -1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_keeps_silent_fails_the_set_up_in_time() {
    let (connector, _accepted) = InMemory::new();
    let started = Instant::now();
    let dialer = Dialer::new("test").with_connector(connector);
    let error = dialer.open(&address(), Duration::from_secs(3)).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!(error.kind(), &ErrorKind::Connect, "{error}");
    assert!(error.to_string().contains("asking which versions"), "{error}");
    assert_eq!(dialer.metrics().connection_failures, 1);
    assert_eq!(dialer.metrics().connections_opened, 0);
}

#[tokio::test]
async fn a_server_that_hangs_up_on_the_first_request_is_perhaps_no_plain_kafka() {
    let (connector, mut accepted) = InMemory::new();
    let dialer = Dialer::new("test").with_connector(connector);
    let address = address();
    let (error, ()) = tokio::join!(dialer.open(&address, LIMIT), async {
        let (_, mut peer) = accepted.recv().await.unwrap();
        peer.next().await.unwrap();
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::Connect);
    assert!(error.to_string().contains("security.protocol"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn requests_written_late_do_not_outlive_their_deadline() {
    // The broker reads nothing: the request cannot even be written as a whole.
    let (connection, _peer) = connected_by(InMemory::with_buffer(32), |dialer| dialer).await;
    let started = Instant::now();
    let answer = connection.send(options(4), heartbeat(&"g".repeat(10_000))).unwrap();
    let produce = ProduceRequest { acks: 0, ..Default::default() };
    let one_way = connection.send_one_way(options(20), |_| produce);
    let (answer, one_way) = tokio::join!(answer, one_way);
    assert_eq!(started.elapsed().as_secs(), 4);
    assert_eq!(answer.unwrap_err().kind(), &ErrorKind::Timeout(Duration::from_secs(4)));
    assert_eq!(one_way.unwrap_err().kind(), &ErrorKind::Disconnected);
}

#[tokio::test]
async fn large_answers_share_no_memory_with_small_ones() {
    let (connection, mut peer) = connected(|dialer| dialer).await;
    let request = heartbeat("a")(0);
    let answer = connection.call_first(&request, 0, LIMIT);
    let (answer, ()) = tokio::join!(answer, async {
        let request = peer.next().await.unwrap();
        let mut frame = 3_000_000i32.to_be_bytes().to_vec();
        frame.extend_from_slice(&request.header.correlation_id.to_be_bytes());
        frame.resize(3_000_004, 7);
        peer.write(&frame).await;
    });
    let answer: Bytes = answer.unwrap();
    assert_eq!(answer.len(), 3_000_000);
    assert!(answer[4..].iter().all(|&byte| byte == 7));
}

#[tokio::test(start_paused = true)]
async fn giving_up_an_attempt_leaves_no_task_behind() {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let (connector, mut accepted) = InMemory::new();
    let dialer = Dialer::new("test").with_connector(connector);
    let address = address();
    assert!(timeout(Duration::from_millis(5), dialer.open(&address, LIMIT)).await.is_err());
    let (_, mut peer) = accepted.recv().await.unwrap();
    peer.next().await.unwrap();
    assert!(peer.next().await.is_none());
    sleep(Duration::from_millis(5)).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
}
