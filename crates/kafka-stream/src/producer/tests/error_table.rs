//! What the producer does about each error code that a broker may answer a batch with.

use std::time::Duration;

use kafka_core::protocol::ErrorCode;

use crate::producer::testkit::{Arrival, FakeCluster, Reply, record};
use crate::producer::{ProduceError, ProduceErrorKind, RecordMetadata, SizeLimit};

/// What a code is answered with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Does {
    /// The batch was written before: its senders are told so, without an offset.
    Succeeds,
    /// The same bytes are sent again, at most `retries` times.
    Retries,
    /// The same bytes are sent again until `delivery_timeout`, to whoever leads by then.
    FindsLeader,
    /// The same bytes are sent again until `delivery_timeout`.
    Waits,
    /// It is sent again in the next epoch, from sequence 0 (KIP-360).
    RaisesEpoch,
    /// It is sent again under another producer id, from sequence 0.
    ChangesIdentity,
    /// The record fails, and certainly is not in the log.
    Fails(ProduceErrorKind),
    /// The record fails, and the code does not rule out that it is in the log.
    FailsMaybeWritten(ProduceErrorKind),
}

fn expected(code: ErrorCode) -> Does {
    use Does::*;
    use ErrorCode as E;
    match code {
        E::DUPLICATE_SEQUENCE_NUMBER => Succeeds,

        E::UNKNOWN_TOPIC_OR_PARTITION
        | E::LEADER_NOT_AVAILABLE
        | E::NOT_LEADER_OR_FOLLOWER
        | E::FENCED_LEADER_EPOCH => FindsLeader,

        E::NOT_ENOUGH_REPLICAS
        | E::NOT_ENOUGH_REPLICAS_AFTER_APPEND
        | E::THROTTLING_QUOTA_EXCEEDED
        | E::KAFKA_STORAGE_ERROR => Waits,

        E::OUT_OF_ORDER_SEQUENCE_NUMBER | E::UNKNOWN_PRODUCER_ID => RaisesEpoch,
        E::INVALID_PRODUCER_EPOCH | E::INVALID_PRODUCER_ID_MAPPING => ChangesIdentity,

        E::MESSAGE_TOO_LARGE | E::RECORD_LIST_TOO_LARGE => {
            Fails(ProduceErrorKind::RecordTooLarge { size: 0, limit: None, which: SizeLimit::Topic })
        }
        E::TOPIC_AUTHORIZATION_FAILED | E::CLUSTER_AUTHORIZATION_FAILED => {
            Fails(ProduceErrorKind::Unauthorized)
        }
        E::TRANSACTIONAL_ID_AUTHORIZATION_FAILED => FailsMaybeWritten(ProduceErrorKind::Unauthorized),
        E::INVALID_TOPIC_EXCEPTION => Fails(ProduceErrorKind::InvalidTopic),
        E::INVALID_RECORD | E::INVALID_TIMESTAMP => Fails(ProduceErrorKind::InvalidRecord),
        E::UNSUPPORTED_COMPRESSION_TYPE | E::UNSUPPORTED_FOR_MESSAGE_FORMAT => {
            Fails(ProduceErrorKind::Unsupported)
        }
        E::PRODUCER_FENCED => Fails(ProduceErrorKind::Fenced),
        E::INVALID_REQUIRED_ACKS | E::UNSUPPORTED_VERSION | E::INVALID_REQUEST | E::POLICY_VIOLATION => {
            Fails(ProduceErrorKind::Broker(code))
        }
        // REQUEST_TIMED_OUT, CORRUPT_MESSAGE and their like.
        code if code.is_retriable() => Retries,
        // Those that no broker answers a batch with, and those that are not known yet.
        code => FailsMaybeWritten(ProduceErrorKind::Broker(code)),
    }
}

/// All codes that have a name, and two that have none.
fn codes() -> impl Iterator<Item = ErrorCode> {
    let known = ErrorCode::ALL.iter().copied().filter(|code| !code.is_ok());
    known.chain([ErrorCode(999), ErrorCode(-7)])
}

struct Seen {
    outcome: Result<RecordMetadata, ProduceError>,
    /// How the batch of interest was sent, time after time.
    attempts: Vec<Arrival>,
    log: Vec<String>,
}

