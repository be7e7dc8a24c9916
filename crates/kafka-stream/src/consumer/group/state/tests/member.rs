//! One member, step by step: what each answer of the coordinator makes it do.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use kafka_core::TopicPartition;
use kafka_core::backoff::ExponentialBackoff;
use kafka_core::protocol::ErrorCode;
use tokio::time::Instant;

use super::super::*;
use crate::consumer::AssignmentStrategy::{self, CooperativeSticky, Range};
use crate::consumer::assignor::built_in;
use crate::consumer::group::LossReason;
use crate::consumer::group::consumer_protocol::encode_assignment;

const INTERVAL: Duration = Duration::from_secs(3);
const MAX_POLL: Duration = Duration::from_secs(60);

struct Member {
    machine: Membership,
    now: Instant,
    ticket: Ticket,
}

impl Member {
    fn new(strategy: AssignmentStrategy) -> Self {
        let settings = Settings {
            protocol: crate::consumer::GroupProtocol::Classic,
            remote_assignor: None,
            group_id: "g".into(),
            instance_id: None,
            rack: None,
            session_timeout: Duration::from_secs(30),
            heartbeat_interval: INTERVAL,
            max_poll_interval: MAX_POLL,
            request_timeout: Duration::from_secs(30),
            backoff: ExponentialBackoff::new(Duration::from_millis(100), Duration::from_secs(1)),
            assignors: vec![built_in(strategy)],
        };
        let now = Instant::now();
        Self { machine: Membership::new(settings, now, 1), now, ticket: 0 }
    }

    fn tell(&mut self, input: Input) -> Vec<Action> {
        let actions = self.machine.on_event(self.now, input);
        for action in &actions {
            match action {
                Action::Send(ticket, _) | Action::Revoke(ticket, _) => self.ticket = *ticket,
                _ => {}
            }
        }
        actions
    }

    fn subscribe(&mut self) -> Vec<Action> {
        self.tell(Input::Subscribe(BTreeSet::from(["t".into()])))
    }

    fn join_answer(&mut self, result: Result<Joined, Failure>) -> Vec<Action> {
        self.tell(Input::Answer(self.ticket, Answer::Join(result)))
    }

    fn sync_answer(&mut self, result: Result<&[i32], Failure>) -> Vec<Action> {
        let result = result.map(|p| Synced { assignment: encode_assignment(&partitions(p)).unwrap() });
        self.tell(Input::Answer(self.ticket, Answer::Sync(result)))
    }

    fn heartbeat_answer(&mut self, result: Result<(), Failure>) -> Vec<Action> {
        self.now += INTERVAL;
        let sent = self.tell(Input::Tick);
        assert!(matches!(sent[..], [Action::Send(_, Request::Heartbeat { .. })]), "{sent:?}");
        self.tell(Input::Answer(self.ticket, Answer::Heartbeat(result)))
    }

    /// In the group with partition 0 and 1.
    fn stable(strategy: AssignmentStrategy) -> Self {
        let mut member = Self::new(strategy);
        member.subscribe();
        member.join_answer(Ok(joined(strategy, 1)));
        member.sync_answer(Ok(&[0, 1]));
        member
    }
}

fn partitions(list: &[i32]) -> Vec<TopicPartition> {
    list.iter().map(|&p| TopicPartition::new("t", p)).collect()
}

fn joined(strategy: AssignmentStrategy, generation: i32) -> Joined {
    Joined {
        generation,
        member_id: "me".into(),
        leader: "other".into(),
        protocol_name: built_in(strategy).name().into(),
        skip_assignment: false,
        members: Vec::new(),
    }
}

fn refused(code: ErrorCode) -> Failure {
    Failure::Code(code)
}

/// The member id of a single join request.
fn join_of(actions: &[Action]) -> &str {
    match actions {
        [.., Action::Send(_, Request::Join(join))] => &join.member_id,
        _ => panic!("no join: {actions:?}"),
    }
}

