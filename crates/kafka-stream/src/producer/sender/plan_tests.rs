//! What is sent when and to whom, in made-up time and without a socket.

use std::sync::Arc;
use std::time::Duration;

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::protocol::ErrorCode;
use kafka_core::records::{Batches, Compression};
use tokio::time::{Instant, advance};

use super::answers::{Heard, Leader};
use super::partition::Part;
use super::plan::{Plan, Terms};
use crate::producer::accumulator::{Accumulator, Attempt};
use crate::producer::flush::FlushToken;
use crate::producer::hooks::Hooks;
use crate::producer::partitioner::KeyHash;
use crate::producer::sequence::Identity;
use crate::producer::{Delivery, ProduceErrorKind, ProducerConfig, ProducerRecord};

const LINGER: Duration = Duration::from_millis(5);

struct World {
    plan: Plan,
    shared: Arc<Accumulator>,
    /// Who leads each partition.
    leaders: Vec<i32>,
}

impl World {
    /// Partitions led by these brokers; batches of 1,000 bytes, and a producer id at hand.
    fn new(leaders: &[i32], configure: impl FnOnce(&mut ProducerConfig)) -> Self {
        let mut config =
            ProducerConfig { compression_type: Compression::None, batch_size: 1_000, ..Default::default() };
        configure(&mut config);
        let shared = Arc::new(Accumulator::new(&config));
        shared.set_partitions("t", u32::try_from(leaders.len()).unwrap());
        let backoff = ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let mut plan = Plan::new(Terms::new(&config, backoff), shared.clone(), Arc::new(Hooks::default()));
        plan.on_identity(Identity { producer_id: 7, epoch: 0 }, Instant::now());
        let mut world = Self { plan, shared, leaders: leaders.to_vec() };
        world.look();
        world
    }

    fn append(&mut self, partition: Option<i32>, bytes: usize) -> Delivery {
        let value = vec![b'v'; bytes];
        let mut record = ProducerRecord::to("t").value(&value);
        if let Some(partition) = partition {
            record = record.partition(partition);
        }
        let Attempt::Done(delivery) = self.shared.append(&record, &KeyHash, None) else {
            panic!("should be accepted")
        };
        self.look();
        delivery
    }

    /// Appends a record that fills a batch.
    fn full(&mut self, partition: i32) -> Delivery {
        self.append(Some(partition), 900)
    }

    fn look(&mut self) {
        let mut announced = Vec::new();
        self.shared.take_announced(&mut announced);
        for queue in announced {
            let leader = self.leaders[usize::try_from(queue.partition()).unwrap()];
            self.plan.announced(&queue, |_, _| Some(Leader { broker: leader, epoch: 1 }), Instant::now());
        }
    }

    fn fill(&mut self, broker: i32) -> Vec<Part> {
        self.plan.on_time(Instant::now());
        self.plan.fill(broker, Instant::now())
    }

    fn filled(&mut self, broker: i32) -> Vec<i32> {
        self.fill(broker).iter().map(|part| part.partition).collect()
    }

    fn hear(&mut self, part: &Part, heard: &Heard) {
        self.plan.heard(part, heard, Instant::now());
    }

    fn acknowledge(&mut self, parts: &[Part]) {
        for part in parts {
            self.hear(part, &Heard::Written { base_offset: Some(0), log_append_time: None });
        }
    }

    /// The partitions that the sticky partitioner would choose from.
    fn available(&self) -> Vec<i32> {
        let topic = self.shared.topic("t").unwrap();
        let available = topic.queues().iter().filter(|queue| queue.is_available());
        available.map(|queue| queue.partition()).collect()
    }
}

fn refused(code: ErrorCode) -> Heard {
    Heard::Refused { code, message: None, leader: None }
}

