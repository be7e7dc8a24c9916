//! Certificates and passwords that are replaced while records are written and read: the user notices nothing.
//!
//! Only on real clusters: they renew certificates and passwords of its listeners.

// What is not as it must be ends the test, also in its helpers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kafka_admin::{Admin, NewTopic};
use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::records::Compression;
use kafka_security::{PasswordFile, SaslLogin, SaslMechanism, SecurityConfig, TlsConfig};
use kafka_stream::consumer::{Consumer, ConsumerConfig};
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use kafka_tests::{Cluster, Tool, unique};
use tokio::time::{Instant, sleep, sleep_until};

/// Longer than anything here takes on any machine.
const WAIT: Duration = Duration::from_secs(60);
const PARTITIONS: i32 = 4;
/// Records a second, as far as the machine can.
const RATE: u64 = 10_000;
const WATCH: Duration = Duration::from_millis(200);

fn client(servers: &[String], security: &SecurityConfig) -> Client {
    let mut config = ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()));
    security.apply_to(&mut config).unwrap();
    Client::new(config).unwrap()
}

/// Waits until the broker knows a user: it answers for a new one before it has taken the user in.
async fn until_accepted(servers: &[String], security: &SecurityConfig) {
    let deadline = Instant::now() + WAIT;
    while let Err(error) = client(servers, security).ready().await {
        assert!(Instant::now() < deadline, "never accepted: {error}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Writes numbers into the partitions in turn until told to stop, and reads them meanwhile.
struct Load {
    stop: Arc<AtomicBool>,
    read: Arc<AtomicU64>,
    writer: tokio::task::JoinHandle<u64>,
    reader: tokio::task::JoinHandle<BTreeMap<i32, u64>>,
    written: Arc<AtomicU64>,
    all_written: Arc<AtomicBool>,
    started: Instant,
}

impl Load {
    async fn start(writing: Client, reading: Client, topic: &str) -> Self {
        let new = NewTopic::new(topic).partitions(PARTITIONS).replication_factor(1);
        Admin::new(writing.clone()).create_topic(&new).await.unwrap();
        let mut config = ProducerConfig::default();
        config.compression_type = Compression::Lz4;
        config.linger = Duration::from_millis(2);
        let producer = Producer::new(writing, config).unwrap();
        let mut config = ConsumerConfig::default();
        config.group_id = Some(unique("rotation"));
        config.fetch_min_bytes = 1;
        config.max_poll_records = 5_000;
        let consumer = Consumer::new(reading, config).unwrap();
        consumer.subscribe([topic]).unwrap();

        let (stop, all_written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (written, read) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let writer = tokio::spawn(write(producer, topic.to_owned(), stop.clone(), written.clone()));
        let reader = tokio::spawn(follow(consumer, written.clone(), all_written.clone(), read.clone()));
        Self { stop, read, writer, reader, written, all_written, started: Instant::now() }
    }

    /// Waits until as many records more have been read: what happened before has had its effect on both sides.
    async fn go_on(&self, records: u64) {
        let goal = self.read.load(Ordering::Relaxed) + records;
        let deadline = Instant::now() + WAIT;
        while self.read.load(Ordering::Relaxed) < goal {
            assert!(
                !self.writer.is_finished() && !self.reader.is_finished(),
                "the load has ended: see above"
            );
            assert!(Instant::now() < deadline, "nothing is read any more");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops writing, and checks that everything was read once and in order.
    async fn finish(self) {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.writer.await.expect("the writer met no error");
        let took = self.started.elapsed();
        self.written.store(written, Ordering::Relaxed);
        self.all_written.store(true, Ordering::Relaxed);
        let read = self.reader.await.expect("the reader met no error, no gap and no repetition");
        assert_eq!(read.values().sum::<u64>(), written);
        println!("{written} records in {took:?}: {:.0} a second", written as f64 / took.as_secs_f64());
    }
}

async fn write(producer: Producer, topic: String, stop: Arc<AtomicBool>, written: Arc<AtomicU64>) -> u64 {
    const SLICE: Duration = Duration::from_millis(10);
    let mut unconfirmed = FuturesUnordered::new();
    let (mut number, mut next) = (0u64, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..RATE / 100 {
            let partition = i32::try_from(number % u64::try_from(PARTITIONS).unwrap()).unwrap();
            let value = (number / u64::try_from(PARTITIONS).unwrap()).to_string();
            let record = ProducerRecord::to(topic.as_str()).partition(partition).value(value.as_str());
            unconfirmed.push(producer.send(record).await.expect("a record is accepted"));
            number += 1;
        }
        written.store(number, Ordering::Relaxed);
        while let Some(Some(delivered)) = futures_util::FutureExt::now_or_never(unconfirmed.next()) {
            delivered.expect("a record is delivered");
        }
        next += SLICE;
        sleep_until(next).await;
    }
    while let Some(delivered) = unconfirmed.next().await {
        delivered.expect("a record is delivered");
    }
    producer.close(WAIT).await.unwrap();
    number
}

/// Reads until all is read; how many records of each partition that were.
async fn follow(
    consumer: Consumer,
    written: Arc<AtomicU64>,
    all_written: Arc<AtomicBool>,
    read: Arc<AtomicU64>,
) -> BTreeMap<i32, u64> {
    let mut next: BTreeMap<i32, u64> = BTreeMap::new();
    let mut last_progress = Instant::now();
    loop {
        let records = consumer.poll(Duration::from_millis(200)).await.expect("a poll without an error");
        for record in records.iter() {
            let expected = next.entry(record.partition()).or_default();
            let number: u64 = std::str::from_utf8(record.value().unwrap()).unwrap().parse().unwrap();
            assert_eq!(number, *expected, "in partition {}", record.partition());
            *expected += 1;
            last_progress = Instant::now();
        }
        let sum = next.values().sum::<u64>();
        read.store(sum, Ordering::Relaxed);
        consumer.commit_sync().await.expect("a commit without an error");
        if all_written.load(Ordering::Relaxed) && sum >= written.load(Ordering::Relaxed) {
            // What was repeated would come now.
            let more = consumer.poll(Duration::from_millis(500)).await.expect("a poll without an error");
            assert_eq!(more.iter().count(), 0, "more was read than was written");
            consumer.close(WAIT).await.unwrap();
            return next;
        }
        assert!(last_progress.elapsed() < WAIT, "records are missing: {next:?}");
    }
}

/// Puts a file in another's place in one step.
fn replace(from: &Path, to: &Path) {
    let next = to.with_extension("next");
    fs::copy(from, &next).unwrap();
    fs::rename(next, to).unwrap();
}

/// Waits until the client has opened more connections than before.
async fn until_renewed(client: &Client, before: u64) {
    let deadline = Instant::now() + WAIT;
    while client.metrics().connections_opened <= before {
        assert!(Instant::now() < deadline, "no connection was renewed");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_of_both_sides_change_under_load_and_nothing_is_lost() {
    let cluster = Cluster::real_single();
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    let used = |name: &str| -> PathBuf { folder.path().join(name) };
    cluster.make_certificate("alice", &made).await;
    for name in ["alice.pem", "alice.key.pem"] {
        replace(&made.join(name), &used(name));
    }
    fs::copy(cluster.certificates().join("ca.pem"), used("ca.pem")).unwrap();
    let tls = TlsConfig::new()
        .ca_location(used("ca.pem"))
        .identity_location(used("alice.pem"), used("alice.key.pem"))
        .watch_interval(WATCH);
    let security = SecurityConfig::ssl(tls);
    let servers = cluster.listener("SSL");
    let (writing, reading) = (client(&servers, &security), client(&servers, &security));
    let load = Load::start(writing.clone(), reading.clone(), &unique("rotation-tls")).await;
    load.go_on(RATE).await;

    for round in 0..3 {
        let before = [&writing, &reading].map(|client| client.metrics().connections_opened);
        cluster.make_certificate("alice", &made).await;
        // One after the other, with time in between to notice.
        for name in ["alice.pem", "alice.key.pem"] {
            replace(&made.join(name), &used(name));
            sleep(WATCH * 2).await;
        }
        for (client, before) in [&writing, &reading].into_iter().zip(before) {
            until_renewed(client, before).await;
        }
        load.go_on(RATE).await;
        if round == 1 {
            cluster.renew_broker_certificate().await;
        }
    }
    // One more authority is trusted from now on.
    let before = writing.metrics().connections_opened;
    let mut authorities = fs::read(used("ca.pem")).unwrap();
    authorities.extend(fs::read(cluster.certificates().join("stranger-ca.pem")).unwrap());
    fs::write(used("ca.pem"), authorities).unwrap();
    until_renewed(&writing, before).await;
    load.go_on(RATE).await;
    load.finish().await;
}

/// Gives a user a new password, as an administrator does.
async fn set_password(cluster: &Cluster, user: &str, password: &str) {
    let config = format!("SCRAM-SHA-512=[iterations=4096,password={password}]");
    let arguments = ["--alter", "--add-config", &config, "--entity-type", "users", "--entity-name", user];
    cluster.tool(Tool::Configs, &arguments, "").await.success();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_changes_under_load_with_a_sign_in_every_three_seconds_and_nothing_is_lost() {
    let cluster = Cluster::real_single();
    let user = unique("rotating");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    set_password(&cluster, &user, "password-0").await;
    fs::write(&file, "password-0\n").unwrap();
    let security = || {
        let tls = TlsConfig::new().ca_location(cluster.certificates().join("ca.pem")).watch_interval(WATCH);
        let password = PasswordFile::open(user.as_str(), &file).unwrap();
        SecurityConfig::sasl_ssl_as(tls, SaslLogin::with_credentials(SaslMechanism::ScramSha512, password))
    };
    let servers = cluster.listener("REAUTH");
    until_accepted(&servers, &security()).await;
    let (writing, reading) = (client(&servers, &security()), client(&servers, &security()));
    let load = Load::start(writing.clone(), reading.clone(), &unique("rotation-sasl")).await;
    // Twice the length of a session.
    let session = RATE * 6;
    load.go_on(session).await;
    for round in 1..=2 {
        let password = format!("password-{round}");
        set_password(&cluster, &user, &password).await;
        // The file follows later than a session lasts, as it may.
        sleep(Duration::from_secs(4)).await;
        fs::write(&file, format!("{password}\n")).unwrap();
        load.go_on(session).await;
        for client in [&writing, &reading] {
            let refused = client.metrics().connection_failures;
            assert!(refused >= round, "the old password was never refused: the test tests nothing");
        }
    }
    cluster.renew_broker_certificate().await;
    load.go_on(session).await;
    load.finish().await;
}
