//! What a seed stands for: a cluster, who uses it how, and what goes wrong when.

use std::time::Duration;

use fastrand::Rng;
use streaming_kafka::consumer::AssignmentStrategy;

use super::chaos::{Event, Rule};

/// Milliseconds, drawn.
pub(super) fn millis(random: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(random.u64(range))
}

pub(super) fn pick<T: Clone>(random: &mut Rng, of: &[T]) -> T {
    of[random.usize(..of.len())].clone()
}

#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) brokers: u16,
    pub(super) topics: Vec<TopicPlan>,
    pub(super) producers: Vec<ProducerPlan>,
    pub(super) groups: Vec<GroupPlan>,
    pub(super) rules: Vec<Rule>,
    pub(super) events: Vec<(Duration, Event)>,
    /// For how long things go wrong; then all is well, and must become so for the clients too.
    pub(super) length: Duration,
    /// When the brokers of groups of KIP-848 miss a member.
    pub(super) consumer_session_timeout: Duration,
    pub(super) consumer_heartbeat_interval: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct TopicPlan {
    pub(super) name: &'static str,
    pub(super) partitions: i32,
    pub(super) min_insync_replicas: u16,
    /// Its log may be cut off, and the topic deleted and created again.
    pub(super) lossy: bool,
}

#[derive(Clone, Debug)]
pub(super) struct ProducerPlan {
    pub(super) records: u32,
    pub(super) gap: Duration,
    pub(super) burst: u32,
    pub(super) idempotent: bool,
    pub(super) retries: u32,
    pub(super) max_in_flight: usize,
    pub(super) compression: &'static str,
    pub(super) batch_size: usize,
    pub(super) buffer_memory: usize,
    pub(super) linger: Duration,
    pub(super) request_timeout: Duration,
    pub(super) delivery_timeout: Duration,
    /// One record in so many has a large value, 0: none.
    pub(super) large_every: u32,
    /// One `send` in so many is given up while it waits, 0: none.
    pub(super) give_up_every: u32,
    /// One record in so many is followed by a flush, which may be given up, 0: none.
    pub(super) flush_every: u32,
    /// After so many records another producer goes on, 0: none does. The first is closed, or merely dropped.
    pub(super) renew_every: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// `poll`, then `commit_sync`.
    Commits,
    /// `poll` with `enable.auto.commit`.
    AutoCommit,
    /// A handler, with dead letters.
    Handler { lanes: usize },
}

/// What a member that polls does besides, each one time in so many polls; 0: never.
#[derive(Clone, Copy, Debug)]
pub(super) struct Antics {
    /// Polls that are dropped.
    pub(super) drops: u32,
    /// Partitions paused for some polls.
    pub(super) pauses: u32,
    /// A partition that is sought back.
    pub(super) seeks: u32,
    /// The subscription ended and begun again.
    pub(super) leaves: u32,
    /// `max.poll.interval.ms` overrun.
    pub(super) overruns: u32,
    /// Whether a listener commits, and takes its time.
    pub(super) listens: bool,
}

/// What the members of a group speak.
#[derive(Clone, Copy)]
enum Protocol {
    Classic,
    /// KIP-848.
    Consumer,
    /// Members of both, as while a group is moved from one to the other.
    Both,
}

#[derive(Clone, Debug)]
pub(super) struct GroupPlan {
    pub(super) name: &'static str,
    pub(super) mode: Mode,
    pub(super) antics: Antics,
    /// Topics are subscribed by a pattern.
    pub(super) pattern: bool,
    pub(super) read_committed: bool,
    pub(super) heartbeat_interval: Duration,
    pub(super) fetch_max_wait: Duration,
    pub(super) assignors: Vec<AssignmentStrategy>,
    pub(super) static_members: bool,
    pub(super) session_timeout: Duration,
    pub(super) max_poll_interval: Duration,
    pub(super) request_timeout: Duration,
    pub(super) api_timeout: Duration,
    pub(super) max_poll_records: usize,
    pub(super) members: Vec<MemberPlan>,
}

/// The first member of each group stays to the end.
#[derive(Clone, Debug)]
pub(super) struct MemberPlan {
    /// Speaks the classic protocol.
    pub(super) classic: bool,
    pub(super) from: Duration,
    pub(super) until: Option<(Duration, End)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Close,
    Crash,
}

impl Scenario {
    pub(super) fn draw(random: &mut Rng) -> Self {
        let brokers = pick(random, &[1, 2, 3, 3, 3, 4]);
        let length = Duration::from_secs(random.u64(10..90));
        let names = ["alpha", "beta"];
        let topics: Vec<_> = names[..random.usize(1..=2)]
            .iter()
            .map(|&name| TopicPlan {
                name,
                partitions: random.i32(1..5),
                min_insync_replicas: if brokers > 1 { pick(random, &[1, 1, 2]) } else { 1 },
                lossy: random.u8(..5) == 0,
            })
            .collect();
        let producers = (0..random.usize(1..=3)).map(|_| ProducerPlan::draw(random, length)).collect();
        let names = ["g1", "g2"];
        let groups =
            names[..random.usize(1..=2)].iter().map(|&name| GroupPlan::draw(random, name, length)).collect();
        let mut scenario = Self {
            brokers,
            topics,
            producers,
            groups,
            rules: Rule::draw_some(random),
            events: Vec::new(),
            length,
            consumer_session_timeout: pick(random, &[6, 15, 45]).secs(),
            consumer_heartbeat_interval: pick(random, &[1, 2, 5]).secs(),
        };
        scenario.events = Event::draw_some(random, &scenario);
        scenario
    }
}

