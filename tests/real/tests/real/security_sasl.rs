//! Signing in on real brokers: each mechanism on each listener, what is refused, and sessions that are renewed.
//!
//! Only on real clusters: the mechanisms and users are those of its listeners, and of a token endpoint beside them.

// What is not as it must be ends the test, in its helpers too.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::secured::{
    WAIT, admin, borrowed, config, consumer, password, produce, producer, read, round_trip, signed, unsigned,
};
use kafka_tests::{Cluster, unique};
use streaming_kafka::KafkaConfig;
use streaming_kafka::admin::NewTopic;
use streaming_kafka::security::{
    Credentials, OidcTokens, SaslLogin, SaslMechanism, TlsConfig, TokenProvider, UnsecuredTokens,
};

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

async fn every_mechanism_works(cluster: &Cluster) {
    for listener in ["SASL_PLAINTEXT", "SASL_SSL"] {
        for mechanism in MECHANISMS {
            round_trip(&config(cluster, listener, &password(mechanism, "alice", "alice-secret"))).await;
        }
    }
    round_trip(&config(cluster, "SASL_PLAINTEXT", &borrowed(&unsigned("alice")))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mechanism_works_on_every_listener_of_the_newest_broker() {
    let cluster = Cluster::real_single();
    every_mechanism_works(&cluster).await;
    round_trip(&config(&cluster, "SASL_SSL", &borrowed(&signed(&cluster, "", "alice", "alice-secret"))))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mechanism_works_on_every_listener_of_the_oldest_broker() {
    every_mechanism_works(&Cluster::oldest()).await;
}

/// The three blocks of variables as users know them; what stands for something is replaced.
#[tokio::test(flavor = "multi_thread")]
async fn the_three_documented_ways_to_connect_work_word_for_word() {
    let cluster = Cluster::real_single();
    let blocks = [
        (
            "SASL_PLAINTEXT",
            "STREAMING_KAFKA__SECURITY_PROTOCOL=SASL_PLAINTEXT
             STREAMING_KAFKA__SASL_MECHANISM=PLAIN
             STREAMING_KAFKA__SASL_USERNAME=your-username
             STREAMING_KAFKA__SASL_PASSWORD=your-password",
        ),
        (
            "SASL_SSL",
            "STREAMING_KAFKA__SECURITY_PROTOCOL=SASL_SSL
             STREAMING_KAFKA__SASL_MECHANISM=PLAIN
             STREAMING_KAFKA__SASL_USERNAME=your-username
             STREAMING_KAFKA__SASL_PASSWORD=your-password
             STREAMING_KAFKA__SSL_CA_LOCATION=/path/to/ca-cert.pem",
        ),
        (
            "SSL",
            "STREAMING_KAFKA__SECURITY_PROTOCOL=SSL
             STREAMING_KAFKA__SSL_CA_LOCATION=/path/to/ca-cert.pem
             STREAMING_KAFKA__SSL_CERT_LOCATION=/path/to/client-cert.pem
             STREAMING_KAFKA__SSL_KEY_LOCATION=/path/to/client-key.pem",
        ),
    ];
    let file = |name: &str| cluster.certificates().join(name).display().to_string();
    for (listener, block) in blocks {
        let block = block
            .replace("your-username", "alice")
            .replace("your-password", "alice-secret")
            .replace("/path/to/ca-cert.pem", &file("ca.pem"))
            .replace("/path/to/client-cert.pem", &file("alice.pem"))
            .replace("/path/to/client-key.pem", &file("alice.key.pem"));
        let servers = serde_json::to_string(&cluster.listener(listener)).unwrap();
        let vars = block.lines().map(|line| line.trim().split_once('=').unwrap());
        let mut config =
            KafkaConfig::from_vars(vars.chain([("STREAMING_KAFKA__BOOTSTRAP_SERVERS", servers.as_str())]))
                .unwrap();
        config.set_consumer("fetch.min.bytes", 1).unwrap();
        round_trip(&config).await;
    }
}

/// Checks that producer, consumer and admin each give up at once with these words, and show no secret.
async fn refused(config: &KafkaConfig, says: &[&str]) {
    let begun = Instant::now();
    let errors = [
        ("admin", admin(config).list_topics().await.unwrap_err().to_string()),
        ("producer", produce(&producer(config), "any", "thing").await.unwrap_err().to_string()),
        ("group", {
            let consumer = consumer(config, Some(&unique("group")));
            consumer.subscribe(["any"]).unwrap();
            read(&consumer, 1).await.unwrap_err().to_string()
        }),
        ("consumer", {
            let consumer = consumer(config, None);
            consumer.assign([("any", 0)]).unwrap();
            read(&consumer, 1).await.unwrap_err().to_string()
        }),
    ];
    for (who, error) in &errors {
        for part in says {
            assert!(error.contains(part), "{who}: `{part}` is not in: {error}");
        }
        assert!(!error.contains("hunter2"), "{who}: {error}");
    }
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(40), "four refusals took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_is_refused_at_once_with_the_brokers_words() {
    let cluster = Cluster::real_single();
    for mechanism in MECHANISMS {
        for user in ["alice", "nobody"] {
            let wrong = config(&cluster, "SASL_PLAINTEXT", &password(mechanism, user, "hunter2"));
            let words = ["Authentication failed", mechanism, "127.0.0.1"];
            refused(&wrong, &words).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_taken_is_told_with_its_status() {
    let cluster = Cluster::real_single();
    for query in ["?signer=stranger", "?audience=other"] {
        let vars = signed(&cluster, query, "alice", "alice-secret");
        refused(&config(&cluster, "SASL_SSL", &borrowed(&vars)), &["OAUTHBEARER", "invalid_token"]).await;
    }
    // Where signed tokens are asked for, one without a signature is none.
    let vars = unsigned("alice");
    refused(&config(&cluster, "SASL_SSL", &borrowed(&vars)), &["OAUTHBEARER", "invalid_token"]).await;
    let vars = signed(&cluster, "", "alice", "hunter2");
    refused(&config(&cluster, "SASL_SSL", &borrowed(&vars)), &["token endpoint https://", "401"]).await;
}

/// Writes and reads one record after the other for `time` at least; nothing may fail. Returns how often the producer
/// connected.
async fn work(config: &KafkaConfig, time: Duration) -> u64 {
    let topic = unique("renewed");
    admin(config).create_topic(&NewTopic::new(&topic).partitions(1).replication_factor(1)).await.unwrap();
    let (producer, consumer) = (producer(config), consumer(config, Some(&topic)));
    consumer.subscribe([topic.as_str()]).unwrap();
    let (begun, mut number) = (Instant::now(), 0);
    while begun.elapsed() < time || number < 10 {
        produce(&producer, &topic, &number.to_string()).await.unwrap();
        assert_eq!(read(&consumer, 1).await.unwrap(), [number.to_string()]);
        number += 1;
    }
    consumer.commit_sync().await.unwrap();
    producer.client().metrics().connections_opened
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_renewed_on_the_live_connection_and_no_request_fails() {
    let cluster = Cluster::real_single();
    // Brokers end a session after three seconds; tokens live for five.
    let ca = cluster.certificates().join("ca.pem");
    let endpoint =
        OidcTokens::new(&(cluster.token_endpoint() + "?lifetime=5"), "alice", "alice-secret").unwrap();
    let endpoint = Arc::new(endpoint.with_scope("kafka").with_tls(TlsConfig::new().ca_location(ca)));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let mut with_tokens = config(&cluster, "REAUTH", &password("PLAIN", "alice", "alice-secret"));
    (with_tokens.sasl_mechanism, with_tokens.sasl_username, with_tokens.sasl_password) = (None, None, None);
    with_tokens.sasl_login = Some(SaslLogin::with_tokens(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let endpoint = endpoint.clone();
        async move { endpoint.token().await }
    }));
    let begun = Instant::now();
    let few = work(&with_tokens, Duration::from_secs(14)).await;
    // One to ask for metadata and one to write, whatever the number of sessions.
    assert!(few <= 3, "{few} connections");
    let asked = asked.load(Ordering::SeqCst);
    // Each is used until half of it has passed, by all connections.
    let most = begun.elapsed().as_secs() / 2 + 3;
    assert!((3..=most).contains(&(asked as u64)), "{asked} tokens, {most} at most");

    for mechanism in ["PLAIN", "SCRAM-SHA-512"] {
        let config = config(&cluster, "REAUTH", &password(mechanism, "alice", "alice-secret"));
        let few = work(&config, Duration::from_secs(7)).await;
        assert!(few <= 3, "{mechanism}: {few} connections");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_by_callback_and_from_a_file_are_asked_for_at_each_sign_in() {
    let cluster = Cluster::real_single();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let mut by_callback = config(&cluster, "REAUTH", &password("PLAIN", "alice", "alice-secret"));
    (by_callback.sasl_mechanism, by_callback.sasl_username, by_callback.sasl_password) = (None, None, None);
    by_callback.sasl_login = Some(SaslLogin::with_credentials(SaslMechanism::ScramSha256, move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(Credentials::new("alice", "alice-secret")) }
    }));
    work(&by_callback, Duration::from_secs(7)).await;
    assert!(asked.load(Ordering::SeqCst) >= 6, "{asked:?}: connections and renewals");

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "alice-secret\n").unwrap();
    let path = file.path().display().to_string();
    let vars = [("SASL_MECHANISM", "PLAIN"), ("SASL_USERNAME", "alice"), ("SASL_PASSWORD_FILE", &path)];
    let from_file = config(&cluster, "SASL_SSL", &vars);
    round_trip(&from_file).await;
    let before = producer(&from_file);
    std::fs::write(file.path(), "wrong now").unwrap();
    let error = produce(&before, "any", "thing").await.unwrap_err();
    assert!(error.to_string().contains("Authentication failed"), "{error}");
    assert!(!error.to_string().contains("wrong now"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_closes_in_time_when_nobody_lets_it_in() {
    let cluster = Cluster::real_single();
    let wrong = config(&cluster, "SASL_PLAINTEXT", &password("PLAIN", "alice", "hunter2"));
    let producer = producer(&wrong);
    let _ = produce(&producer, "any", "thing").await.unwrap_err();
    tokio::time::timeout(WAIT, producer.close(Duration::from_secs(5))).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsecured_token_may_have_extensions() {
    let cluster = Cluster::real_single();
    let mut config = config(&cluster, "SASL_PLAINTEXT", &borrowed(&unsigned("alice")));
    (config.sasl_mechanism, config.sasl_jaas_config) = (None, None);
    let tokens = UnsecuredTokens::new("alice").with_lifetime(Duration::from_secs(30));
    config.sasl_login = Some(SaslLogin::with_tokens(tokens.with_extension("traceId", "abc")));
    admin(&config).list_topics().await.unwrap();
}
