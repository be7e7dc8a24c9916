use std::collections::BTreeMap;
use std::time::Duration;

use kafka_core::protocol::ApiKey;

use super::limits::Shared;
use super::rate::Rate;
use crate::core::{Answer, Call, Cluster, Ticket};

const PRODUCE: &str = "producer_byte_rate";
const FETCH: &str = "consumer_byte_rate";
const REQUEST: &str = "request_percentage";

/// The longest silence for requests that took too long: one sample of their rate.
const LONGEST_FOR_REQUESTS: Duration = Duration::from_secs(1);

/// How fast clients were of late, by broker, what is limited, and who shares the limit.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    rates: BTreeMap<(i32, &'static str, Shared), Rate>,
    /// The silence that answers which are still to come will ask for.
    owed: BTreeMap<Ticket, Duration>,
}

impl Cluster {
    /// Counts `value` for who asks, and says for how long they are to be silent.
    fn count(&mut self, call: &Call, what: &'static str, value: f64) -> Duration {
        let Some((limit, shared)) = self.limit(call, what) else { return Duration::ZERO };
        let rate = self.meters.rates.entry((call.broker, what, shared)).or_default();
        rate.record(self.now, value);
        rate.excess(self.now, limit).unwrap_or_default()
    }

    /// Takes back what was counted and not done.
    fn give_back(&mut self, call: &Call, what: &'static str, value: f64) {
        if let Some((_, shared)) = self.limit(call, what) {
            self.meters.rates.entry((call.broker, what, shared)).or_default().record(self.now, -value);
        }
    }

    fn limit(&self, call: &Call, what: &str) -> Option<(f64, Shared)> {
        self.limits.of(what, call.principal.name(), call.client_id.as_deref().unwrap_or_default())
    }

    /// How many bytes one answer may carry to who asks.
    pub(crate) fn most_bytes_at_once(&self, call: &Call) -> usize {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "limits are positive; what does not fit is no limit"
        )]
        let bytes = |limit: f64| Rate::burst(limit) as usize;
        self.limit(call, FETCH).map_or(usize::MAX, |(limit, _)| bytes(limit))
    }

    /// Counts the bytes of records that a fetch is to bring. If they are too many, they are not sent, and who asks is to be silent for so long.
    pub(crate) fn charge_fetch(&mut self, call: &Call, bytes: usize) -> Duration {
        let bytes = to_f64(bytes);
        let silence = self.count(call, FETCH, bytes);
        if !silence.is_zero() {
            self.give_back(call, FETCH, bytes);
        }
        silence
    }

    /// Counts a request that has been done and took `spent`, and says for how long its client is to be silent.
    pub(crate) fn charge_request(&mut self, call: &Call, key: ApiKey, spent: Duration) -> Duration {
        let is_exempt = matches!(key, ApiKey::SaslHandshake | ApiKey::SaslAuthenticate);
        if self.limits.is_empty() || is_exempt {
            return Duration::ZERO;
        }
        let bytes = if key == ApiKey::Produce {
            self.count(call, PRODUCE, to_f64(call.size))
        } else {
            Duration::ZERO
        };
        let time = self.count(call, REQUEST, spent.as_secs_f64() * 100.0);
        bytes.max(time.min(LONGEST_FOR_REQUESTS))
    }

    /// As [`charge_request`](Self::charge_request), and remembers it for the answer, which is still to come.
    pub(crate) fn charge_later(&mut self, call: &Call, key: ApiKey, spent: Duration) {
        let silence = self.charge_request(call, key, spent);
        if !silence.is_zero() {
            self.meters.owed.insert(call.ticket, silence);
        }
    }

    /// Asks for the silence that is owed.
    pub(crate) fn collect(&mut self, ticket: Ticket, answer: &mut Answer) {
        if let Some(silence) = self.meters.owed.remove(&ticket) {
            ask_for_silence(answer, silence);
        }
    }
}

/// Asks the client to be silent for so long, unless the answer asks for more already.
pub(crate) fn ask_for_silence(answer: &mut Answer, silence: Duration) {
    let millis = i32::try_from(silence.as_millis()).unwrap_or(i32::MAX);
    if millis > answer.throttle_time() {
        answer.throttle(millis);
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes of requests are far below where it begins")]
fn to_f64(bytes: usize) -> f64 {
    bytes as f64
}
