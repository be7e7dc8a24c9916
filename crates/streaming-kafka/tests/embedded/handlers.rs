use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use streaming_kafka::consumer::ConsumerRecord;
use streaming_kafka::dead_letter::{DeadLetterQueue, Provenance};
use streaming_kafka::handler::{EventConsumer, Failure, HandlerOptions, StatsReader, json};
use streaming_kafka::producer::ProducerRecord;
use tokio_util::sync::CancellationToken;

use crate::support::{client, cluster, consumer, in_memory_client, producer, read};

/// How many tasks the runtime has once all that was told to end has ended.
async fn tasks() -> usize {
    tokio::time::sleep(Duration::from_secs(300)).await;
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_ended_or_was_dropped_leaves_no_task_and_no_connection() {
    let cluster =
        kafka_embedded::EmbeddedCluster::builder().topic("orders", 1).in_memory().start().await.unwrap();
    let before = tasks().await;
    for orderly in [true, false] {
        let client = in_memory_client(&cluster, "handler");
        let dead_letters = DeadLetterQueue::new(producer(&client));
        let stop = CancellationToken::new();
        let service = EventConsumer::new(consumer(&client, Some("service")))
            .dead_letters(dead_letters)
            .shutdown(stop.clone())
            .run(["orders"], async |_: ConsumerRecord| Ok::<_, Failure>(()));
        drop(client);
        let stopped = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            stop.cancel();
        };
        if orderly {
            tokio::join!(service, stopped).0.unwrap();
        } else {
            tokio::time::timeout(Duration::from_secs(10), service).await.unwrap_err();
        }
        assert_eq!(tasks().await, before, "orderly: {orderly}");
    }
}

/// What a user's own service test looks like: it produces, handles, and sets poison aside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_handles_its_events_and_sets_poison_aside() {
    let cluster = cluster(1, &[("orders", 1)]).await;
    let client = client(&cluster);
    let producer = producer(&client);
    for number in 0..200 {
        let value = if number % 50 == 7 { "no JSON".to_owned() } else { number.to_string() };
        drop(producer.send(ProducerRecord::to("orders").key("key").value(&value)).await.unwrap());
    }
    producer.flush().await.unwrap();

    let (stop, stats, handled) =
        (CancellationToken::new(), StatsReader::default(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&handled);
    let handler = json(move |_order: i64, _record| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Failure>(()) }
    });
    let mut options = HandlerOptions::default();
    options.commit_interval = Duration::from_millis(100);
    let service = EventConsumer::new(consumer(&client, Some("service")))
        .options(options)
        .dead_letters(DeadLetterQueue::new(producer).with_group("service"))
        .shutdown(stop.clone())
        .stats(stats.clone());
    let watch = tokio::spawn(async move {
        while stats.stats().handled + stats.stats().dead_lettered < 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
    });
    let done = service.run(["orders"], handler).await.unwrap();
    watch.await.unwrap();
    assert_eq!((done.handled, done.dead_lettered, handled.load(Ordering::Relaxed)), (196, 4, 196));

    let letters = consumer(&client, None);
    letters.assign(letters.partitions_for("orders.dlq").await.unwrap()).unwrap();
    for letter in read(&letters, 4).await {
        assert_eq!(Provenance::of(&letter).unwrap().topic, "orders");
    }
    assert_eq!(cluster.group("service").unwrap().offsets.values().sum::<i64>(), 200);
}
