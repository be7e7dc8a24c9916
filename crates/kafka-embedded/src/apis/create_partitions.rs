//! `CreatePartitions`: more partitions for topics that exist.

use kafka_core::protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_core::protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_core::protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};
use kafka_core::protocol::{ErrorCode, Uuid};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};

/// How many partitions one request may add at most.
const MOST_PARTITIONS: usize = 10_000;

impl Api for CreatePartitionsRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<CreatePartitionsResponse> {
        let same = |topic: &CreatePartitionsTopic, others: &[CreatePartitionsTopic]| {
            others.iter().filter(|other| other.name == topic.name).count()
        };
        let named = self.topics.iter().enumerate();
        // Kafka answers once for a name that is there twice.
        let first =
            named.filter(|(place, topic)| same(topic, self.topics.get(..*place).unwrap_or_default()) == 0);
        let mut left = MOST_PARTITIONS;
        let results = first.map(|(_, topic)| {
            if same(topic, &self.topics) > 1 {
                let message = "Duplicate topic name.".to_owned();
                return result(&topic.name, Some((ErrorCode::INVALID_REQUEST, message)));
            }
            let checked = cluster.check(call, AclOperation::Alter, Resource::Topic(&topic.name));
            let done = checked
                .map_err(|code| (code, code.description().to_owned()))
                .and_then(|()| create(cluster, topic, self.validate_only, &mut left));
            result(&topic.name, done.err())
        });
        let results = results.collect();
        Reply::Now(CreatePartitionsResponse { results, ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> CreatePartitionsResponse {
        let results =
            self.topics.iter().map(|topic| result(&topic.name, Some((code, code.description().to_owned()))));
        CreatePartitionsResponse { results: results.collect(), ..Default::default() }
    }

    fn topics(&self) -> Vec<(&str, Uuid)> {
        self.topics.iter().map(|topic| (topic.name.as_str(), Uuid::ZERO)).collect()
    }
}

fn result(name: &str, failure: Option<(ErrorCode, String)>) -> CreatePartitionsTopicResult {
    let (code, message) = match failure {
        Some((code @ (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION | ErrorCode::TOPIC_AUTHORIZATION_FAILED), _)) => {
            (code, None)
        }
        Some((code, message)) => (code, Some(message)),
        None => (ErrorCode::NONE, None),
    };
    CreatePartitionsTopicResult { name: name.to_owned(), error_code: code.0, error_message: message }
}

fn create(
    cluster: &mut Cluster,
    asked: &CreatePartitionsTopic,
    validate_only: bool,
    left: &mut usize,
) -> Result<(), (ErrorCode, String)> {
    let Some(topic) = cluster.topics.get(&asked.name) else {
        let message = format!("Topic '{}' does not exist.", asked.name);
        return Err((ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, message));
    };
    let have = topic.partitions.len();
    let factor = usize::try_from(topic.replication_factor()).unwrap_or(1);
    let invalid = |message: String| Err((ErrorCode::INVALID_PARTITIONS, message));
    let wanted = usize::try_from(asked.count).unwrap_or_default();
    if wanted == have {
        return invalid(format!("Topic already has {have} partition(s)."));
    }
    if wanted < have {
        return invalid(format!(
            "The topic {} currently has {have} partition(s); {} would not be an increase.",
            asked.name, asked.count
        ));
    }
    let additional = wanted - have;
    // How many there are is bounded by what is asked for, and that by this.
    if additional > *left {
        return invalid(format!("Excessively large number of partitions: {wanted}"));
    }
    let assignment = match &asked.assignments {
        None => cluster.place_replicas(additional, factor, have),
        Some(assignments) => {
            let assignment: Vec<_> = assignments.iter().map(|one| one.broker_ids.clone()).collect();
            let known = assignment.iter().flatten().all(|&id| cluster.is_alive(id));
            if assignment.len() != additional || assignment.iter().any(|one| one.len() != factor) || !known {
                let message =
                    format!("Attempted to add {additional} additional partition(s) with another assignment.");
                return Err((ErrorCode::INVALID_REPLICA_ASSIGNMENT, message));
            }
            assignment
        }
    };
    *left -= additional;
    if validate_only {
        return Ok(());
    }
    cluster.extend_topic(&asked.name, assignment);
    Ok(())
}
