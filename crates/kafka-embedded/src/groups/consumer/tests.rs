use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use kafka_core::protocol::messages::consumer_group_heartbeat_request::TopicPartitions;
use kafka_core::protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_core::protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, JoinGroupRequest, SyncGroupRequest,
};
use kafka_core::protocol::{ErrorCode, Uuid};

use super::Pattern;
use crate::core::{Call, Reply, Ticket};
use crate::groups::group::Kind;
use crate::groups::{Commit, Effects, Group, Place, Refusal, TopicMap, TopicShape};
use crate::settings::{MigrationPolicy, Settings};

const A: Uuid = Uuid([1; 16]);
const B: Uuid = Uuid([2; 16]);

/// A group, its clock and the topics that there are.
struct Bench {
    group: Group,
    now: Duration,
    settings: Settings,
    topics: TopicMap,
    random: fastrand::Rng,
}

/// What a member of the new protocol knows.
#[derive(Clone, Debug)]
struct Client {
    id: String,
    instance: Option<String>,
    epoch: i32,
    owned: BTreeSet<Place>,
    target: BTreeSet<Place>,
}

impl Client {
    fn new(id: &str) -> Self {
        let (owned, target) = Default::default();
        Self { id: id.to_owned(), instance: None, epoch: 0, owned, target }
    }

    fn fixed(id: &str, instance: &str) -> Self {
        Self { instance: Some(instance.to_owned()), ..Self::new(id) }
    }
}

impl Bench {
    fn new() -> Self {
        let shapes = [("a", A, 4), ("b", B, 2)];
        let topics = shapes.map(|(name, id, partitions)| (name.to_owned(), TopicShape { id, partitions }));
        Self {
            group: Group::new("g"),
            now: Duration::ZERO,
            settings: Settings::default(),
            topics: TopicMap(topics.into_iter().collect()),
            random: fastrand::Rng::with_seed(1),
        }
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Group, &mut Effects<'_>) -> T) -> T {
        let mut effects = Effects::new(self.now, &self.settings, &self.topics, &mut self.random);
        act(&mut self.group, &mut effects)
    }

    fn ask(
        &mut self,
        request: &ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, Refusal> {
        let pattern = request.subscribed_topic_regex.as_deref().map(|text| Pattern::new(text).unwrap());
        self.act(|group, effects| group.consumer_heartbeat(request, pattern, &call(1), effects))
    }

    fn code(&mut self, request: &ConsumerGroupHeartbeatRequest) -> ErrorCode {
        self.ask(request).unwrap_err().code
    }

    fn join(&mut self, client: &mut Client, topics: &[&str]) {
        let request = joining(client, topics);
        let heard = self.ask(&request).unwrap();
        take(client, heard);
    }

    /// One heartbeat of a member that has done all it was told.
    fn beat(&mut self, client: &mut Client) {
        client.owned.clone_from(&client.target);
        let heard = self.ask(&beating(client)).unwrap();
        take(client, heard);
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.act(|group, effects| group.due(effects));
    }

    fn state(&self) -> (&'static str, i32) {
        (self.group.state(), self.group.generation())
    }

    fn commit(&mut self, client: &Client, epoch: i32, partitions: &[(&str, i32)]) -> Result<(), ErrorCode> {
        let partitions: Vec<_> =
            partitions.iter().map(|(topic, partition)| ((*topic).to_owned(), *partition)).collect();
        let commit = Commit {
            member: &client.id,
            instance: None,
            generation: epoch,
            transactional: false,
            version: 9,
            partitions: &partitions,
        };
        self.act(|group, effects| group.check_commit(&commit, effects))
    }
}

fn call(version: i16) -> Call {
    let client_id = Some("client".to_owned());
    let host = "127.0.0.1".to_owned();
    Call { ticket: Ticket(1), broker: 1, version, client_id, host, ..Call::default() }
}

fn joining(client: &Client, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: "g".to_owned(),
        member_id: client.id.clone(),
        instance_id: client.instance.clone(),
        rebalance_timeout_ms: 30_000,
        subscribed_topic_names: Some(topics.iter().map(|name| (*name).to_owned()).collect()),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    }
}

fn beating(client: &Client) -> ConsumerGroupHeartbeatRequest {
    let mut by_topic: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for &(topic, partition) in &client.owned {
        by_topic.entry(topic).or_default().push(partition);
    }
    let owned = by_topic.into_iter().map(|(topic_id, partitions)| TopicPartitions { topic_id, partitions });
    ConsumerGroupHeartbeatRequest {
        group_id: "g".to_owned(),
        member_id: client.id.clone(),
        instance_id: client.instance.clone(),
        member_epoch: client.epoch,
        topic_partitions: Some(owned.collect()),
        ..Default::default()
    }
}

