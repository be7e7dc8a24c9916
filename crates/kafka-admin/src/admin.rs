use std::time::Duration;

use kafka_core::cluster::Client;
use kafka_core::net::CallOptions;
use kafka_core::protocol::{ErrorCode, Request};
use kafka_core::{Error, ErrorKind, Result};

/// Administers a cluster. Cheap to clone; all methods take `&self` and may run at the same time.
///
/// A request whose answer is lost is sent again within the time allowed, as Java's client does. Where the first one had
/// been applied, the second reports that: a topic that was created "already exists". `create_topic_if_absent` sees
/// through that.
#[derive(Clone, Debug)]
pub struct Admin {
    client: Client,
    timeout: Duration,
}

/// What came of one topic of a request.
#[derive(Debug)]
pub struct TopicResult<T> {
    /// The topic's name.
    pub topic: String,
    /// Its own outcome.
    pub result: Result<T>,
}

impl Admin {
    /// Administers the cluster that `client` talks to, with 60 s for each operation (`default.api.timeout.ms`).
    pub fn new(client: Client) -> Self {
        Self { client, timeout: Duration::from_secs(60) }
    }

    /// Gives each operation this much time, in the broker too.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The client beneath.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How long one operation may take.
    pub(crate) fn options(&self) -> CallOptions {
        CallOptions::new(self.timeout)
    }

    /// The time that brokers are given to make a change, in the wire's milliseconds.
    pub(crate) fn timeout_ms(&self) -> i32 {
        i32::try_from(self.timeout.as_millis()).unwrap_or(i32::MAX)
    }

    pub(crate) async fn call_any<R: Request>(&self, build: impl FnMut(i16) -> R) -> Result<R::ResponseBody> {
        self.client.call_any(self.options(), build).await
    }
}

/// One result per topic, in the order given: `invalid` where it was refused before it was sent, else what `outcome` finds.
pub(crate) fn per_topic<'a, T>(
    topics: impl IntoIterator<Item = &'a str>,
    invalid: Vec<Option<Error>>,
    mut outcome: impl FnMut(&str) -> Result<T>,
) -> Vec<TopicResult<T>> {
    let outcomes = topics.into_iter().zip(invalid).map(|(topic, invalid)| TopicResult {
        topic: topic.to_owned(),
        result: invalid.map_or_else(|| outcome(topic), Err),
    });
    outcomes.collect()
}

/// The result of an answer's code and the broker's own words.
pub(crate) fn check(code: i16, message: Option<&str>) -> Result<()> {
    match ErrorCode(code) {
        ErrorCode::NONE => Ok(()),
        code => Err(Error::from_code_and_words(code, message)),
    }
}

pub(crate) fn missing_answer(topic: &str) -> Error {
    Error::new(ErrorKind::Malformed, "the broker's answer does not mention the topic").with_topic(topic)
}

/// What makes a controller's answer worth another try: that one of its parts says it is no longer the controller.
pub(crate) fn moved(codes: impl IntoIterator<Item = i16>) -> ErrorCode {
    let moved = codes.into_iter().any(|code| ErrorCode(code) == ErrorCode::NOT_CONTROLLER);
    if moved { ErrorCode::NOT_CONTROLLER } else { ErrorCode::NONE }
}
