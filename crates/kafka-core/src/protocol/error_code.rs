/// An error code in a broker's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    /// Kafka's name of the code.
    pub fn name(self) -> &'static str {
        "UNKNOWN"
    }

    /// What the code means, and what can be done.
    pub fn description(self) -> &'static str {
        "unknown error"
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(self) -> bool {
        false
    }
}
