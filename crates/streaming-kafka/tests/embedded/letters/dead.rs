use std::sync::Arc;

use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_embedded::on;

use super::world::{DEAD, DELIVERY_TIMEOUT, REFUSALS, Setup, World};

const IN_ORDER: Setup = Setup { retry_topic: false, no_topics: false, unordered: false };
const UNORDERED: Setup = Setup { unordered: true, ..IN_ORDER };

#[tokio::test(start_paused = true)]
async fn a_dead_letter_topic_that_is_missing_stops_consumption_until_it_is_there() {
    for setup in [IN_ORDER, UNORDERED] {
        let setup = Setup { no_topics: true, ..setup };
        let mut world = World::new(10).await;
        for _ in 0..2 {
            let ended = world.consume(setup).await;
            world.stopped(&ended, "was not found");
        }
        world.create(DEAD).await;
        world.goes_on(setup).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_topic_that_cannot_be_created_stops_consumption_with_what_the_broker_said() {
    for setup in [IN_ORDER, UNORDERED] {
        let mut world = World::new(10).await;
        let fault = world.cluster.inject(on(ApiKey::CreateTopics).reply(ErrorCode::POLICY_VIOLATION));
        let ended = world.consume(setup).await;
        world.stopped(&ended, "POLICY_VIOLATION");
        assert!(world.cluster.end(fault));
        world.goes_on(setup).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_refused_stops_consumption_with_the_record_the_topic_and_the_reason() {
    for code in REFUSALS {
        for setup in [IN_ORDER, UNORDERED] {
            let mut world = World::new(10).await;
            let fault = world.cluster.inject(on(ApiKey::Produce).topic(DEAD).reply(code));
            for _ in 0..2 {
                let ended = world.consume(setup).await;
                world.stopped(&ended, code.name());
            }
            assert!(world.cluster.end(fault));
            world.goes_on(setup).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_appended_and_never_acknowledged_is_not_counted_on() {
    let mut world = World::new(10).await;
    let code = ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND;
    let fault = world.cluster.inject(on(ApiKey::Produce).topic(DEAD).reply_after_applying(code));
    let ended = world.consume(IN_ORDER).await;
    world.stopped(&ended, code.name());
    assert!(world.cluster.end(fault));
    world.goes_on(IN_ORDER).await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_topic_without_enough_replicas_is_waited_for_until_the_delivery_timeout() {
    for (outage, outlives) in [(DELIVERY_TIMEOUT / 2, true), (DELIVERY_TIMEOUT * 2, false)] {
        let mut world = World::new(10).await;
        let fault =
            world.cluster.inject(on(ApiKey::Produce).topic(DEAD).reply(ErrorCode::NOT_ENOUGH_REPLICAS));
        let cluster = Arc::clone(&world.cluster);
        let healing = tokio::spawn(async move {
            tokio::time::sleep(outage).await;
            assert!(cluster.end(fault));
        });
        let ended = world.consume(IN_ORDER).await;
        if outlives {
            assert!(ended.took >= outage, "{:?}", ended.took);
            assert_eq!(ended.result.unwrap().dead_lettered, 4);
        } else {
            assert!((DELIVERY_TIMEOUT..outage).contains(&ended.took), "{:?}", ended.took);
            world.stopped(&ended, "NOT_ENOUGH_REPLICAS");
        }
        healing.await.unwrap();
        world.goes_on(IN_ORDER).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_larger_than_its_topic_allows_stops_consumption_until_the_topic_allows_it() {
    for setup in [IN_ORDER, UNORDERED] {
        let mut world = World::new(5_000).await;
        world.create(DEAD).await;
        world.set_max_message_bytes(DEAD, 2_000).await;
        for _ in 0..2 {
            let ended = world.consume(setup).await;
            world.stopped(&ended, "max.message.bytes");
        }
        world.set_max_message_bytes(DEAD, 20_000).await;
        world.goes_on(setup).await;
    }
}
