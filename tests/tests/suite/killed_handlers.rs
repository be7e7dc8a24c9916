//! A process that handles records and writes dead letters is killed at any point, again and again.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kafka_admin::NewTopic;
use kafka_core::TopicPartition;
use kafka_core::cluster::Client;
use kafka_stream::consumer::{Consumer, ConsumerConfig};
use kafka_stream::dead_letter::Provenance;
use kafka_stream::producer::{Producer, ProducerConfig, ProducerRecord};
use kafka_tests::chain::numbered;
use kafka_tests::{Cluster, create, unique};
use tokio_util::sync::CancellationToken;

const PARTITIONS: i32 = 3;
/// Every so many records one is bad.
const BAD: u64 = 4;
/// Only what hangs takes so long.
const WAIT: Duration = Duration::from_secs(120);

/// A partition and an offset, which is the record's number, too.
type Place = (i32, i64);

/// The service, of which one process runs at a time.
struct Service {
    cluster: Cluster,
    client: Client,
    topic: String,
    group: String,
    is_static: bool,
    folder: tempfile::TempDir,
    starts: usize,
}

/// What is known from outside at a moment when no process runs.
struct Seen {
    committed: BTreeMap<i32, i64>,
    /// How often each record was handled, start by start.
    handled: Vec<BTreeMap<Place, usize>>,
    letters: BTreeMap<Place, usize>,
}

impl Service {
    async fn new(is_static: bool) -> Self {
        let cluster = Cluster::single().await;
        let client = cluster.client();
        let (topic, group) = (unique("killed"), unique("killed-group"));
        create(&client, &NewTopic::new(&topic).partitions(PARTITIONS)).await;
        // So that looking for letters finds a topic before there are any.
        create(&client, &NewTopic::new(format!("{topic}.dlq")).partitions(PARTITIONS)).await;
        let folder = tempfile::tempdir().unwrap();
        Self { cluster, client, topic, group, is_static, folder, starts: 0 }
    }

    fn journal(&self, start: usize) -> PathBuf {
        self.folder.path().join(format!("{start}.journal"))
    }

    /// Commits rarely, so that a kill finds much that is handled and not committed; or all the time while each record takes a
    /// while, so that it finds some that is just not handled.
    fn start(&mut self, commits_rarely: bool) -> Child {
        let (commit, each) = if commits_rarely { ("500", "0") } else { ("2", "5") };
        // A static member is let in at once; another has to wait until what was killed is given up.
        let session =
            if self.is_static { Duration::from_secs(10) } else { self.cluster.shortest_session() * 2 };
        let mut command = Command::new(env!("CARGO_BIN_EXE_torture"));
        command
            .arg("members")
            .args(["--servers", &self.cluster.bootstrap_servers().join(",")])
            .args(["--topic", &self.topic, "--group", &self.group, "--by", "handler"])
            .arg("--journal")
            .arg(self.journal(self.starts))
            .args(["--name", &format!("start-{}", self.starts)])
            .args(["--dead-letter-every", &BAD.to_string(), "--commit-ms", commit, "--each-ms", each])
            .args(["--session-timeout-ms", &session.as_millis().to_string()])
            // It ends with its input, so also with this process.
            .stdin(Stdio::piped())
            .stderr(File::create(self.folder.path().join(format!("{}.log", self.starts))).unwrap());
        if self.is_static {
            command.args(["--instance-id", "the-one"]);
        }
        self.starts += 1;
        command.spawn().unwrap()
    }

    /// Waits until the process that was started last has handled so many records.
    async fn has_handled(&self, count: usize) {
        let journal = self.journal(self.starts - 1);
        let handled = async {
            while handled(&journal).values().sum::<usize>() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(WAIT, handled).await.unwrap();
    }

    fn of_group(&self, group: Option<&str>) -> Consumer {
        let mut config = ConsumerConfig::default();
        config.group_id = group.map(str::to_owned);
        config.fetch_min_bytes = 1;
        Consumer::new(self.client.clone(), config).unwrap()
    }

    /// Committed offsets are asked for first: what they cover has to be there by then.
    async fn look(&self) -> Seen {
        let tps: Vec<_> =
            (0..PARTITIONS).map(|index| TopicPartition::new(self.topic.as_str(), index)).collect();
        let committed = self.of_group(Some(&self.group)).committed(&tps).await.unwrap();
        let offset = |tp: &TopicPartition| committed.get(tp).cloned().flatten().map_or(0, |at| at.offset);
        Seen {
            committed: tps.iter().map(|tp| (tp.partition, offset(tp))).collect(),
            handled: (0..self.starts).map(|start| handled(&self.journal(start))).collect(),
            letters: self.letters().await,
        }
    }

    async fn letters(&self) -> BTreeMap<Place, usize> {
        let consumer = self.of_group(None);
        let tps = consumer.partitions_for(&format!("{}.dlq", self.topic)).await.unwrap();
        let ends: HashMap<_, _> = consumer.end_offsets(&tps).await.unwrap();
        consumer.assign(tps).unwrap();
        let mut letters = BTreeMap::new();
        while ends.iter().any(|(tp, end)| consumer.position(tp).unwrap().is_none_or(|at| at < *end)) {
            for letter in &consumer.poll(Duration::from_millis(100)).await.unwrap() {
                let from = Provenance::of(&letter.to_record()).unwrap();
                assert_eq!((from.topic.as_str(), from.group.as_deref()), (&*self.topic, Some(&*self.group)));
                *letters.entry((from.partition.unwrap(), from.offset.unwrap())).or_default() += 1;
            }
        }
        letters
    }
}

impl Seen {
    fn is_settled(&self, place: Place) -> bool {
        self.letters.contains_key(&place) || self.handled.iter().any(|start| start.contains_key(&place))
    }

