use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_embedded::on;
use streaming_kafka::handler::HandlerError;

use super::world::{DEAD, ORDERS, REFUSALS, RETRY, Setup, World};

const IN_ORDER: Setup = Setup { retry_topic: true, no_topics: false, unordered: false };
const UNORDERED: Setup = Setup { unordered: true, ..IN_ORDER };

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_put_off_stops_consumption_with_the_record_the_topic_and_the_reason() {
    for code in REFUSALS {
        for setup in [IN_ORDER, UNORDERED] {
            let mut world = World::new(10).await;
            let fault = world.cluster.inject(on(ApiKey::Produce).topic(RETRY).reply(code));
            for _ in 0..2 {
                let ended = world.consume(setup).await;
                world.stopped(&ended, code.name());
                assert!(matches!(ended.result, Err(HandlerError::RetryTopic { .. })));
            }
            assert!(world.set_aside(DEAD).is_empty());
            assert!(world.cluster.end(fault));
            world.goes_on(setup).await;
            assert_eq!(world.set_aside(RETRY).len(), 4);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_comes_by_a_retry_topic_and_is_refused_is_not_committed_there() {
    for code in REFUSALS {
        for setup in [IN_ORDER, UNORDERED] {
            let mut world = World::new(10).await;
            let fault = world.cluster.inject(on(ApiKey::Produce).topic(DEAD).reply(code));
            for _ in 0..2 {
                // Which of the commits is past what, the world looks at.
                let error = world.consume(setup).await.result.unwrap_err();
                let HandlerError::DeadLetter { partition, .. } = &error else { panic!("{error}") };
                assert_eq!(&*partition.topic, ORDERS, "the record is named as it was");
                assert!(error.to_string().contains(code.name()), "{error}");
            }
            assert!(world.cluster.end(fault));
            world.goes_on(setup).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retry_topics_that_cannot_be_created_keep_consumption_from_beginning() {
    let mut world = World::new(10).await;
    let fault = world.cluster.inject(on(ApiKey::CreateTopics).reply(ErrorCode::POLICY_VIOLATION));
    let error = world.consume(IN_ORDER).await.result.unwrap_err();
    assert!(matches!(error, HandlerError::Topics(_)), "{error}");
    for part in ["was not begun", RETRY, "POLICY_VIOLATION"] {
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!((world.committed(0), world.committed(1)), (0, 0));
    assert!(world.cluster.end(fault));
    world.goes_on(IN_ORDER).await;
}

#[tokio::test(start_paused = true)]
async fn retry_topics_that_are_missing_and_may_not_be_created_stop_consumption_until_they_are_there() {
    let setup = Setup { no_topics: true, ..IN_ORDER };
    let mut world = World::new(10).await;
    world.create(DEAD).await;
    let ended = world.consume(setup).await;
    world.stopped(&ended, "was not found");
    world.create(RETRY).await;
    world.goes_on(setup).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_too_large_to_wait_is_dead_lettered_at_once_and_stops_consumption_if_too_large_for_that_too()
{
    let mut world = World::new(5_000).await;
    for topic in [RETRY, DEAD] {
        world.create(topic).await;
        world.set_max_message_bytes(topic, 2_000).await;
    }
    let ended = world.consume(IN_ORDER).await;
    world.stopped(&ended, "max.message.bytes");
    assert!(matches!(ended.result, Err(HandlerError::DeadLetter { .. })));
    world.set_max_message_bytes(DEAD, 20_000).await;
    world.goes_on(IN_ORDER).await;
    assert!(world.set_aside(RETRY).is_empty());
}