fn leaving(client: &Client, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest { member_epoch: epoch, topic_partitions: None, ..beating(client) }
}

fn take(client: &mut Client, heard: ConsumerGroupHeartbeatResponse) {
    client.epoch = heard.member_epoch;
    if let Some(assignment) = heard.assignment {
        let topics = assignment.topic_partitions.into_iter();
        let places = topics
            .flat_map(|topic| topic.partitions.into_iter().map(move |partition| (topic.topic_id, partition)));
        client.target = places.collect();
    }
}

#[test]
fn the_first_member_gets_everything_at_once() {
    let mut bench = Bench::new();
    let mut m = Client::new("m");
    bench.join(&mut m, &["a", "b"]);
    assert_eq!((m.target.len(), m.epoch), (6, 2));
    assert_eq!(bench.state(), ("Stable", 2));
    bench.beat(&mut m);
    assert_eq!(m.epoch, 2);
}

#[test]
fn a_second_member_gets_what_the_first_has_given_up() {
    let mut bench = Bench::new();
    let (mut m, mut n) = (Client::new("m"), Client::new("n"));
    bench.join(&mut m, &["a"]);
    bench.beat(&mut m);
    bench.join(&mut n, &["a"]);
    assert_eq!((n.target.len(), n.epoch), (0, 3), "the first one still has all");
    assert_eq!(bench.state(), ("Reconciling", 3));
    bench.beat(&mut m);
    assert_eq!((m.target.len(), m.epoch), (2, 2), "it stays in its epoch until it has given up");
    bench.beat(&mut n);
    assert_eq!(n.target.len(), 0);
    bench.beat(&mut m);
    assert_eq!(m.epoch, 3);
    bench.beat(&mut n);
    assert_eq!((n.target.len(), bench.state()), (2, ("Stable", 3)));
    assert!(n.target.is_disjoint(&m.target));
}

#[test]
fn who_does_not_give_up_in_time_is_removed() {
    let mut bench = Bench::new();
    let (mut m, mut n) = (Client::new("m"), Client::new("n"));
    bench.join(&mut m, &["a"]);
    bench.beat(&mut m);
    bench.join(&mut n, &["a"]);
    m.owned.clone_from(&m.target);
    let keeps = beating(&m);
    for _ in 0..6 {
        bench.ask(&keeps).unwrap();
        bench.beat(&mut n);
        bench.wait(Duration::from_secs(5));
    }
    assert_eq!(bench.code(&keeps), ErrorCode::UNKNOWN_MEMBER_ID);
    bench.beat(&mut n);
    assert_eq!(n.target.len(), 4);
}

#[test]
fn a_silent_member_is_removed() {
    let mut bench = Bench::new();
    let (mut m, mut n) = (Client::new("m"), Client::new("n"));
    bench.join(&mut m, &["a"]);
    bench.wait(Duration::from_secs(30));
    bench.join(&mut n, &["a"]);
    bench.wait(Duration::from_secs(30));
    bench.beat(&mut n);
    assert_eq!((n.target.len(), bench.state()), (4, ("Stable", 4)));
    bench.wait(Duration::from_secs(45));
    assert_eq!(bench.state(), ("Empty", 5));
}

#[test]
fn epochs_that_do_not_fit_are_fenced_but_not_after_a_lost_answer() {
    let mut bench = Bench::new();
    let (mut m, mut n) = (Client::new("m"), Client::new("n"));
    bench.join(&mut m, &["a"]);
    bench.beat(&mut m);
    let ahead = ConsumerGroupHeartbeatRequest { member_epoch: 3, ..beating(&m) };
    assert_eq!(bench.code(&ahead), ErrorCode::FENCED_MEMBER_EPOCH);
    bench.join(&mut n, &["a"]);
    bench.beat(&mut m);
    m.owned.clone_from(&m.target);
    let given_up = beating(&m);
    // The answer is lost, so the same is said again.
    assert_eq!(bench.ask(&given_up).unwrap().member_epoch, 3);
    assert_eq!(bench.ask(&given_up).unwrap().member_epoch, 3);
    m.owned.insert((A, 0));
    m.owned.insert((A, 3));
    assert_eq!(bench.code(&beating(&m)), ErrorCode::FENCED_MEMBER_EPOCH);
    // Who joins anew has given up everything, and gets what it is to have.
    let again = bench.ask(&joining(&m, &["a"])).unwrap();
    assert_eq!((again.member_epoch, again.assignment.unwrap().topic_partitions[0].partitions.len()), (3, 2));
    let stranger = Client { epoch: 2, ..Client::new("x") };
    assert_eq!(bench.code(&beating(&stranger)), ErrorCode::UNKNOWN_MEMBER_ID);
}

