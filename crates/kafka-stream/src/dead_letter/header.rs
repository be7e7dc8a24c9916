//! The headers of dead letters, and of records in retry topics. All values are UTF-8 text.

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
/// What the error says; long messages are cut.
pub const ERROR_MESSAGE: &str = "dlq.error.message";
/// How often it was tried, retry topics and redrives included.
pub const ATTEMPTS: &str = "dlq.attempts";
/// When it failed for good, or last, in milliseconds since 1970.
pub const FAILED_AT: &str = "dlq.failed.at";
/// In a retry topic: when the record is to be tried again, in milliseconds since 1970.
pub const DUE_AT: &str = "dlq.due.at";
/// How often the record was put back from the dead letter topic; stays on the record that was put back.
pub const REDRIVES: &str = "dlq.redrives";
/// How many bytes the value had, if the dead letter has only the beginning of it.
pub const VALUE_SIZE: &str = "dlq.original.value.size";
/// How many headers the record had, if the dead letter has none of them for want of room.
pub const HEADER_COUNT: &str = "dlq.original.header.count";

/// All of them.
pub(crate) const ALL: [&str; 13] = [
    TOPIC,
    PARTITION,
    OFFSET,
    TIMESTAMP,
    GROUP,
    ERROR_CLASS,
    ERROR_MESSAGE,
    ATTEMPTS,
    FAILED_AT,
    DUE_AT,
    REDRIVES,
    VALUE_SIZE,
    HEADER_COUNT,
];

/// Whether a header is the record's own. A record that was a dead letter before has its story told anew, not twice.
pub(crate) fn is_original(name: &str) -> bool {
    !ALL.contains(&name)
}
