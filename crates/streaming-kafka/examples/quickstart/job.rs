use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use streaming_kafka::consumer::ConsumerRecord;
use streaming_kafka::handler::{HandlerStats, json};
use streaming_kafka::{ConsumeOptions, Error, KafkaConfig, KafkaManager, KafkaTopicManager, TopicConfigs};
use tokio::task::JoinHandle;

use crate::args::Args;
use crate::event::{Event, Poison, Run};
use crate::offsets;
use crate::report::{Report, rate, seconds};
use crate::tally::Tally;

/// How many events may wait for their acknowledgement here.
const IN_FLIGHT: usize = 10_000;

pub(crate) async fn run(args: &Args, config: &KafkaConfig) -> Result<Report, Error> {
    let run = Arc::new(Run::new(args.events));
    let topic = config.topics.events.clone();
    let dead_letter_topic = config.dead_letter_topic(&topic);
    create_topics(args, config, &dead_letter_topic).await?;

    let observer = offsets::observer(config, &run.group())?;
    let begin = offsets::ends(&observer, &topic).await?;
    let dead_begin = offsets::ends(&observer, &dead_letter_topic).await?;
    offsets::begin_at(&observer, &begin).await?;

    let started = Instant::now();
    let manager = KafkaManager::new(config)?.with_key_field("event_id");
    let handled = Arc::new(Tally::new(args.events));
    let consumption = consume(&manager, &topic, &run, &handled);
    let bars = Bars::new(args.events);
    let produced = produce(&manager, &topic, &run, &bars.produced).await?;
    let produce_time = started.elapsed();
    wait_until_done(&manager, consumption, &run, &handled, &bars.handled, args.patience()).await?;
    let handle_time = started.elapsed();
    manager.close(Duration::from_secs(30)).await?;

    let committed = offsets::committed_since(&observer, &begin).await?;
    let dead = Tally::new(args.events);
    offsets::read_from(&observer, &dead_letter_topic, &dead_begin, args.patience(), |value| {
        let poison: Option<Poison> = serde_json::from_slice(value).ok();
        if let Some(number) = poison.and_then(|poison| run.number(&poison.event_id)) {
            dead.see(number);
        }
    })
    .await?;
    observer.close(Duration::from_secs(10)).await?;
    bars.finish();

    let (handled_missing, handled_again) = handled.faults(|number| !Run::is_poison(number));
    let (dead_missing, dead_again) = dead.faults(Run::is_poison);
    let all = u64::from(args.events);
    Ok(Report {
        produced,
        handled: handled.distinct(),
        dead_lettered: dead.distinct(),
        committed,
        missing: handled_missing + dead_missing + all.saturating_sub(committed) + (all - produced),
        repeated: handled_again + dead_again,
        seconds: seconds(started.elapsed()),
        produced_per_second: rate(produced, produce_time),
        handled_per_second: rate(handled.distinct(), handle_time),
        topic,
        dead_letter_topic,
        group: run.group(),
    })
}

/// As many replicas as there are brokers, three at most; with three, two must have a record before it is acknowledged.
async fn create_topics(args: &Args, config: &KafkaConfig, dead_letter_topic: &str) -> Result<(), Error> {
    let topics = KafkaTopicManager::new(config)?;
    let metadata = topics.admin().client().ready().await?;
    let replicas = i16::try_from(metadata.brokers.len().clamp(1, 3)).unwrap_or(1);
    let configs = TopicConfigs::new()
        .set("cleanup.policy", "delete")
        .retention(Duration::from_secs(7 * 24 * 3600))
        .set("min.insync.replicas", if replicas == 3 { 2 } else { 1 });
    for outcome in topics.create_default_topics(args.partitions, replicas, configs.clone()).await {
        eprintln!("topic {}: {:?}", outcome.topic, outcome.result?);
    }
    let dead = topics.create_topic(dead_letter_topic, args.partitions, replicas, configs).await?;
    eprintln!("topic {dead_letter_topic}: {dead:?}");
    Ok(())
}

fn consume(
    manager: &KafkaManager,
    topic: &str,
    run: &Arc<Run>,
    handled: &Arc<Tally>,
) -> JoinHandle<Result<HandlerStats, Error>> {
    let (manager, topic, group) = (manager.clone(), topic.to_owned(), run.group());
    let (run, handled) = (Arc::clone(run), Arc::clone(handled));
    tokio::spawn(async move {
        let handler = json(move |event: Event, _record: ConsumerRecord| {
            if let Some(number) = run.number(&event.event_id) {
                handled.see(number);
            }
            std::future::ready(Ok::<_, std::io::Error>(()))
        });
        manager.consume_events_with(&topic, ConsumeOptions::in_group(group), handler).await
    })
}

/// Sends all events in order, and awaits each acknowledgement. Returns how many there were.
async fn produce(manager: &KafkaManager, topic: &str, run: &Run, bar: &ProgressBar) -> Result<u64, Error> {
    let mut waiting = std::collections::VecDeque::with_capacity(IN_FLIGHT);
    for number in 1..=run.events {
        let delivery = if Run::is_poison(number) {
            manager.send_event(topic, &run.poison_event(number)).await?
        } else {
            manager.send_event(topic, &run.event(number)).await?
        };
        waiting.push_back(delivery);
        if waiting.len() == IN_FLIGHT
            && let Some(first) = waiting.pop_front()
        {
            first.await?;
            bar.inc(1);
        }
    }
    for delivery in waiting {
        delivery.await?;
        bar.inc(1);
    }
    Ok(u64::from(run.events))
}

/// Waits until every event was handled or dead-lettered, or nothing happens any more; then ends consumption.
async fn wait_until_done(
    manager: &KafkaManager,
    mut consumption: JoinHandle<Result<HandlerStats, Error>>,
    run: &Run,
    handled: &Tally,
    bar: &ProgressBar,
    patience: Duration,
) -> Result<(), Error> {
    let wanted = u64::from(run.events);
    let (mut before, mut progress) = (0, Instant::now());
    while !consumption.is_finished() {
        let dead: u64 = manager.consumer_stats().iter().map(|stats| stats.handler.dead_lettered).sum();
        let done = handled.distinct() + dead.min(u64::from(run.poison()));
        bar.set_position(done);
        if done != before {
            (before, progress) = (done, Instant::now());
        }
        if done >= wanted || progress.elapsed() > patience {
            break;
        }
        let _ = tokio::time::timeout(Duration::from_millis(20), &mut consumption).await.is_ok_and(|ended| {
            if let Ok(Err(error)) = ended {
                eprintln!("error: {error}");
            }
            true
        });
        if consumption.is_finished() {
            return Ok(());
        }
    }
    manager.stop_consuming();
    match consumption.await {
        Ok(result) => result.map(drop),
        Err(error) => {
            eprintln!("error: {error}");
            Ok(())
        }
    }
}

struct Bars {
    produced: ProgressBar,
    handled: ProgressBar,
}

impl Bars {
    fn new(events: u32) -> Self {
        let all = MultiProgress::new();
        let bar = |name: &'static str| {
            let style = ProgressStyle::with_template("{prefix:>9} {bar:40} {pos}/{len} {per_sec}");
            let bar = ProgressBar::new(events.into()).with_prefix(name);
            all.add(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
        };
        Self { produced: bar("produced"), handled: bar("handled") }
    }

    fn finish(&self) {
        self.produced.finish();
        self.handled.finish();
    }
}