    /// Nothing is committed that was neither handled nor dead-lettered.
    fn check_commits(&self) {
        for (&partition, &committed) in &self.committed {
            let lost: Vec<_> =
                (0..committed).filter(|offset| !self.is_settled((partition, *offset))).collect();
            assert!(lost.is_empty(), "{partition} is committed up to {committed}, and lost: {lost:?}");
        }
    }
}

fn handled(journal: &Path) -> BTreeMap<Place, usize> {
    // A process that was just started has none yet; the last line of one that was killed may be cut off.
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut handled = BTreeMap::new();
    for line in whole.lines() {
        let words: Vec<_> = line.split(' ').collect();
        match words[2..] {
            ["h", partition, number] => {
                *handled.entry((partition.parse().unwrap(), number.parse().unwrap())).or_default() += 1;
            }
            ["x"] => {}
            _ => panic!("{line}"),
        }
    }
    handled
}

/// Produces some records every few milliseconds until told to end, and returns how many there are of each partition.
async fn produce(client: Client, topic: String, end: CancellationToken) -> i64 {
    let producer = Producer::new(client, ProducerConfig::default()).unwrap();
    let mut count = 0;
    while !end.is_cancelled() {
        for _ in 0..5 {
            for partition in 0..PARTITIONS {
                let value = numbered(partition, u64::try_from(count).unwrap());
                let record = ProducerRecord::to(topic.as_str()).partition(partition).value(&value);
                drop(producer.send(record).await.unwrap());
            }
            count += 1;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    producer.close(WAIT).await.unwrap();
    count
}

async fn killed_again_and_again(is_static: bool, kills: usize) {
    let mut service = Service::new(is_static).await;
    let end = CancellationToken::new();
    let producing = tokio::spawn(produce(service.client.clone(), service.topic.clone(), end.clone()));
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut committed_at_kill = Vec::new();
    for kill in 0..kills {
        let mut process = service.start(kill % 2 == 0);
        service.has_handled(1).await;
        // Before the first commit, about the second, between others.
        tokio::time::sleep(Duration::from_millis(random.u64(0..1_200))).await;
        process.kill().unwrap();
        process.wait().unwrap();
        let seen = service.look().await;
        seen.check_commits();
        committed_at_kill.push(seen.committed);
    }
    end.cancel();
    let count = producing.await.unwrap();

    let mut process = service.start(true);
    let all = |seen: &Seen| {
        (0..PARTITIONS).all(|partition| (0..count).all(|offset| seen.is_settled((partition, offset))))
    };
    let finished = async {
        while !all(&service.look().await) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(WAIT, finished).await.unwrap();
    drop(process.stdin.take());
    assert!(process.wait().unwrap().success());

    let seen = service.look().await;
    seen.check_commits();
    assert!(seen.committed.values().all(|committed| *committed == count), "{:?} of {count}", seen.committed);
    let is_bad = |place: Place| u64::try_from(place.1).unwrap().is_multiple_of(BAD);
    assert!(seen.letters.keys().all(|place| is_bad(*place)), "only bad records are dead letters");
    assert!(seen.handled.iter().flatten().all(|(place, _)| !is_bad(*place)), "and no others are handled");
    // What a start repeats was not committed when the one before was killed; within a start nothing is repeated.
    let mut repeated = 0;
    for (start, of_start) in seen.handled.iter().enumerate() {
        for (&(partition, offset), &times) in of_start {
            assert_eq!(times, 1, "{offset} of {partition} was handled twice by start {start}");
            let floor = start.checked_sub(1).map_or(0, |before| committed_at_kill[before][&partition]);
            assert!(
                offset >= floor,
                "{offset} of {partition} was committed before start {start}, up to {floor}"
            );
            repeated +=
                usize::from(seen.handled[..start].iter().any(|b| b.contains_key(&(partition, offset))));
        }
    }
    for (&(partition, offset), &times) in &seen.letters {
        let kills = committed_at_kill.iter().filter(|committed| committed[&partition] <= offset).count();
        assert!(
            times <= 1 + kills,
            "{times} letters of {offset} of {partition}, and {kills} kills explain any"
        );
    }
    let letters: usize = seen.letters.values().sum::<usize>() - seen.letters.len();
    println!(
        "{count} records in each of {PARTITIONS}: {repeated} handled again, {letters} letters written again"
    );
    assert!(repeated > 0, "no kill met anything that was not committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_killed_between_handling_dead_letter_and_commit_loses_nothing() {
    killed_again_and_again(true, 10).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_member_left_is_taken_up_once_its_session_is_over() {
    killed_again_and_again(false, 3).await;
}
