//! What goes wrong: faults that meet requests by chance, and events at their times.

use std::time::Duration;

use fastrand::Rng;
use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_embedded::{Fault, FaultId, Moment, link, on, on_any};
use tokio::time::sleep;

use super::codes::{APIS, codes};
use super::scenario::{Scenario, millis, pick};
use super::world::World;

/// Which requests a fault meets, and with which probability.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    api: Option<ApiKey>,
    chance: f64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Reply(ErrorCode),
    ReplyAfterApplying(ErrorCode),
    Drop(Moment),
    Truncate(usize),
    Corrupt(usize),
    Delay(Duration),
    NeverAnswer,
    Throttle(Duration),
}

impl Rule {
    /// Few kinds of faults, each often enough to meet itself again: that finds more than a little of everything.
    pub(super) fn draw_some(random: &mut Rng) -> Vec<Self> {
        (0..random.usize(..10)).map(|_| Self::draw(random)).collect()
    }

    fn draw(random: &mut Rng) -> Self {
        let api = pick(random, &APIS);
        let chance = pick(random, &[0.01, 0.05, 0.2]);
        let what = match random.u8(..14) {
            0 | 1 => What::Drop(Moment::BeforeApplying),
            2 | 3 => What::Drop(Moment::AfterApplying),
            4 => What::Truncate(random.usize(..300)),
            5 => What::Corrupt(random.usize(..8)),
            6 => What::Delay(millis(random, 1..40_000)),
            7 => What::NeverAnswer,
            8 => What::Throttle(millis(random, 1..3_000)),
            9 => {
                let codes = [
                    ErrorCode::REQUEST_TIMED_OUT,
                    ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
                    ErrorCode::NOT_LEADER_OR_FOLLOWER,
                ];
                return Self {
                    api: Some(ApiKey::Produce),
                    chance,
                    what: What::ReplyAfterApplying(pick(random, &codes)),
                };
            }
            _ => {
                let codes = codes(api);
                What::Reply(pick(random, codes))
            }
        };
        let any = random.u8(..4) == 0 && !matches!(what, What::Reply(_));
        Self { api: (!any).then_some(api), chance, what }
    }

    pub(super) fn fault(&self) -> Fault {
        let matching = self.api.map_or_else(on_any, on).chance(self.chance);
        match self.what {
            What::Reply(code) => matching.reply(code),
            What::ReplyAfterApplying(code) => matching.reply_after_applying(code),
            What::Drop(moment) => matching.drop_connection(moment),
            What::Truncate(bytes) => matching.truncate(bytes),
            What::Corrupt(at) => matching.corrupt(at),
            What::Delay(time) => matching.delay(time),
            What::NeverAnswer => matching.never_answer(),
            What::Throttle(time) => matching.throttle(time),
        }
    }
}

/// Something that happens at its time.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// A broker is gone for a while, with or without notice.
    Down {
        broker: i32,
        kill: bool,
        time: Duration,
    },
    MoveLeader {
        topic: &'static str,
        partition: i32,
        to: i32,
    },
    MoveCoordinator {
        group: &'static str,
        to: i32,
    },
    Link {
        client: Option<String>,
        broker: Option<i32>,
        what: LinkFault,
        time: Duration,
    },
    AddPartitions {
        topic: &'static str,
        count: usize,
    },
    FallBehind {
        topic: &'static str,
        partition: i32,
        broker: i32,
        time: Duration,
    },
    /// An unclean election: the last records are gone.
    Truncate {
        topic: &'static str,
        partition: i32,
        records: i64,
    },
    Recreate {
        topic: &'static str,
    },
    /// The machine was suspended, or its clock set.
    Jump(Duration),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum LinkFault {
    Cut,
    HoldAnswers,
    HalfOpen,
    Slow(Duration, u64),
}

impl Event {
    pub(super) fn draw_some(random: &mut Rng, scenario: &Scenario) -> Vec<(Duration, Self)> {
        let mut events: Vec<_> = (0..random.usize(..12))
            .map(|_| (scenario.length.mul_f64(random.f64()), Self::draw(random, scenario)))
            .collect();
        events.sort_by_key(|(at, _)| *at);
        events
    }

