//! Members of groups, which note what they handled.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use streaming_kafka::consumer::{Consumer, ConsumerConfig, ConsumerRecord, GroupProtocol, IsolationLevel};
use streaming_kafka::dead_letter::DeadLetterQueue;
use streaming_kafka::handler::{Concurrency, EventConsumer, Failure, HandlerOptions};
use streaming_kafka::producer::{Producer, ProducerConfig};
use streaming_kafka::{Client, TopicPartition};
use tokio::time::{sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::polling::Polling;
use super::producers::{is_poison, number_of};
use super::scenario::{End, GroupPlan, MemberPlan, Mode, Scenario};
use super::world::World;

/// How long a member may take to end.
pub(super) const CLOSE: Duration = Duration::from_secs(20);

fn config(plan: &GroupPlan, index: usize) -> ConsumerConfig {
    let mut config = ConsumerConfig::default();
    if !plan.members[index].classic {
        config.group_protocol = GroupProtocol::Consumer;
    }
    if plan.read_committed {
        config.isolation_level = IsolationLevel::ReadCommitted;
    }
    config.group_id = Some(plan.name.to_owned());
    config.group_instance_id = plan.static_members.then(|| format!("{}-{index}", plan.name));
    config.partition_assignment_strategy.clone_from(&plan.assignors);
    config.enable_auto_commit = plan.mode == Mode::AutoCommit;
    config.auto_commit_interval = Duration::from_millis(700);
    config.session_timeout = plan.session_timeout;
    config.heartbeat_interval = plan.heartbeat_interval;
    config.max_poll_interval = plan.max_poll_interval;
    config.max_poll_records = plan.max_poll_records;
    config.request_timeout = plan.request_timeout;
    config.default_api_timeout = plan.api_timeout;
    config.fetch_min_bytes = 1;
    config.fetch_max_wait = plan.fetch_max_wait;
    config
}

/// One member from its start to its end, in as many lives as it takes.
pub(super) async fn run(
    world: Arc<World>,
    scenario: Arc<Scenario>,
    (group, index): (usize, usize),
    end_of_all: CancellationToken,
    mut random: Rng,
) {
    let plan = scenario.groups[group].clone();
    let MemberPlan { from, until, .. } = plan.members[index].clone();
    let started = tokio::time::Instant::now();
    sleep(from).await;
    let stop = end_of_all.child_token();
    let life = async {
        loop {
            let member = Member { world: &world, scenario: &scenario, plan: &plan, index };
            match member.live(&stop, &mut random).await {
                Ok(()) => return,
                Err(error) => {
                    world.note(format!("{}-{index} ends with: {error}", plan.name));
                    if stop.is_cancelled() {
                        return;
                    }
                    sleep(Duration::from_secs(1)).await;
                }
            }
        }
    };
    tokio::pin!(life);
    if let Some((at, end)) = until {
        tokio::select! {
            biased;
            () = &mut life => return,
            () = sleep_until(started + at) => {}
        }
        world.note(format!("{}-{index}: {end:?}", plan.name));
        if end == End::Crash {
            return;
        }
        stop.cancel();
    }
    life.await;
}

struct Member<'a> {
    world: &'a Arc<World>,
    scenario: &'a Scenario,
    plan: &'a GroupPlan,
    index: usize,
}

impl Member<'_> {
    async fn live(&self, stop: &CancellationToken, random: &mut Rng) -> Result<(), String> {
        let plan = self.plan;
        let client = self.world.client(&format!("{}-{}", plan.name, self.index), plan.request_timeout);
        let consumer =
            Consumer::new(client.clone(), config(plan, self.index)).map_err(|error| error.to_string())?;
        let ended = match plan.mode {
            Mode::Handler { lanes } => self.handle(&client, consumer, lanes, stop).await,
            Mode::Commits | Mode::AutoCommit => {
                let Self { world, scenario, plan, index } = self;
                let polling = Polling { world, scenario, plan, index: *index, consumer, random };
                polling.run(stop).await
            }
        };
        client.close();
        ended
    }

    async fn handle(
        &self,
        client: &Client,
        consumer: Consumer,
        lanes: usize,
        stop: &CancellationToken,
    ) -> Result<(), String> {
        let (world, group) = (Arc::clone(self.world), self.plan.name);
        let mut options = HandlerOptions::default();
        options.commit_interval = Duration::from_millis(500);
        options.max_outstanding = 20;
        if lanes > 1 {
            options.concurrency = Concurrency::ByKey(lanes);
        }
        let mut config = ProducerConfig::default();
        config.compression_parallelism = 1;
        let producer = Producer::new(client.clone(), config).unwrap();
        let running = EventConsumer::new(consumer)
            .options(options)
            .dead_letters(DeadLetterQueue::new(producer.clone()).with_group(group))
            .shutdown(stop.clone())
            .run(self.scenario.topics.iter().map(|topic| topic.name), move |record: ConsumerRecord| {
                let world = Arc::clone(&world);
                async move { handle(&world, group, record).await }
            });
        tokio::pin!(running);
        let ended = tokio::select! {
            biased;
            ended = &mut running => ended,
            () = stop.cancelled() => {
                let limit = Duration::from_secs(200) + self.scenario.jumps();
                let Ok(ended) = timeout(limit, running).await else {
                    self.world.wrong(format!("{group}: consumption does not end"));
                    return Ok(());
                };
                ended
            }
        };
        if timeout(Duration::from_secs(200), producer.close(Duration::from_secs(30))).await.is_err() {
            self.world.wrong(format!("{group}: the dead letters' producer does not close"));
        }
        ended.map(drop).map_err(|error| error.to_string())
    }
}

async fn handle(world: &World, group: &'static str, record: ConsumerRecord) -> Result<(), Failure> {
    let tp = TopicPartition::new(record.topic.clone(), record.partition);
    match fastrand::u8(..40) {
        0 => sleep(Duration::from_millis(fastrand::u64(..15_000))).await,
        1..10 => sleep(Duration::from_millis(fastrand::u64(..50))).await,
        10 => {
            let mut ledger = world.ledger.lock().unwrap();
            let put_off = &mut ledger.handled.entry(group).or_default().put_off;
            // Once only: it would be a dead letter after some times.
            if put_off.entry(tp.clone()).or_default().insert(record.offset) {
                return Err(Failure::retry("not now"));
            }
        }
        _ => {}
    }
    if record.value.as_deref().is_some_and(is_poison) {
        let mut ledger = world.ledger.lock().unwrap();
        let handled = ledger.handled.entry(group).or_default();
        handled.numbers.extend(record.value.as_deref().and_then(number_of));
        handled.failed.entry(tp).or_default().insert(record.offset);
        return Err(Failure::poison("poison"));
    }
    done(world, group, &record);
    Ok(())
}

pub(super) fn done(world: &World, group: &'static str, record: &ConsumerRecord) {
    let tp = TopicPartition::new(record.topic.clone(), record.partition);
    let mut ledger = world.ledger.lock().unwrap();
    let handled = ledger.handled.entry(group).or_default();
    handled.numbers.extend(record.value.as_deref().and_then(number_of));
    if !handled.done.entry(tp).or_default().insert(record.offset) {
        handled.again += 1;
    }
}
