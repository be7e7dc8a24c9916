use std::time::Duration;

/// How often a handler is tried, and how long is waited in between: twice as long each time, with jitter, so that
/// handlers that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often the handler is called at most, the first time included. Default: 3.
    pub max_attempts: u32,
    /// How long is waited after the first failure. Default: 100 ms.
    pub initial_backoff: Duration,
    /// How long is waited at most. Default: 10 s.
    pub max_backoff: Duration,
    /// By which part of itself a wait is made longer or shorter, from 0 to 1. Default: 0.2.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            jitter: 0.2,
        }
    }
}

impl RetryPolicy {
    /// Tries once, and never again.
    pub fn never() -> Self {
        Self { max_attempts: 1, ..Self::default() }
    }

    /// Tries at most this often, the first time included; 0 counts as 1.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Waits `initial` after the first failure, and never longer than `max`.
    #[must_use]
    pub fn with_backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.initial_backoff = initial;
        self.max_backoff = max;
        self
    }

    /// How long is waited after `failures` failures; `None` if the handler is not tried again. `random` is from 0 to 1.
    pub(crate) fn backoff(&self, failures: u32, random: f64) -> Option<Duration> {
        if failures >= self.max_attempts {
            return None;
        }
        let doublings = failures.saturating_sub(1).min(32);
        let wait = self.initial_backoff.saturating_mul(1 << doublings.min(31)).min(self.max_backoff);
        let jitter = self.jitter.clamp(0.0, 1.0);
        Some(wait.mul_f64(1.0 - jitter + 2.0 * jitter * random.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_end_with_the_attempts() {
        let policy = RetryPolicy::default()
            .with_max_attempts(5)
            .with_backoff(Duration::from_millis(100), Duration::from_millis(350));
        let waits: Vec<_> = (1..=5).map(|failures| policy.backoff(failures, 0.5)).collect();
        let millis = |n| Some(Duration::from_millis(n));
        assert_eq!(waits, [millis(100), millis(200), millis(350), millis(350), None]);
        assert_eq!(policy.backoff(1, 0.0), millis(80));
        assert_eq!(policy.backoff(1, 1.0), millis(120));
        assert_eq!(RetryPolicy::never().backoff(1, 0.5), None);
    }

    #[test]
    fn no_number_of_failures_overflows() {
        let policy = RetryPolicy::default().with_max_attempts(u32::MAX);
        assert_eq!(policy.backoff(u32::MAX - 1, 0.5), Some(policy.max_backoff));
    }
}
