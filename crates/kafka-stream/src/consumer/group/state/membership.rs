//! Staying in a generation, and losing or leaving it.

use kafka_core::Error;
use kafka_core::protocol::ErrorCode;
use tokio::time::Instant;

use super::{Action, Failure, Heartbeat, Membership, Phase, Request, Ticket};
use crate::consumer::group::{GroupEvent, LossReason};

impl Membership {
    pub(super) fn on_poll(&mut self, now: Instant, at: Instant) {
        // The last poll is told again and again; only one after the overrun ends it.
        let polled_anew = at > self.last_poll;
        self.last_poll = self.last_poll.max(at);
        if self.awaits_poll() && polled_anew {
            self.reason = "the consumer polls again".to_owned();
            self.phase = Phase::Unjoined { at: now };
        }
    }

    pub(super) fn on_poll_overrun(&mut self) {
        let interval = self.settings.max_poll_interval;
        let member_id = std::mem::take(&mut self.member_id);
        self.abandon_join();
        self.lose(LossReason::PollIntervalExceeded(interval));
        if !member_id.is_empty() && !self.is_static() {
            self.send_leave(member_id, format!("no poll within {} ms", interval.as_millis()));
        }
        self.phase = Phase::AwaitingPoll;
    }

    pub(super) fn leave(&mut self, reason: String) {
        let member_id = std::mem::take(&mut self.member_id);
        if !member_id.is_empty() && !self.is_static() {
            self.send_leave(member_id, reason);
        }
        self.abandon_join();
        self.forget_generation();
        self.topics.clear();
        self.joined_topics.clear();
        self.owned.clear();
        self.phase = Phase::Idle;
    }

    pub(super) fn send_leave(&mut self, member_id: String, reason: String) {
        self.send(Request::Leave { member_id, reason });
    }

    /// Whether the coordinator expects heartbeats. While it holds a join or a sync it does not, and would not answer
    /// them: it takes a connection's requests one after the other.
    pub(super) fn beats(&self) -> bool {
        let phase = matches!(self.phase, Phase::Revoking { .. } | Phase::Assigning { .. } | Phase::Stable);
        phase && self.generation >= 0
    }

    pub(super) fn start_heartbeats(&mut self, now: Instant) {
        self.heartbeat = Heartbeat {
            next: Some(now + self.settings.heartbeat_interval),
            in_flight: None,
            session_end: Some(now + self.settings.session_timeout),
        };
    }

    pub(super) fn beat(&mut self, now: Instant) {
        if self.heartbeat.session_end.is_some_and(|end| now >= end) {
            // The coordinator may have moved without a word; the next heartbeat asks where it is.
            self.heartbeat.in_flight = None;
            self.heartbeat.next = Some(now);
            self.heartbeat.session_end = Some(now + self.settings.session_timeout);
            self.actions.push(Action::ForgetCoordinator);
        }
        if self.heartbeat.in_flight.is_none() && self.heartbeat.next.is_some_and(|next| now >= next) {
            let request =
                Request::Heartbeat { member_id: self.member_id.clone(), generation: self.generation };
            let ticket = self.send(request);
            self.heartbeat.in_flight = Some(ticket);
            self.heartbeat.next = Some(now + self.settings.heartbeat_interval);
        }
    }

    pub(super) fn on_heartbeat_answer(
        &mut self,
        now: Instant,
        answered: Ticket,
        result: Result<(), Failure>,
    ) {
        if self.heartbeat.in_flight != Some(answered) {
            return;
        }
        self.heartbeat.in_flight = None;
        match result {
            Ok(()) => self.heartbeat.session_end = Some(now + self.settings.session_timeout),
            Err(Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS)) => {
                self.heartbeat.session_end = Some(now + self.settings.session_timeout);
                // While assigning, the answer to the sync says so.
                if matches!(self.phase, Phase::Stable | Phase::Revoking { .. }) {
                    self.rejoin.get_or_insert_with(|| "the group is rebalancing".to_owned());
                }
            }
            Err(failure) => self.on_heartbeat_failure(now, failure),
        }
    }

    /// Membership is gone, and all partitions with it.
    pub(super) fn lose(&mut self, reason: LossReason) {
        let partitions: Vec<_> = std::mem::take(&mut self.owned).into_iter().collect();
        self.forget_generation();
        let expected = matches!(reason, LossReason::UnknownMember | LossReason::IllegalGeneration);
        if !(partitions.is_empty() && expected) {
            self.emit(GroupEvent::Lost { partitions, reason });
        }
    }

    /// The member cannot be in the group until its user changes something.
    pub(super) fn fail(&mut self, error: Error) {
        let reason = match error.code() {
            Some(ErrorCode::FENCED_INSTANCE_ID) => LossReason::Fenced,
            _ => LossReason::Failed,
        };
        self.drop_out(&error);
        self.lose(reason);
        self.emit(GroupEvent::Failed(error));
        self.phase = Phase::Failed;
    }

    /// The member cannot be in the group as things are. It tries again after growing waits, since what is in the way may
    /// be taken out of it elsewhere: access granted, a place in the group, another leader.
    pub(super) fn refuse(&mut self, now: Instant, error: Error) {
        self.drop_out(&error);
        if self.owned.is_empty() {
            self.forget_generation();
        } else {
            self.lose(LossReason::Failed);
        }
        self.emit(GroupEvent::Refused(error));
        self.join_later(now, "the coordinator refused the member");
    }

    fn drop_out(&mut self, error: &Error) {
        let member_id = std::mem::take(&mut self.member_id);
        if error.code().is_none() && !member_id.is_empty() && !self.is_static() {
            // The coordinator knows nothing of it, and would wait for the member.
            self.send_leave(member_id, "the consumer failed".to_owned());
        }
    }

    fn forget_generation(&mut self) {
        self.generation = -1;
        self.owned_generation = -1;
        self.assignor = None;
        self.leading = None;
        self.rejoin = None;
        self.heartbeat = Heartbeat::default();
    }

    fn abandon_join(&mut self) {
        if let Phase::Joining { ticket } = self.phase {
            self.abandoned = (!self.is_static()).then_some(ticket);
        }
    }
}
