//! The task that fetches from one broker.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kafka_core::backoff::ExponentialBackoff;
use kafka_core::cluster::Lane;
use kafka_core::net::CallOptions;
use kafka_core::protocol::messages::FetchResponse;
use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_core::{Error, TopicPartition};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::FetchSession;
use super::portion::Portion;
use super::request::{FetchTerms, MAX_VERSION_BY_NAME, request};
use super::response::{Outcome, brokers, outcomes, record_bytes};
use crate::consumer::ConsumerErrorKind;
use crate::consumer::positions::{FetchNeed, Halt};
use crate::consumer::shared::Shared;
use crate::consumer::stats::Counters;

/// How long a fetch is held back while some partitions of the broker are full: a broker answers one fetch after the
/// other, so a long poll for the idle ones would keep the busy ones waiting as soon as they are emptied.
const HOLD_BACK: Duration = Duration::from_millis(10);
/// How long the broker may wait for records in a fetch that leaves full partitions out.
const WAIT_WITH_FULL: Duration = Duration::from_millis(50);

/// Fetches from `broker` until aborted. Every `poll` of this future leaves the positions consistent.
pub(crate) async fn run(shared: Arc<Shared>, broker: i32) {
    let backoff = ExponentialBackoff::new(
        shared.client.config().retry_backoff,
        shared.client.config().retry_backoff_max,
    );
    let (session, portion) = (FetchSession::default(), Portion::new(shared.config.fetch_max_bytes));
    let mut fetcher = Fetcher { shared, broker, backoff, session, portion, failures: 0, held_since: None };
    loop {
        fetcher.turn().await;
    }
}

struct Fetcher {
    shared: Arc<Shared>,
    broker: i32,
    backoff: ExponentialBackoff,
    session: FetchSession,
    portion: Portion,
    /// Requests in a row that got no usable answer.
    failures: u32,
    held_since: Option<Instant>,
}

impl Fetcher {
    /// One fetch, or one wait for something to fetch.
    async fn turn(&mut self) {
        let shared = Arc::clone(&self.shared);
        let mut changed = pin!(shared.for_fetchers.notified());
        // From here on no change is missed.
        changed.as_mut().enable();
        let now = Instant::now();
        let need = shared.positions.lock().fetch_need(self.broker, now, shared.fetch_limits());
        match self.hold_until(&need, now) {
            Hold::No => self.fetch(need, now).await,
            Hold::Until(at) => {
                let _ = tokio::time::timeout_at(at, changed).await;
            }
            Hold::Changed => changed.await,
        }
    }

    fn hold_until(&mut self, need: &FetchNeed, now: Instant) -> Hold {
        if need.partitions.is_empty() {
            self.held_since = None;
            return need.retry_at.map_or(Hold::Changed, Hold::Until);
        }
        if need.full > 0 {
            let until = *self.held_since.get_or_insert(now) + HOLD_BACK;
            if now < until {
                return Hold::Until(until);
            }
        }
        self.held_since = None;
        Hold::No
    }

    async fn fetch(&mut self, need: FetchNeed, now: Instant) {
        let config = &self.shared.config;
        let max_wait =
            if need.full > 0 { config.fetch_max_wait.min(WAIT_WITH_FULL) } else { config.fetch_max_wait };
        let max_bytes = self.portion.bytes(config.fetch_min_bytes, need.room);
        let terms = FetchTerms {
            max_wait,
            min_bytes: config.fetch_min_bytes,
            max_bytes,
            isolation_level: config.isolation_level,
            rack: config.client_rack.clone().unwrap_or_default(),
        };
        let plan = self.session.plan(need.partitions);
        let mut options = CallOptions::new(config.request_timeout);
        if !plan.by_topic_id {
            options = options.with_max_version(MAX_VERSION_BY_NAME);
        }
        let answer = self
            .shared
            .client
            .call(self.broker, Lane::Fetch, options, |version| request(&plan, &terms, version))
            .await;
        match answer {
            Ok(response) if response.error_code == 0 => {
                self.failures = 0;
                self.shared.counters.fetches.fetch_add(1, Ordering::Relaxed);
                // What took as long as the broker may wait says nothing of the way.
                let took = now.elapsed();
                if took < max_wait {
                    self.portion.answered(took, record_bytes(&response));
                }
                self.take_in(response, now);
            }
            Ok(response) => self.refused(ErrorCode(response.error_code)).await,
            Err(error) => self.lost(error).await,
        }
    }

