use kafka_stream::handler::FailureStats;
use parking_lot::Mutex;

/// What became of failures in consumptions that have ended, in redrives, and in producing.
#[derive(Debug, Default)]
pub(super) struct FailureSums(Mutex<Vec<FailureStats>>);

impl FailureSums {
    pub(super) fn add(&self, failures: &[FailureStats]) {
        let mut sum = self.0.lock();
        for failure in failures {
            failure.add_to(&mut sum);
        }
    }

    /// Counts an event of `topic` that could not be produced and is in the dead letter topic.
    pub(super) fn add_unproduced(&self, topic: &str, class: &str) {
        let mut failure = FailureStats::default();
        failure.topic = topic.into();
        failure.class = class.into();
        failure.dead_lettered = 1;
        self.add(std::slice::from_ref(&failure));
    }

    pub(super) fn all(&self) -> Vec<FailureStats> {
        self.0.lock().clone()
    }
}