#[test]
fn joins_under_the_name_that_the_coordinator_asks_for_and_takes_its_partitions() {
    let mut member = Member::new(Range);
    assert_eq!(join_of(&member.subscribe()), "");
    let again = member.join_answer(Err(Failure::MemberIdRequired("me".into())));
    assert_eq!(join_of(&again), "me");
    let sync = member.join_answer(Ok(joined(Range, 1)));
    assert!(matches!(&sync[..], [Action::Send(_, Request::Sync { generation: 1, .. })]), "{sync:?}");
    let assign = member.sync_answer(Ok(&[0, 1]));
    let [Action::Emit(GroupEvent::Assign { added, owned, .. })] = &assign[..] else { panic!("{assign:?}") };
    assert_eq!((added, owned), (&partitions(&[0, 1]), &partitions(&[0, 1])));
    let metadata = member.machine.metadata();
    assert_eq!((metadata.generation_id, metadata.member_id.as_str()), (1, "me"));
}

#[test]
fn an_eager_member_joins_only_after_it_gave_up_everything_and_its_heart_beats_meanwhile() {
    let mut member = Member::stable(Range);
    let revoke = member.heartbeat_answer(Err(refused(ErrorCode::REBALANCE_IN_PROGRESS)));
    let [Action::Revoke(ticket, GroupEvent::Revoke { partitions: revoked })] = &revoke[..] else {
        panic!("{revoke:?}")
    };
    assert_eq!(*revoked, partitions(&[0, 1]));
    let ticket = *ticket;
    for _ in 0..5 {
        assert!(member.heartbeat_answer(Err(refused(ErrorCode::REBALANCE_IN_PROGRESS))).is_empty());
    }
    assert!(member.tell(Input::RevokeDone(ticket + 100)).is_empty(), "an answer to another revoke");
    assert_eq!(join_of(&member.tell(Input::RevokeDone(ticket))), "me");
    member.join_answer(Ok(joined(Range, 2)));
    let assign = member.sync_answer(Ok(&[1]));
    let [Action::Emit(GroupEvent::Assign { added, .. })] = &assign[..] else { panic!("{assign:?}") };
    assert_eq!(*added, partitions(&[1]));
}

#[test]
fn a_cooperative_member_keeps_reading_and_gives_up_only_what_it_no_longer_has() {
    let mut member = Member::stable(CooperativeSticky);
    let join = member.heartbeat_answer(Err(refused(ErrorCode::REBALANCE_IN_PROGRESS)));
    assert_eq!(join.len(), 1, "nothing is revoked: {join:?}");
    join_of(&join);
    member.join_answer(Ok(joined(CooperativeSticky, 2)));
    let revoke = member.sync_answer(Ok(&[1]));
    let [Action::Revoke(_, GroupEvent::Revoke { partitions: revoked })] = &revoke[..] else {
        panic!("{revoke:?}")
    };
    assert_eq!(*revoked, partitions(&[0]));
    assert!(member.machine.owned().contains(&TopicPartition::new("t", 0)), "until it is done");
    let done = member.tell(Input::RevokeDone(member.ticket));
    let [Action::Emit(GroupEvent::Assign { added, owned, .. }), Action::Send(_, Request::Join(_))] =
        &done[..]
    else {
        panic!("{done:?}")
    };
    assert_eq!((added, owned), (&partitions(&[]), &partitions(&[1])));
}

#[test]
fn a_lost_membership_is_told_before_the_member_joins_again() {
    for (code, reason, member_id) in [
        (ErrorCode::UNKNOWN_MEMBER_ID, LossReason::UnknownMember, ""),
        (ErrorCode::ILLEGAL_GENERATION, LossReason::IllegalGeneration, "me"),
    ] {
        for strategy in [Range, CooperativeSticky] {
            let mut member = Member::stable(strategy);
            let actions = member.heartbeat_answer(Err(refused(code)));
            let [Action::Emit(GroupEvent::Lost { partitions: lost, reason: why }), ..] = &actions[..] else {
                panic!("{actions:?}")
            };
            assert_eq!((lost, why), (&partitions(&[0, 1]), &reason));
            assert_eq!(join_of(&actions), member_id);
            assert_eq!(member.machine.metadata().generation_id, -1);
            // The same, told by a commit.
            let mut member = Member::stable(strategy);
            assert!(member.tell(Input::CommitRefused { code, generation: 0 }).is_empty(), "an old one");
            let actions = member.tell(Input::CommitRefused { code, generation: 1 });
            assert_eq!(join_of(&actions), member_id);
        }
    }
}

