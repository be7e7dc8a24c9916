use serde::Deserialize;

use super::{ConfigError, ConfigErrorKind};

/// The names of the system's topics, from `STREAMING_EVENTS_TOPIC`, `STREAMING_METRICS_TOPIC`,
/// `STREAMING_ALERTS_TOPIC` and `STREAMING_ML_PREDICTIONS_TOPIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicNames {
    /// Default: `analytics-events`.
    pub events: String,
    /// Default: `streaming-metrics`.
    pub metrics: String,
    /// Default: `streaming-alerts`.
    pub alerts: String,
    /// Default: `ml-predictions`.
    pub ml_predictions: String,
}

impl Default for TopicNames {
    fn default() -> Self {
        Self {
            events: "analytics-events".to_owned(),
            metrics: "streaming-metrics".to_owned(),
            alerts: "streaming-alerts".to_owned(),
            ml_predictions: "ml-predictions".to_owned(),
        }
    }
}

/// The variables of the topics' names, with their defaults and what they are for.
pub(crate) static TOPIC_VARIABLES: &[(&str, &str, &str)] = &[
    ("STREAMING_EVENTS_TOPIC", "analytics-events", "the topic of events"),
    ("STREAMING_METRICS_TOPIC", "streaming-metrics", "the topic of metrics"),
    ("STREAMING_ALERTS_TOPIC", "streaming-alerts", "the topic of alerts"),
    ("STREAMING_ML_PREDICTIONS_TOPIC", "ml-predictions", "the topic of predictions"),
];

/// What `envy` reads behind `STREAMING_`.
#[derive(Default, Deserialize)]
pub(crate) struct RawTopics {
    events_topic: Option<String>,
    metrics_topic: Option<String>,
    alerts_topic: Option<String>,
    ml_predictions_topic: Option<String>,
}

impl TopicNames {
    /// All four: events, metrics, alerts, predictions.
    pub fn all(&self) -> [&str; 4] {
        [&self.events, &self.metrics, &self.alerts, &self.ml_predictions]
    }

    pub(crate) fn from_raw(raw: RawTopics) -> Result<Self, ConfigError> {
        let mut names = Self::default();
        for (variable, given, name) in [
            ("STREAMING_EVENTS_TOPIC", raw.events_topic, &mut names.events),
            ("STREAMING_METRICS_TOPIC", raw.metrics_topic, &mut names.metrics),
            ("STREAMING_ALERTS_TOPIC", raw.alerts_topic, &mut names.alerts),
            ("STREAMING_ML_PREDICTIONS_TOPIC", raw.ml_predictions_topic, &mut names.ml_predictions),
        ] {
            let Some(given) = given else { continue };
            if let Some(right) = topic_name_problem(&given) {
                return Err(ConfigError::new(ConfigErrorKind::OutOfRange, variable, right).with_value(&given));
            }
            *name = given;
        }
        Ok(names)
    }
}

/// Whether all characters are allowed in a topic's name.
pub(crate) fn are_topic_characters(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// What a topic name should be, if `name` is none.
pub(crate) fn topic_name_problem(name: &str) -> Option<&'static str> {
    kafka_core::validate_topic_name(name).err().map(|_| {
        "expected a topic name: 1 to 249 of the characters `a-z`, `A-Z`, `0-9`, `.`, `_`, `-`, and not `.` or `..`"
    })
}

/// How many partitions a topic should have for a group of `consumers` and `target_mb_per_s` megabytes a second.
///
/// The largest of the number of consumers, one partition for each 10 MB/s begun, and 6. Where all consumers should have
/// the same share, round up to a multiple of their number.
///
/// ```
/// use streaming_kafka::recommended_partitions;
/// assert_eq!(recommended_partitions(3, 20.0), 6);
/// assert_eq!(recommended_partitions(12, 20.0), 12);
/// assert_eq!(recommended_partitions(3, 95.0), 10);
/// ```
pub fn recommended_partitions(consumers: u32, target_mb_per_s: f64) -> i32 {
    // A float becomes the nearest i32, and NaN becomes 0.
    let for_throughput = (target_mb_per_s / 10.0).ceil() as i32;
    i32::try_from(consumers).unwrap_or(i32::MAX).max(for_throughput).max(6)
}
