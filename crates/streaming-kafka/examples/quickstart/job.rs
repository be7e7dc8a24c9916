use std::sync::Arc;
use std::time::{Duration, Instant};

use streaming_kafka::consumer::ConsumerRecord;
use streaming_kafka::handler::{HandlerStats, json};
use streaming_kafka::{ConsumeOptions, Error, KafkaConfig, KafkaManager, KafkaTopicManager, TopicConfigs};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::args::Args;
use crate::event::{Event, Poison, Run};
use crate::offsets;
use crate::progress::{Bar, Bars};
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

    let manager = KafkaManager::new(config)?.with_key_field("event_id");
    let handled = Arc::new(Tally::new(args.events));
    let mut members = JoinSet::new();
    for _ in 0..args.members {
        consume(&mut members, &manager, &topic, &run, &handled);
    }
    wait_until_assigned(&manager, begin.len(), args).await;
    let bars = Bars::new(args.events);
    let started = Instant::now();
    let produced = produce(&manager, &topic, &run, args.rate, |produced| {
        bars.produced.at(produced);
        bars.handled.at(handled.distinct());
    })
    .await?;
    let produce_time = started.elapsed();
    let handled_by_member =
        wait_until_done(&manager, members, &run, &handled, &bars.handled, args.patience()).await?;
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
        handled_by_member,
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

/// Lets one more member join the group.
fn consume(
    members: &mut JoinSet<Result<HandlerStats, Error>>,
    manager: &KafkaManager,
    topic: &str,
    run: &Arc<Run>,
    handled: &Arc<Tally>,
) {
    let (manager, topic, group) = (manager.clone(), topic.to_owned(), run.group());
    let (run, handled) = (Arc::clone(run), Arc::clone(handled));
    members.spawn(async move {
        let handler = json(move |event: Event, _record: ConsumerRecord| {
            if let Some(number) = run.number(&event.event_id) {
                handled.see(number);
            }
            std::future::ready(Ok::<_, std::io::Error>(()))
        });
        manager.consume_events_with(&topic, ConsumeOptions::in_group(group), handler).await
    });
}

/// Waits until the members share all partitions, or do not get to it: then what is counted will tell.
async fn wait_until_assigned(manager: &KafkaManager, partitions: usize, args: &Args) {
    let begin = Instant::now();
    let busy = partitions.min(usize::from(args.members));
    while begin.elapsed() < args.patience() {
        let members = manager.consumer_stats();
        let assigned = || members.iter().map(|member| member.consumer.partitions);
        if assigned().sum::<usize>() == partitions && assigned().filter(|n| *n > 0).count() == busy {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Sends all events in order, and awaits each acknowledgement. Returns how many there were.
async fn produce(
    manager: &KafkaManager,
    topic: &str,
    run: &Run,
    rate: Option<u32>,
    progress: impl Fn(u64),
) -> Result<u64, Error> {
    let (sent, mut waiting) = mpsc::channel(IN_FLIGHT);
    let begin = tokio::time::Instant::now();
    let send = async move {
        for number in 1..=run.events {
            if let Some(rate) = rate {
                let due = begin + Duration::from_secs_f64(f64::from(number) / f64::from(rate));
                tokio::time::sleep_until(due).await;
            }
            let delivery = if Run::is_poison(number) {
                manager.send_event(topic, &run.poison_event(number)).await?
            } else {
                manager.send_event(topic, &run.event(number)).await?
            };
            // Fails only when an acknowledgement has, and then that is the error.
            let _closed = sent.send(delivery).await;
        }
        Ok(())
    };
    let acknowledge = async {
        let mut acknowledged = 0;
        while let Some(delivery) = waiting.recv().await {
            delivery.await?;
            acknowledged += 1;
            progress(acknowledged);
        }
        Ok(acknowledged)
    };
    tokio::try_join!(send, acknowledge).map(|((), acknowledged)| acknowledged)
}

/// Waits until every event was handled or dead-lettered, or nothing happens any more; then ends consumption. Returns
/// how many events each member handled.
async fn wait_until_done(
    manager: &KafkaManager,
    mut members: JoinSet<Result<HandlerStats, Error>>,
    run: &Run,
    handled: &Tally,
    bar: &Bar,
    patience: Duration,
) -> Result<Vec<u64>, Error> {
    let wanted = u64::from(run.events);
    let (mut before, mut progress) = (0, Instant::now());
    let mut ended = Vec::new();
    loop {
        let dead: u64 = manager.consumer_stats().iter().map(|stats| stats.handler.dead_lettered).sum();
        let done = handled.distinct() + dead.min(u64::from(run.poison()));
        bar.at(done);
        if done != before {
            (before, progress) = (done, Instant::now());
        }
        if done >= wanted || progress.elapsed() > patience {
            break;
        }
        // A member ends by itself only when it cannot go on.
        match tokio::time::timeout(Duration::from_millis(20), members.join_next()).await {
            Ok(Some(member)) => ended.push(member),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    manager.stop_consuming();
    while let Some(member) = members.join_next().await {
        ended.push(member);
    }
    let mut counts = Vec::new();
    for member in ended {
        match member {
            Ok(stats) => counts.push(stats?.handled),
            Err(error) => eprintln!("error: {error}"),
        }
    }
    Ok(counts)
}
