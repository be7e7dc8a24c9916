//! Rebalance listeners and drains that take longer than the group waits, in made-up time and under both protocols.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kafka_core::TopicPartition;
use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_embedded::{EmbeddedCluster, on};
use parking_lot::Mutex;
use streaming_kafka::consumer::{
    Consumer, ConsumerConfig, ConsumerErrorKind, ConsumerHandle, ConsumerRecord, GroupProtocol,
    ListenerFuture, RebalanceListener,
};
use streaming_kafka::handler::{EventConsumer, Failure, HandlerOptions, StatsReader};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::support::{in_memory_client, number, producer, send};

const PROTOCOLS: [GroupProtocol; 2] = [GroupProtocol::Classic, GroupProtocol::Consumer];
const PARTITIONS: i32 = 4;
const MAX_POLL: Duration = Duration::from_secs(20);
const HEARTBEAT: Duration = Duration::from_secs(3);

async fn cluster() -> EmbeddedCluster {
    let builder = EmbeddedCluster::builder().topic("events", PARTITIONS).topic("more", 1).seed(7).in_memory();
    builder.consumer_heartbeat_interval(HEARTBEAT).start().await.unwrap()
}

fn member(cluster: &EmbeddedCluster, name: &str, protocol: GroupProtocol) -> Consumer {
    let mut config = ConsumerConfig::default();
    config.group_id = Some("group".to_owned());
    config.group_protocol = protocol;
    config.fetch_min_bytes = 1;
    config.session_timeout = Duration::from_secs(15);
    config.heartbeat_interval = HEARTBEAT;
    config.max_poll_interval = MAX_POLL;
    Consumer::new(in_memory_client(cluster, name), config).unwrap()
}

/// Notes what it hears, and never ends where it is told to be slow.
#[derive(Clone, Default)]
struct Listener {
    heard: Arc<Mutex<Vec<&'static str>>>,
    slow_at: Arc<Mutex<Option<&'static str>>>,
}

impl Listener {
    fn slow_at(what: &'static str) -> Self {
        Self { slow_at: Arc::new(Mutex::new(Some(what))), ..Self::default() }
    }

    fn hear<'a>(&'a self, what: &'static str) -> ListenerFuture<'a> {
        struct Dropped<'a>(&'a Listener);
        impl Drop for Dropped<'_> {
            fn drop(&mut self) {
                self.0.heard.lock().push("dropped");
            }
        }
        self.heard.lock().push(what);
        Box::pin(async move {
            if self.slow_at.lock().take_if(|at| *at == what).is_some() {
                let _dropped = Dropped(self);
                std::future::pending::<()>().await;
            }
        })
    }
}

impl RebalanceListener for Listener {
    fn on_partitions_revoked<'a>(
        &'a self,
        _: &'a ConsumerHandle,
        _: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        self.hear("revoked")
    }

    fn on_partitions_assigned<'a>(
        &'a self,
        _: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        if partitions.is_empty() { Box::pin(std::future::ready(())) } else { self.hear("assigned") }
    }

    fn on_partitions_lost<'a>(
        &'a self,
        _: &'a ConsumerHandle,
        _: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        self.hear("lost")
    }
}

/// Polls as a service does, until an error comes.
async fn error_of(consumer: &Consumer) -> ConsumerErrorKind {
    let begun = Instant::now();
    loop {
        if let Err(error) = consumer.poll(Duration::from_millis(500)).await {
            return error.kind();
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "no error came");
    }
}

/// Polls, without an error, until a member has so many partitions.
async fn owns(consumer: &Consumer, partitions: usize) {
    let begun = Instant::now();
    while consumer.assignment().len() != partitions {
        consumer.poll(Duration::from_millis(500)).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", consumer.assignment());
    }
}

fn members(cluster: &EmbeddedCluster) -> usize {
    cluster.group("group").map_or(0, |group| group.members.len())
}

