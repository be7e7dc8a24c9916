//! Members of a group, which write down what they handle before they commit it.

use std::{
    io::Read,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use clap::ValueEnum;
use kafka_core::TopicPartition;
use kafka_stream::{
    consumer::{
        AssignmentStrategy, AutoOffsetReset, Consumer, ConsumerConfig, ConsumerError, ConsumerHandle,
        ConsumerRecord, GroupProtocol, ListenerFuture, RebalanceListener,
    },
    dead_letter::DeadLetterQueue,
    handler::{EventConsumer, Failure, HandlerOptions},
    producer::{Producer, ProducerConfig},
};
use kafka_tests::chain::{LIFE, parse};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    connect::Way,
    journal::{Journal, What},
};

/// How long handlers may go on when their partition goes away.
const DRAINING: Duration = Duration::from_secs(10);

/// How long leaving may take: brokers may be away just then.
const LEAVING: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    way: Way,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    group: String,
    /// Where to write down what was handled
    #[arg(long)]
    journal: PathBuf,
    /// What the member is called in there; with --count, the first part of it
    #[arg(long)]
    name: String,
    /// How many members
    #[arg(long, default_value_t = 1)]
    count: u32,
    #[arg(long, value_enum, default_value_t = By::Poll)]
    by: By,
    #[arg(long, value_enum, default_value_t = Protocol::Classic)]
    protocol: Protocol,
    #[arg(long, value_enum, value_delimiter = ',')]
    strategies: Vec<Strategy>,
    #[arg(long)]
    instance_id: Option<String>,
    #[arg(long, default_value_t = 10_000)]
    session_timeout_ms: u64,
    #[arg(long, default_value_t = 300_000)]
    max_poll_interval_ms: u64,
    /// Handlers fail for good at records whose number this divides, and the dead letter topic gets them
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    dead_letter_every: Option<u64>,
    /// How often is committed what was handled
    #[arg(long, default_value_t = 500)]
    commit_ms: u64,
    /// For so long is each record handled by the runtime for handlers
    #[arg(long)]
    each_ms: Option<u64>,
    /// For so long is one batch handled every ten seconds, or one record by the runtime for handlers
    #[arg(long)]
    slow_ms: Option<u64>,
}

/// How records are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// By polling, with a listener for rebalances and commits by hand
    Poll,
    /// By the runtime for handlers
    Handler,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    Classic,
    Consumer,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Strategy {
    Range,
    RoundRobin,
    Sticky,
    CooperativeSticky,
}

impl Arguments {
    fn config(&self) -> ConsumerConfig {
        let mut config = ConsumerConfig::default();
        config.group_id = Some(self.group.clone());
        config.group_instance_id.clone_from(&self.instance_id);
        config.group_protocol = match self.protocol {
            Protocol::Classic => GroupProtocol::Classic,
            Protocol::Consumer => GroupProtocol::Consumer,
        };
        if !self.strategies.is_empty() {
            let strategy = |strategy: &Strategy| match strategy {
                Strategy::Range => AssignmentStrategy::Range,
                Strategy::RoundRobin => AssignmentStrategy::RoundRobin,
                Strategy::Sticky => AssignmentStrategy::Sticky,
                Strategy::CooperativeSticky => AssignmentStrategy::CooperativeSticky,
            };
            config.partition_assignment_strategy = self.strategies.iter().map(strategy).collect();
        }
        config.auto_offset_reset = AutoOffsetReset::Earliest;
        config.fetch_min_bytes = 1;
        config.session_timeout = Duration::from_millis(self.session_timeout_ms);
        config.heartbeat_interval = config.session_timeout / 5;
        config.max_poll_interval = Duration::from_millis(self.max_poll_interval_ms);
        config.request_timeout = self.way.request_timeout().unwrap_or(config.request_timeout);
        config
    }

    fn dead_letters(&self) -> DeadLetterQueue {
        let producer = Producer::new(self.way.client(), ProducerConfig::default()).expect("a producer");
        DeadLetterQueue::new(producer).with_group(self.group.as_str())
    }
}

/// Handles records until standard input ends, then leaves the group.
pub(crate) async fn run(arguments: Arguments) {
    let arguments: &'static Arguments = Box::leak(Box::new(arguments));
    let stop = CancellationToken::new();
    let journal = Journal::create(&arguments.journal);
    let mut members = JoinSet::new();
    for index in 0..arguments.count {
        let name =
            if arguments.count == 1 { arguments.name.clone() } else { format!("{}.{index}", arguments.name) };
        let (journal, stop) = (journal.clone(), stop.clone());
        let consumer = Consumer::new(arguments.way.client(), arguments.config()).expect("a consumer");
        members.spawn(async move {
            let member = Member {
                name,
                journal,
                slow: arguments.slow_ms.map(Duration::from_millis),
                each: arguments.each_ms.map(Duration::from_millis),
                commit_interval: Duration::from_millis(arguments.commit_ms),
                bad: arguments.dead_letter_every,
            };
            match arguments.by {
                By::Poll => member.poll(consumer, &arguments.topic, &stop).await,
                By::Handler => {
                    // Others wait for a member that drains no longer than for one that does not poll.
                    let drain = Duration::from_millis(arguments.max_poll_interval_ms / 2).min(DRAINING);
                    let consuming = EventConsumer::new(consumer).shutdown(stop);
                    let consuming = match arguments.dead_letter_every {
                        Some(_) => consuming.dead_letters(arguments.dead_letters()),
                        None => consuming,
                    };
                    member.handle(consuming, &arguments.topic, drain).await;
                }
            }
        });
    }
    eprintln!("ready");
    std::thread::spawn(move || {
        let _end = std::io::stdin().read_to_end(&mut Vec::new());
        stop.cancel();
    });
    while let Some(ended) = members.join_next().await {
        ended.expect("a member");
    }
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    journal: Journal,
    slow: Option<Duration>,
    each: Option<Duration>,
    commit_interval: Duration,
    /// What divides the number of a bad record.
    bad: Option<u64>,
}

