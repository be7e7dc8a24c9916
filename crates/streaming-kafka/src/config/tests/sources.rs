//! Where settings come from: variables in either case, nested ones, properties files, code.

use std::io::Cursor;

use kafka_core::records::Compression;
use kafka_stream::consumer::{AssignmentStrategy, AutoOffsetReset, IsolationLevel};

use super::*;
use crate::config::{ConfigErrorKind, settings_table_markdown};

#[test]
fn a_key_may_be_a_variable_of_its_own() {
    let config = read(&[
        (PRODUCER, r#"{"acks":"all"}"#),
        ("STREAMING_KAFKA__PRODUCER_CONFIG__LINGER_MS", "20"),
        ("streaming_kafka__consumer_config__partition.assignment.strategy", r#"["sticky","roundrobin"]"#),
        ("STREAMING_KAFKA__CONSUMER_CONFIG__CLIENT_ID", "orders"),
    ])
    .unwrap();
    assert_eq!(config.producer_config.linger.as_millis(), 20);
    assert_eq!(
        config.consumer_config.partition_assignment_strategy,
        [AssignmentStrategy::Sticky, AssignmentStrategy::RoundRobin]
    );
    assert_eq!(config.consumer_settings(None).unwrap().0.client_id, "orders");
    assert_eq!(config.producer_settings().unwrap().0.client_id, "streaming-kafka");
}

#[test]
fn values_are_read_in_json_and_in_javas_form() {
    let config = read(&[
        (PRODUCER, r#"{"acks":-1,"linger.ms":"7","enable_idempotence":"TRUE","compression.type":"ZSTD","send.buffer.bytes":-1}"#),
        (
            CONSUMER,
            r#"{"partition.assignment.strategy":"org.apache.kafka.clients.consumer.CooperativeStickyAssignor,range",
                "auto.offset.reset":"by_duration:PT1H","isolation.level":"read_committed","check_crcs":false}"#,
        ),
    ])
    .unwrap();
    let (client, producer) = config.producer_settings().unwrap();
    assert_eq!((producer.linger.as_millis(), producer.compression_type), (7, Compression::Zstd));
    assert_eq!(client.send_buffer_bytes, None);
    let consumer = &config.consumer_config;
    assert_eq!(
        consumer.partition_assignment_strategy,
        [AssignmentStrategy::CooperativeSticky, AssignmentStrategy::Range]
    );
    assert!(matches!(consumer.auto_offset_reset, AutoOffsetReset::ByDuration(d) if d.as_secs() == 3_600));
    assert_eq!((consumer.isolation_level, consumer.check_crcs), (IsolationLevel::ReadCommitted, false));
}

#[test]
fn a_properties_file_of_kafkas_tools_is_read() {
    let text = "# tools\nbootstrap.servers=a:1,\\\n    b:2\nsecurity.protocol=PLAINTEXT\nacks=all\ngroup.id = readers\n\
        client.id=me\nrequest.timeout.ms=9000\nenable.dead.letter.queue=false\n";
    let config = KafkaConfig::from_properties_reader("client.properties", Cursor::new(text)).unwrap();
    assert_eq!(config.bootstrap_servers.len(), 2);
    assert!(!config.enable_dead_letter_queue);
    let (client, producer) = config.producer_settings().unwrap();
    assert_eq!((client.client_id.as_str(), producer.request_timeout.as_millis()), ("me", 9_000));
    let (client, consumer) = config.consumer_settings(None).unwrap();
    assert_eq!((client.client_id.as_str(), consumer.request_timeout.as_millis()), ("me", 9_000));
    assert_eq!(consumer.group_id.as_deref(), Some("readers"));
}

#[test]
fn a_wrong_line_is_named_with_its_file() {
    let cases = [
        ("acks=all\nlinger.ms=soon", ConfigErrorKind::WrongType, "c.properties:2", "linger.ms", "soon"),
        (
            "acks=all\n\nlinger.sm=5",
            ConfigErrorKind::UnknownKey,
            "c.properties:3",
            "linger.sm",
            "`linger.ms`",
        ),
        ("acks=all\nacks=1", ConfigErrorKind::Duplicate, "c.properties:2", "acks", "line 1"),
        ("acks=1\nenable.idempotence=true", ConfigErrorKind::Contradiction, "c.properties", "acks", "`1`"),
        ("security.protocol=NONE", ConfigErrorKind::OutOfRange, "c.properties", "security.protocol", "NONE"),
        ("a=\\uXYZW", ConfigErrorKind::Malformed, "c.properties:1", "hexadecimal", ""),
    ];
    for (text, kind, place, key, value) in cases {
        let error = KafkaConfig::from_properties_reader("c.properties", text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_says(&error, &[place, key, value]);
    }
    let error = KafkaConfig::from_properties("/nonexistent/c.properties").unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::File);
    assert_says(&error, &["/nonexistent/c.properties", "No such file"]);
    let error = KafkaConfig::from_properties_reader("c.properties", &b"acks=\xff"[..]).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::File);
}

#[test]
fn a_program_sets_what_it_names_and_no_more() {
    let mut config = KafkaConfig::default();
    config.set_producer("linger_ms", 50).unwrap().set_producer("acks", "all").unwrap();
    assert_eq!(config.producer_config.linger.as_millis(), 50);
    let error = config.set_consumer("linger_ms", 50).unwrap_err();
    assert_says(&error, &["consumer_config", "`linger_ms`", "`50`", "setting of the producer"]);
    config.bootstrap_servers.clear();
    assert_says(&config.validate().unwrap_err(), &["bootstrap_servers", "host:port"]);
}

#[test]
fn every_protocol_but_plaintext_brings_what_it_needs() {
    let sasl = [
        ("STREAMING_KAFKA__SASL_MECHANISM", "SCRAM-SHA-512"),
        ("STREAMING_KAFKA__SASL_USERNAME", "me"),
        ("STREAMING_KAFKA__SASL_PASSWORD", "hunter2"),
    ];
    for (protocol, connector, authenticator) in [
        ("PLAINTEXT", "TcpConnector", false),
        ("SSL", "TlsConnector", false),
        ("SASL_PLAINTEXT", "TcpConnector", true),
        ("SASL_SSL", "TlsConnector", true),
    ] {
        let mut vars = vec![("STREAMING_KAFKA__SECURITY_PROTOCOL", protocol)];
        vars.extend(sasl.iter().filter(|_| authenticator));
        let config = read(&vars).unwrap();
        for client in [config.client_config().unwrap(), config.consumer_settings(None).unwrap().0] {
            assert!(format!("{:?}", client.connector).contains(connector), "{protocol}");
            assert_eq!(client.authenticator.is_some(), authenticator, "{protocol}");
            assert!(!format!("{client:?}").contains("hunter2"));
        }
    }
}

#[test]
fn the_table_has_every_setting_and_variable() {
    let table = settings_table_markdown();
    for name in
        ["STREAMING_KAFKA__SASL_PASSWORD", "STREAMING_ALERTS_TOPIC", "linger.ms", "group.id", "client.id"]
    {
        assert_eq!(table.matches(&format!("| `{name}` |")).count(), 1, "{name}");
    }
    assert!(!table.contains("||"));
}
