//! What the tests of the secured listeners share: settings as a user gives them, and a round trip by them.

// Not every test program uses all of it.
#![allow(dead_code)]

use std::time::{Duration, Instant};

use kafka_tests::{Cluster, unique};
use streaming_kafka::admin::{Admin, NewTopic};
use streaming_kafka::consumer::{Consumer, ConsumerError};
use streaming_kafka::producer::{ProduceError, Producer, ProducerRecord};
use streaming_kafka::{Client, KafkaConfig};

/// Only what hangs takes so long.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// The configuration for a listener by variables, whose names are given without their prefix.
pub(crate) fn config(cluster: &Cluster, listener: &str, vars: &[(&str, &str)]) -> KafkaConfig {
    let ca = cluster.certificates().join("ca.pem").display().to_string();
    let protocol = if listener == "REAUTH" { "SASL_SSL" } else { listener };
    let mut all = vec![
        ("BOOTSTRAP_SERVERS".to_owned(), cluster.listener(listener).join(",")),
        ("SECURITY_PROTOCOL".to_owned(), protocol.to_owned()),
    ];
    if protocol.ends_with("SSL") {
        all.push(("SSL_CA_LOCATION".to_owned(), ca));
    }
    all.extend(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let all = all.into_iter().map(|(name, value)| (format!("STREAMING_KAFKA__{name}"), value));
    let mut config = KafkaConfig::from_vars(all).unwrap_or_else(|error| panic!("{error}"));
    config.set_consumer("fetch.min.bytes", 1).unwrap();
    config
}

/// User and password.
pub(crate) fn password<'a>(mechanism: &'a str, user: &'a str, password: &'a str) -> [(&'a str, &'a str); 3] {
    [("SASL_MECHANISM", mechanism), ("SASL_USERNAME", user), ("SASL_PASSWORD", password)]
}

/// An unsigned token.
pub(crate) fn unsigned(user: &str) -> [(&'static str, String); 2] {
    let jaas = format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
         unsecuredLoginStringClaim_sub=\"{user}\";"
    );
    [("SASL_MECHANISM", "OAUTHBEARER".to_owned()), ("SASL_JAAS_CONFIG", jaas)]
}

/// Signed tokens of the cluster's endpoint, `query` appended to its URL.
pub(crate) fn signed(
    cluster: &Cluster,
    query: &str,
    user: &str,
    secret: &str,
) -> [(&'static str, String); 5] {
    [
        ("SASL_MECHANISM", "OAUTHBEARER".to_owned()),
        ("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", cluster.token_endpoint() + query),
        ("SASL_OAUTHBEARER_CLIENT_ID", user.to_owned()),
        ("SASL_OAUTHBEARER_CLIENT_SECRET", secret.to_owned()),
        ("SASL_OAUTHBEARER_SCOPE", "kafka".to_owned()),
    ]
}

pub(crate) fn borrowed<'a>(vars: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    vars.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

pub(crate) fn admin(config: &KafkaConfig) -> Admin {
    Admin::new(Client::new(config.client_config().unwrap()).unwrap())
}

pub(crate) fn producer(config: &KafkaConfig) -> Producer {
    let (client, producer) = config.producer_settings().unwrap();
    Producer::new(Client::new(client).unwrap(), producer).unwrap()
}

pub(crate) fn consumer(config: &KafkaConfig, group: Option<&str>) -> Consumer {
    let (client, consumer) = config.consumer_settings(group).unwrap();
    Consumer::new(Client::new(client).unwrap(), consumer).unwrap()
}

pub(crate) async fn produce(producer: &Producer, topic: &str, value: &str) -> Result<i64, ProduceError> {
    let written = producer.send(ProducerRecord::to(topic).value(value)).await?.await?;
    Ok(written.offset.unwrap_or_default())
}

/// Polls until `count` records came.
pub(crate) async fn read(consumer: &Consumer, count: usize) -> Result<Vec<String>, ConsumerError> {
    let (mut values, deadline) = (Vec::new(), Instant::now() + WAIT);
    while values.len() < count {
        assert!(Instant::now() < deadline, "only {} of {count} records came", values.len());
        for record in consumer.poll(Duration::from_millis(500)).await? {
            values.push(String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned());
        }
    }
    Ok(values)
}

/// Creates a topic, writes into it, reads it in a group, and commits.
pub(crate) async fn round_trip(config: &KafkaConfig) {
    let topic = unique("secured");
    admin(config).create_topic(&NewTopic::new(&topic).partitions(1).replication_factor(1)).await.unwrap();
    let producer = producer(config);
    for number in 0..10 {
        produce(&producer, &topic, &number.to_string()).await.unwrap();
    }
    let consumer = consumer(config, Some(&topic));
    consumer.subscribe([topic.as_str()]).unwrap();
    let values = read(&consumer, 10).await.unwrap();
    assert_eq!(values, (0..10).map(|number| number.to_string()).collect::<Vec<_>>());
    consumer.commit_sync().await.unwrap();
    consumer.close(WAIT).await.unwrap();
}
