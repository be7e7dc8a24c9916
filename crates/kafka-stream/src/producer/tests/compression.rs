//! Brokers that cannot take the compression.

use kafka_core::protocol::ErrorCode;
use kafka_core::records::Compression;

use crate::producer::ProduceErrorKind;
use crate::producer::testkit::{FakeCluster, Reply, record};

const ALL: [Compression; 5] =
    [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];

#[tokio::test(start_paused = true)]
async fn each_compression_reaches_the_broker() {
    let cluster = FakeCluster::new(1);
    for compression in ALL {
        let producer = cluster.producer(|config| config.compression_type = compression);
        let value = "compressible ".repeat(50);
        producer.send(record(0, &value)).await.unwrap().await.unwrap();
        let arrival = cluster.arrivals().pop().unwrap();
        assert_eq!((arrival.compression, arrival.values), (compression, vec![value]));
    }
}

#[tokio::test(start_paused = true)]
async fn zstd_is_not_sent_to_a_broker_older_than_it() {
    let cluster = FakeCluster::new(1);
    cluster.limit_produce_version(6);
    let producer = cluster.producer(|config| config.compression_type = Compression::Zstd);
    for _ in 0..2 {
        let error = producer.send(record(0, "v")).await.unwrap().await.unwrap_err();
        assert_eq!(error.kind(), ProduceErrorKind::Unsupported);
        assert!(!error.may_be_written() && !error.is_retriable() && !error.is_fatal());
        let message = error.to_string();
        assert!(message.contains("zstd") && message.contains("lz4") && message.contains("2.1"), "{message}");
    }
    assert!(cluster.arrivals().is_empty());
    let lz4 = cluster.producer(|config| config.compression_type = Compression::Lz4);
    assert_eq!(lz4.send(record(0, "v")).await.unwrap().await.unwrap().offset, Some(0));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_refuses_the_compression_fails_its_records_with_what_to_do() {
    let cluster = FakeCluster::new(2);
    let producer = cluster.producer(|config| config.compression_type = Compression::Zstd);
    cluster.script(|arrival| match arrival.partition {
        0 => Reply::Refuse(ErrorCode::UNSUPPORTED_COMPRESSION_TYPE),
        _ => Reply::Normal,
    });
    let (refused, taken) =
        (producer.send(record(0, "v")).await.unwrap(), producer.send(record(1, "v")).await.unwrap());
    let error = refused.await.unwrap_err();
    assert_eq!((error.kind(), error.partition()), (ProduceErrorKind::Unsupported, Some(0)));
    let message = error.to_string();
    assert!(message.contains("`compression_type` zstd") && message.contains("gzip"), "{message}");
    assert_eq!(taken.await.unwrap().offset, Some(0));
}
