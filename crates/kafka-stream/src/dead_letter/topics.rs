//! The topics that records are set aside in: created when they are first needed.

use std::collections::HashSet;
use std::time::Duration;

use kafka_core::cluster::Client;
use kafka_core::net::CallOptions;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::CreateTopicsRequest;
use kafka_core::protocol::messages::create_topics_request::CreatableTopic;
use kafka_core::{Error, Result};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long the cluster may take to create a topic.
const CREATE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long is waited to learn how many partitions a record's topic has.
const LOOK_UP: Duration = Duration::from_secs(5);

/// The topics that are known to be there.
#[derive(Debug, Default)]
pub(super) struct Topics(Mutex<HashSet<String>>);

impl Topics {
    /// Creates a topic like `origin` unless it is known to be there.
    pub(super) async fn ensure(&self, client: &Client, topic: &str, origin: &str) -> Result<()> {
        // Held while the topic is created, so that many failures at once create it once.
        let mut known = self.0.lock().await;
        if known.contains(topic) {
            return Ok(());
        }
        match create(client, topic, partitions_of(client, origin).await).await {
            Ok(()) => {}
            Err(error) if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {}
            // Who may not create topics may still write to one that is there; writing tells.
            Err(error) if is_refusal(&error) => {
                tracing::debug!(topic, %error, "the topic may not be created, writing to it all the same");
            }
            Err(error) => return Err(error),
        }
        known.insert(topic.to_owned());
        Ok(())
    }

    /// Forgets a topic that is not there any more. False if it was not known.
    pub(super) async fn forget(&self, topic: &str) -> bool {
        self.0.lock().await.remove(topic)
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(ErrorCode::TOPIC_AUTHORIZATION_FAILED | ErrorCode::CLUSTER_AUTHORIZATION_FAILED)
    )
}

/// As many partitions as the record's topic has; -1 leaves it to the broker where that is not known.
async fn partitions_of(client: &Client, origin: &str) -> i32 {
    let found = client.topic(origin, Instant::now() + LOOK_UP).await;
    found.ok().and_then(|topic| i32::try_from(topic.partitions.len()).ok()).unwrap_or(-1)
}

async fn create(client: &Client, topic: &str, num_partitions: i32) -> Result<()> {
    let wanted = CreatableTopic {
        name: topic.to_owned(),
        num_partitions,
        replication_factor: -1,
        ..Default::default()
    };
    let timeout_ms = i32::try_from(CREATE_TIMEOUT.as_millis()).unwrap_or(i32::MAX);
    let request = CreateTopicsRequest { topics: vec![wanted], timeout_ms, validate_only: false };
    let code = |answer: &kafka_core::protocol::messages::CreateTopicsResponse| {
        answer.topics.first().map_or(ErrorCode::NONE, |topic| ErrorCode(topic.error_code))
    };
    let options = CallOptions::new(CREATE_TIMEOUT);
    let answer = client.call_controller(options, |_| request.clone(), code).await?;
    match code(&answer) {
        ErrorCode::NONE => Ok(()),
        code => {
            let words = answer.topics.first().and_then(|topic| topic.error_message.as_deref());
            Err(Error::from_code_and_words(code, words).with_topic(topic))
        }
    }
}