/// Sends one record that is written, one that meets `reply` as often as `times` says, and one more.
async fn play(reply: Reply, times: usize) -> Seen {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|config| config.delivery_timeout = Duration::from_secs(40));
    producer.send(record(0, "before")).await.unwrap().await.unwrap();
    let mut left = times;
    cluster.script(move |arrival| {
        if left > 0 && arrival.values == ["this"] {
            left -= 1;
            reply.clone()
        } else {
            Reply::Normal
        }
    });
    let outcome = producer.send(record(0, "this")).await.unwrap().await;
    // Whatever became of it, the producer goes on.
    producer.send(record(0, "after")).await.unwrap().await.unwrap();
    let attempts = cluster.arrivals().into_iter().filter(|arrival| arrival.values == ["this"]).collect();
    let stats = producer.stats();
    assert_eq!((stats.in_flight, stats.buffer_available), (0, stats.buffer_total));
    Seen { outcome, attempts, log: cluster.log(0) }
}

fn identity(arrival: &Arrival) -> (i64, i16, i32) {
    (arrival.producer_id, arrival.epoch, arrival.sequence)
}

#[tokio::test(start_paused = true)]
async fn each_code_answered_once_has_its_reaction() {
    for code in codes() {
        let does = expected(code);
        let Seen { outcome, attempts, log } = play(Reply::Refuse(code), 1).await;
        let first = identity(&attempts[0]);
        let again = attempts.get(1).map(identity);
        let (id, epoch, sequence) = first;
        assert!(attempts.len() <= 2, "{code}");
        match does {
            Does::Succeeds => {
                assert_eq!((outcome.unwrap().offset, again), (None, None), "{code}");
            }
            Does::Retries | Does::FindsLeader | Does::Waits => {
                assert_eq!((outcome.unwrap().offset, again), (Some(1), Some(first)), "{code}");
            }
            Does::RaisesEpoch => {
                assert_eq!((outcome.unwrap().offset, again), (Some(1), Some((id, epoch + 1, 0))), "{code}");
            }
            Does::ChangesIdentity => {
                let (other, epoch, zero) = again.unwrap();
                assert!(other != id && epoch == 0 && zero == 0 && sequence == 1, "{code}");
                assert_eq!(outcome.unwrap().offset, Some(1), "{code}");
            }
            Does::Fails(kind) => check_failure(code, &outcome.unwrap_err(), kind, false),
            Does::FailsMaybeWritten(kind) => check_failure(code, &outcome.unwrap_err(), kind, true),
        }
        let fails = matches!(does, Does::Fails(_) | Does::FailsMaybeWritten(_) | Does::Succeeds);
        let expected: &[&str] = if fails { &["before", "after"] } else { &["before", "this", "after"] };
        assert_eq!(log, expected, "{code}");
        assert_eq!(fails, again.is_none(), "{code}");
    }
}

fn check_failure(code: ErrorCode, error: &ProduceError, kind: ProduceErrorKind, maybe_written: bool) {
    match (error.kind(), kind) {
        (
            ProduceErrorKind::RecordTooLarge { which, .. },
            ProduceErrorKind::RecordTooLarge { which: expected, .. },
        ) => assert_eq!(which, expected, "{code}"),
        (kind, expected) => assert_eq!(kind, expected, "{code}"),
    }
    assert_eq!(error.may_be_written(), maybe_written, "{code}: {error}");
    assert_eq!(error.partition(), Some(0), "{code}");
    assert_eq!(error.is_fatal(), code == ErrorCode::PRODUCER_FENCED, "{code}");
}

