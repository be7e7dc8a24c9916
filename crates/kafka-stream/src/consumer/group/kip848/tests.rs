//! One member, step by step, in made-up time: what each answer of the coordinator makes it do.

use std::collections::BTreeMap;

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::protocol::ErrorCode;

use super::*;
use crate::consumer::GroupProtocol;
use crate::consumer::group::state::{Failure, GroupHeartbeat, Heard};

const TOPIC: Uuid = Uuid([1; 16]);
const OTHER: Uuid = Uuid([2; 16]);
const INTERVAL: Duration = Duration::from_secs(5);
const MAX_POLL: Duration = Duration::from_secs(60);

struct Sim {
    machine: Member,
    now: Instant,
    ticket: Ticket,
}

impl Sim {
    fn new(instance: Option<&str>) -> Self {
        let settings = Settings {
            protocol: GroupProtocol::Consumer,
            remote_assignor: None,
            group_id: "g".into(),
            instance_id: instance.map(str::to_owned),
            rack: None,
            session_timeout: Duration::from_secs(30),
            heartbeat_interval: Duration::from_secs(3),
            max_poll_interval: MAX_POLL,
            request_timeout: Duration::from_secs(30),
            backoff: ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(1)),
            assignors: Vec::new(),
        };
        let now = Instant::now();
        Self { machine: Member::new(settings, now, 1), now, ticket: 0 }
    }

    fn tell(&mut self, input: Input) -> Vec<Action> {
        let actions = self.machine.on_event(self.now, input);
        for action in &actions {
            if let Action::Send(ticket, _) | Action::Revoke(ticket, _) = action {
                self.ticket = *ticket;
            }
        }
        actions
    }

    fn subscribe(&mut self, topic: &str) -> Vec<Action> {
        self.tell(Input::Subscribe([topic.into()].into()))
    }

    fn answer(&mut self, epoch: i32, target: Option<&[Place]>) -> Vec<Action> {
        let target = target.map(<[_]>::to_vec);
        let heard = Heard { member_id: None, epoch, interval: INTERVAL, target };
        self.tell(Input::Answer(self.ticket, Answer::Group(Ok(heard))))
    }

    fn refuse(&mut self, failure: Failure) -> Vec<Action> {
        self.tell(Input::Answer(self.ticket, Answer::Group(Err(failure))))
    }

    fn name(&mut self, names: &[(Uuid, &str)]) -> Vec<Action> {
        let names: BTreeMap<Uuid, Arc<str>> = names.iter().map(|&(id, name)| (id, name.into())).collect();
        self.tell(Input::Answer(self.ticket, Answer::Names(Ok(names))))
    }

    /// Goes to the next heartbeat.
    fn beat(&mut self) -> GroupHeartbeat {
        self.now += INTERVAL;
        let actions = self.tell(Input::Polled(self.now));
        heartbeat(&actions)
    }

    /// In the group with partitions 0 and 1, which the coordinator knows.
    fn settled() -> Self {
        let mut sim = Self::new(None);
        sim.subscribe("t");
        sim.answer(1, Some(&[(TOPIC, 0), (TOPIC, 1)]));
        let actions = sim.name(&[(TOPIC, "t")]);
        assert_eq!(assigned(&actions), (vec![("t", 0).into(), ("t", 1).into()], 2));
        sim.answer(1, None);
        sim
    }
}

fn heartbeat(actions: &[Action]) -> GroupHeartbeat {
    match actions {
        [.., Action::Send(_, Request::Group(heartbeat))] => heartbeat.clone(),
        _ => panic!("no heartbeat: {actions:?}"),
    }
}

