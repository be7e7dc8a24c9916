//! What the requirements guide sets, and what then must be in force.

use std::time::Duration;

use kafka_core::records::Compression;
use kafka_stream::consumer::AutoOffsetReset;
use kafka_stream::producer::Acks;

use super::*;
use crate::config::settings::all;
use crate::config::{ConsumerPreset, ProducerPreset};

fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

#[test]
fn nothing_set_is_the_guides_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(
        config.bootstrap_servers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["localhost:9092"]
    );
    assert_eq!(config.security_protocol.name(), "PLAINTEXT");
    assert!(config.enable_dead_letter_queue);
    assert_eq!(config.dead_letter_topic("analytics-events"), "analytics-events.dlq");
    assert_eq!(
        config.topics.all(),
        ["analytics-events", "streaming-metrics", "streaming-alerts", "ml-predictions"]
    );
    let (_, producer) = config.producer_settings().unwrap();
    assert_eq!(producer.acks, Acks::All);
    assert_eq!(producer.retries, 3);
    assert_eq!(producer.batch_size, 16_384);
    assert_eq!(producer.linger, ms(5));
    assert_eq!(producer.buffer_memory, 33_554_432);
    assert_eq!(producer.compression_type, Compression::Gzip);
    assert!(producer.enable_idempotence);
    let (_, consumer) = config.consumer_settings(Some("g")).unwrap();
    assert_eq!(consumer.auto_offset_reset, AutoOffsetReset::Earliest);
    assert!(!consumer.enable_auto_commit);
    assert_eq!(consumer.max_poll_records, 500);
    assert_eq!(consumer.session_timeout, ms(30_000));
    assert_eq!(consumer.heartbeat_interval, ms(3_000));
    assert_eq!(consumer.fetch_min_bytes, 1_024);
    assert_eq!(consumer.fetch_max_wait, ms(500));
    assert_eq!(consumer.group_id.as_deref(), Some("g"));
}

#[test]
fn given_keys_change_only_themselves() {
    let config = read(&[
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", r#"["broker1:9092","broker2:9092"]"#),
        (PRODUCER, r#"{"acks":"all","compression_type":"lz4"}"#),
        (CONSUMER, r#"{"auto_offset_reset":"latest"}"#),
    ])
    .unwrap();
    let (client, producer) = config.producer_settings().unwrap();
    let servers: Vec<_> = client.bootstrap_servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["broker1:9092", "broker2:9092"]);
    assert_eq!(producer.compression_type, Compression::Lz4);
    assert_eq!((producer.retries, producer.linger), (3, ms(5)));
    assert!(producer.enable_idempotence);
    let (_, consumer) = config.consumer_settings(None).unwrap();
    assert_eq!(consumer.auto_offset_reset, AutoOffsetReset::Latest);
    assert_eq!(consumer.fetch_min_bytes, 1_024);
}

#[test]
fn the_production_settings_with_dots_are_read() {
    let config = read(&[
        ("STREAMING_KAFKA__BOOTSTRAP_SERVERS", r#"["kafka1:9092","kafka2:9092","kafka3:9092"]"#),
        ("STREAMING_KAFKA__SECURITY_PROTOCOL", "SASL_SSL"),
        ("STREAMING_KAFKA__SASL_MECHANISM", "PLAIN"),
        ("STREAMING_KAFKA__SASL_USERNAME", "your-username"),
        ("STREAMING_KAFKA__SASL_PASSWORD", "your-password"),
        (PRODUCER, r#"{"acks":"all","retries":5,"enable.idempotence":true}"#),
        (CONSUMER, r#"{"session.timeout.ms":45000,"heartbeat.interval.ms":3000}"#),
    ])
    .unwrap();
    assert_eq!(config.producer_config.retries, 5);
    assert_eq!(config.consumer_config.session_timeout, ms(45_000));
    assert_eq!(config.security_protocol.name(), "SASL_SSL");
    assert_eq!(config.sasl_password.as_ref().map(|p| p.expose()), Some("your-password"));
}

#[test]
fn bootstrap_servers_are_a_json_list_or_separated_by_commas() {
    for text in [r#"["a:1","[::1]:2"]"#, "a:1,[::1]:2", " a:1 , [::1]:2 "] {
        let config = read(&[("STREAMING_KAFKA__BOOTSTRAP_SERVERS", text)]).unwrap();
        let servers: Vec<_> = config.bootstrap_servers.iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["a:1", "[::1]:2"], "{text}");
    }
}

#[test]
fn producer_presets_are_the_guides() {
    let config = read(&[]).unwrap().with_producer_preset(ProducerPreset::HighThroughput);
    let (_, producer) = config.producer_settings().unwrap();
    assert_eq!((producer.acks, producer.retries, producer.batch_size), (Acks::Leader, 3, 65_536));
    assert_eq!((producer.linger, producer.buffer_memory), (ms(10), 134_217_728));
    assert_eq!((producer.compression_type, producer.enable_idempotence), (Compression::Lz4, false));

    let config = read(&[]).unwrap().with_producer_preset(ProducerPreset::LowLatency);
    let (_, producer) = config.producer_settings().unwrap();
    assert_eq!((producer.acks, producer.retries, producer.batch_size), (Acks::Leader, 0, 1));
    assert_eq!((producer.linger, producer.compression_type), (ms(0), Compression::None));
    assert!(!producer.enable_idempotence);
}

#[test]
fn consumer_presets_are_the_guides() {
    let config = read(&[]).unwrap().with_consumer_preset(ConsumerPreset::HighThroughput);
    let (client, consumer) = config.consumer_settings(Some("g")).unwrap();
    assert_eq!((consumer.fetch_min_bytes, consumer.fetch_max_wait), (65_536, ms(500)));
    assert_eq!((consumer.max_poll_records, client.receive_buffer_bytes), (5_000, Some(262_144)));

    let config = read(&[]).unwrap().with_consumer_preset(ConsumerPreset::LowLatency);
    let (_, consumer) = config.consumer_settings(Some("g")).unwrap();
    assert_eq!((consumer.fetch_min_bytes, consumer.fetch_max_wait), (1, ms(0)));
    assert_eq!(consumer.max_poll_records, 100);
}

#[test]
fn every_default_in_the_table_is_the_one_in_force() {
    let plain = format!("{:?}", comparable(&KafkaConfig::default()));
    for setting in all().filter(|setting| !setting.default.is_empty()) {
        let mut config = KafkaConfig::default();
        let taken = [
            config.set_producer(setting.name, setting.default).is_ok(),
            config.set_consumer(setting.name, setting.default).is_ok(),
            config.set_handler(setting.name, setting.default).is_ok(),
        ];
        assert!(taken.contains(&true), "{}", setting.name);
        assert_eq!(format!("{:?}", comparable(&config)), plain, "{}", setting.name);
    }
}

fn comparable(config: &KafkaConfig) -> impl std::fmt::Debug {
    (
        config.producer_config.clone(),
        config.consumer_config.clone(),
        config.producer_client.clone(),
        config.consumer_client.clone(),
        config.handler_config.clone(),
    )
}