impl Scenario {
    /// How far the clock jumps in all: so much later anything may be that has a deadline.
    pub(super) fn jumps(&self) -> Duration {
        let jump = |(_, event): &(Duration, Event)| match event {
            Event::Jump(time) => *time,
            _ => Duration::ZERO,
        };
        self.events.iter().map(jump).sum()
    }

    /// Whether the ends of its logs are cut off.
    pub(super) fn is_cut_off(&self, topic: &str) -> bool {
        let cut = |event: &Event| matches!(event, Event::Truncate { topic: cut, .. } if *cut == topic);
        self.events.iter().any(|(_, event)| cut(event))
    }

    /// Whether two members of a group may have one partition of a topic for a while: where it is created anew, the group assigns
    /// it by its new id at once, while a classic member, which knows names only, still gives it up.
    pub(super) fn may_be_owned_twice(&self, group: &GroupPlan, topic: &str) -> bool {
        let anew = |event: &Event| matches!(event, Event::Recreate { topic: anew } if *anew == topic);
        let is_mixed = group.members.iter().any(|member| member.classic != group.members[0].classic);
        is_mixed && self.events.iter().any(|(_, event)| anew(event))
    }

    pub(super) fn is_lossy(&self, topic: &str) -> bool {
        self.topics.iter().any(|plan| plan.name == topic && plan.lossy)
    }
}

impl ProducerPlan {
    fn draw(random: &mut Rng, length: Duration) -> Self {
        let records = random.u32(20..150);
        let burst = pick(random, &[1, 5, 20, 50]);
        let linger = pick(random, &[0, 0, 5, 50]);
        let batch_size = pick(random, &[100, 600, 16_384]);
        let request_timeout = pick(random, &[500, 1000, 5000, 30_000]);
        Self {
            records,
            gap: length.mul_f64(0.8) / (records / burst).max(1),
            burst,
            idempotent: random.u8(..8) > 0,
            retries: pick(random, &[3, 10, u32::MAX, u32::MAX]),
            max_in_flight: random.usize(1..=5),
            compression: pick(random, &["none", "none", "gzip", "snappy", "lz4", "zstd"]),
            batch_size,
            buffer_memory: if batch_size < 1000 { pick(random, &[6_000, 33_554_432]) } else { 33_554_432 },
            linger: Duration::from_millis(linger),
            request_timeout: Duration::from_millis(request_timeout),
            delivery_timeout: Duration::from_millis(linger + request_timeout + random.u64(0..60_000)),
            large_every: pick(random, &[0, 0, 7]),
            give_up_every: pick(random, &[0, 0, 9]),
            flush_every: pick(random, &[0, 0, 17]),
            renew_every: pick(random, &[0, 0, 0, 40]),
        }
    }
}

impl GroupPlan {
    fn draw(random: &mut Rng, name: &'static str, length: Duration) -> Self {
        use AssignmentStrategy::{CooperativeSticky, Range, RoundRobin, Sticky};
        let mode = match random.u8(..4) {
            0 => Mode::Commits,
            1 => Mode::AutoCommit,
            _ => Mode::Handler { lanes: pick(random, &[1, 1, 3]) },
        };
        let assignors = pick(
            random,
            &[&[Range][..], &[RoundRobin], &[Sticky], &[CooperativeSticky], &[Range, CooperativeSticky]],
        );
        let protocol = pick(
            random,
            &[Protocol::Classic, Protocol::Classic, Protocol::Consumer, Protocol::Consumer, Protocol::Both],
        );
        let is_classic = |random: &mut Rng| match protocol {
            Protocol::Classic => true,
            Protocol::Consumer => false,
            Protocol::Both => random.bool(),
        };
        let later = (1..random.usize(1..=4)).map(|_| {
            let from = length.mul_f64(random.f64());
            let ends = random.bool().then(|| {
                let until = from + length.mul_f64(random.f64() * 0.5);
                (until, if random.bool() { End::Close } else { End::Crash })
            });
            MemberPlan { classic: is_classic(random), from, until: ends }
        });
        let later: Vec<_> = later.collect();
        let session_timeout = pick(random, &[6, 10, 30]);
        let request_timeout = pick(random, &[2, 10, 30]).secs();
        let first = MemberPlan { classic: is_classic(random), from: Duration::ZERO, until: None };
        Self {
            name,
            mode,
            antics: Antics::draw(random),
            pattern: random.u8(..4) == 0,
            read_committed: random.bool(),
            fetch_max_wait: Duration::from_millis(pick(random, &[50, 500, 2_000, 5_000]))
                .min(request_timeout / 2),
            heartbeat_interval: session_timeout.secs() / pick(random, &[3, 4, 10]),
            assignors: assignors.to_vec(),
            members: std::iter::once(first).chain(later).collect(),
            static_members: random.u8(..4) == 0,
            session_timeout: session_timeout.secs(),
            max_poll_interval: pick(random, &[15, 60, 300]).max(session_timeout).secs(),
            request_timeout,
            api_timeout: pick(random, &[3, 15, 60]).secs(),
            max_poll_records: pick(random, &[1, 10, 500]),
        }
    }
}

impl Antics {
    fn draw(random: &mut Rng) -> Self {
        Self {
            drops: pick(random, &[0, 3, 20]),
            pauses: pick(random, &[0, 0, 10]),
            seeks: pick(random, &[0, 0, 30]),
            leaves: pick(random, &[0, 0, 100]),
            overruns: pick(random, &[0, 0, 100]),
            listens: random.bool(),
        }
    }
}

trait Seconds {
    fn secs(self) -> Duration;
}

impl Seconds for u64 {
    fn secs(self) -> Duration {
        Duration::from_secs(self)
    }
}