    /// Puts an answer into the positions.
    fn take_in(&mut self, response: FetchResponse, asked_at: Instant) {
        let session_id = response.session_id;
        let brokers = brokers(&response);
        let level = self.shared.config.isolation_level;
        let now = Instant::now();
        let outcomes = outcomes(response, &self.session, level, now);
        self.session.on_success(session_id);
        self.shared.sessions.note(self.broker, self.session.id());
        let policy = self.shared.reset_policy();
        let mut stale_metadata = false;
        let mut resolve = false;
        let mut denied = Vec::new();
        {
            let mut positions = self.shared.positions.lock();
            for (tp, stamp, outcome) in outcomes {
                let retry_at = now + self.backoff.delay(positions.failures(&tp));
                match outcome {
                    Outcome::Fetched(fetched) => {
                        resolve |= fetched.preferred_replica.is_some();
                        let replica = positions.get(&tp).and_then(|assigned| assigned.replica);
                        let near = replica.is_some_and(|replica| replica.broker == self.broker);
                        Counters::add(&self.shared.counters.follower_fetches, usize::from(near));
                        positions.on_fetched(&tp, stamp, fetched);
                    }
                    Outcome::Moved { leader } => {
                        stale_metadata = true;
                        let topic_id = self.session.asked_topic_id(&tp);
                        if positions.leave_replica(&tp) {
                            continue;
                        }
                        // A leader that the client can reach takes over at once (KIP-951); else the metadata tells.
                        match leader {
                            Some(leader)
                                if self.shared.client.update_leader(&tp, topic_id, leader, &brokers) =>
                            {
                                positions.update_leader(&tp, leader.id, leader.epoch.unwrap_or(-1));
                                resolve = true;
                            }
                            _ => positions.retry_after(&tp, stamp, retry_at),
                        }
                    }
                    Outcome::OutOfRange => {
                        positions.on_out_of_range(&tp, stamp, policy, retry_at);
                        resolve = true;
                    }
                    Outcome::Diverged { epoch, end_offset } => {
                        positions.on_diverged(&tp, stamp, epoch, end_offset, policy);
                    }
                    Outcome::Failed(code) => {
                        // What goes on failing is worth one warning, not one per attempt.
                        if positions.failures(&tp) == 0 {
                            warn!(partition = %tp, broker = self.broker, code = code.name(), "fetch of a partition failed");
                        } else {
                            debug!(partition = %tp, broker = self.broker, code = code.name(), "fetch of a partition failed");
                        }
                        positions.leave_replica(&tp);
                        if passes(code) {
                            positions.retry_after(&tp, stamp, retry_at);
                        } else {
                            halt_for_code(&mut positions, &tp, stamp, code);
                        }
                        if code == ErrorCode::TOPIC_AUTHORIZATION_FAILED {
                            denied.push(tp);
                        }
                    }
                }
            }
        }
        for tp in denied {
            let error = Error::from_code(ErrorCode::TOPIC_AUTHORIZATION_FAILED);
            self.shared.report(error.with_api(ApiKey::Fetch).with_partition(&tp));
        }
        if stale_metadata {
            self.shared.client.request_metadata_update();
        }
        if resolve || stale_metadata {
            self.shared.for_resolver.notify_one();
        }
        self.shared.for_poll.notify_one();
        debug!(broker = self.broker, took = ?asked_at.elapsed(), "fetched");
    }

    /// The broker refused the request as a whole.
    async fn refused(&mut self, code: ErrorCode) {
        self.session.on_error(code);
        self.shared.sessions.note(self.broker, self.session.id());
        self.shared.counters.fetch_errors.fetch_add(1, Ordering::Relaxed);
        let of_session = matches!(
            code,
            ErrorCode::FETCH_SESSION_ID_NOT_FOUND
                | ErrorCode::INVALID_FETCH_SESSION_EPOCH
                | ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR
        );
        debug!(broker = self.broker, code = code.name(), "fetch was refused");
        if of_session && self.failures == 0 {
            self.failures = 1;
            return;
        }
        if !of_session {
            self.shared.client.request_metadata_update();
        }
        if !of_session && !code.is_retriable() {
            self.shared.report(Error::from_code(code).with_api(ApiKey::Fetch).with_broker(self.broker));
        }
        self.rest().await;
    }

    /// The request got no answer.
    async fn lost(&mut self, error: Error) {
        self.session.on_lost();
        self.portion.lost();
        self.shared.counters.fetch_errors.fetch_add(1, Ordering::Relaxed);
        warn!(broker = self.broker, %error, "fetch failed");
        self.shared.positions.lock().leave_replicas_on(self.broker);
        self.shared.for_resolver.notify_one();
        self.shared.client.request_metadata_update();
        if !error.is_retriable() {
            self.shared.report(error);
        }
        self.rest().await;
    }

    async fn rest(&mut self) {
        let delay = self.backoff.delay(self.failures);
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(delay).await;
    }
}

/// Whether a partition's error may go away by itself. Access may be granted, and a server's unknown error is as often of
/// the moment as it is for good: as Kafka's own consumer does, both are tried again until the partition can be read.
fn passes(code: ErrorCode) -> bool {
    code.is_retriable()
        || matches!(code, ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::UNKNOWN_SERVER_ERROR)
}

enum Hold {
    No,
    Until(Instant),
    Changed,
}

fn halt_for_code(
    positions: &mut crate::consumer::positions::Positions,
    tp: &TopicPartition,
    stamp: u64,
    code: ErrorCode,
) {
    let Some(offset) = positions.get(tp).filter(|known| known.stamp == stamp).map(|known| known.fetch_offset)
    else {
        return;
    };
    let kind = match code {
        ErrorCode::CORRUPT_MESSAGE => ConsumerErrorKind::CorruptRecords,
        _ => ConsumerErrorKind::Cluster,
    };
    let message = format!(
        "fetch of {tp} at offset {offset} failed: {} ({}); seek behind it to go on, or have the broker's log checked",
        code.description(),
        code.name()
    );
    positions.halt(tp, Halt { offset: Some(offset), ..Halt::new(kind, message) });
}
