//! Producers that number what they send, and note what they are told.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use streaming_kafka::TopicPartition;
use streaming_kafka::producer::{Delivery, ProduceError, Producer, ProducerConfig, ProducerRecord};
use tokio::time::{sleep, timeout};

use super::scenario::{ProducerPlan, Scenario};
use super::world::{Number, Told, World};

/// A value says who sent it, as which of his, and whether handlers shall fail for it.
pub(super) fn number_of(value: &[u8]) -> Option<Number> {
    let text = std::str::from_utf8(value).ok()?;
    let mut parts = text.split(':');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

pub(super) fn is_poison(value: &[u8]) -> bool {
    number_of(value).is_some_and(|(_, number)| number % 13 == 5)
}

fn told(result: Result<streaming_kafka::producer::RecordMetadata, ProduceError>) -> Told {
    match result {
        Ok(at) => Told::Acked(TopicPartition::new(at.topic.clone(), at.partition), at.offset),
        Err(error) if error.may_be_written() => Told::Unknown(error.to_string()),
        Err(error) => Told::Absent(error.to_string()),
    }
}

fn config(plan: &ProducerPlan) -> ProducerConfig {
    let mut config = ProducerConfig::default();
    config.enable_idempotence = plan.idempotent;
    config.retries = plan.retries;
    config.max_in_flight = plan.max_in_flight;
    config.compression_type = plan.compression.parse().unwrap();
    config.batch_size = plan.batch_size;
    config.buffer_memory = plan.buffer_memory;
    config.linger = plan.linger;
    config.request_timeout = plan.request_timeout;
    config.delivery_timeout = plan.delivery_timeout;
    config.compression_parallelism = 1;
    config
}

/// Sends all that the plan says, and waits for the outcome of each.
pub(super) async fn run(world: Arc<World>, scenario: Arc<Scenario>, index: usize, mut random: Rng) {
    let plan = &scenario.producers[index];
    let client = world.client(&format!("p{index}"), plan.request_timeout);
    let mut producer = Producer::new(client.clone(), config(plan)).unwrap();
    let mut deliveries = Vec::new();
    for number in 0..plan.records {
        if number.is_multiple_of(plan.burst) {
            sleep(plan.gap).await;
        }
        if plan.renew_every > 0 && number > 0 && number.is_multiple_of(plan.renew_every) {
            // Two producers know nothing of each other's order, so the first has to be done.
            settle(&world, &scenario, index, &mut deliveries).await;
            if random.bool() {
                close(&world, index, &producer).await;
            }
            producer = Producer::new(client.clone(), config(plan)).unwrap();
        }
        if let Some(delivery) = send(&world, &scenario, &producer, (index, number), &mut random).await {
            deliveries.push(((index, number), delivery));
        }
        if plan.flush_every > 0 && number.is_multiple_of(plan.flush_every) {
            let patience = Duration::from_millis(random.u64(..2_000));
            let _dropped = timeout(patience, producer.flush()).await;
        }
    }
    settle(&world, &scenario, index, &mut deliveries).await;
    let stats = producer.stats();
    if stats.buffer_available != stats.buffer_total {
        world.wrong(format!("producer {index} has not got all memory back: {stats:?}"));
    }
    close(&world, index, &producer).await;
    client.close();
    world.note(format!("producer {index} is done"));
}

/// Waits for the outcome of what was sent.
async fn settle(world: &World, scenario: &Scenario, index: usize, deliveries: &mut Vec<(Number, Delivery)>) {
    let plan = &scenario.producers[index];
    let limit = plan.delivery_timeout + plan.request_timeout + Duration::from_secs(30) + scenario.jumps();
    for (number, delivery) in deliveries.drain(..) {
        match timeout(limit, delivery).await {
            Ok(result) => note(world, number, told(result)),
            Err(_) => world.wrong(format!("record {number:?} has no outcome after {limit:?}")),
        }
    }
}

async fn close(world: &World, index: usize, producer: &Producer) {
    if timeout(Duration::from_secs(200), producer.close(Duration::from_secs(30))).await.is_err() {
        world.wrong(format!("producer {index} does not close"));
    }
}

fn note(world: &World, number: Number, told: Told) {
    if !matches!(told, Told::Acked(..)) {
        world.note(format!("record {number:?}: {told:?}"));
    }
    world.ledger.lock().unwrap().sent.insert(number, told);
}

async fn send(
    world: &World,
    scenario: &Scenario,
    producer: &Producer,
    number: Number,
    random: &mut Rng,
) -> Option<Delivery> {
    let plan = &scenario.producers[number.0];
    let topic = &scenario.topics[random.usize(..scenario.topics.len())];
    let large = plan.large_every > 0 && number.1.is_multiple_of(plan.large_every);
    let padding = if large { random.usize(1000..4000) } else { random.usize(..40) };
    let value = format!("{}:{}:{}", number.0, number.1, "x".repeat(padding));
    let mut record = ProducerRecord::to(topic.name).value(&value);
    record = record.timestamp(world.wall_clock);
    let key = random.u8(..10).to_string();
    match random.u8(..4) {
        0 => record = record.partition(random.i32(0..topic.partitions)),
        1 | 2 => record = record.key(&key),
        _ => {}
    }
    world.ledger.lock().unwrap().sent.insert(number, Told::Sent);
    let gives_up = plan.give_up_every > 0 && number.1 % plan.give_up_every == 1;
    let patience = if gives_up {
        Duration::from_millis(random.u64(..50))
    } else {
        Duration::from_secs(100) + scenario.jumps()
    };
    match timeout(patience, producer.send(record)).await {
        Ok(Ok(delivery)) => Some(delivery),
        Ok(Err(error)) => {
            note(world, number, told(Err(error)));
            None
        }
        Err(_) if gives_up => {
            // What `send` did not return for was not accepted.
            note(world, number, Told::Absent("given up".to_owned()));
            None
        }
        Err(_) => {
            world.wrong(format!("send of {number:?} does not end"));
            None
        }
    }
}
