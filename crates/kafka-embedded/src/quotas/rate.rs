use std::collections::VecDeque;
use std::time::Duration;

use crate::core::Time;

/// How long one sample is (`quota.window.size.seconds`).
const WINDOW: Duration = Duration::from_secs(1);
/// How many samples count, the present one included (`quota.window.num`).
const SAMPLES: u32 = 11;

/// How much of something there was per second of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Rate(VecDeque<(Time, f64)>);

impl Rate {
    pub(super) fn record(&mut self, now: Time, value: f64) {
        match self.0.back_mut() {
            Some((begun, sum)) if now.saturating_sub(*begun) < WINDOW => *sum += value,
            _ => self.0.push_back((now, value)),
        }
        self.forget(now);
    }

    /// For how long nothing must come for the rate to sink to `limit`; `None` if it is not above it.
    pub(super) fn excess(&mut self, now: Time, limit: f64) -> Option<Duration> {
        self.forget(now);
        let span = self.span(now).as_secs_f64();
        let rate = self.0.iter().map(|(_, value)| value).sum::<f64>() / span;
        // A limit next to nothing must not silence a client for ever.
        (rate > limit)
            .then(|| Duration::try_from_secs_f64((rate - limit) / limit * span).unwrap_or(Duration::MAX))
    }

    /// What could come at once without going above `limit`, were there nothing before.
    pub(super) fn burst(limit: f64) -> f64 {
        limit * WINDOW.as_secs_f64() * f64::from(SAMPLES - 1)
    }

    fn forget(&mut self, now: Time) {
        while self.0.front().is_some_and(|(begun, _)| now.saturating_sub(*begun) >= WINDOW * SAMPLES) {
            self.0.pop_front();
        }
    }

    /// The time that the samples are taken to be from: as if there were all but one of them from the beginning.
    fn span(&self, now: Time) -> Duration {
        let elapsed = self.0.front().map_or(Duration::ZERO, |(begun, _)| now.saturating_sub(*begun));
        let full = u32::try_from(elapsed.as_secs() / WINDOW.as_secs()).unwrap_or(u32::MAX);
        elapsed + WINDOW * (SAMPLES - 1).saturating_sub(full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn second(number: u64) -> Time {
        Duration::from_secs(number)
    }

    #[test]
    fn a_burst_is_free_and_what_is_above_it_has_to_wait() {
        let mut rate = Rate::default();
        rate.record(second(0), Rate::burst(100.0));
        assert_eq!(rate.excess(second(0), 100.0), None);
        rate.record(second(0), 500.0);
        // 1,500 in ten seconds are 150 per second: half as much again as allowed.
        assert_eq!(rate.excess(second(0), 100.0), Some(second(5)));
        assert_eq!(rate.excess(second(5), 100.0), Some(second(5)), "as long as the window has not moved on");
        assert_eq!(rate.excess(second(11), 100.0), None, "it is forgotten");
    }

    #[test]
    fn what_comes_evenly_is_never_held_up() {
        let mut rate = Rate::default();
        for number in 0..100 {
            rate.record(second(number), 100.0);
            assert_eq!(rate.excess(second(number), 110.0), None, "after {number} s");
        }
        for number in 100..120 {
            rate.record(second(number), 300.0);
        }
        assert!(rate.excess(second(120), 110.0).is_some_and(|wait| wait > second(10)));
    }
}
