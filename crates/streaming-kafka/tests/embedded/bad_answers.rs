//! Answers that cannot be: the connection ends, and nothing is lost or repeated.

use std::time::Duration;

use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_embedded::{EmbeddedCluster, Fault, on};
use streaming_kafka::producer::ProducerRecord;

use crate::support::{consumer, in_memory_client, number, producer, read, send};

const APIS: [ApiKey; 6] = [
    ApiKey::ApiVersions,
    ApiKey::Metadata,
    ApiKey::InitProducerId,
    ApiKey::Produce,
    ApiKey::ListOffsets,
    ApiKey::Fetch,
];
const LENGTH: usize = 0;
const CORRELATION_ID: usize = 4;
const BODY: usize = 8;

async fn start() -> EmbeddedCluster {
    EmbeddedCluster::builder().topic("t", 1).in_memory().start().await.unwrap()
}

/// Writes and reads 50 numbers while the brokers answer like this; nothing may be missing, repeated or out of order.
async fn survives(fault: Fault) {
    let (cluster, shown) = (start().await, format!("{fault:?}"));
    cluster.inject(fault);
    let client = in_memory_client(&cluster, "survivor");
    let (producer, consumer) = (producer(&client), consumer(&client, None));
    let mut seen = Vec::new();
    for batch in 0..5 {
        send(&producer, "t", batch * 10..batch * 10 + 10).await;
        if batch == 0 {
            consumer.assign(consumer.partitions_for("t").await.unwrap()).unwrap();
        }
        seen.extend(read(&consumer, 10).await.iter().map(number));
    }
    assert!(seen.iter().copied().eq(0..50), "{shown}: {seen:?}");
    assert!(cluster.history().iter().any(|asked| asked.faulted), "{shown} met nothing");
}

#[tokio::test(start_paused = true)]
async fn lengths_that_no_answer_has_end_the_connection() {
    for api in APIS {
        for length in [-1, i32::MIN, 0, 3, i32::MAX] {
            survives(on(api).times(2).overwrite(LENGTH, length.to_be_bytes())).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_another_request_ends_the_connection() {
    for api in APIS {
        survives(on(api).times(2).overwrite(CORRELATION_ID, 77_777i32.to_be_bytes())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_cut_off_anywhere_ends_the_connection() {
    for api in APIS {
        for bytes in [0, 1, 4, 7, 8, 9, 15, 30] {
            survives(on(api).times(2).truncate(bytes)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lengths_inside_that_lead_beyond_the_answer_are_errors() {
    // Behind the header: how many topics or brokers there are, or a time, which is believed.
    for api in [ApiKey::Metadata, ApiKey::Produce, ApiKey::ListOffsets, ApiKey::Fetch] {
        for at in BODY..BODY + 8 {
            for bytes in [[0xff, 0xff, 0xff, 0x0f], [0x7f, 0xff, 0xff, 0xff]] {
                // A throttle time of days would be kept, so requests of one connection are enough.
                ends(on(api).times(1).overwrite(at, bytes)).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_byte_changed_anywhere_in_an_answer_leaves_nothing_stuck() {
    for api in APIS {
        for at in 0..60 {
            ends(on(api).skip(1).times(1).corrupt(at)).await;
        }
    }
}

/// Whatever such an answer is taken for: each record has an outcome, and what is in the log is there once and in order.
async fn ends(fault: Fault) {
    let (cluster, shown) = (start().await, format!("{fault:?}"));
    cluster.inject(fault);
    let client = in_memory_client(&cluster, "survivor");
    let producer = producer(&client);
    let mut acknowledged = Vec::new();
    for value in 0..10 {
        let text = value.to_string();
        let sent = async { producer.send(ProducerRecord::to("t").value(&text)).await?.await };
        let outcome = tokio::time::timeout(Duration::from_secs(600), sent).await;
        if outcome.unwrap_or_else(|_| panic!("{shown}: record {value} has no outcome")).is_ok() {
            acknowledged.push(value);
        }
    }
    let records = cluster.topic("t").unwrap().partitions.remove(0).records;
    let text = |value: &[u8]| std::str::from_utf8(value).unwrap().parse::<u32>().unwrap();
    let written: Vec<u32> = records.iter().map(|record| text(record.value.as_deref().unwrap())).collect();
    assert!(written.is_sorted_by(|one, next| one < next), "{shown}: {written:?}");
    assert!(
        acknowledged.iter().all(|value| written.contains(value)),
        "{shown}: {written:?} of {acknowledged:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_code_that_nobody_knows_is_told_to_who_sent_the_record() {
    let cluster = start().await;
    cluster.inject(on(ApiKey::Produce).times(1).reply(ErrorCode(12_345)));
    let client = in_memory_client(&cluster, "survivor");
    let producer = producer(&client);
    let send = async |value: &str| producer.send(ProducerRecord::to("t").value(value)).await.unwrap().await;
    let error = send("refused").await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode(12_345)), "{error}");
    send("taken").await.unwrap();
}
