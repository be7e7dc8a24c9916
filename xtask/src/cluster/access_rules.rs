//! Who may do what: the rules that every secured cluster has from its start.
//!
//! A resource that no rule names is open to everybody, so that most tests need none. Names that begin with one of these
//! words are not:
//!
//! | prefix | of topics | of groups and transactional ids |
//! |---|---|---|
//! | `private-` | `alice` alone | `alice` alone |
//! | `readable-` | `alice`; `bob` may read | open |
//! | `writable-` | `alice`; `bob` may write | open |
//!
//! The cluster itself is `alice`'s; everybody may look at it and number records. Who comes without a name is
//! nobody's inferior: listeners that ask for none are for brokers and for tests of other things.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::wire::{self, first_error, put_array, put_string};
use crate::interrupt;

const CREATE_ACLS: i16 = 30;
const CREATE_ACLS_VERSION: i16 = 1;

/// Kafka's numbers of what a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Resource {
    Topic = 2,
    Group = 3,
    Cluster = 4,
    TransactionalId = 5,
}

/// Kafka's numbers of what may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Operation {
    All = 2,
    Read = 3,
    Write = 4,
    Describe = 8,
    DescribeConfigs = 10,
    IdempotentWrite = 12,
}

/// Lets a user do something with all resources whose name begins so; the cluster has but one name.
#[derive(Debug, Clone, Copy)]
struct Rule {
    user: &'static str,
    operation: Operation,
    resource: Resource,
    name: &'static str,
}

const fn rule(user: &'static str, operation: Operation, resource: Resource, name: &'static str) -> Rule {
    Rule { user, operation, resource, name }
}

const CLUSTER: &str = "kafka-cluster";

const RULES: [Rule; 11] = [
    rule("alice", Operation::All, Resource::Topic, "private-"),
    rule("alice", Operation::All, Resource::Group, "private-"),
    rule("alice", Operation::All, Resource::TransactionalId, "private-"),
    rule("alice", Operation::All, Resource::Topic, "readable-"),
    rule("bob", Operation::Read, Resource::Topic, "readable-"),
    rule("alice", Operation::All, Resource::Topic, "writable-"),
    rule("bob", Operation::Write, Resource::Topic, "writable-"),
    rule("alice", Operation::All, Resource::Cluster, CLUSTER),
    rule("*", Operation::Describe, Resource::Cluster, CLUSTER),
    rule("*", Operation::DescribeConfigs, Resource::Cluster, CLUSTER),
    rule("*", Operation::IdempotentWrite, Resource::Cluster, CLUSTER),
];

/// Makes the rules, by a broker that lets us do anything. Rules that are there already stay.
pub(crate) fn make(address: &str, deadline: Instant) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(20);
    loop {
        interrupt::check()?;
        // The controller may not be ready as soon as brokers are.
        let outcome = wire::call(address, PATIENCE, CREATE_ACLS, CREATE_ACLS_VERSION, &request())
            .and_then(|answer| first_error(&answer, |_| Some(())).context("the answer is cut off"));
        match outcome {
            Ok(None) => return Ok(()),
            Ok(Some((code, message))) if Instant::now() >= deadline => {
                bail!("the broker refuses access rules: {message} (error {code})")
            }
            Err(error) if Instant::now() >= deadline => return Err(error.context("cannot make access rules")),
            _ => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// The arguments by which Kafka's own tool makes each rule.
pub(crate) fn tool_arguments() -> impl Iterator<Item = String> {
    RULES.iter().map(|rule| {
        let Rule { user, operation, resource, name } = rule;
        let resource = match resource {
            Resource::Topic => format!("--topic {name} --resource-pattern-type prefixed"),
            Resource::Group => format!("--group {name} --resource-pattern-type prefixed"),
            Resource::TransactionalId => {
                format!("--transactional-id {name} --resource-pattern-type prefixed")
            }
            Resource::Cluster => "--cluster".to_owned(),
        };
        format!("--add --allow-principal 'User:{user}' --operation {operation:?} {resource}")
    })
}

/// Version 1: resource type, name, pattern, principal, host, operation, permission.
fn request() -> Vec<u8> {
    const LITERAL: u8 = 3;
    const PREFIXED: u8 = 4;
    const ALLOW: u8 = 3;
    let mut body = Vec::new();
    put_array(&mut body, &RULES, |body, rule| {
        body.push(rule.resource as u8);
        put_string(body, rule.name);
        body.push(if rule.resource == Resource::Cluster { LITERAL } else { PREFIXED });
        put_string(body, &format!("User:{}", rule.user));
        put_string(body, "*");
        body.push(rule.operation as u8);
        body.push(ALLOW);
    });
    body
}