impl Member {
    fn error(&self, doing: &str, error: &ConsumerError) {
        eprintln!("{}: {doing}: {error}", self.name);
        self.journal.note(&self.name, [What::Error(format!("{doing} {:?} {error}", error.kind()))]);
    }

    async fn poll(self, consumer: Consumer, topic: &str, stop: &CancellationToken) {
        consumer.subscribe_with([topic], self.clone()).expect("subscribe");
        let begin = Instant::now();
        let (mut committed, mut slow_since) = (Instant::now(), u64::MAX);
        while !stop.is_cancelled() {
            match consumer.poll(Duration::from_millis(200)).await {
                Ok(records) => {
                    if records.is_empty() {
                        continue;
                    }
                    let handled = records.iter().map(|record| handled(record.partition(), record.value()));
                    self.journal.note(&self.name, handled);
                    let tenth = begin.elapsed().as_secs() / 10;
                    if let Some(slow) = self.slow.filter(|_| tenth != slow_since) {
                        slow_since = tenth;
                        tokio::time::sleep(slow).await;
                    }
                    if committed.elapsed() >= self.commit_interval {
                        committed = Instant::now();
                        self.commit(&consumer.handle()).await;
                    }
                }
                Err(error) => {
                    self.error("poll", &error);
                    if error.is_fatal() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        if let Err(error) = consumer.close(LEAVING).await {
            self.error("close", &error);
        }
        self.journal.note(&self.name, [What::End]);
    }

    async fn commit(&self, consumer: &ConsumerHandle) {
        if let Err(error) = consumer.commit_sync().await {
            self.error("commit", &error);
        }
    }

    async fn handle(self, consuming: EventConsumer, topic: &str, drain_timeout: Duration) {
        let mut options = HandlerOptions::default();
        options.commit_interval = self.commit_interval;
        options.drain_timeout = drain_timeout;
        let member = self.clone();
        let begin = Instant::now();
        let slow_since = Arc::new(AtomicU64::new(u64::MAX));
        let handler = move |record: ConsumerRecord| {
            let (member, slow_since) = (member.clone(), Arc::clone(&slow_since));
            async move {
                let entry = handled(record.partition, record.value.as_deref());
                let tenth = begin.elapsed().as_secs() / 10;
                if let Some(slow) = member.slow
                    && slow_since.swap(tenth, Ordering::Relaxed) != tenth
                {
                    tokio::time::sleep(slow).await;
                }
                if let Some(each) = member.each {
                    tokio::time::sleep(each).await;
                }
                if let (What::Handled(_, number), Some(bad)) = (&entry, member.bad)
                    && number.is_multiple_of(bad)
                {
                    return Err(Failure::poison("its number says so"));
                }
                member.journal.note(&member.name, [entry]);
                Ok(())
            }
        };
        if let Err(error) = consuming.options(options).run([topic], handler).await {
            eprintln!("{}: {error}", self.name);
            self.journal.note(&self.name, [What::Error(format!("run {error}"))]);
        }
        self.journal.note(&self.name, [What::End]);
    }
}

fn handled(partition: i32, value: Option<&[u8]>) -> What {
    match std::str::from_utf8(value.unwrap_or_default()).ok().and_then(parse) {
        Some((named, number)) if named % LIFE == partition => What::Handled(named, number),
        _ => What::Error(format!("damaged: a record of partition {partition}")),
    }
}

impl RebalanceListener for Member {
    fn on_partitions_revoked<'a>(
        &'a self,
        consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        Box::pin(async move {
            self.commit(consumer).await;
            self.journal.note(&self.name, partitions.iter().map(|tp| What::Revoked(tp.partition)));
        })
    }

    fn on_partitions_assigned<'a>(
        &'a self,
        _consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        self.journal.note(&self.name, partitions.iter().map(|tp| What::Assigned(tp.partition)));
        Box::pin(std::future::ready(()))
    }

    fn on_partitions_lost<'a>(
        &'a self,
        _consumer: &'a ConsumerHandle,
        partitions: &'a [TopicPartition],
    ) -> ListenerFuture<'a> {
        self.journal.note(&self.name, partitions.iter().map(|tp| What::Lost(tp.partition)));
        Box::pin(std::future::ready(()))
    }
}
