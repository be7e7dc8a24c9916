//! TLS and mutual TLS on a real broker: who gets in, as whom, and what those learn who do not.
//!
//! Only on real clusters: they are about the certificates of its listeners, and brokers of an old Java.

// What is not as it must be ends the test, also in its helpers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::time::Duration;

use kafka_admin::{Admin, NewTopic};
use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::protocol::ErrorCode;
use kafka_core::{Error, ErrorKind};
use kafka_security::{SaslMechanism, SecurityConfig, TlsConfig, TlsError, TlsErrorKind, TlsVersion};
use kafka_stream::consumer::{Consumer, ConsumerConfig};
use kafka_stream::producer::{ProduceErrorKind, Producer, ProducerConfig, ProducerRecord};
use kafka_tests::{Cluster, unique};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

/// Longer than anything here takes on any machine.
const WAIT: Duration = Duration::from_secs(60);

fn certificate(cluster: &Cluster, name: &str) -> PathBuf {
    cluster.certificates().join(name)
}

fn trusting(cluster: &Cluster) -> TlsConfig {
    TlsConfig::new().ca_location(certificate(cluster, "ca.pem"))
}

/// The certificate and key of a name.
fn identity(cluster: &Cluster, name: &str) -> TlsConfig {
    trusting(cluster).identity_location(
        certificate(cluster, &format!("{name}.pem")),
        certificate(cluster, &format!("{name}.key.pem")),
    )
}

fn client_of(servers: &[String], security: &SecurityConfig, patience: Duration) -> Client {
    let mut config = ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()));
    config.request_timeout = patience;
    security.apply_to(&mut config).unwrap();
    Client::new(config).unwrap()
}

fn client(cluster: &Cluster, tls: TlsConfig) -> Client {
    client_of(&cluster.listener("SSL"), &SecurityConfig::ssl(tls), WAIT)
}

/// Creates a topic, writes a record and reads it back.
async fn write_and_read(client: &Client, topic: &str) {
    let new = NewTopic::new(topic).partitions(1).replication_factor(1);
    Admin::new(client.clone()).create_topic(&new).await.unwrap();
    let producer = Producer::new(client.clone(), ProducerConfig::default()).unwrap();
    producer.send(ProducerRecord::to(topic).value("over TLS")).await.unwrap().await.unwrap();
    let mut config = ConsumerConfig::default();
    config.group_id = Some(unique("tls-group"));
    config.fetch_min_bytes = 1;
    let consumer = Consumer::new(client.clone(), config).unwrap();
    consumer.subscribe([topic]).unwrap();
    let deadline = Instant::now() + WAIT;
    loop {
        let records = consumer.poll(Duration::from_secs(1)).await.unwrap();
        if let Some(record) = records.iter().next() {
            assert_eq!(record.value().unwrap(), b"over TLS");
            break;
        }
        assert!(Instant::now() < deadline, "the record never came");
    }
    consumer.close(WAIT).await.unwrap();
    producer.close(WAIT).await.unwrap();
}

#[tokio::test]
async fn a_client_gets_in_by_its_certificate_in_either_version_of_tls() {
    let cluster = Cluster::real_single();
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let client = client(&cluster, identity(&cluster, "alice").enabled_protocols([version]));
        write_and_read(&client, &unique("tls")).await;
    }
    let store = trusting(&cluster).keystore_location(certificate(&cluster, "bob.store.pem"));
    write_and_read(&client(&cluster, store), &unique("tls")).await;
}

/// The broker takes the name in the certificate for the user: what is `alice`'s is closed to `bob`.
async fn the_certificates_name_is_the_user(cluster: &Cluster) {
    let topic = unique("private-tls");
    let alice = client(cluster, identity(cluster, "alice"));
    Admin::new(alice.clone()).create_topic(&NewTopic::new(topic.as_str()).partitions(1)).await.unwrap();

    let bob = client(cluster, identity(cluster, "bob"));
    let producer = Producer::new(bob.clone(), ProducerConfig::default()).unwrap();
    let refused = match producer.send(ProducerRecord::to(topic.as_str()).value("no")).await {
        Ok(delivery) => delivery.await.map(|_| ()).unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(refused.kind(), ProduceErrorKind::Unauthorized, "{refused:?}");
    assert!(refused.to_string().contains(&topic), "{refused}");
    let another = unique("private-tls");
    let denied =
        Admin::new(bob).create_topic(&NewTopic::new(another.as_str()).partitions(1)).await.unwrap_err();
    assert_eq!(denied.code(), Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED), "{denied}");

    let producer = Producer::new(alice, ProducerConfig::default()).unwrap();
    producer.send(ProducerRecord::to(topic.as_str()).value("yes")).await.unwrap().await.unwrap();
}