#[tokio::test(start_paused = true)]
async fn a_listener_past_the_poll_interval_is_dropped_and_the_member_leaves_and_comes_back() {
    use GroupProtocol::{Classic, Consumer};
    for (protocol, slow_at) in [(Classic, "assigned"), (Classic, "revoked"), (Consumer, "assigned")] {
        let cluster = cluster().await;
        let consumer = member(&cluster, "slow", protocol);
        let listener = Listener::slow_at(slow_at);
        consumer.subscribe_with(["events"], listener.clone()).unwrap();
        if slow_at == "revoked" {
            owns(&consumer, PARTITIONS as usize).await;
            // Nobody but the member itself waits for it to give up all that it has.
            consumer.subscribe_with(["events", "more"], listener.clone()).unwrap();
        }
        let before = listener.heard.lock().len();
        while listener.heard.lock().len() == before {
            consumer.poll(Duration::from_millis(500)).await.unwrap();
        }
        listener.heard.lock().drain(..before);
        let begun = Instant::now();
        assert_eq!(members(&cluster), 1);
        let (error, ()) = tokio::join!(error_of(&consumer), async {
            sleep(MAX_POLL - Duration::from_secs(1)).await;
            assert_eq!(*listener.heard.lock(), [slow_at], "until then it goes on, over all polls");
        });
        assert_eq!(error, ConsumerErrorKind::MaxPollIntervalExceeded, "{protocol:?}");
        let took = begun.elapsed();
        assert!(
            (MAX_POLL - Duration::from_secs(1)..MAX_POLL + Duration::from_secs(1)).contains(&took),
            "{took:?}"
        );
        assert_eq!(*listener.heard.lock(), [slow_at, "dropped", "lost"]);
        assert!(consumer.assignment().is_empty());
        // With the next polls it is in the group again.
        owns(&consumer, PARTITIONS as usize + usize::from(slow_at == "revoked")).await;
        consumer.poll(Duration::from_millis(500)).await.unwrap();
        assert_eq!(*listener.heard.lock(), [slow_at, "dropped", "lost", "assigned"]);
        consumer.close(Duration::from_secs(5)).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn partitions_that_a_listener_does_not_give_up_in_time_are_lost_and_others_go_on() {
    for protocol in PROTOCOLS {
        let cluster = cluster().await;
        let slow = member(&cluster, "slow", protocol);
        let listener = Listener::slow_at("revoked");
        slow.subscribe_with(["events"], listener.clone()).unwrap();
        owns(&slow, PARTITIONS as usize).await;
        let other = member(&cluster, "other", protocol);
        other.subscribe(["events"]).unwrap();
        let begun = Instant::now();
        let slow_loses = async {
            while listener.heard.lock().last() != Some(&"lost") {
                // The coordinator counts from when it wanted them back, and may be the first to lose patience.
                if let Err(error) = slow.poll(Duration::from_millis(500)).await {
                    assert_eq!(error.kind(), ConsumerErrorKind::MaxPollIntervalExceeded, "{protocol:?}");
                }
                assert!(begun.elapsed() < MAX_POLL + 2 * HEARTBEAT, "{:?}", listener.heard.lock());
            }
        };
        let half = PARTITIONS as usize / 2;
        tokio::join!(slow_loses, owns(&other, half));
        assert!(begun.elapsed() < MAX_POLL + 3 * HEARTBEAT, "{:?}", begun.elapsed());
        assert_eq!(*listener.heard.lock(), ["assigned", "revoked", "dropped", "lost"]);
        // And then both share.
        tokio::join!(owns(&slow, half), owns(&other, half));
        for consumer in [slow, other] {
            consumer.close(Duration::from_secs(5)).await.unwrap();
        }
    }
}

/// A handler that never ends at the first record of each partition in `stuck`, and notes what it has begun and left.
#[derive(Clone, Default)]
struct Stuck {
    begun: Arc<AtomicUsize>,
    left: Arc<AtomicUsize>,
    handled: Arc<Mutex<BTreeSet<u32>>>,
    passes: Arc<AtomicBool>,
}

struct Left(Arc<AtomicUsize>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Stuck {
    async fn handle(self, record: ConsumerRecord) -> Result<(), Failure> {
        // Of each partition some records are handled before.
        if record.offset == 2 && !self.passes.load(Ordering::SeqCst) {
            self.begun.fetch_add(1, Ordering::SeqCst);
            let _left = Left(Arc::clone(&self.left));
            std::future::pending::<()>().await;
        }
        self.handled.lock().insert(number(&record));
        Ok(())
    }
}

/// A service whose handlers are stuck, with as many minutes to drain as it likes.
fn service(cluster: &EmbeddedCluster, protocol: GroupProtocol, stuck: &Stuck) -> Service {
    let (stop, stats) = (CancellationToken::new(), StatsReader::default());
    let mut options = HandlerOptions::default();
    // Only what comes with the end of a partition commits.
    options.commit_interval = Duration::from_secs(3_600);
    options.drain_timeout = Duration::from_secs(600);
    let stuck = stuck.clone();
    let running = EventConsumer::new(member(cluster, "service", protocol))
        .options(options)
        .shutdown(stop.clone())
        .stats(stats.clone())
        .run(["events"], move |record| stuck.clone().handle(record));
    Service { stop, stats, task: tokio::spawn(running) }
}

struct Service {
    stop: CancellationToken,
    stats: StatsReader,
    task: tokio::task::JoinHandle<
        Result<streaming_kafka::handler::HandlerStats, streaming_kafka::handler::HandlerError>,
    >,
}

async fn fill(cluster: &EmbeddedCluster) {
    let filling = producer(&in_memory_client(cluster, "filling"));
    send(&filling, "events", 0..200).await;
    filling.close(Duration::from_secs(5)).await.unwrap();
}

async fn until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        sleep(Duration::from_millis(50)).await;
        assert!(begun.elapsed() < Duration::from_secs(120), "it did not happen");
    }
}

fn committed(cluster: &EmbeddedCluster) -> i64 {
    cluster.group("group").map_or(0, |group| group.offsets.values().sum())
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_before_the_poll_interval_does_and_what_is_finished_is_committed() {
    for protocol in PROTOCOLS {
        let cluster = cluster().await;
        fill(&cluster).await;
        let stuck = Stuck::default();
        let service = service(&cluster, protocol, &stuck);
        until(|| stuck.begun.load(Ordering::SeqCst) == PARTITIONS as usize).await;
        let other = member(&cluster, "other", protocol);
        other.subscribe(["events"]).unwrap();
        let begun = Instant::now();
        owns(&other, PARTITIONS as usize / 2).await;
        // Both hear of each other by heartbeats.
        assert!(begun.elapsed() < MAX_POLL + 2 * HEARTBEAT, "{:?}", begun.elapsed());
        let given_up = service.stats.stats().abandoned;
        assert_eq!(stuck.left.load(Ordering::SeqCst) as u64, given_up);
        assert!(given_up >= 2, "{given_up} handlers were dropped");
        assert_eq!(members(&cluster), 2, "nobody was thrown out");
        // Two records of each partition that was drained.
        assert_eq!(committed(&cluster), 2 * i64::try_from(given_up).unwrap(), "{protocol:?}");
        stuck.passes.store(true, Ordering::SeqCst);
        other.close(Duration::from_secs(5)).await.unwrap();
        // What was dropped comes again.
        until(|| stuck.handled.lock().len() >= 100).await;
        service.stop.cancel();
        service.task.await.unwrap().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_at_once_where_membership_is_lost_and_nothing_is_committed() {
    for (protocol, api) in [
        (GroupProtocol::Classic, ApiKey::Heartbeat),
        (GroupProtocol::Consumer, ApiKey::ConsumerGroupHeartbeat),
    ] {
        let cluster = cluster().await;
        fill(&cluster).await;
        let stuck = Stuck::default();
        let service = service(&cluster, protocol, &stuck);
        until(|| stuck.begun.load(Ordering::SeqCst) == PARTITIONS as usize).await;
        let other = member(&cluster, "other", protocol);
        other.subscribe(["events"]).unwrap();
        let polling = tokio::spawn(async move {
            loop {
                let _ = other.poll(Duration::from_millis(500)).await;
            }
        });
        // By then the service has heard of it, and drains.
        sleep(2 * HEARTBEAT).await;
        assert_eq!((stuck.left.load(Ordering::SeqCst), committed(&cluster)), (0, 0));
        cluster.inject(on(api).client("service").times(1).reply(ErrorCode::UNKNOWN_MEMBER_ID));
        let begun = Instant::now();
        until(|| stuck.left.load(Ordering::SeqCst) == PARTITIONS as usize).await;
        assert!(begun.elapsed() <= HEARTBEAT + Duration::from_secs(1), "{protocol:?}: {:?}", begun.elapsed());
        assert_eq!(committed(&cluster), 0, "{protocol:?}");
        let stats = service.stats.stats();
        assert_eq!(stats.abandoned, PARTITIONS as u64);
        assert!(!service.task.is_finished(), "the service goes on");
        polling.abort();
        service.stop.cancel();
        let _ = service.task.await.unwrap();
    }
}
