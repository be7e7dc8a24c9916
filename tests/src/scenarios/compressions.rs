//! Keys, values, headers and nulls in each compression.

use std::time::Duration;

use kafka_admin::NewTopic;
use kafka_core::records::Compression;
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord, Timestamp};

use crate::{Cluster, ReadBack, create, read_back, unique};

/// Writes keys, values, headers and nulls in each compression; all is there byte for byte.
pub async fn every_compression_is_read_back(cluster: &Cluster) {
    let client = cluster.client();
    // Not longer ago than the topic keeps its records.
    let first = Timestamp::now().0 - 60_000;
    for compression in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let topic = unique("compressed");
        create(&client, &NewTopic::new(&topic).partitions(1)).await;
        let mut config = ProducerConfig::default();
        config.compression_type = compression;
        let producer = Producer::new(client.clone(), config).unwrap();
        let (mut expected, mut deliveries) = (Vec::new(), Vec::new());
        for index in 0..300_u16 {
            let timestamp = first + i64::from(index);
            let (key, value) =
                (format!("key-{index}"), format!("välue-{index}-").repeat(usize::from(index) % 40 + 1));
            let record = ProducerRecord::to(topic.as_str()).timestamp(timestamp);
            let whole = ReadBack {
                partition: 0,
                timestamp,
                headers: Vec::new(),
                key: Some(key.clone()),
                value: Some(value.clone()),
            };
            let (record, read) = match index % 4 {
                0 => (record.key(&key).value(&value), whole),
                1 => (record.value(&value), ReadBack { key: None, ..whole }),
                2 => (record.key(&key).null_value(), ReadBack { value: None, ..whole }),
                _ => {
                    let headers = vec![("a".to_owned(), Some(key.clone())), ("b".to_owned(), None)];
                    let record = record.key(&key).value(&value).header("a", &key).null_header("b");
                    (record, ReadBack { headers, ..whole })
                }
            };
            deliveries.push(producer.send(record).await.unwrap());
            expected.push(read);
        }
        producer.flush().await.unwrap();
        for (offset, delivery) in (0..).zip(deliveries) {
            let metadata = delivery.await.unwrap();
            assert_eq!((metadata.partition, metadata.offset), (0, Some(offset)), "{compression}");
        }
        let read = read_back(cluster, &topic, 300).await;
        assert_eq!(read, expected, "{compression}");
        producer.close(Duration::from_secs(10)).await.unwrap();
    }
}