#[tokio::test(start_paused = true)]
async fn a_code_that_never_ends_is_given_up_by_retries_or_by_the_deadline() {
    for code in codes() {
        let does = expected(code);
        let began = tokio::time::Instant::now();
        let Seen { outcome, attempts, .. } = play(Reply::Refuse(code), usize::MAX).await;
        let took = began.elapsed();
        match does {
            Does::Succeeds => assert!(outcome.is_ok(), "{code}"),
            Does::Fails(_) | Does::FailsMaybeWritten(_) => assert_eq!(attempts.len(), 1, "{code}"),
            Does::Retries | Does::RaisesEpoch | Does::ChangesIdentity => {
                let error = outcome.unwrap_err();
                assert_eq!(attempts.len(), 1 + 3, "{code}: `retries` is 3");
                assert_eq!(error.code(), Some(code), "{error}");
                assert!(took < Duration::from_secs(5), "{code}: {took:?}");
            }
            Does::FindsLeader | Does::Waits => {
                let error = outcome.unwrap_err();
                // The back-off grows to a second, so that 40 s are some 40 attempts and no storm.
                assert!((20..60).contains(&attempts.len()), "{code}: {}", attempts.len());
                let unknown = matches!(
                    code,
                    ErrorCode::NOT_LEADER_OR_FOLLOWER
                        | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND
                        | ErrorCode::KAFKA_STORAGE_ERROR
                );
                assert_eq!(error.code(), Some(code), "{error}");
                let kind = if unknown {
                    ProduceErrorKind::OutcomeUnknown
                } else {
                    ProduceErrorKind::Timeout(Duration::from_secs(40))
                };
                assert_eq!((error.kind(), error.may_be_written()), (kind, unknown), "{error}");
                assert!(error.to_string().contains(code.name()), "{error}");
                assert!(
                    took >= Duration::from_secs(40) && took < Duration::from_secs(50),
                    "{code}: {took:?}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_appended_before_the_error_is_written_once_all_the_same() {
    for code in codes() {
        let does = expected(code);
        let Seen { outcome, attempts, log } = play(Reply::AppendThen(code), 1).await;
        match does {
            // Codes that say for certain that nothing was appended do not come after an append.
            Does::Fails(_) | Does::RaisesEpoch | Does::ChangesIdentity => continue,
            Does::FailsMaybeWritten(_) => assert!(outcome.unwrap_err().may_be_written(), "{code}"),
            Does::Succeeds => assert!(outcome.is_ok(), "{code}"),
            Does::Retries | Does::FindsLeader | Does::Waits => {
                assert_eq!((outcome.unwrap().offset, attempts.len()), (Some(1), 2), "{code}");
            }
        }
        assert_eq!(log, ["before", "this", "after"], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_minute_without_writes_costs_no_retries_and_no_record() {
    let away = [
        ErrorCode::NOT_ENOUGH_REPLICAS,
        ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        ErrorCode::THROTTLING_QUOTA_EXCEEDED,
        ErrorCode::KAFKA_STORAGE_ERROR,
        ErrorCode::LEADER_NOT_AVAILABLE,
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ];
    for code in away {
        let cluster = FakeCluster::new(1);
        let producer = cluster.producer(|config| config.batch_size = 1);
        producer.send(record(0, "0")).await.unwrap().await.unwrap();
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        cluster.script(
            move |_| {
                if tokio::time::Instant::now() < until { Reply::Refuse(code) } else { Reply::Normal }
            },
        );
        let mut deliveries = Vec::new();
        for value in ["1", "2", "3", "4", "5", "6"] {
            deliveries.push(producer.send(record(0, value)).await.unwrap());
        }
        for (delivery, offset) in deliveries.into_iter().zip(1..) {
            assert_eq!(delivery.await.unwrap().offset, Some(offset), "{code}");
        }
        // It goes on as soon as it can: the back-off is a second at most, and a fifth more by its jitter.
        assert!(until.elapsed() < Duration::from_millis(1_500), "{code}: {:?}", until.elapsed());
        assert_eq!(cluster.log(0), ["0", "1", "2", "3", "4", "5", "6"], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_idempotence_what_may_be_written_is_repeated_as_often_as_retries_say() {
    for code in [ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND, ErrorCode::KAFKA_STORAGE_ERROR] {
        let cluster = FakeCluster::new(1);
        cluster.script(move |_| Reply::AppendThen(code));
        let producer = cluster.producer(|config| config.enable_idempotence = false);
        let error = producer.send(record(0, "v")).await.unwrap().await.unwrap_err();
        assert!(error.may_be_written() && error.code() == Some(code), "{error}");
        assert_eq!(cluster.arrivals().len(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_be_written_is_not_sent_under_another_number_when_the_broker_forgot_the_producer() {
    let cluster = FakeCluster::new(1);
    let producer = cluster.producer(|_| {});
    producer.send(record(0, "before")).await.unwrap().await.unwrap();
    let mut replies =
        [Reply::AppendThen(ErrorCode::REQUEST_TIMED_OUT), Reply::Refuse(ErrorCode::UNKNOWN_PRODUCER_ID)]
            .into_iter();
    cluster.script(move |_| replies.next().unwrap_or(Reply::Normal));
    let error = producer.send(record(0, "this")).await.unwrap().await.unwrap_err();
    assert!(error.may_be_written() && error.code() == Some(ErrorCode::UNKNOWN_PRODUCER_ID), "{error}");
    producer.send(record(0, "after")).await.unwrap().await.unwrap();
    assert_eq!(cluster.log(0), ["before", "this", "after"]);
}
