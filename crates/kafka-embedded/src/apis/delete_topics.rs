//! `DeleteTopics`: topics by name or by id.

use kafka_core::protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_core::protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::core::{Api, Call, Cluster, Reply};

impl Api for DeleteTopicsRequest {
    fn handle(self, cluster: &mut Cluster, _: &Call) -> Reply<DeleteTopicsResponse> {
        let responses = named(self).into_iter().map(|(name, id)| delete(cluster, name, id)).collect();
        Reply::Now(DeleteTopicsResponse { responses, ..Default::default() })
    }

    fn refuse(self, call: &Call, code: ErrorCode) -> DeleteTopicsResponse {
        let responses = named(self).into_iter().map(|(name, id)| {
            let name = if call.version < 6 { name.or_else(|| Some(String::new())) } else { name };
            result(name, id, code)
        });
        DeleteTopicsResponse { responses: responses.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        let newer =
            self.topics.iter().map(|topic| (topic.name.as_deref().unwrap_or_default(), topic.topic_id));
        newer.chain(self.topic_names.iter().map(|name| (name.as_str(), Uuid::ZERO))).collect()
    }
}

fn named(request: DeleteTopicsRequest) -> Vec<(Option<String>, Uuid)> {
    let newer = request.topics.into_iter().map(|topic| (topic.name, topic.topic_id));
    newer.chain(request.topic_names.into_iter().map(|name| (Some(name), Uuid::ZERO))).collect()
}

fn delete(cluster: &mut Cluster, name: Option<String>, id: Uuid) -> DeletableTopicResult {
    let (name, unknown) = match name {
        Some(_) if !id.is_zero() => return result(name, id, ErrorCode::INVALID_REQUEST),
        Some(name) => (Some(name), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        None => (cluster.topics.name_of(id).map(str::to_owned), ErrorCode::UNKNOWN_TOPIC_ID),
    };
    let Some(topic) = name.as_deref().and_then(|name| cluster.topics.get(name)) else {
        return result(name, id, unknown);
    };
    let id = topic.id;
    if let Some(name) = &name {
        cluster.remove_topic(name);
    }
    result(name, id, ErrorCode::NONE)
}

fn result(name: Option<String>, topic_id: Uuid, code: ErrorCode) -> DeletableTopicResult {
    let error_message = (!code.is_ok()).then(|| code.description().to_owned());
    DeletableTopicResult { name, topic_id, error_code: code.0, error_message }
}
