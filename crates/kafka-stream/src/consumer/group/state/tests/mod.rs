//! Members against a model of the coordinator, in made-up time.

mod coordinator;
mod member;
mod simulation;

use std::time::Duration;

use kafka_core::TopicPartition;

use crate::consumer::AssignmentStrategy::{self, CooperativeSticky, Range, RoundRobin, Sticky};
use crate::consumer::group::LossReason;
use simulation::{MAX_POLL, SESSION, TOPICS, World, for_seeds};

const EACH: [AssignmentStrategy; 4] = [Range, RoundRobin, Sticky, CooperativeSticky];

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Three members that have settled.
fn settled(seed: u64, strategies: &[AssignmentStrategy]) -> World {
    let mut world = World::new(seed, TOPICS);
    for _ in 0..3 {
        world.start(strategies, &["t", "u"], None);
    }
    world.run(secs(30));
    world.check_settled();
    world
}

#[test]
fn members_that_join_and_leave_share_all_partitions_with_every_strategy() {
    for strategy in EACH {
        for seed in 0..40 {
            let mut world = settled(seed, &[strategy]);
            world.start(&[strategy], &["t", "u"], None);
            world.run(secs(30));
            world.check_settled();
            world.leave(1);
            world.run(secs(30));
            world.check_settled();
            assert!(world.clients.iter().all(|c| c.lost.is_empty()), "nobody lost anything");
        }
    }
}

#[test]
fn cooperative_members_give_up_only_what_moves() {
    for seed in 0..100 {
        let mut world = settled(seed, &[CooperativeSticky]);
        let before: usize = world.clients.iter().map(|c| c.revoked).sum();
        let new = world.start(&[CooperativeSticky], &["t", "u"], None);
        world.run(secs(30));
        world.check_settled();
        let revoked = world.clients.iter().map(|c| c.revoked).sum::<usize>() - before;
        assert_eq!(revoked, world.clients[new].held.len(), "seed {seed}");
        let before: usize = world.clients.iter().map(|c| c.revoked).sum();
        world.leave(0);
        world.run(secs(30));
        world.check_settled();
        assert_eq!(world.clients.iter().map(|c| c.revoked).sum::<usize>(), before, "seed {seed}");
    }
}

#[test]
fn a_killed_member_is_replaced_when_its_session_ends() {
    for strategy in EACH {
        let mut world = settled(7, &[strategy]);
        world.kill(0);
        world.run(SESSION + secs(20));
        world.check_settled();
    }
}

#[test]
fn a_member_that_does_not_poll_leaves_and_comes_back_with_the_next_poll() {
    for strategy in EACH {
        let mut world = settled(11, &[strategy]);
        world.set_polling(2, false);
        world.run(MAX_POLL + secs(20));
        assert_eq!(world.clients[2].lost, [LossReason::PollIntervalExceeded(MAX_POLL)]);
        assert_eq!(world.coordinator.size(), 2, "the others go on");
        let held: usize = world.clients.iter().map(|c| c.held.len()).sum();
        assert_eq!(held, 10);
        world.set_polling(2, true);
        world.run(secs(30));
        world.check_settled();
    }
}

#[test]
fn new_partitions_and_topics_are_assigned() {
    for strategy in EACH {
        let mut world = settled(3, &[strategy]);
        world.set_partitions("t", 12);
        world.run(secs(30));
        world.check_settled();
        world.subscribe(0, &["t", "u", "later"]);
        world.run(secs(30));
        world.check_settled();
        world.set_partitions("later", 4);
        world.run(secs(30));
        world.check_settled();
        for who in 0..3 {
            world.subscribe(who, &["u"]);
        }
        world.run(secs(60));
        world.check_settled();
    }
}

#[test]
fn a_coordinator_that_moves_costs_no_partition() {
    for strategy in EACH {
        for seed in 0..20 {
            let mut world = settled(seed, &[strategy]);
            let generation = world.coordinator.generation;
            world.coordinator.away_until = Some(world.now + secs(10));
            world.run(secs(40));
            world.check_settled();
            assert_eq!(world.coordinator.generation, generation, "no rebalance");
            assert!(world.clients.iter().all(|c| c.lost.is_empty()));
        }
    }
}

