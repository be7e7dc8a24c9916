use super::header;
use crate::consumer::ConsumerRecord;
use crate::handler::Failure;
use crate::producer::Timestamp;

/// Longer messages of errors are cut here: a header must not make a letter too large.
const MESSAGE_LEN: usize = 4_096;
const CLASS_LEN: usize = 512;

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
    /// What the error says; long messages are cut.
    pub error_message: String,
    /// How often it was tried, retry topics and redrives included.
    pub attempts: u32,
    /// When it failed for good, in milliseconds since 1970.
    pub failed_at: i64,
    /// When it is to be tried again, in milliseconds since 1970, if it is in a retry topic.
    pub due_at: Option<i64>,
    /// How often it was put back from the dead letter topic before.
    pub redrives: u32,
    /// How many bytes the value had, if the dead letter has only the beginning of it.
    pub value_size: Option<u64>,
    /// How many headers the record had, if the dead letter has none of them for want of room.
    pub header_count: Option<u64>,
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
        Some(Self {
            topic: text(header::TOPIC)?,
            partition: number(record, header::PARTITION),
            offset: number(record, header::OFFSET),
            timestamp: number(record, header::TIMESTAMP),
            group: text(header::GROUP),
            error_class: text(header::ERROR_CLASS).unwrap_or_default(),
            error_message: text(header::ERROR_MESSAGE).unwrap_or_default(),
            attempts: number(record, header::ATTEMPTS).unwrap_or_default(),
            failed_at: number(record, header::FAILED_AT).unwrap_or_default(),
            due_at: number(record, header::DUE_AT),
            redrives: number(record, header::REDRIVES).unwrap_or_default(),
            value_size: number(record, header::VALUE_SIZE),
            header_count: number(record, header::HEADER_COUNT),
        })
    }

    /// Whether the dead letter lacks a part of the record, which was too large for the topic.
    pub fn is_trimmed(&self) -> bool {
        self.value_size.is_some() || self.header_count.is_some()
    }

    /// Of a record that `group` could not handle, after so many attempts since it was read.
    pub(crate) fn failed(
        record: &ConsumerRecord,
        group: Option<&str>,
        failure: &Failure,
        attempts: u32,
    ) -> Self {
        Self {
            partition: Some(record.partition),
            offset: Some(record.offset),
            timestamp: (record.timestamp >= 0).then_some(record.timestamp),
            group: group.map(str::to_owned),
            attempts: attempts.saturating_add(attempts_before(record)),
            redrives: number(record, header::REDRIVES).unwrap_or_default(),
            ..Self::because(&record.topic, failure)
        }
    }

    /// Of a record for `topic` that has come no farther.
    pub(crate) fn because(topic: &str, failure: &Failure) -> Self {
        Self {
            topic: topic.to_owned(),
            error_class: beginning(failure.class(), CLASS_LEN).to_owned(),
            error_message: beginning(failure.message(), MESSAGE_LEN).to_owned(),
            attempts: 1,
            failed_at: Timestamp::now().0,
            ..Self::default()
        }
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
        headers.extend(self.due_at.map(|due_at| (header::DUE_AT, due_at.to_string())));
        headers.extend((self.redrives > 0).then(|| (header::REDRIVES, self.redrives.to_string())));
        headers.extend(self.value_size.map(|size| (header::VALUE_SIZE, size.to_string())));
        headers.extend(self.header_count.map(|count| (header::HEADER_COUNT, count.to_string())));
        headers
    }
}

/// How often a record was tried before it was read this time: it comes from a retry topic, or was put back.
fn attempts_before(record: &ConsumerRecord) -> u32 {
    if record.header(header::DUE_AT).is_none() && record.header(header::REDRIVES).is_none() {
        return 0;
    }
    number(record, header::ATTEMPTS).unwrap_or_default()
}

fn number<N: std::str::FromStr>(record: &ConsumerRecord, name: &str) -> Option<N> {
    std::str::from_utf8(record.header(name)?).ok()?.parse().ok()
}

/// At most so many bytes of a text, whole characters.
fn beginning(text: &str, len: usize) -> &str {
    text.get(..text.floor_char_boundary(len)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let failure = Failure::poison("ä".repeat(5_000));
        let from = Provenance::because("orders", &failure);
        assert_eq!(from.error_message, "ä".repeat(MESSAGE_LEN / 2));
        assert_eq!(beginning("aä", 2), "a");
        assert_eq!(beginning("short", 100), "short");
    }
}
