use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::TopicPartition;
use streaming_kafka::consumer::ConsumerRecord;
use streaming_kafka::dead_letter::DeadLetterQueue;
use streaming_kafka::handler::{EventConsumer, Failure, HandlerOptions};
use streaming_kafka::producer::{Producer, ProducerConfig};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{at_each_await_point, client, cluster, cut_off, member};
use crate::support::{in_memory_client, number, producer, send};

const RECORDS: u32 = 12;

type Done = Arc<Mutex<BTreeSet<u32>>>;

fn events(
    cluster: &EmbeddedCluster,
    group: &str,
    attempt: usize,
    stop: &CancellationToken,
) -> (EventConsumer, Producer) {
    let client = client(cluster, attempt);
    let mut config = ProducerConfig::default();
    config.compression_parallelism = 1;
    let producer = Producer::new(client.clone(), config).unwrap();
    let mut options = HandlerOptions::default();
    options.commit_interval = Duration::from_millis(300);
    options.max_outstanding = 4;
    let consumer = EventConsumer::new(member(&client, group)).options(options).shutdown(stop.clone());
    (consumer.dead_letters(DeadLetterQueue::new(producer.clone()).with_group(group)), producer)
}

/// Each third record fails for good; each takes a while.
async fn handle(done: Done, record: ConsumerRecord) -> Result<(), Failure> {
    sleep(Duration::from_millis(100)).await;
    let number = number(&record);
    if number.is_multiple_of(3) {
        return Err(Failure::poison("a third"));
    }
    done.lock().unwrap().insert(number);
    Ok(())
}

fn dead(cluster: &EmbeddedCluster, group: &str) -> BTreeSet<u32> {
    let letters = cluster.topic("events.dlq").into_iter().flat_map(|topic| topic.partitions);
    let of_group = letters.flat_map(|partition| partition.records).filter(|letter| {
        letter.headers.iter().any(|header| header.value.as_deref() == Some(group.as_bytes()))
    });
    of_group.map(|letter| std::str::from_utf8(&letter.value.unwrap()).unwrap().parse().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn consumption_dropped_anywhere_commits_nothing_unfinished_and_the_next_finishes_the_rest() {
    let cluster = cluster(&[("events", 1)]).await;
    let client = in_memory_client(&cluster, "filling");
    let filling = producer(&client);
    send(&filling, "events", 0..RECORDS).await;
    filling.close(Duration::from_secs(5)).await.unwrap();
    client.close();
    at_each_await_point("EventConsumer::run", async |polls| {
        let (group, done) = (format!("handling-{polls}"), Done::default());
        let finished =
            |number: u32| done.lock().unwrap().contains(&number) || dead(&cluster, &group).contains(&number);
        let committed = || {
            let group = cluster.group(&group);
            let offset =
                group.and_then(|group| group.offsets.get(&TopicPartition::new("events", 0)).copied());
            u32::try_from(offset.unwrap_or_default()).unwrap()
        };
        let mut ended = false;
        for dropped in [true, false] {
            let stop = CancellationToken::new();
            let (events, producer) = events(&cluster, &group, polls, &stop);
            let seen = Arc::clone(&done);
            let running = events.run(["events"], move |record| handle(Arc::clone(&seen), record));
            let all = async {
                while committed() < RECORDS {
                    sleep(Duration::from_millis(100)).await;
                }
                stop.cancel();
            };
            if dropped {
                ended = tokio::join!(cut_off(running, polls), async {
                    tokio::select! {
                        () = all => {}
                        () = sleep(Duration::from_secs(20)) => {}
                    }
                })
                .0
                .is_some();
                let unfinished = (0..committed()).find(|number| !finished(*number));
                assert_eq!(unfinished, None, "after {polls} polls");
            } else {
                let (ran, ()) = tokio::join!(running, all);
                ran.unwrap();
            }
            producer.close(Duration::from_secs(5)).await.unwrap();
            producer.client().close();
        }
        assert!((0..RECORDS).all(finished) && committed() == RECORDS);
        ended
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_dropped_is_written_or_not_and_may_be_sent_again() {
    let cluster = cluster(&[("events", 1)]).await;
    let record = {
        let client = in_memory_client(&cluster, "filling");
        let filling = producer(&client);
        send(&filling, "events", 0..1).await;
        filling.close(Duration::from_secs(5)).await.unwrap();
        let consumer = member(&client, "reading");
        consumer.subscribe(["events"]).unwrap();
        let record = crate::support::read(&consumer, 1).await.pop().unwrap();
        consumer.close(Duration::from_secs(5)).await.unwrap();
        client.close();
        record
    };
    at_each_await_point("DeadLetterQueue::send", async |polls| {
        let group = format!("letters-{polls}");
        let (_, producer) = events(&cluster, &group, polls, &CancellationToken::new());
        let letters = DeadLetterQueue::new(producer.clone()).with_group(group.as_str());
        let failure = Failure::poison("why");
        let ended = cut_off(letters.send(&record, &failure, 1), polls).await.is_some();
        letters.send(&record, &failure, 1).await.unwrap();
        assert_eq!(dead(&cluster, &group), BTreeSet::from([0]));
        let stats = producer.stats();
        assert_eq!((stats.buffer_available, stats.in_flight), (stats.buffer_total, 0));
        producer.close(Duration::from_secs(5)).await.unwrap();
        producer.client().close();
        ended
    })
    .await;
}
