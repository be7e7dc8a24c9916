//! The client's half of a fetch session (KIP-227): what of the wanted partitions a broker must be told.
//!
//! A broker remembers the partitions of the last fetch, so that the next one names only what changed. This module is
//! that memory on our side. It knows no socket and no message: [`FetchSession::plan`] turns "what I want" into "what to
//! send", and the outcome of the request comes back through one of the `on_*` methods.

use std::collections::HashMap;
use std::sync::Arc;

use kafka_core::TopicPartition;
use kafka_core::protocol::{ErrorCode, Uuid};

/// A topic's id (KIP-516) as bytes; all zero where the cluster gives none.
pub(crate) type TopicId = [u8; 16];

/// The id of topics that have none.
pub(crate) const NO_TOPIC_ID: TopicId = [0; 16];

/// What is asked of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionFetch {
    pub(crate) topic_id: TopicId,
    pub(crate) fetch_offset: i64,
    /// The leader's epoch as our metadata has it; -1 if unknown.
    pub(crate) current_leader_epoch: i32,
    /// The epoch of the record before `fetch_offset`; -1 if unknown.
    pub(crate) last_fetched_epoch: i32,
    pub(crate) max_bytes: i32,
}

/// A partition to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) tp: TopicPartition,
    pub(crate) fetch: PartitionFetch,
    /// By which who asks knows whether the answer is still wanted; no broker hears of it.
    pub(crate) stamp: u64,
}

/// One request as the session wants it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SessionPlan {
    pub(crate) session_id: i32,
    pub(crate) epoch: i32,
    /// Partitions to name; all of them in a full request, the new and the changed ones otherwise.
    pub(crate) send: Vec<(TopicPartition, PartitionFetch)>,
    /// Partitions that the broker shall drop from the session.
    pub(crate) forget: Vec<(TopicPartition, TopicId)>,
    /// Whether topics may be named by id (Fetch 13 and newer).
    pub(crate) by_topic_id: bool,
}

const INITIAL_EPOCH: i32 = 0;
const FINAL_EPOCH: i32 = -1;

/// The session with one broker. One request at a time: `plan`, then one of the `on_*` methods, then `plan` again.
#[derive(Debug, Default)]
pub(crate) struct FetchSession {
    session_id: i32,
    /// The epoch of the next request: 0 asks for a new session.
    epoch: i32,
    /// What the last plan wanted, in the order of partitions.
    asked: Vec<Wanted>,
    by_topic_id: bool,
}

impl FetchSession {
    /// What to send so that exactly `wanted` is fetched. Each partition is looked at for each request, so it is quickest where
    /// they come in their order.
    pub(crate) fn plan(&mut self, mut wanted: Vec<Wanted>) -> SessionPlan {
        wanted.sort_by(|one, other| one.tp.cmp(&other.tp));
        let (mut changed, mut forget) = (Vec::new(), Vec::new());
        let mut asked = std::mem::take(&mut self.asked).into_iter().peekable();
        for Wanted { tp, fetch, .. } in &wanted {
            while let Some(gone) = asked.next_if(|known| known.tp < *tp) {
                forget.push((gone.tp, gone.fetch.topic_id));
            }
            // What is left is not before it, so at most this very one.
            let known = asked.next_if(|known| known.tp <= *tp).map(|known| known.fetch);
            if let Some(known) = known
                && known.topic_id != fetch.topic_id
                && known.topic_id != NO_TOPIC_ID
            {
                forget.push((tp.clone(), known.topic_id));
            }
            if known != Some(*fetch) {
                changed.push((tp.clone(), *fetch));
            }
        }
        forget.extend(asked.map(|gone| (gone.tp, gone.fetch.topic_id)));
        self.asked = wanted;

        let by_topic_id = self.asked.iter().all(|asked| asked.fetch.topic_id != NO_TOPIC_ID);
        if by_topic_id != self.by_topic_id && self.epoch != INITIAL_EPOCH && !self.asked.is_empty() {
            // A session names its topics either all by id or all by name.
            self.epoch = INITIAL_EPOCH;
        }
        self.by_topic_id = by_topic_id;

        if self.epoch == INITIAL_EPOCH {
            let send = self.asked.iter().map(|asked| (asked.tp.clone(), asked.fetch)).collect();
            forget.clear();
            SessionPlan { session_id: self.session_id, epoch: INITIAL_EPOCH, send, forget, by_topic_id }
        } else {
            SessionPlan { session_id: self.session_id, epoch: self.epoch, send: changed, forget, by_topic_id }
        }
    }