#[test]
fn a_refused_member_says_why_and_tries_again_until_it_is_let_in() {
    for code in [
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ErrorCode::TOPIC_AUTHORIZATION_FAILED,
        ErrorCode::GROUP_MAX_SIZE_REACHED,
        ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
        ErrorCode::INVALID_SESSION_TIMEOUT,
        ErrorCode(12345),
    ] {
        let mut member = Member::new(Range);
        member.subscribe();
        for _ in 0..20 {
            let actions = member.join_answer(Err(refused(code)));
            let [Action::Emit(GroupEvent::Refused(error))] = &actions[..] else { panic!("{actions:?}") };
            assert_eq!(error.code(), Some(code));
            let at = member.machine.deadline().unwrap();
            assert!(at > member.now && at <= member.now + Duration::from_secs(2));
            member.now = at;
            join_of(&member.tell(Input::Polled(at)));
        }
        member.join_answer(Ok(joined(Range, 1)));
        let assign = member.sync_answer(Ok(&[0]));
        assert!(matches!(assign[..], [Action::Emit(GroupEvent::Assign { .. })]), "{assign:?}");
        // A heartbeat that is refused takes away what was owned, and then it is the same again.
        let actions = member.heartbeat_answer(Err(refused(code)));
        let [Action::Emit(GroupEvent::Lost { partitions: lost, .. }), Action::Emit(GroupEvent::Refused(_))] =
            &actions[..]
        else {
            panic!("{actions:?}")
        };
        assert_eq!(*lost, partitions(&[0]));
        member.now = member.machine.deadline().unwrap();
        join_of(&member.tell(Input::Tick));
    }
}

#[test]
fn what_no_retry_mends_is_told_and_ends_it_until_the_user_subscribes_again() {
    for code in [ErrorCode::INVALID_GROUP_ID, ErrorCode::FENCED_INSTANCE_ID] {
        let mut member = Member::new(Range);
        member.subscribe();
        let actions = member.join_answer(Err(refused(code)));
        let [Action::Emit(GroupEvent::Lost { .. }), Action::Emit(GroupEvent::Failed(error))] = &actions[..]
        else {
            panic!("{actions:?}")
        };
        assert_eq!(error.code(), Some(code));
        assert!(error.to_string().starts_with("joining the group `g` failed"), "{error}");
        assert_eq!(member.machine.deadline(), None);
        member.now += MAX_POLL * 2;
        assert!(member.tell(Input::Polled(member.now)).is_empty());
        join_of(&member.subscribe());
    }
}

#[test]
fn passing_failures_are_tried_again_after_a_wait_and_look_the_coordinator_up_where_it_moved() {
    for (failure, moved) in [
        (refused(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS), false),
        (refused(ErrorCode::COORDINATOR_NOT_AVAILABLE), true),
        (refused(ErrorCode::NOT_COORDINATOR), true),
        (Failure::Unreachable, true),
    ] {
        let mut member = Member::new(Range);
        member.subscribe();
        let actions = member.join_answer(Err(failure));
        assert_eq!(matches!(actions[..], [Action::ForgetCoordinator]), moved, "{actions:?}");
        let at = member.machine.deadline().unwrap();
        assert!(at > member.now && at < member.now + Duration::from_millis(200));
        member.now = at;
        join_of(&member.tell(Input::Tick));
    }
}

#[test]
fn answers_to_what_no_longer_matters_are_ignored() {
    let mut member = Member::stable(Range);
    let old = member.ticket;
    member.now += INTERVAL;
    member.tell(Input::Tick);
    assert!(
        member
            .tell(Input::Answer(old, Answer::Heartbeat(Err(refused(ErrorCode::UNKNOWN_MEMBER_ID)))))
            .is_empty()
    );
    assert!(member.tell(Input::Answer(old, Answer::Join(Err(Failure::Unreachable)))).is_empty());
    assert!(
        member.tell(Input::Answer(old, Answer::Sync(Ok(Synced { assignment: Bytes::new() })))).is_empty()
    );
    assert_eq!(member.machine.owned().len(), 2);
}

