use std::collections::BTreeSet;
use std::time::Duration;

use kafka_core::records::Compression;
use streaming_kafka::producer::{Producer, ProducerConfig};

use crate::support::{client, cluster, consumer, number, producer, read, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_produced_to_three_brokers_is_consumed_once_and_in_order() {
    let cluster = cluster(3, &[("numbers", 6)]).await;
    let client = client(&cluster);
    send(&producer(&client), "numbers", 0..5000).await;
    let consumer = consumer(&client, None);
    consumer.assign(consumer.partitions_for("numbers").await.unwrap()).unwrap();
    let records = read(&consumer, 5000).await;
    assert_eq!(records.iter().map(number).collect::<BTreeSet<_>>(), (0..5000).collect());
    for partition in 0..6 {
        let of_partition = || records.iter().filter(move |record| record.partition == partition);
        assert!(of_partition().is_sorted_by_key(number));
        assert!(of_partition().map(|record| record.offset).eq(0..of_partition().count() as i64));
    }
    assert!(consumer.poll(Duration::from_millis(50)).await.unwrap().is_empty());
    let ends: i64 = cluster.topic("numbers").unwrap().partitions.iter().map(|one| one.end_offset).sum();
    assert_eq!(ends, 5000);
}

#[tokio::test]
async fn every_compression_is_kept_as_it_came() {
    let all =
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    for compression in all {
        let cluster = cluster(1, &[("compressed", 1)]).await;
        let client = client(&cluster);
        let mut config = ProducerConfig::default();
        config.compression_type = compression;
        let producer = Producer::new(client.clone(), config).unwrap();
        send(&producer, "compressed", 0..500).await;
        let consumer = consumer(&client, None);
        consumer.assign(consumer.partitions_for("compressed").await.unwrap()).unwrap();
        let records = read(&consumer, 500).await;
        assert!(records.iter().map(number).eq(0..500), "{compression:?}");
        let seen: Vec<u32> = cluster.topic("compressed").unwrap().partitions[0]
            .records
            .iter()
            .map(|record| std::str::from_utf8(record.value.as_deref().unwrap()).unwrap().parse().unwrap())
            .collect();
        assert!(seen.into_iter().eq(0..500));
    }
}

#[tokio::test]
async fn a_waiting_fetch_hears_of_new_records_at_once() {
    let cluster = cluster(1, &[("live", 1)]).await;
    let client = client(&cluster);
    let (producer, consumer) = (producer(&client), consumer(&client, None));
    send(&producer, "live", 0..1).await;
    consumer.assign(consumer.partitions_for("live").await.unwrap()).unwrap();
    assert_eq!(read(&consumer, 1).await.len(), 1);
    for number in 1..50 {
        send(&producer, "live", number..number + 1).await;
        assert_eq!(read(&consumer, 1).await.len(), 1);
    }
}
