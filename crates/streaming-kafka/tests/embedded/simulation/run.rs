//! One seed from its beginning to its end, and what to print if it fails.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Once};
use std::time::Duration;

use fastrand::Rng;
use kafka_embedded::{Asked, EmbeddedCluster};
use streaming_kafka::NewTopic;
use streaming_kafka::admin::Admin;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use super::scenario::Scenario;
use super::world::{Notes, World};
use super::{check, consumers, producers};

/// What came of a seed.
pub(super) struct Ran {
    pub(super) history: Vec<Asked>,
    pub(super) notes: Vec<String>,
    pub(super) simulated: Duration,
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
    static STARTED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Counts panics of this thread, those too that a task swallows.
fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.with(|panics| panics.set(panics.get() + 1));
            before(info);
        }));
    });
}

/// Runs a seed; fails the test with the seed, the scenario and its history if anything that must hold does not.
pub(super) fn seed(seed: u64) -> Ran {
    let scenario = Scenario::draw(&mut Rng::with_seed(seed));
    run(seed, scenario)
}

pub(super) fn run(seed: u64, scenario: Scenario) -> Ran {
    count_panics();
    if std::env::var_os("RUST_LOG").is_some() {
        let _set_before = tracing_subscriber::fmt()
            .with_test_writer()
            .with_timer(SimulatedTime)
            .with_ansi(false)
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .try_init();
    }
    let panics_before = PANICS.with(Cell::get);
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let notes = Notes::default();
    let watch = super::watchdog::Watch::begin(seed, Arc::clone(&notes));
    let (history, wrong, simulated) =
        runtime.block_on(simulate(seed, Arc::new(scenario.clone()), Arc::clone(&notes)));
    drop(watch);
    let left = runtime.metrics().num_alive_tasks();
    let mut wrong = wrong;
    if left > 0 {
        wrong.push(format!("{left} tasks are left"));
    }
    if PANICS.with(Cell::get) > panics_before {
        wrong.push("something panicked".to_owned());
    }
    let notes = notes.lock().unwrap().clone();
    if !wrong.is_empty() {
        report(seed, &scenario, &notes, &history);
        panic!("seed {seed}: {wrong:#?}\nRun it alone with SEED={seed}");
    }
    Ran { history, notes, simulated }
}

/// The time of the seed whose runtime this is.
struct SimulatedTime;

impl FormatTime for SimulatedTime {
    fn format_time(&self, to: &mut Writer<'_>) -> std::fmt::Result {
        write!(
            to,
            "{:>12.3?}",
            STARTED.with(|started| started.get().map(|at| at.elapsed())).unwrap_or_default()
        )
    }
}

fn report(seed: u64, scenario: &Scenario, notes: &[String], history: &[Asked]) {
    eprintln!("seed {seed}: {scenario:#?}");
    notes.iter().for_each(|note| eprintln!("{note}"));
    let shown = if std::env::var_os("SEED").is_some() { usize::MAX } else { 100 };
    for asked in history.iter().skip(history.len().saturating_sub(shown)) {
        let fault = if asked.faulted { " FAULT" } else { "" };
        let client = asked.client_id.as_deref().unwrap_or_default();
        eprintln!(
            "{:>12.3?} {client} -> {}: {} {:?}{fault}",
            asked.at, asked.broker, asked.api, asked.topics
        );
    }
}

async fn simulate(seed: u64, scenario: Arc<Scenario>, notes: Notes) -> (Vec<Asked>, Vec<String>, Duration) {
    let begun = Instant::now();
    STARTED.with(|started| started.set(Some(begun)));
    let world = Arc::new(World::new(start(seed, &scenario).await, notes));
    create_topics(&world, &scenario).await;
    for rule in &scenario.rules {
        world.cluster.inject(rule.fault());
    }
    let end_of_all = CancellationToken::new();
    let (mut sending, mut reading, mut mishaps) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for index in 0..scenario.producers.len() {
        let random = Rng::with_seed(seed ^ (1000 + index as u64));
        sending.spawn(producers::run(Arc::clone(&world), Arc::clone(&scenario), index, random));
    }
    for (group, plan) in scenario.groups.iter().enumerate() {
        for index in 0..plan.members.len() {
            let random = Rng::with_seed(seed ^ (2000 + 100 * group as u64 + index as u64));
            let (world, scenario) = (Arc::clone(&world), Arc::clone(&scenario));
            reading.spawn(consumers::run(world, scenario, (group, index), end_of_all.clone(), random));
        }
    }
    for (at, event) in scenario.events.clone() {
        let world = Arc::clone(&world);
        mishaps.spawn(async move {
            sleep_until(begun + at).await;
            event.happen(&world).await;
        });
    }
    let watching = async {
        loop {
            sleep(Duration::from_secs(1)).await;
            check::commits(&world, &scenario);
        }
    };
    tokio::select! {
        biased;
        () = sleep_until(begun + scenario.length) => {}
        () = watching => {}
    }
    // From here on all is well.
    while mishaps.join_next().await.is_some() {}
    world.cluster.heal();
    world.calm.store(true, Ordering::Relaxed);
    world.note("healed");
    while sending.join_next().await.is_some() {}
    check::all_is_handled(&world, &scenario).await;
    end_of_all.cancel();
    while reading.join_next().await.is_some() {}
    check::commits(&world, &scenario);
    check::all_is_committed(&world, &scenario);
    check::logs(&world, &scenario);
    check::dead_letters(&world, &scenario);
    let history = world.cluster.history();
    let wrong = std::mem::take(&mut world.ledger.lock().unwrap().wrong);
    drop(world);
    // What was dropped goes on until its deadlines, which are two minutes at most.
    sleep(Duration::from_secs(300)).await;
    (history, wrong, begun.elapsed())
}

async fn start(seed: u64, scenario: &Scenario) -> EmbeddedCluster {
    let builder = EmbeddedCluster::builder().brokers(scenario.brokers).seed(seed).in_memory();
    let builder = builder.consumer_session_timeout(scenario.consumer_session_timeout);
    builder.consumer_heartbeat_interval(scenario.consumer_heartbeat_interval).start().await.unwrap()
}

async fn create_topics(world: &World, scenario: &Scenario) {
    let client = world.client("admin", Duration::from_secs(30));
    let admin = Admin::new(client.clone());
    let replicas = i16::try_from(scenario.brokers.min(3)).unwrap();
    for plan in &scenario.topics {
        let topic = NewTopic::new(plan.name).partitions(plan.partitions).replication_factor(replicas);
        admin.create_topic(&topic.config("min.insync.replicas", plan.min_insync_replicas)).await.unwrap();
    }
    client.close();
}
