//! Settings: described, replaced, changed one by one.

use kafka_core::protocol::Message;
use kafka_core::protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_core::protocol::messages::{
    AlterConfigsRequest, DescribeConfigsRequest, DescribeConfigsResponse, IncrementalAlterConfigsRequest,
    ListConfigResourcesRequest, ListConfigResourcesResponse, alter_configs_request,
    incremental_alter_configs_request,
};

use super::super::side::Side;
use super::topics::create_with;

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const LOGGER: i8 = 8;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;

/// Asks for these settings, or for all.
fn describe(resource_type: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsRequest {
    DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configuration_keys: keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()),
        }],
        ..Default::default()
    }
}

fn incremental(
    resource_type: i8,
    name: &str,
    changes: &[(&str, i8, Option<&str>)],
) -> IncrementalAlterConfigsRequest {
    let change = |(name, operation, value): &(&str, i8, Option<&str>)| {
        incremental_alter_configs_request::AlterableConfig {
            name: (*name).to_owned(),
            config_operation: *operation,
            value: value.map(str::to_owned),
        }
    };
    IncrementalAlterConfigsRequest {
        resources: vec![incremental_alter_configs_request::AlterConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configs: changes.iter().map(change).collect(),
        }],
        ..Default::default()
    }
}

fn alter(resource_type: i8, name: &str, configs: &[(&str, Option<&str>)]) -> AlterConfigsRequest {
    let config = |(name, value): &(&str, Option<&str>)| alter_configs_request::AlterableConfig {
        name: (*name).to_owned(),
        value: value.map(str::to_owned),
    };
    AlterConfigsRequest {
        resources: vec![alter_configs_request::AlterConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configs: configs.iter().map(config).collect(),
        }],
        ..Default::default()
    }
}

/// By their names, since their order is a hash map's.
///
/// A value that nobody set comes from the broker's file in the cluster of the tests, or from what all brokers were told.
fn sorted(answer: &mut DescribeConfigsResponse) {
    const STATIC_OR_DEFAULT: [i8; 2] = [3, 4];
    const DEFAULT: i8 = 5;
    for result in &mut answer.results {
        result.configs.sort_by(|a, b| a.name.cmp(&b.name));
        for config in &mut result.configs {
            config.synonyms.retain(|synonym| !STATIC_OR_DEFAULT.contains(&synonym.source));
            if STATIC_OR_DEFAULT.contains(&config.config_source) {
                config.config_source = DEFAULT;
            }
        }
    }
}

pub(super) async fn run(side: &mut Side) {
    let name = side.name("configured");
    create_with(side, &name, 1, &[("cleanup.policy", "compact")]).await;
    described(side, &name).await;
    changed(side, &name).await;
    replaced(side, &name).await;
    listed(side).await;
}

async fn described(side: &mut Side, topic: &str) {
    let unknown = side.name("unknown");
    let group = side.name("configured-group");
    for version in DescribeConfigsRequest::VERSIONS {
        for (label, request) in [
            ("a topic", describe(TOPIC, topic, None)),
            ("two of a topic", describe(TOPIC, topic, Some(&["cleanup.policy", "retention.ms"]))),
            ("an unknown one of a topic", describe(TOPIC, topic, Some(&["unknown"]))),
            ("none of a topic", describe(TOPIC, topic, Some(&[]))),
            ("an unknown topic", describe(TOPIC, &unknown, None)),
            ("no topic's name", describe(TOPIC, "", None)),
            ("a bad topic's name", describe(TOPIC, "a b", None)),
            ("some of a broker", describe(BROKER, "1", Some(&["log.retention.hours", "num.io.threads"]))),
            ("all brokers", describe(BROKER, "", None)),
            ("another broker", describe(BROKER, "99", None)),
            ("a broker that is no number", describe(BROKER, "one", None)),
            ("a negative broker", describe(BROKER, "-1", None)),
            ("an unknown type", describe(77, topic, None)),
            ("no type", describe(0, topic, None)),
            ("a group", describe(GROUP, &group, None)),
            ("no group's name", describe(GROUP, "", None)),
            ("metrics", describe(CLIENT_METRICS, "metrics", None)),
            ("no metrics' name", describe(CLIENT_METRICS, "", None)),
            ("none", DescribeConfigsRequest::default()),
        ] {
            side.ask_for(label, version, request, sorted).await;
        }
        let synonyms = DescribeConfigsRequest { include_synonyms: true, ..describe(TOPIC, topic, None) };
        side.ask_for("a topic, with synonyms", version, synonyms, sorted).await;
    }
    let documented = DescribeConfigsRequest { include_documentation: true, ..describe(TOPIC, topic, None) };
    side.ask_for("a topic, with words", 4, documented, |answer| {
        sorted(answer);
        for config in answer.results.iter_mut().flat_map(|result| &mut result.configs) {
            config.documentation = config.documentation.take().map(|_| "words".to_owned());
        }
    })
    .await;
    side.ask_for("a broker", 4, describe(BROKER, "1", None), |answer| {
        sorted(answer);
        for result in &mut answer.results {
            // Ports, folders and certificates are each broker's own.
            result.configs.retain(|config| config.config_type != 2 || !config.name.contains("listener"));
        }
    })
    .await;
    side.ask_for("a broker's loggers", 4, describe(LOGGER, "1", Some(&["root"])), sorted).await;
    side.ask_for("another broker's loggers", 4, describe(LOGGER, "99", None), sorted).await;
    let mut twice = describe(TOPIC, topic, Some(&["cleanup.policy"]));
    twice.resources = [twice.resources.clone(), twice.resources].concat();
    side.ask_for("a topic twice", 4, twice, sorted).await;
}

