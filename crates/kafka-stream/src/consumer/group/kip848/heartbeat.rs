//! What the coordinator is told: everything when joining and after a failure, else what has changed.

use tokio::time::Instant;

use super::{Member, Phase, Told};
use crate::consumer::group::state::{Failure, GroupHeartbeat, Heard, Request, Ticket};

impl Member {
    /// Sends what is due.
    pub(super) fn beat(&mut self, now: Instant) {
        if self.heartbeats.in_flight.is_some() || self.heartbeats.next.is_none_or(|next| now < next) {
            return;
        }
        let telling = Told { wish: self.wish.clone(), owned: self.owned.clone() };
        let known = self.told.as_ref();
        let request = GroupHeartbeat {
            member_id: self.member_id.clone(),
            epoch: self.epoch,
            complete: known.is_none(),
            wish: Some(&telling.wish).filter(|wish| known.is_none_or(|known| known.wish != **wish)).cloned(),
            owned: Some(&telling.owned)
                .filter(|owned| known.is_none_or(|known| known.owned != **owned))
                .map(|owned| owned.iter().copied().collect()),
        };
        let ticket = self.send(Request::Group(request));
        self.heartbeats.in_flight = Some((ticket, telling));
        self.heartbeats.next = Some(now + self.heartbeats.interval);
    }

    pub(super) fn on_heartbeat_answer(
        &mut self,
        now: Instant,
        answered: Ticket,
        result: Result<Heard, Failure>,
    ) {
        if self.heartbeats.in_flight.as_ref().is_none_or(|(ticket, _)| *ticket != answered) {
            return;
        }
        let Some((_, told)) = self.heartbeats.in_flight.take() else { return };
        let heard = match result {
            Ok(heard) => heard,
            Err(failure) => return self.on_failure(now, failure),
        };
        self.failures = 0;
        self.phase = Phase::Member;
        self.epoch = heard.epoch;
        if let Some(member_id) = heard.member_id {
            self.member_id = member_id;
        }
        if !heard.interval.is_zero() {
            self.heartbeats.interval = heard.interval;
        }
        // What has changed since it was sent is told at once.
        let news = told.wish != self.wish || told.owned != self.owned;
        self.heartbeats.next = Some(if news { now } else { now + self.heartbeats.interval });
        self.told = Some(told);
        if let Some(target) = heard.target {
            self.target = Some(target.into_iter().collect());
            self.name_at = Some(now);
        }
    }
}
