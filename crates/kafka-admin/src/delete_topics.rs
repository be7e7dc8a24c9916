use kafka_core::protocol::messages::DeleteTopicsRequest;
use kafka_core::protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_core::{Result, validate_topic_name};

use crate::admin::{Admin, TopicResult, check, missing_answer, moved, per_topic};

/// The first version that names a topic in a structure, by name or by id.
const TOPICS_IN_STRUCTURES: i16 = 6;

impl Admin {
    /// Deletes topics, each with its own outcome, in the order given. Brokers delete the records a while later.
    ///
    /// # Errors
    /// Where no broker could be asked. A topic's own failure stands in its result.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the topics deleted or not.
    pub async fn delete_topics<S: AsRef<str>>(&self, topics: &[S]) -> Result<Vec<TopicResult<()>>> {
        let invalid: Vec<_> = topics.iter().map(|topic| validate_topic_name(topic.as_ref()).err()).collect();
        let names: Vec<String> = topics
            .iter()
            .zip(&invalid)
            .filter(|(_, error)| error.is_none())
            .map(|(topic, _)| topic.as_ref().to_owned())
            .collect();
        let mut answers = Vec::new();
        if !names.is_empty() {
            let timeout_ms = self.timeout_ms();
            let build = move |version| {
                let mut request = DeleteTopicsRequest { timeout_ms, ..Default::default() };
                if version >= TOPICS_IN_STRUCTURES {
                    let topic =
                        |name: &String| DeleteTopicState { name: Some(name.clone()), ..Default::default() };
                    request.topics = names.iter().map(topic).collect();
                } else {
                    request.topic_names = names.clone();
                }
                request
            };
            answers = self
                .client()
                .call_controller(self.options(), build, |answer| {
                    moved(answer.responses.iter().map(|part| part.error_code))
                })
                .await?
                .responses;
        }
        Ok(per_topic(topics.iter().map(AsRef::as_ref), invalid, |name| {
            let answer = answers.iter().find(|answer| answer.name.as_deref() == Some(name));
            let answer = answer.ok_or_else(|| missing_answer(name))?;
            check(answer.error_code, answer.error_message.as_deref()).map_err(|error| error.with_topic(name))
        }))
    }
}