#[test]
fn too_long_without_a_poll_leaves_the_group_and_the_next_poll_joins_again() {
    let mut member = Member::stable(Range);
    let end = member.now + MAX_POLL;
    while member.now + INTERVAL < end {
        member.heartbeat_answer(Ok(()));
    }
    member.now = end;
    let actions = member.tell(Input::Tick);
    let [
        Action::Emit(GroupEvent::Lost { partitions: lost, reason }),
        Action::Send(_, Request::Leave { member_id, .. }),
    ] = &actions[..]
    else {
        panic!("{actions:?}")
    };
    assert_eq!((lost, reason), (&partitions(&[0, 1]), &LossReason::PollIntervalExceeded(MAX_POLL)));
    assert_eq!(member_id, "me");
    assert!(member.machine.awaits_poll());
    assert_eq!(member.machine.deadline(), None);
    // The poll before the overrun is told again with every event; it is no reason to join.
    assert!(member.tell(Input::Polled(end - MAX_POLL)).is_empty());
    assert!(member.machine.awaits_poll());
    assert_eq!(join_of(&member.tell(Input::Polled(end))), "");
}

#[test]
fn a_member_that_does_not_give_up_partitions_in_time_loses_them_and_leaves() {
    let mut member = Member::stable(Range);
    member.heartbeat_answer(Err(refused(ErrorCode::REBALANCE_IN_PROGRESS)));
    let (revoke, begun) = (member.ticket, member.now);
    member.tell(Input::Polled(begun));
    assert_eq!(member.machine.standing(), Standing::Revoking);
    while member.now + INTERVAL < begun + MAX_POLL {
        // However often it polls, the listener was called then.
        member.tell(Input::Polled(begun));
        member.heartbeat_answer(Err(refused(ErrorCode::REBALANCE_IN_PROGRESS)));
        assert_eq!(member.machine.standing(), Standing::Revoking, "the session goes on");
    }
    member.now = begun + MAX_POLL;
    let actions = member.tell(Input::Polled(begun));
    let [Action::Emit(GroupEvent::Lost { partitions: lost, reason }), Action::Send(_, Request::Leave { .. })] =
        &actions[..]
    else {
        panic!("{actions:?}")
    };
    assert_eq!((lost, reason), (&partitions(&[0, 1]), &LossReason::PollIntervalExceeded(MAX_POLL)));
    assert_eq!(member.machine.standing(), Standing::Lost);
    assert!(member.tell(Input::RevokeDone(revoke)).is_empty(), "it comes too late");
    assert!(member.machine.awaits_poll());
    assert_eq!(join_of(&member.tell(Input::Polled(member.now))), "");
}

#[test]
fn a_member_that_leaves_while_it_joins_leaves_once_the_join_is_answered() {
    let mut member = Member::new(Range);
    member.subscribe();
    let join = member.ticket;
    assert!(member.tell(Input::Leave("closed".into())).is_empty());
    let answer = Answer::Join(Err(Failure::MemberIdRequired("me".into())));
    let actions = member.tell(Input::Answer(join, answer));
    assert!(matches!(&actions[..], [Action::Send(_, Request::Leave { member_id, .. })] if member_id == "me"));
}

#[test]
fn a_silent_coordinator_is_looked_up_again_when_the_session_would_end() {
    let mut member = Member::stable(Range);
    member.now += INTERVAL;
    member.tell(Input::Tick);
    member.now += Duration::from_secs(30);
    let actions = member.tell(Input::Tick);
    assert!(
        matches!(actions[..], [Action::ForgetCoordinator, Action::Send(_, Request::Heartbeat { .. })]),
        "{actions:?}"
    );
    assert_eq!(member.machine.owned().len(), 2, "only the coordinator can say that the membership ended");
}

#[test]
fn a_strategy_that_was_not_offered_and_an_assignment_that_cannot_be_read_are_said_and_tried_again() {
    let mut member = Member::new(Range);
    member.subscribe();
    let actions = member.join_answer(Ok(joined(CooperativeSticky, 1)));
    assert!(matches!(actions[..], [.., Action::Emit(GroupEvent::Refused(_))]), "{actions:?}");
    let mut member = Member::new(Range);
    member.subscribe();
    member.join_answer(Ok(joined(Range, 1)));
    let assignment = Bytes::from_static(b"\0\x01\x7f");
    let actions = member.tell(Input::Answer(member.ticket, Answer::Sync(Ok(Synced { assignment }))));
    assert!(matches!(actions[0], Action::Send(_, Request::Leave { .. })), "{actions:?}");
    assert!(matches!(actions[..], [.., Action::Emit(GroupEvent::Refused(_))]), "{actions:?}");
}
