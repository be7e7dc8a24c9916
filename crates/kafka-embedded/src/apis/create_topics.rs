//! `CreateTopics`: new topics, with partitions placed by the cluster or by the client.

use std::collections::BTreeMap;

use kafka_core::protocol::messages::create_topics_request::CreatableTopic;
use kafka_core::protocol::messages::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use kafka_core::protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};
use kafka_core::validate_topic_name;

use super::describe_configs::topic_entries;
use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::topics::check_config;

/// The topic of the metadata, which no client makes.
const METADATA: &str = "__cluster_metadata";
/// How many partitions one request may create at most.
const MOST_PARTITIONS: i64 = 9_999;

type Failure = (ErrorCode, String);

impl Api for CreateTopicsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<CreateTopicsResponse> {
        let wanted: i64 = self.topics.iter().map(|topic| partitions_of(cluster, topic)).sum();
        if wanted > MOST_PARTITIONS {
            let message = format!("Excessively large number of partitions per request: {wanted}");
            let failure = (ErrorCode::POLICY_VIOLATION, message);
            let topics = self.topics.iter().map(|topic| failed(&topic.name, failure.clone()));
            return Reply::Now(CreateTopicsResponse { topics: topics.collect(), ..Default::default() });
        }
        let mut topics = Vec::with_capacity(self.topics.len());
        for topic in &self.topics {
            let twice = self.topics.iter().filter(|other| other.name == topic.name).count() > 1;
            let result = if twice {
                Err((ErrorCode::INVALID_REQUEST, "Duplicate topic name.".to_owned()))
            } else {
                check(cluster, call, &topic.name).and_then(|()| create(cluster, topic, self.validate_only))
            };
            // Kafka answers once for a name that is there twice.
            if twice && topics.iter().any(|result: &CreatableTopicResult| result.name == topic.name) {
                continue;
            }
            let mut result = result.unwrap_or_else(|failure| failed(&topic.name, failure));
            hide_configs(cluster, call, &mut result);
            topics.push(result);
        }
        Reply::Now(CreateTopicsResponse { topics, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> CreateTopicsResponse {
        let topics =
            self.topics.iter().map(|topic| failed(&topic.name, (code, code.description().to_owned())));
        CreateTopicsResponse { topics: topics.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

/// How many partitions the topic is to have.
fn partitions_of(cluster: &Cluster, topic: &CreatableTopic) -> i64 {
    match topic.num_partitions {
        _ if !topic.assignments.is_empty() => i64::try_from(topic.assignments.len()).unwrap_or(i64::MAX),
        -1 => cluster.settings.num_partitions.into(),
        partitions => partitions.max(0).into(),
    }
}

fn check(cluster: &Cluster, call: &Call, name: &str) -> Result<(), Failure> {
    if cluster.may(call, AclOperation::Create, Resource::Cluster) {
        return Ok(());
    }
    let checked = cluster.check(call, AclOperation::Create, Resource::Topic(name));
    checked.map_err(|code| (code, "Authorization failed.".to_owned()))
}

/// Who may not look at the topic's settings is not told of them here either.
fn hide_configs(cluster: &Cluster, call: &Call, result: &mut CreatableTopicResult) {
    let checked = cluster.check(call, AclOperation::DescribeConfigs, Resource::Topic(&result.name));
    if let Err(code) = checked
        && result.error_code == 0
    {
        result.topic_config_error_code = code.0;
        result.configs = None;
        (result.num_partitions, result.replication_factor) = (-1, -1);
    }
}

fn failed(name: &str, (code, message): Failure) -> CreatableTopicResult {
    CreatableTopicResult {
        name: name.to_owned(),
        error_code: code.0,
        error_message: Some(message),
        ..Default::default()
    }
}

fn create(
    cluster: &mut Cluster,
    topic: &CreatableTopic,
    validate_only: bool,
) -> Result<CreatableTopicResult, Failure> {
    let name = &topic.name;
    validate_topic_name(name).map_err(|error| (ErrorCode::INVALID_TOPIC_EXCEPTION, error.to_string()))?;
    if name == METADATA {
        let message = format!("Creation of internal topic {name} is prohibited.");
        return Err((ErrorCode::INVALID_REQUEST, message));
    }
    check_collision(cluster, name)?;
    let assignment = assign(cluster, topic)?;
    let mut configs = BTreeMap::new();
    for config in &topic.configs {
        let Some(value) = &config.value else {
            let message = format!("Null value not supported for topic configs: {}", config.name);
            return Err((ErrorCode::INVALID_CONFIG, message));
        };
        check_config(&config.name, value).map_err(|message| (ErrorCode::INVALID_CONFIG, message))?;
        configs.insert(config.name.clone(), value.clone());
    }
    let num_partitions = i32::try_from(assignment.len()).unwrap_or(i32::MAX);
    let factor = assignment.first().map_or(0, Vec::len);
    let described = topic_entries(&configs);
    let topic_id = if validate_only {
        // An id that no topic gets.
        cluster.new_uuid()
    } else {
        cluster.add_topic(name, assignment, configs);
        cluster.topics.get(name).map(|topic| topic.id).unwrap_or_default()
    };
    Ok(CreatableTopicResult {
        name: name.clone(),
        topic_id,
        error_message: None,
        num_partitions,
        replication_factor: i16::try_from(factor).unwrap_or(i16::MAX),
        configs: Some(
            described
                .into_iter()
                .map(|entry| CreatableTopicConfigs {
                    name: entry.name.to_owned(),
                    value: Some(entry.value),
                    read_only: false,
                    config_source: entry.source,
                    is_sensitive: false,
                })
                .collect(),
        ),
        ..Default::default()
    })
}

/// Names that differ only in `.` and `_` would share metrics, so Kafka forbids them.
fn check_collision(cluster: &Cluster, name: &str) -> Result<(), Failure> {
    if cluster.topics.get(name).is_some() {
        return Err((ErrorCode::TOPIC_ALREADY_EXISTS, format!("Topic '{name}' already exists.")));
    }
    if !name.contains(['.', '_']) {
        return Ok(());
    }
    let flat = |name: &str| name.replace('.', "_");
    match cluster.topics.iter().find(|topic| flat(&topic.name) == flat(name)) {
        Some(other) => Err((
            ErrorCode::INVALID_TOPIC_EXCEPTION,
            format!("Topic '{name}' collides with existing topic: {}", other.name),
        )),
        None => Ok(()),
    }
}

fn assign(cluster: &mut Cluster, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, Failure> {
    let (partitions, factor) = (topic.num_partitions, topic.replication_factor);
    if !topic.assignments.is_empty() {
        return assigned_by_hand(cluster, topic);
    }
    if partitions == 0 || partitions < -1 {
        let message = "Number of partitions was set to an invalid non-positive value.";
        return Err((ErrorCode::INVALID_PARTITIONS, message.to_owned()));
    }
    if factor == 0 || factor < -1 {
        let message = "Replication factor must be larger than 0, or -1 to use the default value.";
        return Err((ErrorCode::INVALID_REPLICATION_FACTOR, message.to_owned()));
    }
    let partitions = if partitions == -1 { cluster.settings.num_partitions } else { partitions };
    let factor = if factor == -1 { cluster.settings.default_replication_factor } else { factor };
    let (live, factor) = (cluster.live_brokers().count(), usize::try_from(factor).unwrap_or_default());
    if factor > live {
        let message = format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be \
             reached because only {live} broker(s) are registered."
        );
        return Err((ErrorCode::INVALID_REPLICATION_FACTOR, message));
    }
    Ok(cluster.place_replicas(usize::try_from(partitions).unwrap_or_default(), factor, 0))
}

fn assigned_by_hand(cluster: &Cluster, topic: &CreatableTopic) -> Result<Vec<Vec<i32>>, Failure> {
    let invalid = |message: String| Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
    if topic.replication_factor != -1 || topic.num_partitions != -1 {
        let message = "A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.";
        return Err((ErrorCode::INVALID_REQUEST, message.to_owned()));
    }
    let mut assignments: Vec<_> = topic.assignments.iter().collect();
    assignments.sort_by_key(|assignment| assignment.partition_index);
    let factor = assignments.first().map_or(0, |first| first.broker_ids.len());
    for (index, assignment) in (0..).zip(&assignments) {
        let brokers = &assignment.broker_ids;
        if assignment.partition_index != index {
            return invalid("partitions should be a consecutive 0-based integer sequence".to_owned());
        }
        if brokers.is_empty() || brokers.len() != factor {
            return invalid("Inconsistent replication factor between partitions".to_owned());
        }
        if let Some(unknown) = brokers.iter().find(|id| !cluster.is_alive(**id)) {
            return invalid(format!(
                "The manual partition assignment includes broker {unknown}, but no such broker is registered."
            ));
        }
        if brokers.iter().any(|id| brokers.iter().filter(|other| *other == id).count() > 1) {
            return invalid("The manual partition assignment includes a broker more than once.".to_owned());
        }
    }
    Ok(assignments.iter().map(|assignment| assignment.broker_ids.clone()).collect())
}
