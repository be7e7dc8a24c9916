use std::time::Duration;

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::producer::{Producer, ProducerConfig, ProducerRecord};
use tokio::time::sleep;

use super::{at_each_await_point, client, cluster, cut_off};

const TIME: Duration = Duration::from_secs(30);

fn producer(
    cluster: &EmbeddedCluster,
    attempt: usize,
    configure: impl FnOnce(&mut ProducerConfig),
) -> Producer {
    let mut config = ProducerConfig::default();
    config.compression_parallelism = 1;
    configure(&mut config);
    Producer::new(client(cluster, attempt), config).unwrap()
}

/// Ends a producer that has to be idle by now: all memory is back, once.
async fn end(producer: Producer) {
    let stats = producer.stats();
    assert_eq!((stats.buffer_available, stats.in_flight), (stats.buffer_total, 0));
    producer.close(TIME).await.unwrap();
    producer.client().close();
}

fn log(cluster: &EmbeddedCluster) -> Vec<String> {
    let records =
        cluster.topic("events").unwrap().partitions.into_iter().flat_map(|partition| partition.records);
    records.map(|record| String::from_utf8(record.value.unwrap().to_vec()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_send_is_written_if_it_returned_and_else_not_at_all() {
    let cluster = cluster(&[("events", 1)]).await;
    let mut expected = Vec::new();
    at_each_await_point("send", async |polls| {
        let producer = producer(&cluster, polls, |_| {});
        let value = polls.to_string();
        let sent = cut_off(producer.send(ProducerRecord::to("events").value(&value)), polls).await;
        let ended = sent.is_some();
        if let Some(delivery) = sent {
            expected.push(value);
            delivery.unwrap().await.unwrap();
        }
        end(producer).await;
        ended
    })
    .await;
    assert_eq!(log(&cluster), expected);
}

#[tokio::test(start_paused = true)]
async fn a_send_that_waits_for_memory_leaves_none_taken() {
    let cluster = cluster(&[("events", 1)]).await;
    let mut expected = 0;
    at_each_await_point("send without memory", async |polls| {
        let producer = producer(&cluster, polls, |config| {
            config.batch_size = 1_000;
            config.buffer_memory = 2_000;
            config.linger = Duration::from_millis(50);
        });
        let value = "v".repeat(700);
        let record = || ProducerRecord::to("events").value(&value);
        let held = [producer.send(record()).await.unwrap(), producer.send(record()).await.unwrap()];
        let sent = cut_off(producer.send(record()), polls).await;
        let ended = sent.is_some();
        for delivery in held.into_iter().chain(sent.transpose().unwrap()) {
            delivery.await.unwrap();
            expected += 1;
        }
        // Nobody stands in line for memory any more.
        producer.send(record()).await.unwrap().await.unwrap();
        expected += 1;
        end(producer).await;
        ended
    })
    .await;
    assert_eq!(log(&cluster).len(), expected);
}

#[tokio::test(start_paused = true)]
async fn deliveries_and_flushes_that_are_dropped_change_nothing() {
    let cluster = cluster(&[("events", 1)]).await;
    let mut expected = Vec::new();
    for what in ["delivery", "flush"] {
        at_each_await_point(what, async |polls| {
            let producer = producer(&cluster, polls, |_| {});
            let value = format!("{what} {polls}");
            let delivery = producer.send(ProducerRecord::to("events").value(&value)).await.unwrap();
            expected.push(value);
            let ended = if what == "flush" {
                let ended = cut_off(producer.flush(), polls).await.is_some();
                delivery.await.unwrap();
                ended
            } else {
                cut_off(delivery, polls).await.is_some()
            };
            producer.flush().await.unwrap();
            end(producer).await;
            ended
        })
        .await;
    }
    assert_eq!(log(&cluster), expected);
}

#[tokio::test(start_paused = true)]
async fn a_close_once_begun_closes_and_what_was_accepted_is_written() {
    let cluster = cluster(&[("events", 1)]).await;
    let mut expected = Vec::new();
    at_each_await_point("close", async |polls| {
        let producer = producer(&cluster, polls, |_| {});
        let value = polls.to_string();
        let delivery = producer.send(ProducerRecord::to("events").value(&value)).await.unwrap();
        expected.push(value);
        let closed = cut_off(producer.close(TIME), polls).await;
        delivery.await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let refused = producer.send(ProducerRecord::to("events").value("late")).await;
        assert_eq!(refused.is_err(), polls > 0, "after {polls} polls");
        if let Ok(delivery) = refused {
            expected.push("late".to_owned());
            delivery.await.unwrap();
        }
        producer.close(TIME).await.unwrap();
        producer.client().close();
        closed.is_some()
    })
    .await;
    assert_eq!(log(&cluster), expected);
}

#[tokio::test(start_paused = true)]
async fn asking_for_partitions_may_be_repeated() {
    let cluster = cluster(&[("events", 3)]).await;
    at_each_await_point("partitions_for", async |polls| {
        let producer = producer(&cluster, polls, |_| {});
        let ended = cut_off(producer.partitions_for("events"), polls).await.is_some();
        assert_eq!(producer.partitions_for("events").await.unwrap().len(), 3);
        end(producer).await;
        ended
    })
    .await;
}