#[test]
fn a_static_member_comes_back_to_its_partitions_without_a_rebalance() {
    for strategy in [Range, CooperativeSticky] {
        let mut world = World::new(5, TOPICS);
        for instance in ["a", "b", "c"] {
            world.start(&[strategy], &["t", "u"], Some(instance));
        }
        world.run(secs(30));
        world.check_settled();
        for restarted in [1, 0] {
            let before: Vec<TopicPartition> = world.clients[restarted].held.iter().cloned().collect();
            let generation = world.coordinator.generation;
            world.leave(restarted);
            world.run(secs(5));
            let instance = if restarted == 1 { "b" } else { "a" };
            let again = world.start(&[strategy], &["t", "u"], Some(instance));
            world.run(secs(20));
            world.check_settled();
            assert!(world.clients[again].held.iter().eq(before.iter()));
            assert_eq!(world.coordinator.generation, generation, "{strategy:?}: no rebalance");
        }
    }
}

#[test]
fn partitions_that_come_while_a_static_leader_overruns_are_assigned_when_it_is_back() {
    for strategy in [Range, CooperativeSticky] {
        let mut world = World::new(5, TOPICS);
        let leader = world.start(&[strategy], &["t", "u"], Some("a"));
        world.run(secs(30));
        world.check_settled();
        world.set_polling(leader, false);
        world.run(MAX_POLL + secs(2));
        assert_eq!(world.clients[leader].lost, [LossReason::PollIntervalExceeded(MAX_POLL)]);
        world.set_partitions("t", 12);
        world.set_polling(leader, true);
        world.run(secs(30));
        world.check_settled();
    }
}

#[test]
fn a_second_member_with_the_same_instance_id_fences_the_first() {
    let mut world = World::new(5, TOPICS);
    let first = world.start(&[Range], &["t", "u"], Some("a"));
    world.run(secs(20));
    world.start(&[Range], &["t", "u"], Some("a"));
    // Both hold the partitions until the first one's next heartbeat.
    world.strict = false;
    world.run(secs(60));
    assert_eq!(world.clients[first].lost, [LossReason::Fenced]);
    assert!(world.clients[first].failed);
    world.check_settled();
}

#[test]
fn a_group_changes_from_eager_to_cooperative_without_stopping() {
    for seed in 0..20 {
        let mut world = settled(seed, &[Range]);
        // First all learn the new strategy, then all forget the old one.
        for strategies in [&[Range, CooperativeSticky][..], &[CooperativeSticky]] {
            let old: Vec<_> = (0..world.clients.len()).filter(|&who| world.clients[who].alive).collect();
            for who in old {
                world.leave(who);
                world.start(strategies, &["t", "u"], None);
                world.run(secs(30));
                world.check_settled();
            }
        }
    }
}

#[test]
fn whatever_happens_the_group_settles_with_every_partition_held_once() {
    for_seeds(0..200, |world| {
        let choices: [&[AssignmentStrategy]; 5] =
            [&[Range], &[RoundRobin], &[Sticky], &[CooperativeSticky], &[Range, CooperativeSticky]];
        let strategies = choices[world.random(choices.len())];
        for _ in 0..1 + world.random(4) {
            world.start(strategies, &["t", "u"], None);
        }
        world.loss = [0, 2, 10][world.random(3)];
        world.strict = world.loss == 0;
        for _ in 0..world.random(25) {
            let who = world.random(world.clients.len());
            let topics: &[&str] = [&["t", "u"][..], &["t"], &["u", "missing"]][world.random(3)];
            match world.random(9) {
                0 | 1 if world.clients.len() < 9 => {
                    world.start(strategies, topics, None);
                }
                2 => world.leave(who),
                3 => world.kill(who),
                4 => world.subscribe(who, topics),
                5 => world.set_polling(who, false),
                6 => world.set_polling(who, true),
                7 => {
                    let away = secs(world.random(50) as u64);
                    world.coordinator.away_until = Some(world.now + away);
                }
                _ => {
                    let more = world.counts["t"] + 1;
                    world.set_partitions("t", more);
                }
            }
            let pause = world.random(40_000) as u64;
            world.run(Duration::from_millis(pause));
        }
        for who in 0..world.clients.len() {
            world.set_polling(who, true);
        }
        if world.clients.iter().all(|c| !c.alive) {
            world.start(strategies, &["t"], None);
        }
        world.loss = 0;
        world.run(secs(400));
        world.check_settled();
        assert!(world.clients.iter().all(|c| !c.failed));
    });
}