async fn changed(side: &mut Side, topic: &str) {
    const SET: i8 = 0;
    const DELETE: i8 = 1;
    const APPEND: i8 = 2;
    const SUBTRACT: i8 = 3;
    let unknown = side.name("unknown");
    for version in IncrementalAlterConfigsRequest::VERSIONS {
        for (label, request) in [
            ("set", incremental(TOPIC, topic, &[("retention.ms", SET, Some("77777"))])),
            ("set to what cannot be", incremental(TOPIC, topic, &[("retention.ms", SET, Some("-2"))])),
            ("set to no number", incremental(TOPIC, topic, &[("retention.ms", SET, Some("long"))])),
            ("set to null", incremental(TOPIC, topic, &[("retention.ms", SET, None)])),
            ("set what is unknown", incremental(TOPIC, topic, &[("unknown", SET, Some("1"))])),
            ("delete", incremental(TOPIC, topic, &[("retention.ms", DELETE, None)])),
            ("delete what is not there", incremental(TOPIC, topic, &[("segment.ms", DELETE, None)])),
            ("delete what is unknown", incremental(TOPIC, topic, &[("unknown", DELETE, None)])),
            ("append", incremental(TOPIC, topic, &[("cleanup.policy", APPEND, Some("delete"))])),
            ("append again", incremental(TOPIC, topic, &[("cleanup.policy", APPEND, Some("delete"))])),
            ("append to no list", incremental(TOPIC, topic, &[("retention.ms", APPEND, Some("1"))])),
            ("append what cannot be", incremental(TOPIC, topic, &[("cleanup.policy", APPEND, Some("burn"))])),
            ("subtract", incremental(TOPIC, topic, &[("cleanup.policy", SUBTRACT, Some("delete"))])),
            ("subtract again", incremental(TOPIC, topic, &[("cleanup.policy", SUBTRACT, Some("delete"))])),
            ("subtract from no list", incremental(TOPIC, topic, &[("retention.ms", SUBTRACT, Some("1"))])),
            ("append null", incremental(TOPIC, topic, &[("cleanup.policy", APPEND, None)])),
            ("an unknown operation", incremental(TOPIC, topic, &[("retention.ms", 9, Some("1"))])),
            (
                "the same twice",
                incremental(
                    TOPIC,
                    topic,
                    &[("retention.ms", SET, Some("1")), ("retention.ms", SET, Some("2"))],
                ),
            ),
            (
                "one good, one bad",
                incremental(
                    TOPIC,
                    topic,
                    &[("retention.ms", SET, Some("5")), ("segment.bytes", SET, Some("1"))],
                ),
            ),
            ("nothing", incremental(TOPIC, topic, &[])),
            ("an unknown topic", incremental(TOPIC, &unknown, &[("retention.ms", SET, Some("1"))])),
            ("no topic's name", incremental(TOPIC, "", &[("retention.ms", SET, Some("1"))])),
            (
                "an internal topic",
                validated(incremental(TOPIC, "__consumer_offsets", &[("retention.ms", SET, Some("1"))])),
            ),
            ("another broker", incremental(BROKER, "99", &[("log.cleaner.threads", SET, Some("1"))])),
            (
                "a broker that is no number",
                incremental(BROKER, "one", &[("log.cleaner.threads", SET, Some("1"))]),
            ),
            (
                "what a broker cannot change",
                validated(incremental(BROKER, "1", &[("broker.id", SET, Some("7"))])),
            ),
            ("what no broker has", validated(incremental(BROKER, "1", &[("unknown", SET, Some("7"))]))),
            (
                "what a broker can change",
                validated(incremental(BROKER, "1", &[("log.cleaner.backoff.ms", SET, Some("7"))])),
            ),
            (
                "what all brokers can change",
                validated(incremental(BROKER, "", &[("log.cleaner.backoff.ms", SET, Some("7"))])),
            ),
            (
                "a broker's number that is none",
                validated(incremental(BROKER, "1", &[("log.cleaner.backoff.ms", SET, Some("x"))])),
            ),
            ("an unknown type", incremental(77, topic, &[("retention.ms", SET, Some("1"))])),
            ("no type", incremental(0, topic, &[("retention.ms", SET, Some("1"))])),
            (
                "no group's name",
                incremental(GROUP, "", &[("consumer.session.timeout.ms", SET, Some("50000"))]),
            ),
            ("what no group has", incremental(GROUP, &unknown, &[("unknown", SET, Some("50000"))])),
            (
                "a group's session",
                validated(incremental(
                    GROUP,
                    &unknown,
                    &[("consumer.session.timeout.ms", SET, Some("50000"))],
                )),
            ),
            (
                "a group's session that is too short",
                incremental(GROUP, &unknown, &[("consumer.session.timeout.ms", SET, Some("5"))]),
            ),
            (
                "a group's session that is too long",
                incremental(GROUP, &unknown, &[("consumer.session.timeout.ms", SET, Some("5000000"))]),
            ),
            (
                "a group's lock",
                validated(incremental(
                    GROUP,
                    &unknown,
                    &[("share.record.lock.duration.ms", SET, Some("20000"))],
                )),
            ),
            (
                "a group's start",
                validated(incremental(
                    GROUP,
                    &unknown,
                    &[("share.auto.offset.reset", SET, Some("earliest"))],
                )),
            ),
            (
                "a group's odd start",
                incremental(GROUP, &unknown, &[("share.auto.offset.reset", SET, Some("middle"))]),
            ),
            ("none", IncrementalAlterConfigsRequest::default()),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let mut twice = incremental(TOPIC, topic, &[("retention.ms", SET, Some("5"))]);
    twice.resources = [twice.resources.clone(), twice.resources].concat();
    side.ask("a topic twice", 1, twice).await;
    side.ask("only validated", 1, validated(incremental(TOPIC, topic, &[("retention.ms", SET, Some("5"))])))
        .await;
    let seen = |answer: &DescribeConfigsResponse| answer.results.iter().all(|result| result.error_code == 0);
    let keys: &[&str] = &["cleanup.policy", "retention.ms"];
    side.until("what was changed", 4, describe(TOPIC, topic, Some(keys)), seen).await;
}

fn validated(request: IncrementalAlterConfigsRequest) -> IncrementalAlterConfigsRequest {
    IncrementalAlterConfigsRequest { validate_only: true, ..request }
}

async fn replaced(side: &mut Side, topic: &str) {
    let unknown = side.name("unknown");
    for version in AlterConfigsRequest::VERSIONS {
        for (label, request) in [
            ("a topic's", alter(TOPIC, topic, &[("retention.ms", Some("99999"))])),
            ("what cannot be", alter(TOPIC, topic, &[("retention.ms", Some("-2"))])),
            ("what is unknown", alter(TOPIC, topic, &[("unknown", Some("1"))])),
            ("by null", alter(TOPIC, topic, &[("retention.ms", None)])),
            (
                "the same twice",
                alter(TOPIC, topic, &[("retention.ms", Some("1")), ("retention.ms", Some("2"))]),
            ),
            ("by nothing", alter(TOPIC, topic, &[])),
            ("an unknown topic's", alter(TOPIC, &unknown, &[("retention.ms", Some("1"))])),
            ("no topic's", alter(TOPIC, "", &[("retention.ms", Some("1"))])),
            ("another broker's", alter(BROKER, "99", &[("log.cleaner.threads", Some("1"))])),
            ("an unknown type's", alter(77, topic, &[("retention.ms", Some("1"))])),
            ("no group's", alter(GROUP, "", &[("consumer.session.timeout.ms", Some("50000"))])),
            ("none", AlterConfigsRequest::default()),
            (
                "only validated",
                AlterConfigsRequest {
                    validate_only: true,
                    ..alter(TOPIC, topic, &[("retention.ms", Some("1"))])
                },
            ),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let keys: &[&str] = &["cleanup.policy", "retention.ms"];
    side.ask("what was replaced", 4, describe(TOPIC, topic, Some(keys))).await;
}

async fn listed(side: &mut Side) {
    let ours = side.name("");
    let part = |answer: &mut ListConfigResourcesResponse| {
        let is_ours = |name: &str| name.starts_with(&ours);
        answer.config_resources.retain(|found| found.resource_type != TOPIC || is_ours(&found.resource_name));
        answer.config_resources.retain(|found| found.resource_type != GROUP || is_ours(&found.resource_name));
        answer
            .config_resources
            .sort_by(|a, b| (a.resource_type, &a.resource_name).cmp(&(b.resource_type, &b.resource_name)));
    };
    for version in ListConfigResourcesRequest::VERSIONS {
        side.ask_for("", version, ListConfigResourcesRequest::default(), part).await;
    }
    for types in
        [&[TOPIC][..], &[BROKER], &[LOGGER], &[CLIENT_METRICS], &[GROUP], &[77], &[0], &[TOPIC, GROUP]]
    {
        let request = ListConfigResourcesRequest { resource_types: types.to_vec() };
        side.ask_for(&format!("of {types:?}"), 1, request, part).await;
    }
}
