//! What each failure means for the member.

use kafka_core::Error;
use kafka_core::protocol::ErrorCode;
use tokio::time::Instant;

use super::{Action, Failure, Membership, Phase};
use crate::consumer::group::LossReason;

impl Membership {
    pub(super) fn on_join_failure(&mut self, now: Instant, failure: Failure) {
        match failure {
            Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS) => {
                self.join_later(now, "the group is rebalancing")
            }
            failure => self.on_failure(now, failure),
        }
    }

    pub(super) fn on_sync_failure(&mut self, now: Instant, failure: Failure) {
        match failure {
            Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS) => {
                self.join_again(now, "the group is rebalancing")
            }
            failure => self.on_failure(now, failure),
        }
    }

    /// A heartbeat that went wrong without a word on the membership is just sent again, soon.
    pub(super) fn on_heartbeat_failure(&mut self, now: Instant, failure: Failure) {
        match failure {
            Failure::Code(code) if says_membership_ended(code) => self.on_generation_failure(now, code),
            Failure::Code(code) if !is_passing(code) => self.refuse(now, self.refusal(code)),
            Failure::Fatal(error) => self.fail(error),
            Failure::Code(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => self.beat_soon(now),
            Failure::Code(_) | Failure::Unreachable | Failure::MemberIdRequired(_) => {
                self.actions.push(Action::ForgetCoordinator);
                self.beat_soon(now);
            }
        }
    }

    /// A code that tells that the generation or the member is no more; anything else changes nothing.
    pub(super) fn on_generation_failure(&mut self, now: Instant, code: ErrorCode) {
        match code {
            ErrorCode::UNKNOWN_MEMBER_ID => {
                self.member_id.clear();
                self.lose(LossReason::UnknownMember);
                self.join_again(now, "the coordinator did not know the member");
            }
            ErrorCode::ILLEGAL_GENERATION => {
                self.lose(LossReason::IllegalGeneration);
                self.join_again(now, "the generation was not the group's");
            }
            ErrorCode::FENCED_INSTANCE_ID => self.fail(self.refusal(code)),
            _ => {}
        }
    }

    /// A commit may be the first to learn that the membership ended. During a rebalance it may also just have been
    /// overtaken by the next generation, and the answer to the join or sync tells the truth.
    pub(super) fn on_commit_refused(&mut self, now: Instant, code: ErrorCode, generation: i32) {
        let settled = matches!(self.phase, Phase::Stable | Phase::Revoking { .. });
        if settled && generation == self.generation {
            self.on_generation_failure(now, code);
        }
    }

    fn on_failure(&mut self, now: Instant, failure: Failure) {
        match failure {
            Failure::Fatal(error) => self.fail(error),
            Failure::Code(code) if says_membership_ended(code) => self.on_generation_failure(now, code),
            Failure::Code(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => {
                self.join_later(now, "the coordinator was loading the group");
            }
            Failure::Code(ErrorCode::INVALID_GROUP_ID) => {
                self.fail(self.refusal(ErrorCode::INVALID_GROUP_ID))
            }
            Failure::Code(code) if !is_passing(code) => self.refuse(now, self.refusal(code)),
            Failure::Code(_) | Failure::Unreachable | Failure::MemberIdRequired(_) => {
                self.actions.push(Action::ForgetCoordinator);
                self.join_later(now, "the coordinator was not available");
            }
        }
    }

    /// At once the first time, then after growing waits.
    fn join_again(&mut self, now: Instant, reason: &str) {
        if self.failures == 0 {
            self.failures = 1;
            self.reason = reason.to_owned();
            self.phase = Phase::Unjoined { at: now };
        } else {
            self.join_later(now, reason);
        }
    }

    pub(super) fn join_later(&mut self, now: Instant, reason: &str) {
        let wait = self.wait();
        self.reason = reason.to_owned();
        self.phase = Phase::Unjoined { at: now + wait };
    }

    fn beat_soon(&mut self, now: Instant) {
        let wait = self.settings.backoff.delay_at(0, self.random.f64());
        self.heartbeat.next = Some(now + wait.min(self.settings.heartbeat_interval));
    }

    fn refusal(&self, code: ErrorCode) -> Error {
        refusal(&self.settings.group_id, code)
    }

    fn wait(&mut self) -> std::time::Duration {
        let wait = self.settings.backoff.delay_at(self.failures, self.random.f64());
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

fn says_membership_ended(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION | ErrorCode::FENCED_INSTANCE_ID
    )
}

pub(in crate::consumer::group) fn is_passing(code: ErrorCode) -> bool {
    // A coordinator that fails inside may have recovered a moment later, or another one takes its place.
    code.is_retriable() || matches!(code, ErrorCode::REBALANCE_IN_PROGRESS | ErrorCode::UNKNOWN_SERVER_ERROR)
}

/// The error for a code that keeps the member out: what failed, and what to do.
pub(in crate::consumer::group) fn refusal(group_id: &str, code: ErrorCode) -> Error {
    let message = match code {
        ErrorCode::FENCED_INSTANCE_ID => {
            "another consumer joined the group with the same group.instance.id; give each consumer its own, or stop one"
        }
        ErrorCode::GROUP_AUTHORIZATION_FAILED => {
            "not allowed to use the consumer group; grant READ on it, or change group.id"
        }
        ErrorCode::TOPIC_AUTHORIZATION_FAILED => {
            "not allowed to read a subscribed topic; grant READ on it, or take it out of the subscription"
        }
        ErrorCode::GROUP_MAX_SIZE_REACHED => {
            "the consumer group is full; stop a member, or raise the broker's group.max.size"
        }
        ErrorCode::INCONSISTENT_GROUP_PROTOCOL => {
            "the group's members have no partition.assignment.strategy in common, or the group is not one of consumers; \
             give this consumer a strategy that the others have, or another group.id"
        }
        ErrorCode::INVALID_SESSION_TIMEOUT => {
            "session.timeout.ms is outside of what the broker allows (group.min.session.timeout.ms to \
             group.max.session.timeout.ms); change it"
        }
        ErrorCode::UNRELEASED_INSTANCE_ID => {
            "another consumer uses the same group.instance.id; give each its own, or wait for the end of its session"
        }
        ErrorCode::UNSUPPORTED_ASSIGNOR => {
            "the broker has no such assignor; set group.remote.assignor to one of its group.consumer.assignors"
        }
        ErrorCode::INVALID_REGULAR_EXPRESSION => {
            "the broker does not understand the pattern; write it in the syntax of RE2, without look-around"
        }
        ErrorCode::INVALID_GROUP_ID => "group.id is not valid; it must not be empty",
        ErrorCode::GROUP_ID_NOT_FOUND => {
            "the group is of another kind than group.protocol says; change either"
        }
        _ => return Error::from_code(code),
    };
    Error::new(
        kafka_core::ErrorKind::Broker(code),
        format!("joining the group `{group_id}` failed: {message}"),
    )
}
