//! Waiting longer after each failure, with jitter (KIP-580).

use std::time::Duration;

/// How long to wait before the next attempt: `base * 2^failures`, spread by ±20 %, never above `max`.
///
/// The jitter keeps many clients that failed at the same moment from coming back at the same moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialBackoff {
    base: Duration,
    max: Duration,
    multiplier: f64,
    jitter: f64,
}

impl ExponentialBackoff {
    /// Doubles from `base` up to `max` with a jitter of 0.2, as Kafka's own clients do. A `max` below `base` counts as
    /// `base`.
    pub fn new(base: Duration, max: Duration) -> Self {
        Self { base, max: max.max(base), multiplier: 2.0, jitter: 0.2 }
    }

    /// Grows by another factor than 2; below 1 counts as 1.
    #[must_use]
    pub fn with_multiplier(mut self, multiplier: f64) -> Self {
        self.multiplier = if multiplier.is_finite() { multiplier.max(1.0) } else { 2.0 };
        self
    }

    /// Spreads by another share than 0.2; 0 makes the delays exact, 1 is the most.
    #[must_use]
    pub fn with_jitter(mut self, jitter: f64) -> Self {
        self.jitter = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.2 };
        self
    }

    /// The wait after `failures` earlier failures; 0 gives about `base`.
    pub fn delay(&self, failures: u32) -> Duration {
        self.delay_at(failures, fastrand::f64())
    }

    /// As [`delay`](Self::delay) with the dice thrown by the caller: `random` from 0 to 1 picks the place within the
    /// jitter.
    pub fn delay_at(&self, failures: u32, random: f64) -> Duration {
        let max = self.max.as_secs_f64();
        let exponent = i32::try_from(failures).unwrap_or(i32::MAX);
        let grown = (self.base.as_secs_f64() * self.multiplier.powi(exponent)).min(max);
        let spread = 1.0 + self.jitter * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        Duration::try_from_secs_f64((grown * spread).min(max)).unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn doubles_until_the_maximum() {
        let backoff = ExponentialBackoff::new(MS(50), MS(1000)).with_jitter(0.0);
        let delays: Vec<_> = (0..7).map(|n| backoff.delay(n).as_millis()).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn jitter_spreads_by_a_fifth_and_never_passes_the_maximum() {
        let backoff = ExponentialBackoff::new(MS(100), MS(1000));
        assert_eq!(backoff.delay_at(0, 0.0), MS(80));
        assert_eq!(backoff.delay_at(0, 1.0), MS(120));
        assert_eq!(backoff.delay_at(30, 1.0), MS(1000));
        assert_eq!(backoff.delay_at(30, 0.0), MS(800));
    }

    #[test]
    fn any_number_of_failures_and_any_setting_gives_a_delay() {
        for failures in [0, 1, 31, 63, 64, 1000, u32::MAX] {
            assert!(ExponentialBackoff::new(MS(50), MS(1000)).delay(failures) <= MS(1000));
        }
        assert_eq!(ExponentialBackoff::new(Duration::ZERO, Duration::ZERO).delay(9), Duration::ZERO);
        assert_eq!(ExponentialBackoff::new(MS(100), MS(10)).with_jitter(0.0).delay(5), MS(100));
        assert!(ExponentialBackoff::new(Duration::MAX, Duration::MAX).delay_at(u32::MAX, 1.0) > MS(1));
    }
}
