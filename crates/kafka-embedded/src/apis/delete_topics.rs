//! `DeleteTopics`: topics by name or by id.

use kafka_core::protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_core::protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

impl Api for DeleteTopicsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DeleteTopicsResponse> {
        let mut responses = Vec::new();
        let named = named(self);
        for (place, (name, id)) in named.iter().enumerate() {
            let same = |other: &(Option<String>, Uuid)| other.0 == *name && other.1 == *id;
            let (before, after) = (named.iter().take(place), named.iter().skip(place + 1));
            if before.clone().any(same) {
                continue;
            }
            // A topic may be named once, by its name or by its id.
            let own = name.as_deref().and_then(|name| cluster.topics.get(name)).map(|topic| topic.id);
            let mut others = before.chain(after);
            let by_id = |other: &(Option<String>, Uuid)| other.0.is_none() && Some(other.1) == own;
            let by_name = |other: &(Option<String>, Uuid)| {
                let known = other.0.as_deref().and_then(|name| cluster.topics.get(name));
                name.is_none() && known.is_some_and(|topic| topic.id == *id)
            };
            if others.clone().any(by_name) {
                continue;
            }
            let is_nobody = name.is_none() && id.is_zero();
            responses.push(if is_nobody || others.clone().any(same) {
                result(name.clone(), *id, ErrorCode::INVALID_REQUEST)
            } else if others.any(by_id) {
                result(name.clone(), own.unwrap_or_default(), ErrorCode::INVALID_REQUEST)
            } else {
                delete(cluster, call, name.clone(), *id)
            });
        }
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

fn delete(cluster: &mut Cluster, call: &Call, name: Option<String>, id: Uuid) -> DeletableTopicResult {
    let (name, unknown) = match name {
        Some(_) if !id.is_zero() => return result(name, id, ErrorCode::INVALID_REQUEST),
        Some(name) => (Some(name), ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
        None => (cluster.topics.name_of(id).map(str::to_owned), ErrorCode::UNKNOWN_TOPIC_ID),
    };
    if let Some(known) = &name
        && !cluster.may(call, AclOperation::Delete, Resource::Cluster)
    {
        let sees = cluster.may(call, AclOperation::Describe, Resource::Topic(known));
        if let Err(code) = cluster.check(call, AclOperation::Delete, Resource::Topic(known)) {
            // Nobody learns a name, or whether there is such a topic, who may not see it.
            let is_known = cluster.topics.get(known).is_some();
            return match id.is_zero() {
                true if sees && !is_known => result(name, id, unknown),
                true => result(name, id, code),
                false => result(name.filter(|_| sees), id, code),
            };
        }
    }
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