#[test]
fn a_static_member_gets_its_partitions_back_once_its_former_self_has_left() {
    let mut bench = Bench::new();
    let (mut m, mut n) = (Client::fixed("m", "i"), Client::new("n"));
    bench.join(&mut m, &["a"]);
    bench.beat(&mut m);
    bench.join(&mut n, &["a"]);
    for _ in 0..3 {
        bench.beat(&mut m);
        bench.beat(&mut n);
    }
    let mut back = Client::fixed("m2", "i");
    assert_eq!(bench.code(&joining(&back, &["a"])), ErrorCode::UNRELEASED_INSTANCE_ID);
    assert_eq!(bench.ask(&leaving(&m, -2)).unwrap().member_epoch, -2);
    bench.beat(&mut n);
    assert_eq!(n.target.len(), 2, "what it had waits for it");
    bench.join(&mut back, &["a"]);
    assert_eq!((&back.target, back.epoch), (&m.target, 3), "without a rebalance");
    assert_eq!(bench.code(&beating(&m)), ErrorCode::FENCED_INSTANCE_ID);
    assert_eq!(bench.ask(&leaving(&back, -1)).unwrap().member_epoch, -1);
    bench.beat(&mut n);
    assert_eq!(n.target.len(), 4);
}

#[test]
fn topics_that_come_go_and_grow_are_noticed_by_names_and_patterns() {
    let mut bench = Bench::new();
    let mut m = Client::new("m");
    let by_pattern = ConsumerGroupHeartbeatRequest {
        subscribed_topic_names: None,
        subscribed_topic_regex: Some("[bc]|x".to_owned()),
        ..joining(&m, &[])
    };
    let heard = bench.ask(&by_pattern).unwrap();
    take(&mut m, heard);
    assert_eq!(m.target, BTreeSet::from([(B, 0), (B, 1)]));
    let c = Uuid([3; 16]);
    bench.topics.0.insert("c".to_owned(), TopicShape { id: c, partitions: 1 });
    bench.topics.0.insert("bc".to_owned(), TopicShape { id: Uuid([4; 16]), partitions: 1 });
    bench.beat(&mut m);
    assert_eq!(m.target, BTreeSet::from([(B, 0), (B, 1), (c, 0)]));
    bench.topics.0.insert("b".to_owned(), TopicShape { id: B, partitions: 3 });
    bench.topics.0.remove("c");
    bench.beat(&mut m);
    bench.beat(&mut m);
    assert_eq!(m.target, BTreeSet::from([(B, 0), (B, 1), (B, 2)]));
}

#[test]
fn members_choose_the_assignor_by_majority() {
    let mut bench = Bench::new();
    for id in ["m", "n"] {
        let request = ConsumerGroupHeartbeatRequest {
            server_assignor: Some("range".to_owned()),
            ..joining(&Client::new(id), &["a", "b"])
        };
        bench.ask(&request).unwrap();
    }
    let targets = &bench.group.consumer().unwrap().targets;
    assert_eq!(targets["m"], BTreeSet::from([(A, 0), (A, 1), (B, 0)]));
}

#[test]
fn a_full_group_takes_nobody_else() {
    let mut bench = Bench::new();
    bench.settings.consumer_max_group_size = 1;
    bench.join(&mut Client::new("m"), &["a"]);
    assert_eq!(bench.code(&joining(&Client::new("n"), &["a"])), ErrorCode::GROUP_MAX_SIZE_REACHED);
}

#[test]
fn a_late_commit_counts_for_what_the_member_has_had_since_then() {
    let mut bench = Bench::new();
    let (mut m, mut n) = (Client::new("m"), Client::new("n"));
    bench.join(&mut m, &["a"]);
    bench.beat(&mut m);
    bench.join(&mut n, &["a"]);
    bench.beat(&mut m);
    bench.beat(&mut m);
    assert_eq!(m.epoch, 3);
    let kept: Vec<(&str, i32)> = m.target.iter().map(|(_, partition)| ("a", *partition)).collect();
    let given: Vec<(&str, i32)> = (0..4).map(|p| ("a", p)).filter(|place| !kept.contains(place)).collect();
    assert_eq!(bench.commit(&m, 3, &given), Ok(()), "in its epoch a member may commit anything");
    assert_eq!(bench.commit(&m, 2, &kept), Ok(()));
    assert_eq!(bench.commit(&m, 2, &given), Err(ErrorCode::STALE_MEMBER_EPOCH));
    assert_eq!(bench.commit(&m, 4, &kept), Err(ErrorCode::STALE_MEMBER_EPOCH));
    assert_eq!(bench.commit(&Client::new(""), -1, &kept), Err(ErrorCode::UNKNOWN_MEMBER_ID));
    assert_eq!(bench.group.check_fetch(Some("m"), 2), Err(ErrorCode::STALE_MEMBER_EPOCH));
    assert_eq!(bench.group.check_fetch(None, -1), Ok(()));
}