    /// The topic's name for an id in the answer, among those of the session.
    pub(crate) fn topic_names(&self) -> HashMap<TopicId, Arc<str>> {
        let mut names = HashMap::new();
        let mut last = NO_TOPIC_ID;
        // The partitions of a topic follow one another.
        for asked in &self.asked {
            if asked.fetch.topic_id != last && asked.fetch.topic_id != NO_TOPIC_ID {
                last = asked.fetch.topic_id;
                names.insert(last, Arc::clone(&asked.tp.topic));
            }
        }
        names
    }

    /// What was asked of a partition in the request under way.
    pub(crate) fn asked(&self, tp: &TopicPartition) -> Option<&Wanted> {
        let place = self.asked.binary_search_by(|asked| asked.tp.cmp(tp)).ok()?;
        self.asked.get(place)
    }

    /// The id of the partition's topic in the request under way, if it had one.
    pub(crate) fn asked_topic_id(&self, tp: &TopicPartition) -> Option<Uuid> {
        let id = self.asked(tp)?.fetch.topic_id;
        (id != NO_TOPIC_ID).then_some(Uuid(id))
    }

    /// The broker answered without an error; `session_id` is the one in its answer.
    pub(crate) fn on_success(&mut self, session_id: i32) {
        if session_id == 0 {
            // The broker has no room for sessions, or closed ours: every request is a full one.
            self.session_id = 0;
            self.epoch = INITIAL_EPOCH;
        } else {
            let known = self.session_id == session_id;
            self.session_id = session_id;
            self.epoch = if known { next_epoch(self.epoch) } else { INITIAL_EPOCH + 1 };
        }
    }

    /// The broker's name of the session; 0 without one.
    pub(crate) fn id(&self) -> i32 {
        self.session_id
    }

    /// The plan that ends a session and fetches nothing.
    pub(crate) fn end(session_id: i32) -> SessionPlan {
        SessionPlan {
            session_id,
            epoch: FINAL_EPOCH,
            send: Vec::new(),
            forget: Vec::new(),
            by_topic_id: true,
        }
    }

    /// The broker refused the request as a whole.
    pub(crate) fn on_error(&mut self, code: ErrorCode) {
        if code == ErrorCode::FETCH_SESSION_ID_NOT_FOUND {
            self.session_id = 0;
        }
        // Any other code leaves the broker with a session under our id: the next request, full and with this id,
        // replaces it.
        self.epoch = INITIAL_EPOCH;
    }

    /// The request got no answer: whether the broker counted its epoch is unknown.
    pub(crate) fn on_lost(&mut self) {
        self.epoch = INITIAL_EPOCH;
    }
}

fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: TopicId = [7; 16];

    fn fetch(offset: i64) -> PartitionFetch {
        PartitionFetch {
            topic_id: ID,
            fetch_offset: offset,
            current_leader_epoch: 1,
            last_fetched_epoch: -1,
            max_bytes: 1024,
        }
    }

    fn want(partitions: &[(i32, i64)]) -> Vec<Wanted> {
        let want = |&(partition, offset)| Wanted {
            tp: TopicPartition::new("t", partition),
            fetch: fetch(offset),
            stamp: offset.unsigned_abs(),
        };
        partitions.iter().map(want).collect()
    }

    fn sent(plan: &SessionPlan) -> Vec<(i32, i64)> {
        let mut all: Vec<_> = plan.send.iter().map(|(tp, f)| (tp.partition, f.fetch_offset)).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_second_request_names_only_what_changed() {
        let mut session = FetchSession::default();
        let plan = session.plan(want(&[(0, 0), (1, 0), (2, 0)]));
        assert_eq!((plan.session_id, plan.epoch), (0, 0));
        assert_eq!(sent(&plan), [(0, 0), (1, 0), (2, 0)]);
        assert!(plan.by_topic_id);
        session.on_success(99);

        let plan = session.plan(want(&[(0, 10), (2, 0), (3, 5)]));
        assert_eq!((plan.session_id, plan.epoch), (99, 1));
        assert_eq!(sent(&plan), [(0, 10), (3, 5)]);
        assert_eq!(plan.forget, [(TopicPartition::new("t", 1), ID)]);
        session.on_success(99);

        let plan = session.plan(want(&[(0, 10), (2, 0), (3, 5)]));
        assert_eq!(plan.epoch, 2);
        assert!(plan.send.is_empty() && plan.forget.is_empty());
    }

    #[test]
    fn what_was_asked_is_found_whatever_the_order_it_was_wanted_in() {
        let mut session = FetchSession::default();
        session.plan(want(&[(7, 70), (0, 10), (3, 30)]));
        session.on_success(9);
        let plan = session.plan(want(&[(8, 80), (3, 30), (1, 10), (7, 71)]));
        assert_eq!(sent(&plan), [(1, 10), (7, 71), (8, 80)]);
        assert_eq!(plan.forget, [(TopicPartition::new("t", 0), ID)]);
        for (partition, offset) in [(1, 10), (3, 30), (7, 71), (8, 80_i64)] {
            let asked = session.asked(&TopicPartition::new("t", partition)).unwrap();
            assert_eq!((asked.fetch.fetch_offset, asked.stamp), (offset, offset.unsigned_abs()));
        }
        assert!(session.asked(&TopicPartition::new("t", 0)).is_none());
    }

    #[test]
    fn a_broker_without_sessions_gets_full_requests() {
        let mut session = FetchSession::default();
        session.plan(want(&[(0, 0)]));
        session.on_success(0);
        let plan = session.plan(want(&[(0, 0), (1, 0)]));
        assert_eq!((plan.session_id, plan.epoch), (0, 0));
        assert_eq!(sent(&plan), [(0, 0), (1, 0)]);
    }

    #[test]
    fn an_unknown_session_starts_anew_and_a_wrong_epoch_replaces_it() {
        let mut session = FetchSession::default();
        session.plan(want(&[(0, 0)]));
        session.on_success(5);
        session.plan(want(&[(0, 1)]));
        session.on_error(ErrorCode::INVALID_FETCH_SESSION_EPOCH);
        let plan = session.plan(want(&[(0, 1)]));
        assert_eq!((plan.session_id, plan.epoch), (5, 0));
        assert_eq!(sent(&plan), [(0, 1)]);
        session.on_success(6);
        session.plan(want(&[(0, 1)]));
        session.on_error(ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
        let plan = session.plan(want(&[(0, 1)]));
        assert_eq!((plan.session_id, plan.epoch), (0, 0));
        assert_eq!(sent(&plan), [(0, 1)]);
    }

    #[test]
    fn a_lost_answer_is_followed_by_a_full_request() {
        let mut session = FetchSession::default();
        session.plan(want(&[(0, 0), (1, 0)]));
        session.on_success(5);
        session.plan(want(&[(0, 1), (1, 0)]));
        session.on_lost();
        let plan = session.plan(want(&[(0, 1)]));
        assert_eq!((plan.session_id, plan.epoch), (5, 0));
        assert_eq!(sent(&plan), [(0, 1)]);
        assert!(plan.forget.is_empty());
    }

    #[test]
    fn a_recreated_topic_is_forgotten_under_its_old_id() {
        let mut session = FetchSession::default();
        session.plan(want(&[(0, 100)]));
        session.on_success(5);
        let mut new = want(&[(0, 0)]);
        for wanted in &mut new {
            wanted.fetch.topic_id = [8; 16];
        }
        let plan = session.plan(new);
        assert_eq!(plan.forget, [(TopicPartition::new("t", 0), ID)]);
        assert_eq!(sent(&plan), [(0, 0)]);
        assert_eq!(session.topic_names().keys().collect::<Vec<_>>(), [&[8; 16]]);
    }

    #[test]
    fn a_topic_without_id_moves_the_whole_session_to_names() {
        let mut session = FetchSession::default();
        session.plan(want(&[(0, 0)]));
        session.on_success(5);
        let mut mixed = want(&[(0, 0)]);
        let nameless = PartitionFetch { topic_id: NO_TOPIC_ID, ..fetch(3) };
        mixed.push(Wanted { tp: TopicPartition::new("old", 0), fetch: nameless, stamp: 0 });
        let plan = session.plan(mixed);
        assert_eq!((plan.session_id, plan.epoch, plan.by_topic_id), (5, 0, false));
        assert_eq!(plan.send.len(), 2);
    }

    #[test]
    fn the_last_request_names_the_session_and_nothing_else() {
        let mut session = FetchSession::default();
        session.plan(want(&[(0, 0)]));
        session.on_success(7);
        let plan = FetchSession::end(session.id());
        assert_eq!((plan.session_id, plan.epoch), (7, -1));
        assert!(plan.send.is_empty() && plan.forget.is_empty());
    }

    #[test]
    fn epochs_wrap_to_one_because_zero_opens_a_session() {
        assert_eq!(next_epoch(1), 2);
        assert_eq!(next_epoch(i32::MAX), 1);
    }
}
