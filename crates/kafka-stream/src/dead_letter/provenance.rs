use crate::consumer::ConsumerRecord;

/// The headers of a dead letter. All values are UTF-8 text.
pub mod header {
    /// The topic that the record was in, or should have gone to.
    pub const TOPIC: &str = "dlq.original.topic";
    /// The partition that it was in.
    pub const PARTITION: &str = "dlq.original.partition";
    /// Its offset there.
    pub const OFFSET: &str = "dlq.original.offset";
    /// Its timestamp, in milliseconds since 1970.
    pub const TIMESTAMP: &str = "dlq.original.timestamp";
    /// The consumer group that could not handle it.
    pub const GROUP: &str = "dlq.group";
    /// The class of the error: a Rust type, or what the handler named it.
    pub const ERROR_CLASS: &str = "dlq.error.class";
    /// What the error says.
    pub const ERROR_MESSAGE: &str = "dlq.error.message";
    /// How often it was tried.
    pub const ATTEMPTS: &str = "dlq.attempts";
    /// When it failed for good, in milliseconds since 1970.
    pub const FAILED_AT: &str = "dlq.failed.at";

    /// All of them.
    pub(crate) const ALL: [&str; 9] =
        [TOPIC, PARTITION, OFFSET, TIMESTAMP, GROUP, ERROR_CLASS, ERROR_MESSAGE, ATTEMPTS, FAILED_AT];
}

/// Where a dead letter comes from, and why it is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Provenance {
    /// The topic that the record was in, or should have gone to.
    pub topic: String,
    /// The partition that it was in; `None` if it could not be produced.
    pub partition: Option<i32>,
    /// Its offset there; `None` if it could not be produced.
    pub offset: Option<i64>,
    /// Its timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
    /// The consumer group that could not handle it; `None` if it could not be produced.
    pub group: Option<String>,
    /// The class of the error.
    pub error_class: String,
    /// What the error says.
    pub error_message: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it failed for good, in milliseconds since 1970.
    pub failed_at: i64,
}

impl Provenance {
    /// Reads the headers of a dead letter; `None` if the record has none.
    ///
    /// ```
    /// use kafka_stream::consumer::ConsumerRecord;
    /// use kafka_stream::dead_letter::Provenance;
    ///
    /// fn describe(record: &ConsumerRecord) -> Option<String> {
    ///     let from = Provenance::of(record)?;
    ///     Some(format!("{} failed {} times: {}", from.topic, from.attempts, from.error_message))
    /// }
    /// # let _ = describe;
    /// ```
    pub fn of(record: &ConsumerRecord) -> Option<Self> {
        let text = |name: &str| {
            let value = record.header(name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        fn number<N: std::str::FromStr>(text: Option<String>) -> Option<N> {
            text.and_then(|text| text.parse().ok())
        }
        Some(Self {
            topic: text(header::TOPIC)?,
            partition: number(text(header::PARTITION)),
            offset: number(text(header::OFFSET)),
            timestamp: number(text(header::TIMESTAMP)),
            group: text(header::GROUP),
            error_class: text(header::ERROR_CLASS).unwrap_or_default(),
            error_message: text(header::ERROR_MESSAGE).unwrap_or_default(),
            attempts: number(text(header::ATTEMPTS)).unwrap_or_default(),
            failed_at: number(text(header::FAILED_AT)).unwrap_or_default(),
        })
    }

    /// The headers that say all this.
    pub(crate) fn to_headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (header::TOPIC, self.topic.clone()),
            (header::ERROR_CLASS, self.error_class.clone()),
            (header::ERROR_MESSAGE, self.error_message.clone()),
            (header::ATTEMPTS, self.attempts.to_string()),
            (header::FAILED_AT, self.failed_at.to_string()),
        ];
        headers.extend(self.partition.map(|partition| (header::PARTITION, partition.to_string())));
        headers.extend(self.offset.map(|offset| (header::OFFSET, offset.to_string())));
        headers.extend(self.timestamp.map(|timestamp| (header::TIMESTAMP, timestamp.to_string())));
        headers.extend(self.group.clone().map(|group| (header::GROUP, group)));
        headers
    }
}