fn sequence(part: &Part) -> i32 {
    Batches::new(part.records.clone()).next().unwrap().unwrap().base_sequence()
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_goes_at_once_and_another_lingers() {
    let mut world = World::new(&[1], |_| {});
    drop(world.append(Some(0), 10));
    let opened = Instant::now();
    assert!(world.fill(1).is_empty());
    assert_eq!(world.plan.next_timer(), Some(opened + LINGER));
    advance(LINGER).await;
    let parts = world.fill(1);
    assert_eq!(parts.len(), 1);
    world.acknowledge(&parts);

    drop(world.full(0));
    assert!(world.fill(1).is_empty(), "it could hold a few bytes more");
    drop(world.append(Some(0), 200));
    let parts = world.fill(1);
    assert_eq!(parts.len(), 1, "the second record did not fit, so the first batch is complete");
    assert!(parts[0].records.len() <= 1_000);
}

#[tokio::test(start_paused = true)]
async fn nothing_lingers_while_somebody_waits_for_memory() {
    let mut world = World::new(&[1], |config| config.buffer_memory = 1_500);
    drop(world.append(Some(0), 10));
    assert!(world.fill(1).is_empty());
    let memory = world.shared.memory.clone();
    let mut wait = Box::pin(memory.reserve(1_000));
    assert!(futures_util::poll!(&mut wait).is_pending());
    let parts = world.fill(1);
    assert_eq!(parts.len(), 1);
    world.acknowledge(&parts);
    assert!(futures_util::poll!(&mut wait).is_ready(), "what is acknowledged makes room");
}

#[tokio::test(start_paused = true)]
async fn partitions_take_turns_in_requests_that_hold_one_batch_each() {
    let mut world = World::new(&[1, 1, 1], |config| config.max_request_size = 1_100);
    for _ in 0..3 {
        for partition in 0..3 {
            drop(world.full(partition));
        }
    }
    let mut turns = Vec::new();
    for _ in 0..9 {
        world.plan.on_time(Instant::now() + LINGER);
        let parts = world.plan.fill(1, Instant::now() + LINGER);
        turns.extend(parts.iter().map(|part| part.partition));
        world.acknowledge(&parts);
    }
    assert_eq!(turns, [0, 1, 2, 0, 1, 2, 0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_request_carries_one_batch_of_each_partition_that_its_broker_leads() {
    let mut world = World::new(&[1, 2, 1, 2], |config| config.linger = Duration::ZERO);
    for partition in 0..4 {
        drop((world.full(partition), world.full(partition)));
    }
    assert_eq!(world.filled(1), [0, 2]);
    assert_eq!(world.filled(2), [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn until_the_first_is_acknowledged_one_batch_is_in_flight_then_five() {
    let mut world = World::new(&[1], |config| config.linger = Duration::ZERO);
    for _ in 0..10 {
        drop(world.full(0));
    }
    let first = world.fill(1);
    assert_eq!(first.len(), 1);
    assert!(world.fill(1).is_empty(), "the broker does not know the producer yet");
    world.acknowledge(&first);
    let in_flight: Vec<Part> = (0..5).flat_map(|_| world.fill(1)).collect();
    assert_eq!(in_flight.iter().map(sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(world.fill(1).is_empty(), "a broker remembers five");
    world.acknowledge(&in_flight[..1]);
    assert_eq!(world.fill(1).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_sent_again_keeps_its_place_and_number() {
    let mut world = World::new(&[1], |config| config.linger = Duration::ZERO);
    let first = {
        drop(world.full(0));
        world.fill(1)
    };
    world.acknowledge(&first);
    for _ in 0..4 {
        drop(world.full(0));
    }
    let parts: Vec<Part> = (0..3).flat_map(|_| world.fill(1)).collect();
    world.hear(&parts[0], &refused(ErrorCode::NOT_ENOUGH_REPLICAS));
    assert!(world.fill(1).is_empty(), "nothing new goes past what waits to be sent again");
    world.hear(&parts[1], &refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    world.hear(&parts[2], &refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    advance(Duration::from_secs(1)).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        let parts = world.fill(1);
        order.extend(parts.iter().map(sequence));
        world.acknowledge(&parts);
    }
    assert_eq!(order, [1, 2, 3, 4]);
    assert!(world.plan.is_idle());
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_when_its_topic_is_created_anew_is_written_there_in_order() {
    let mut world = World::new(&[1], |config| config.linger = Duration::ZERO);
    drop(world.full(0));
    let parts = world.fill(1);
    world.acknowledge(&parts);
    drop((world.full(0), world.full(0)));
    let parts: Vec<Part> = (0..2).flat_map(|_| world.fill(1)).collect();
    assert_eq!(parts.len(), 2);
    world.plan.on_created_anew("t");
    drop(world.full(0));
    assert!(world.fill(1).is_empty(), "the new log would take it before those two");
    // The first was still written to the old log.
    world.acknowledge(&parts[..1]);
    assert!(world.fill(1).is_empty());
    world.hear(&parts[1], &refused(ErrorCode::UNKNOWN_TOPIC_ID));
    advance(Duration::from_secs(1)).await;
    let mut order = Vec::new();
    for _ in 0..2 {
        let parts = world.fill(1);
        order.extend(parts.iter().map(sequence));
        world.acknowledge(&parts);
    }
    assert_eq!(order, [2, 3]);
    assert!(world.plan.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_denies_to_lead_is_asked_again_later_and_another_at_once() {
    let mut world = World::new(&[1], |config| config.linger = Duration::ZERO);
    drop(world.full(0));
    let parts = world.fill(1);
    world.hear(&parts[0], &refused(ErrorCode::NOT_LEADER_OR_FOLLOWER));
    assert!(world.fill(1).is_empty() && world.plan.wants_metadata);
    world.plan.on_leaders(|_, _| Some(Leader { broker: 2, epoch: 2 }), Instant::now());
    assert_eq!(world.filled(2), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_flush_makes_what_lingers_due_and_waits_for_its_outcome() {
    let mut world = World::new(&[1, 1], |_| {});
    drop((world.append(Some(0), 10), world.append(Some(1), 10)));
    assert!(world.fill(1).is_empty());
    let (token, mut done) = FlushToken::new();
    world.plan.flush(&token, |_, _| None, Instant::now());
    drop(token);
    let parts = world.fill(1);
    assert_eq!(parts.len(), 2);
    world.acknowledge(&parts[..1]);
    assert_eq!(done.try_recv(), Err(tokio::sync::oneshot::error::TryRecvError::Empty));
    world.acknowledge(&parts[1..]);
    assert_eq!(done.try_recv(), Err(tokio::sync::oneshot::error::TryRecvError::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_is_past_its_deadline_fails_whether_sent_or_not() {
    let mut world = World::new(&[1], |config| config.linger = Duration::ZERO);
    let (mut sent, mut waiting) = (world.full(0), world.full(0));
    assert_eq!(world.fill(1).len(), 1);
    assert_eq!(world.plan.next_timer(), Some(Instant::now() + Duration::from_secs(120)));
    advance(Duration::from_secs(120)).await;
    assert!(world.fill(1).is_empty());
    let error = sent.try_result().unwrap().unwrap_err();
    assert!(error.kind() == ProduceErrorKind::OutcomeUnknown && error.may_be_written());
    let error = waiting.try_result().unwrap().unwrap_err();
    assert_eq!(error.kind(), ProduceErrorKind::Timeout(Duration::from_secs(120)));
    assert!(!error.may_be_written());
    assert_eq!(world.shared.memory.available(), world.shared.memory.limit());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_takes_nothing_is_left_out_until_it_does_again() {
    let timeout = Duration::from_millis(300);
    let mut world = World::new(&[1, 2, 1, 2], |config| {
        config.linger = Duration::ZERO;
        config.partitioner_availability_timeout = timeout;
    });
    for partition in 0..4 {
        drop(world.full(partition));
    }
    world.plan.on_time(Instant::now());
    // Broker 1 has no connection, or as much in flight as it may.
    world.plan.stalled(1, Instant::now());
    assert_eq!(world.filled(2), [1, 3]);
    advance(timeout - Duration::from_millis(1)).await;
    world.plan.on_time(Instant::now());
    assert_eq!(world.available(), [0, 1, 2, 3]);
    assert_eq!(world.plan.next_timer(), Some(Instant::now() + Duration::from_millis(1)));
    advance(Duration::from_millis(1)).await;
    world.plan.on_time(Instant::now());
    assert_eq!(world.available(), [1, 3]);
    let topic = world.shared.topic("t").unwrap();
    assert!((0..200).all(|_| topic.next_partition(true) % 2 == 1));
    // Metadata that says nothing new changes nothing.
    world
        .plan
        .on_leaders(|_, partition| Some(Leader { broker: 1 + partition % 2, epoch: 1 }), Instant::now());
    assert_eq!(world.available(), [1, 3]);
    // A partition that has moved elsewhere is chosen again.
    let moved = |partition| if partition == 2 { 2 } else { 1 + partition % 2 };
    world.plan.on_leaders(|_, partition| Some(Leader { broker: moved(partition), epoch: 2 }), Instant::now());
    assert_eq!(world.available(), [1, 2, 3]);
    assert_eq!(world.filled(1), [0]);
    assert_eq!(world.available(), [0, 1, 2, 3], "it took a batch");
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_does_not_answer_the_first_batch_is_left_out_too() {
    let mut world = World::new(&[1, 2], |config| {
        config.linger = Duration::ZERO;
        config.partitioner_availability_timeout = Duration::from_millis(300);
    });
    drop((world.full(0), world.full(1)));
    let parts = world.fill(1);
    drop((world.full(0), world.full(0)));
    assert!(world.fill(1).is_empty());
    advance(Duration::from_millis(300)).await;
    assert!(world.fill(1).is_empty());
    assert_eq!(world.available(), [1]);
    world.acknowledge(&parts);
    assert_eq!(world.fill(1).len(), 1);
    assert_eq!(world.available(), [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_nothing_waits_for_any_more_is_not_left_out() {
    let mut world = World::new(&[1, 2], |config| {
        config.linger = Duration::ZERO;
        config.request_timeout = Duration::from_secs(1);
        config.delivery_timeout = Duration::from_secs(2);
        config.partitioner_availability_timeout = Duration::from_millis(300);
    });
    drop(world.full(0));
    world.plan.stalled(1, Instant::now());
    advance(Duration::from_millis(300)).await;
    world.plan.on_time(Instant::now());
    assert_eq!(world.available(), [1]);
    advance(Duration::from_secs(2)).await;
    world.plan.on_time(Instant::now());
    assert_eq!(world.available(), [0, 1], "what waited has expired");
}
