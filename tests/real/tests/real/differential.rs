//! One script of requests, good and bad, is sent to a broker of Kafka and to an embedded one: all answers are the same, except for
//! what is listed with its reason in `differences`, and told in the documentation of `kafka-embedded`.
//!
//! Only on real clusters: it compares their answers with those of embedded brokers.

mod compare;
mod differences;
mod fields;
mod records;
mod script;
mod side;
mod tree;

use std::time::Instant;

use kafka_embedded::security::SaslMechanism;
use kafka_embedded::{Acl, AclOperation, AclResource, AuthorizerConfig, EmbeddedCluster, ListenerConfig};
use kafka_tests::{Cluster, unique};

use compare::compare;
use differences::LISTED;
use side::Side;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_the_one_that_kafka_gives() {
    let real = Cluster::real_single();
    let builder = EmbeddedCluster::builder().num_partitions(3).authorizer(rules());
    let builder = builder.listener(ListenerConfig::plaintext());
    let builder = builder.listener(ListenerConfig::sasl_plaintext([SaslMechanism::Plain]));
    let embedded = builder.user("bob", "bob-secret").start().await.unwrap();
    let prefix = unique("diff");
    let started = Instant::now();
    let kafkas = Side::new(
        real.bootstrap_servers().remove(0),
        real.listener("SASL_PLAINTEXT").remove(0),
        prefix.clone(),
    );
    let ours = Side::new(
        embedded.bootstrap_servers().remove(0),
        embedded.listener("SASL_PLAINTEXT").remove(0),
        prefix,
    );
    let [kafkas, ours] = [kafkas, ours].map(|mut side| {
        tokio::spawn(async move {
            script::run(&mut side).await;
            side.exchanges
        })
    });
    let (kafkas, ours) = (kafkas.await.unwrap(), ours.await.unwrap());
    let verdict = compare(&kafkas, &ours);
    println!(
        "{} requests in {:.1} s: {} answers are equal, {} differ as listed in {} differences",
        verdict.requests,
        started.elapsed().as_secs_f64(),
        verdict.equal,
        verdict.listed,
        LISTED.len(),
    );
    assert!(verdict.wrong.is_empty(), "not as Kafka answers:\n{}", verdict.wrong);
}

/// The rules that every real cluster of the tests has (`xtask`, `access_rules`).
fn rules() -> AuthorizerConfig {
    use AclOperation::{All, Describe, DescribeConfigs, IdempotentWrite, Read, Write};
    let topic = |prefix: &str| AclResource::topic(prefix).prefixed();
    [
        ("User:alice", All, topic("private-")),
        ("User:alice", All, AclResource::group("private-").prefixed()),
        ("User:alice", All, AclResource::transactional_id("private-").prefixed()),
        ("User:alice", All, topic("readable-")),
        ("User:bob", Read, topic("readable-")),
        ("User:alice", All, topic("writable-")),
        ("User:bob", Write, topic("writable-")),
        ("User:alice", All, AclResource::cluster()),
        ("User:*", Describe, AclResource::cluster()),
        ("User:*", DescribeConfigs, AclResource::cluster()),
        ("User:*", IdempotentWrite, AclResource::cluster()),
    ]
    .into_iter()
    .map(|(user, operation, resource)| Acl::allow(user, operation, resource))
    .fold(AuthorizerConfig::new().super_user("User:ANONYMOUS"), AuthorizerConfig::acl)
    .allow_everyone_if_no_acl_found(true)
}

/// Each listed difference is told to users, with its reason.
#[test]
fn the_documentation_tells_each_listed_difference() {
    let source = include_str!("../../../../crates/kafka-embedded/src/lib.rs");
    let (_, section) = source.split_once("//! # How it differs from Kafka").unwrap();
    let words: Vec<&str> =
        section.lines().flat_map(|line| line.trim_start_matches("//!").split(' ')).collect();
    let section = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    for difference in LISTED {
        assert!(section.contains(difference.documented), "not told: {}", difference.documented);
        assert!(!difference.cases.is_empty(), "no case of {}", difference.documented);
    }
}
