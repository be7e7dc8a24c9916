//! What each failed heartbeat means for the member.

use std::time::Duration;

use kafka_core::protocol::ErrorCode;
use kafka_core::{Error, ErrorKind};
use tokio::time::Instant;

use super::{Member, Phase};
use crate::consumer::group::state::{Action, Failure, is_passing, refusal};
use crate::consumer::group::{GroupEvent, LossReason};

impl Member {
    pub(super) fn on_failure(&mut self, now: Instant, failure: Failure) {
        // Whether the coordinator took in what it was told is unknown.
        self.told = None;
        match failure {
            Failure::Fatal(error) if error.kind() == &ErrorKind::Unsupported => {
                let advice = "the brokers do not know group.protocol=consumer (KIP-848); use Kafka 4.0 or newer, or \
                              group.protocol=classic";
                let error = Error::new(ErrorKind::Unsupported, advice).with_source(error);
                self.fail(error, LossReason::Failed);
            }
            Failure::Fatal(error) => self.fail(error, LossReason::Failed),
            Failure::Code(ErrorCode::UNKNOWN_MEMBER_ID) => self.fenced(now, LossReason::UnknownMember),
            Failure::Code(ErrorCode::FENCED_MEMBER_EPOCH) => self.fenced(now, LossReason::IllegalGeneration),
            Failure::Code(ErrorCode::FENCED_INSTANCE_ID) => {
                self.fail(
                    refusal(&self.settings.group_id, ErrorCode::FENCED_INSTANCE_ID),
                    LossReason::Fenced,
                );
            }
            Failure::Code(code) if is_final(code) => {
                self.fail(refusal(&self.settings.group_id, code), LossReason::Failed)
            }
            Failure::Code(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS) => self.beat_later(now),
            Failure::Code(code) if !is_passing(code) => self.refuse(now, code),
            Failure::Code(_) | Failure::Unreachable | Failure::MemberIdRequired(_) => {
                self.actions.push(Action::ForgetCoordinator);
                self.beat_later(now);
            }
        }
    }

    /// The coordinator has given the partitions to others: at once back into the group, with nothing.
    fn fenced(&mut self, now: Instant, reason: LossReason) {
        let was_member = self.phase == Phase::Member;
        self.lose(reason);
        let wait = if was_member { Duration::ZERO } else { self.wait() };
        self.join(now + wait);
    }

    /// Not as things are; but access may be granted, a member leave, another's session end.
    fn refuse(&mut self, now: Instant, code: ErrorCode) {
        if !self.owned.is_empty() {
            self.lose(LossReason::Failed);
        }
        self.emit(GroupEvent::Refused(refusal(&self.settings.group_id, code)));
        let wait = self.wait();
        self.join(now + wait);
    }

    fn beat_later(&mut self, now: Instant) {
        let wait = self.wait();
        self.heartbeats.next = Some(now + wait);
    }

    fn wait(&mut self) -> Duration {
        let wait = self.settings.backoff.delay_at(self.failures, self.random.f64());
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

/// Only other settings help.
fn is_final(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::INVALID_REQUEST
            | ErrorCode::INVALID_GROUP_ID
            | ErrorCode::UNSUPPORTED_VERSION
            | ErrorCode::UNSUPPORTED_ASSIGNOR
            | ErrorCode::INVALID_REGULAR_EXPRESSION
    )
}