/// A subscription to topic `a` in the consumers' own format, version 0.
const SUBSCRIPTION: &[u8] = &[0, 0, 0, 0, 0, 1, 0, 1, b'a', 255, 255, 255, 255];

fn classic(member: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: "g".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol {
            name: "range".to_owned(),
            metadata: Bytes::from_static(SUBSCRIPTION),
        }],
        ..Default::default()
    }
}

impl Bench {
    /// A classic member joins a group that assigns by itself; its id, generation and assignment.
    fn join_classic(&mut self, member: &str) -> (String, i32, Bytes) {
        let request = classic(member);
        // An old version, in which a member need not know its id before.
        let joined = self.act(|group, effects| group.join(&request, &call(3), effects));
        let Reply::Now(joined) = joined else { panic!("nobody waits: {joined:?}") };
        assert_eq!(joined.error_code, 0);
        let sync = SyncGroupRequest {
            member_id: joined.member_id.clone(),
            generation_id: joined.generation_id,
            ..Default::default()
        };
        let synced = self.act(|group, effects| group.sync(&sync, &call(3), effects));
        let Reply::Now(synced) = synced else { panic!("nobody waits: {synced:?}") };
        assert_eq!(synced.error_code, 0);
        (joined.member_id, joined.generation_id, synced.assignment)
    }

    fn classic_beat(&mut self, member: &str, generation: i32) -> Result<(), ErrorCode> {
        self.act(|group, effects| group.heartbeat(member, None, generation, effects))
    }
}

#[test]
fn members_of_both_protocols_share_a_group_until_the_last_new_one_leaves() {
    let mut bench = Bench::new();
    let mut m = Client::new("m");
    bench.join(&mut m, &["a"]);
    bench.beat(&mut m);
    let (id, generation, assignment) = bench.join_classic("");
    assert_eq!(generation, 3);
    assert_eq!(&assignment[..], &[0, 0, 0, 0, 0, 0, 255, 255, 255, 255], "nothing is free yet");
    bench.beat(&mut m);
    bench.beat(&mut m);
    assert_eq!(m.target.len(), 2);
    assert_eq!(bench.classic_beat(&id, 3), Err(ErrorCode::REBALANCE_IN_PROGRESS));
    let (_, generation, assignment) = bench.join_classic(&id);
    assert_eq!((generation, assignment.len()), (3, 25));
    assert_eq!(bench.classic_beat(&id, 3), Ok(()));
    assert_eq!(bench.state(), ("Stable", 3));

    bench.ask(&leaving(&m, -1)).unwrap();
    let Kind::Classic(group) = &bench.group.kind else { panic!("{:?}", bench.group) };
    assert_eq!((group.members.len(), group.leader.as_deref()), (1, Some(id.as_str())));
    assert_eq!(bench.classic_beat(&id, 3), Err(ErrorCode::REBALANCE_IN_PROGRESS));
}

#[test]
fn a_new_member_takes_a_classic_group_along_only_if_it_may() {
    for policy in [MigrationPolicy::Disabled, MigrationPolicy::Bidirectional] {
        let mut bench = Bench::new();
        bench.settings.migration_policy = policy;
        let request = classic("");
        let joined = bench.act(|group, effects| {
            let reply = group.join(&request, &call(3), effects);
            (reply, std::mem::take(&mut effects.joined))
        });
        let id = joined.1[0].1.member_id.clone();
        let mut m = Client::new("m");
        if policy == MigrationPolicy::Disabled {
            assert_eq!(bench.code(&joining(&m, &["a"])), ErrorCode::GROUP_ID_NOT_FOUND);
            continue;
        }
        bench.join(&mut m, &["a"]);
        assert_eq!(bench.group.kind_name(), "consumer");
        assert_eq!(bench.classic_beat(&id, 1), Err(ErrorCode::REBALANCE_IN_PROGRESS));
        let (_, generation, _) = bench.join_classic(&id);
        bench.beat(&mut m);
        bench.beat(&mut m);
        assert_eq!((generation, m.epoch, m.target.len()), (2, 2, 2));
    }
}

#[test]
fn a_group_without_members_takes_the_protocol_of_the_next_one() {
    let mut bench = Bench::new();
    let mut m = Client::new("m");
    bench.join(&mut m, &["a"]);
    bench.ask(&leaving(&m, -1)).unwrap();
    assert_eq!((bench.group.kind_name(), bench.group.state()), ("consumer", "Empty"));
    let request = classic("");
    bench.act(|group, effects| group.join(&request, &call(3), effects));
    assert_eq!(bench.group.kind_name(), "classic");
}