    fn draw(random: &mut Rng, scenario: &Scenario) -> Self {
        let broker = random.i32(1..=scenario.brokers.into());
        let topic = pick(random, &scenario.topics);
        let partition = random.i32(0..topic.partitions);
        let time = millis(random, 10..30_000);
        if topic.lossy && random.bool() {
            let recreate = random.u8(..3) == 0;
            return match recreate {
                true => Self::Recreate { topic: topic.name },
                false => Self::Truncate { topic: topic.name, partition, records: random.i64(1..30) },
            };
        }
        if random.u8(..12) == 0 {
            return Self::Jump(millis(random, 1_000..120_000));
        }
        match random.u8(..8) {
            0 | 1 => Self::Down { broker, kill: random.bool(), time },
            2 => Self::MoveLeader { topic: topic.name, partition, to: broker },
            3 => Self::MoveCoordinator { group: pick(random, &scenario.groups).name, to: broker },
            4 | 5 => {
                let client = if random.bool() {
                    format!("p{}", random.usize(..scenario.producers.len()))
                } else {
                    let group = pick(random, &scenario.groups);
                    format!("{}-{}", group.name, random.usize(..group.members.len()))
                };
                let what = match random.u8(..4) {
                    0 => LinkFault::Cut,
                    1 => LinkFault::HoldAnswers,
                    2 => LinkFault::HalfOpen,
                    _ => LinkFault::Slow(millis(random, 1..500), random.u64(500..100_000)),
                };
                Self::Link {
                    client: (random.u8(..4) > 0).then_some(client),
                    broker: (random.u8(..4) > 0).then_some(broker),
                    what,
                    time,
                }
            }
            6 => {
                let count = usize::try_from(topic.partitions).unwrap() + random.usize(1..3);
                Self::AddPartitions { topic: topic.name, count }
            }
            _ => Self::FallBehind { topic: topic.name, partition, broker, time },
        }
    }

    /// Lets it happen; what has an end ends by itself.
    pub(super) async fn happen(self, world: &World) {
        let cluster = &world.cluster;
        world.note(format!("{self:?}"));
        match self {
            Self::Down { broker, kill, time } => {
                if kill {
                    cluster.kill(broker).await.unwrap();
                } else {
                    cluster.stop(broker).await.unwrap();
                }
                sleep(time).await;
                cluster.start(broker).await.unwrap();
                world.note(format!("broker {broker} is back"));
            }
            Self::MoveLeader { topic, partition, to } => {
                cluster.move_leader(topic, partition, to);
            }
            Self::MoveCoordinator { group, to } => {
                cluster.move_group_coordinator(group, to);
            }
            Self::Link { client, broker, what, time } => {
                let id = broken(client, broker, what, cluster);
                sleep(time).await;
                cluster.end(id);
                world.note(format!("{what:?} is over"));
            }
            Self::AddPartitions { topic, count } => {
                cluster.add_partitions(topic, count);
            }
            Self::FallBehind { topic, partition, broker, time } => {
                cluster.fall_behind(topic, partition, broker);
                sleep(time).await;
                cluster.catch_up(topic, partition, broker);
            }
            Self::Truncate { topic, partition, records } => {
                let ends = cluster.end_offsets(topic).unwrap_or_default();
                let end = usize::try_from(partition).ok().and_then(|index| ends.get(index).copied());
                let cut = cluster.truncate(topic, partition, (end.unwrap_or_default() - records).max(0));
                world.note(format!("{topic}-{partition} is cut from {end:?} to {cut:?}"));
            }
            Self::Recreate { topic } => {
                cluster.recreate_topic(topic);
            }
            Self::Jump(time) => tokio::time::advance(time).await,
        }
    }
}

fn broken(
    client: Option<String>,
    broker: Option<i32>,
    what: LinkFault,
    cluster: &kafka_embedded::EmbeddedCluster,
) -> FaultId {
    let mut links = link();
    if let Some(client) = client {
        links = links.client(client);
    }
    if let Some(broker) = broker {
        links = links.broker(broker);
    }
    cluster.inject(match what {
        LinkFault::Cut => links.cut(),
        LinkFault::HoldAnswers => links.hold_answers(),
        LinkFault::HalfOpen => links.half_open(),
        LinkFault::Slow(latency, bytes_per_second) => links.slow(latency, bytes_per_second),
    })
}