#[tokio::test]
async fn the_newest_broker_takes_the_certificates_name_for_the_user() {
    the_certificates_name_is_the_user(&Cluster::real_single()).await;
}

#[tokio::test]
async fn the_oldest_broker_takes_the_certificates_name_for_the_user() {
    the_certificates_name_is_the_user(&Cluster::oldest()).await;
}

/// The error of a client that does not get in.
async fn refusal(servers: &[String], security: &SecurityConfig) -> Error {
    // What may pass is tried again for so long.
    let client = client_of(servers, security, Duration::from_secs(5));
    timeout(WAIT, client.ready()).await.expect("an answer within the time").unwrap_err()
}

/// The same port under an address that the certificate does not name.
async fn forwarded(to: &str) -> String {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let to = to.to_owned();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                if let Ok(mut to) = TcpStream::connect(to).await {
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                }
            });
        }
    });
    address
}

async fn each_who_is_refused_learns_why(cluster: &Cluster) {
    use TlsErrorKind as Tls;
    let ssl = cluster.listener("SSL");
    let plaintext = cluster.listener("SASL_PLAINTEXT");
    let by_another_name = vec![forwarded(&ssl[0]).await];
    let strangers = TlsConfig::new().ca_location(certificate(cluster, "stranger-ca.pem"));
    let tls = SecurityConfig::ssl;
    let cases = [
        (
            "no client certificate",
            &ssl,
            tls(trusting(cluster)),
            Tls::ClientCertificateRequired,
            "set `ssl_cert_location`",
        ),
        (
            "a stranger's certificate",
            &ssl,
            tls(identity(cluster, "stranger")),
            Tls::ClientCertificateRefused,
            "refused the client's certificate",
        ),
        (
            "an expired certificate",
            &ssl,
            tls(identity(cluster, "expired")),
            Tls::ClientCertificateRefused,
            "is it still valid?",
        ),
        (
            "an authority that signed nothing here",
            &ssl,
            tls(strangers),
            Tls::UnknownIssuer,
            "`CN=Test authority`",
        ),
        ("the public's authorities", &ssl, tls(TlsConfig::new()), Tls::UnknownIssuer, "`ssl_ca_location`"),
        (
            "another name",
            &by_another_name,
            tls(identity(cluster, "alice")),
            Tls::WrongName,
            "names: localhost, 127.0.0.1",
        ),
        (
            "TLS to a port without",
            &plaintext,
            tls(trusting(cluster)),
            Tls::EndedInHandshake,
            "security_protocol",
        ),
    ];
    for (what, servers, security, kind, words) in cases {
        let error = refusal(servers, &security).await;
        assert_eq!(TlsError::of(&error).map(TlsError::kind), Some(kind), "{what}: {error:?}");
        assert!(error.to_string().contains(words), "{what}: {error}");
        assert_eq!(error.is_fatal(), kind != Tls::EndedInHandshake, "{what}: {error:?}");
    }
    let scram = SecurityConfig::sasl_plaintext(SaslMechanism::ScramSha256, "alice", "alice-secret");
    for (what, security) in [("plain", SecurityConfig::plaintext()), ("SASL", scram)] {
        let error = refusal(&ssl, &security).await;
        assert!(
            matches!(error.kind(), ErrorKind::Tls | ErrorKind::Connect),
            "{what} to a TLS port: {error:?}"
        );
        let says = error.to_string();
        assert!(
            says.contains("this port speaks TLS") || says.contains("does this listener expect"),
            "{what} to a TLS port: {says}"
        );
    }
}

#[tokio::test]
async fn the_newest_broker_refuses_each_with_a_reason() {
    each_who_is_refused_learns_why(&Cluster::real_single()).await;
}

#[tokio::test]
async fn the_oldest_broker_refuses_each_with_a_reason() {
    each_who_is_refused_learns_why(&Cluster::oldest()).await;
}