/// What was added, and how many are owned.
fn assigned(actions: &[Action]) -> (Vec<TopicPartition>, usize) {
    let found = actions.iter().find_map(|action| match action {
        Action::Emit(GroupEvent::Assign { added, owned, .. }) => Some((added.clone(), owned.len())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("nothing was assigned: {actions:?}"))
}

#[test]
fn it_joins_with_everything_and_says_what_it_took_as_soon_as_the_names_are_known() {
    let mut sim = Sim::new(None);
    let join = heartbeat(&sim.subscribe("t"));
    assert_eq!((join.epoch, join.complete, join.owned), (0, true, Some(vec![])));
    assert_eq!(join.wish, Some(Wish::Topics(["t".into()].into())));
    assert_eq!(join.member_id.len(), 22);
    let actions = sim.answer(3, Some(&[(TOPIC, 0)]));
    assert!(matches!(&actions[..], [Action::Send(_, Request::NameTopics(ids))] if ids.contains(&TOPIC)));
    assert_eq!(sim.machine.metadata().generation_id, 3);
    let actions = sim.name(&[(TOPIC, "t")]);
    assert_eq!(assigned(&actions), (vec![("t", 0).into()], 1));
    let ack = heartbeat(&actions);
    assert_eq!((ack.epoch, ack.complete, ack.wish, ack.owned), (3, false, None, Some(vec![(TOPIC, 0)])));
    assert!(sim.answer(3, None).is_empty());
    let idle = sim.beat();
    assert_eq!((idle.wish, idle.owned), (None, None));
    assert_eq!(sim.machine.standing(), Standing::Stable);
}

#[test]
fn it_gives_up_before_it_takes_and_its_heart_beats_meanwhile() {
    let mut sim = Sim::settled();
    sim.beat();
    let actions = sim.answer(4, Some(&[(TOPIC, 1), (TOPIC, 2)]));
    let [Action::Revoke(revoke, GroupEvent::Revoke { partitions })] = &actions[..] else {
        panic!("{actions:?}")
    };
    let revoke = *revoke;
    assert_eq!(*partitions, vec![("t", 0).into()]);
    assert_eq!(sim.machine.standing(), Standing::Revoking);
    assert_eq!(sim.machine.metadata().generation_id, 4, "commits name the new epoch");
    assert_eq!(sim.beat().owned, None, "still the same");
    // Meanwhile the target changes again.
    assert!(sim.answer(5, Some(&[(TOPIC, 1), (TOPIC, 3)])).is_empty());
    assert!(sim.tell(Input::RevokeDone(revoke + 100)).is_empty(), "an answer to another revoke");
    let actions = sim.tell(Input::RevokeDone(revoke));
    assert_eq!(assigned(&actions), (vec![("t", 3).into()], 2));
    assert_eq!(heartbeat(&actions).owned, Some(vec![(TOPIC, 1), (TOPIC, 3)]));
}

#[test]
fn a_topic_without_a_name_yet_keeps_the_others_not_waiting() {
    let mut sim = Sim::settled();
    sim.beat();
    let actions = sim.answer(2, Some(&[(TOPIC, 0), (OTHER, 0)]));
    assert!(matches!(&actions[..], [Action::Send(_, Request::NameTopics(ids))] if ids.len() == 1));
    let actions = sim.name(&[]);
    let [Action::Revoke(revoke, _)] = actions[..] else { panic!("{actions:?}") };
    let actions = sim.tell(Input::RevokeDone(revoke));
    assert_eq!(heartbeat(&actions).owned, Some(vec![(TOPIC, 0)]));
    sim.answer(2, None);
    sim.now = sim.machine.deadline().unwrap();
    let actions = sim.tell(Input::Tick);
    assert!(matches!(&actions[..], [Action::Send(_, Request::NameTopics(_))]), "{actions:?}");
    assert_eq!(assigned(&sim.name(&[(OTHER, "o")])), (vec![("o", 0).into()], 2));
}

#[test]
fn a_recreated_topic_is_given_up_under_its_old_id_before_it_is_taken_under_the_new_one() {
    let mut sim = Sim::settled();
    sim.beat();
    sim.answer(2, Some(&[(OTHER, 0), (OTHER, 1)]));
    let actions = sim.name(&[(OTHER, "t")]);
    let [Action::Revoke(revoke, _)] = actions[..] else { panic!("{actions:?}") };
    let actions = sim.tell(Input::RevokeDone(revoke));
    assert_eq!(assigned(&actions).0, vec![("t", 0).into(), ("t", 1).into()]);
}

#[test]
fn a_fenced_member_loses_everything_and_joins_again_at_once_under_the_same_name() {
    for (code, reason) in [
        (ErrorCode::UNKNOWN_MEMBER_ID, LossReason::UnknownMember),
        (ErrorCode::FENCED_MEMBER_EPOCH, LossReason::IllegalGeneration),
    ] {
        let mut sim = Sim::settled();
        let before = sim.beat();
        let actions = sim.refuse(Failure::Code(code));
        let [Action::Emit(GroupEvent::Lost { partitions, reason: why }), ..] = &actions[..] else {
            panic!("{actions:?}")
        };
        assert_eq!((partitions.len(), why), (2, &reason));
        let join = heartbeat(&actions);
        assert_eq!((join.epoch, join.complete, join.owned), (0, true, Some(vec![])));
        assert_eq!(join.member_id, before.member_id);
        // Fenced again: not in a tight loop.
        assert!(sim.refuse(Failure::Code(code)).is_empty());
        assert!(sim.machine.deadline().unwrap() > sim.now);
    }
}

#[test]
fn after_a_lost_answer_everything_is_told_again() {
    for failure in [Failure::Unreachable, Failure::Code(ErrorCode::NOT_COORDINATOR)] {
        let mut sim = Sim::settled();
        sim.beat();
        let actions = sim.refuse(failure);
        assert!(matches!(actions[..], [Action::ForgetCoordinator]), "{actions:?}");
        sim.now = sim.machine.deadline().unwrap();
        let again = heartbeat(&sim.tell(Input::Tick));
        assert_eq!((again.epoch, again.complete), (1, true));
        assert_eq!(again.owned, Some(vec![(TOPIC, 0), (TOPIC, 1)]));
        assert!(again.wish.is_some());
    }
}

#[test]
fn a_refusal_that_may_pass_is_said_and_tried_again_and_one_that_may_not_ends_it() {
    for code in [
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ErrorCode::GROUP_MAX_SIZE_REACHED,
        ErrorCode::UNRELEASED_INSTANCE_ID,
    ] {
        let mut sim = Sim::new(None);
        sim.subscribe("t");
        let actions = sim.refuse(Failure::Code(code));
        assert!(matches!(&actions[..], [Action::Emit(GroupEvent::Refused(e))] if e.code() == Some(code)));
        sim.now = sim.machine.deadline().unwrap();
        assert_eq!(heartbeat(&sim.tell(Input::Tick)).epoch, 0);
    }
    for code in [ErrorCode::UNSUPPORTED_ASSIGNOR, ErrorCode::FENCED_INSTANCE_ID] {
        let mut sim = Sim::settled();
        sim.beat();
        let actions = sim.refuse(Failure::Code(code));
        let [Action::Emit(GroupEvent::Lost { .. }), Action::Emit(GroupEvent::Failed(error))] = &actions[..]
        else {
            panic!("{actions:?}")
        };
        assert_eq!(error.code(), Some(code));
        assert_eq!(sim.machine.deadline(), None);
        assert_eq!(heartbeat(&sim.subscribe("u")).epoch, 0);
    }
}

#[test]
fn who_does_not_poll_leaves_and_comes_back_with_the_next_poll() {
    let mut sim = Sim::settled();
    let polled = sim.now;
    sim.now += MAX_POLL;
    let actions = sim.tell(Input::Tick);
    let [
        Action::Send(_, Request::LeaveByEpoch { epoch: LEAVES, .. }),
        Action::Emit(GroupEvent::Lost { partitions, reason }),
    ] = &actions[..]
    else {
        panic!("{actions:?}")
    };
    assert_eq!((partitions.len(), reason), (2, &LossReason::PollIntervalExceeded(MAX_POLL)));
    assert!(sim.machine.awaits_poll() && sim.machine.deadline().is_none());
    assert!(sim.tell(Input::Polled(polled)).is_empty());
    assert_eq!(heartbeat(&sim.tell(Input::Polled(sim.now))).epoch, 0);
}

#[test]
fn who_does_not_give_up_partitions_in_time_loses_them_and_leaves() {
    let mut sim = Sim::settled();
    sim.beat();
    let actions = sim.answer(2, Some(&[(TOPIC, 0)]));
    let [.., Action::Revoke(revoke, GroupEvent::Revoke { partitions })] = &actions[..] else {
        panic!("{actions:?}")
    };
    let (revoke, begun) = (*revoke, sim.now);
    assert_eq!((partitions.as_slice(), sim.machine.standing()), (&[("t", 1).into()][..], Standing::Revoking));
    while sim.now + INTERVAL < begun + MAX_POLL {
        // However often it polls, the listener was called then.
        sim.now += INTERVAL;
        heartbeat(&sim.tell(Input::Polled(begun)));
        sim.answer(2, None);
        assert_eq!(sim.machine.standing(), Standing::Revoking, "the session goes on");
    }
    sim.now = begun + MAX_POLL;
    let actions = sim.tell(Input::Polled(begun));
    let [
        Action::Send(_, Request::LeaveByEpoch { epoch: LEAVES, .. }),
        Action::Emit(GroupEvent::Lost { partitions, reason }),
    ] = &actions[..]
    else {
        panic!("{actions:?}")
    };
    assert_eq!((partitions.len(), reason), (2, &LossReason::PollIntervalExceeded(MAX_POLL)));
    assert_eq!(sim.machine.standing(), Standing::Lost);
    assert!(sim.tell(Input::RevokeDone(revoke)).is_empty(), "it comes too late");
    assert!(sim.machine.awaits_poll());
    assert_eq!(heartbeat(&sim.tell(Input::Polled(sim.now))).epoch, 0);
}

#[test]
fn a_static_member_says_that_it_comes_back() {
    for (instance, expected) in [(None, LEAVES), (Some("i"), LEAVES_FOR_A_WHILE)] {
        let mut sim = Sim::new(instance);
        sim.subscribe("t");
        sim.answer(1, Some(&[]));
        let actions = sim.tell(Input::Leave("closed".into()));
        let [Action::Send(_, Request::LeaveByEpoch { epoch, .. })] = &actions[..] else {
            panic!("{actions:?}")
        };
        assert_eq!(*epoch, expected);
        assert!(sim.answer(1, None).is_empty(), "an answer after the end");
        assert_eq!(sim.machine.standing(), Standing::Outside);
    }
}

#[test]
fn another_wish_is_told_at_once() {
    let mut sim = Sim::settled();
    let news = heartbeat(&sim.tell(Input::SubscribePattern("a.*".into())));
    assert_eq!(news.wish, Some(Wish::Pattern("a.*".into())));
    // One more while that is on its way: told right after the answer.
    assert!(sim.subscribe("u").is_empty());
    let news = heartbeat(&sim.answer(2, None));
    assert_eq!(news.wish, Some(Wish::Topics(["u".into()].into())));
}

#[test]
fn a_refused_commit_has_the_coordinator_asked() {
    let mut sim = Sim::settled();
    let code = ErrorCode::UNKNOWN_MEMBER_ID;
    heartbeat(&sim.tell(Input::CommitRefused { code, generation: 1 }));
}
