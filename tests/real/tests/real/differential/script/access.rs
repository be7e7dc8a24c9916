//! Access rules, quotas, and users.

use kafka_core::protocol::Message;
use kafka_core::protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_core::protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_core::protocol::messages::create_acls_request::AclCreation;
use kafka_core::protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_core::protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_core::protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_core::protocol::messages::{
    AlterClientQuotasRequest, AlterUserScramCredentialsRequest, CreateAclsRequest, DeleteAclsRequest,
    DescribeAclsRequest, DescribeAclsResponse, DescribeClientQuotasRequest, DescribeClientQuotasResponse,
    DescribeUserScramCredentialsRequest,
};

use super::super::side::Side;

const TOPIC: i8 = 2;
const LITERAL: i8 = 3;
const READ: i8 = 3;
const ALLOW: i8 = 3;
const ANY: i8 = 1;
const MATCH: i8 = 2;

pub(super) async fn run(side: &mut Side) {
    rules(side).await;
    quotas(side).await;
    users(side).await;
}

fn rule(name: &str) -> AclCreation {
    AclCreation {
        resource_type: TOPIC,
        resource_name: name.to_owned(),
        resource_pattern_type: LITERAL,
        principal: "User:differential".to_owned(),
        host: "*".to_owned(),
        operation: READ,
        permission_type: ALLOW,
    }
}

async fn rules(side: &mut Side) {
    let name = side.name("ruled");
    let create = |rule: AclCreation| CreateAclsRequest { creations: vec![rule] };
    let with = |change: fn(&mut AclCreation)| {
        let mut made = rule(&name);
        change(&mut made);
        create(made)
    };
    for version in CreateAclsRequest::VERSIONS {
        for (label, request) in [
            ("a rule", create(rule(&name))),
            ("a rule for what begins so", with(|rule| rule.resource_pattern_type = 4)),
            ("for any pattern", with(|rule| rule.resource_pattern_type = ANY)),
            ("for what matches", with(|rule| rule.resource_pattern_type = MATCH)),
            ("for an unknown pattern", with(|rule| rule.resource_pattern_type = 9)),
            ("for no pattern", with(|rule| rule.resource_pattern_type = 0)),
            ("for any type", with(|rule| rule.resource_type = ANY)),
            ("for an unknown type", with(|rule| rule.resource_type = 99)),
            ("for no type", with(|rule| rule.resource_type = 0)),
            ("no name", with(|rule| rule.resource_name = String::new())),
            ("another name of the cluster", with(|rule| rule.resource_type = 4)),
            ("any operation", with(|rule| rule.operation = ANY)),
            ("an unknown operation", with(|rule| rule.operation = 99)),
            ("no operation", with(|rule| rule.operation = 0)),
            ("what topics have not", with(|rule| rule.operation = 9)),
            ("any permission", with(|rule| rule.permission_type = ANY)),
            ("an unknown permission", with(|rule| rule.permission_type = 9)),
            ("no principal", with(|rule| rule.principal = String::new())),
            ("a principal without a type", with(|rule| rule.principal = "bob".to_owned())),
            ("a principal without a name", with(|rule| rule.principal = "User:".to_owned())),
            ("no host", with(|rule| rule.host = String::new())),
            ("a host", with(|rule| rule.host = "10.0.0.1".to_owned())),
            ("a denial", with(|rule| rule.permission_type = 2)),
            ("none", CreateAclsRequest::default()),
        ] {
            side.ask(label, version, request).await;
        }
    }
    let describe = DescribeAclsRequest {
        resource_type_filter: TOPIC,
        resource_name_filter: Some(name.clone()),
        pattern_type_filter: LITERAL,
        principal_filter: None,
        host_filter: None,
        operation: ANY,
        permission_type: ANY,
    };
    let ours = side.name("");
    let part = |answer: &mut DescribeAclsResponse| {
        answer.resources.retain(|found| found.resource_name.starts_with(&ours));
        answer
            .resources
            .sort_by(|a, b| (&a.resource_name, a.pattern_type).cmp(&(&b.resource_name, b.pattern_type)));
        for resource in &mut answer.resources {
            resource.acls.sort_by_key(|acl| {
                (acl.host.clone(), acl.operation, acl.permission_type, acl.principal.clone())
            });
        }
    };
    let with = |change: fn(&mut DescribeAclsRequest)| {
        let mut request = describe.clone();
        change(&mut request);
        request
    };
    for version in DescribeAclsRequest::VERSIONS {
        for (label, request) in [
            ("of a name", describe.clone()),
            ("of what matches", with(|filter| filter.pattern_type_filter = MATCH)),
            ("of any pattern", with(|filter| filter.pattern_type_filter = ANY)),
            ("of a prefix", with(|filter| filter.pattern_type_filter = 4)),
            ("of any type", with(|filter| filter.resource_type_filter = ANY)),
            ("of another type", with(|filter| filter.resource_type_filter = 3)),
            ("of any name", with(|filter| filter.resource_name_filter = None)),
            ("of no name", with(|filter| filter.resource_name_filter = Some(String::new()))),
            ("of a host", with(|filter| filter.host_filter = Some("10.0.0.1".to_owned()))),
            ("of a principal", with(|filter| filter.principal_filter = Some("User:differential".to_owned()))),
            ("of another principal", with(|filter| filter.principal_filter = Some("User:other".to_owned()))),
            ("of an operation", with(|filter| filter.operation = READ)),
            ("of another operation", with(|filter| filter.operation = 4)),
            ("of a permission", with(|filter| filter.permission_type = ALLOW)),
            ("of an unknown type", with(|filter| filter.resource_type_filter = 99)),
            ("of no type", with(|filter| filter.resource_type_filter = 0)),
            ("of an unknown pattern", with(|filter| filter.pattern_type_filter = 99)),
            ("of no pattern", with(|filter| filter.pattern_type_filter = 0)),
            ("of an unknown operation", with(|filter| filter.operation = 99)),
            ("of an unknown permission", with(|filter| filter.permission_type = 99)),
        ] {
            side.ask_for(label, version, request, part).await;
        }
    }
    let filter = DeleteAclsFilter {
        resource_type_filter: TOPIC,
        resource_name_filter: Some(name.clone()),
        pattern_type_filter: ANY,
        principal_filter: None,
        host_filter: None,
        operation: ANY,
        permission_type: ANY,
    };
    let delete = |change: fn(&mut DeleteAclsFilter)| {
        let mut filter = filter.clone();
        change(&mut filter);
        DeleteAclsRequest { filters: vec![filter] }
    };
    for version in DeleteAclsRequest::VERSIONS {
        for (label, request) in [
            ("of a host", delete(|filter| filter.host_filter = Some("10.0.0.1".to_owned()))),
            (
                "of another principal",
                delete(|filter| filter.principal_filter = Some("User:other".to_owned())),
            ),
            ("of an unknown type", delete(|filter| filter.resource_type_filter = 99)),
            ("of an unknown pattern", delete(|filter| filter.pattern_type_filter = 99)),
            ("of an unknown operation", delete(|filter| filter.operation = 99)),
            ("none", DeleteAclsRequest::default()),
        ] {
            side.ask(label, version, request).await;
        }
    }
    side.ask_for("all of them", 3, delete(|_| {}), |answer| {
        for result in &mut answer.filter_results {
            result.matching_acls.sort_by_key(|acl| {
                (
                    acl.pattern_type,
                    acl.host.clone(),
                    acl.operation,
                    acl.permission_type,
                    acl.principal.clone(),
                )
            });
        }
    })
    .await;
    side.until("what is left", 3, describe, |answer| answer.resources.is_empty()).await;
}

async fn quotas(side: &mut Side) {
    let client = side.name("quota-client");
    let entry = |entity: &[(&str, Option<&str>)], ops: &[(&str, f64, bool)]| EntryData {
        entity: entity
            .iter()
            .map(|(entity_type, name)| EntityData {
                entity_type: (*entity_type).to_owned(),
                entity_name: name.map(str::to_owned),
            })
            .collect(),
        ops: ops
            .iter()
            .map(|(key, value, remove)| OpData { key: (*key).to_owned(), value: *value, remove: *remove })
            .collect(),
    };
    let alter = |entries: Vec<EntryData>| AlterClientQuotasRequest { entries, ..Default::default() };
    let one = |entity: &[(&str, Option<&str>)], ops: &[(&str, f64, bool)]| alter(vec![entry(entity, ops)]);
    let ours: &[(&str, Option<&str>)] = &[("client-id", Some(&client))];
    let unlimited = side.name("unlimited-client");
    let other: &[(&str, Option<&str>)] = &[("client-id", Some(&unlimited))];
    for version in AlterClientQuotasRequest::VERSIONS {
        for (label, request) in [
            ("a rate", one(ours, &[("producer_byte_rate", 1e9, false)])),
            (
                "two rates",
                one(ours, &[("producer_byte_rate", 2e9, false), ("consumer_byte_rate", 3e9, false)]),
            ),
            ("a rate that is not there", one(ours, &[("request_percentage", 0.0, true)])),
            ("an unknown rate", one(ours, &[("other_rate", 1.0, false)])),
            ("a negative rate", one(ours, &[("producer_byte_rate", -1.0, false)])),
            ("a rate of zero", one(ours, &[("producer_byte_rate", 0.0, false)])),
            ("half a byte", one(ours, &[("producer_byte_rate", 0.5, false)])),
            ("no number", one(other, &[("producer_byte_rate", f64::NAN, false)])),
            (
                "the same rate twice",
                one(ours, &[("producer_byte_rate", 1.0, false), ("producer_byte_rate", 2.0, false)]),
            ),
            ("no rate", one(ours, &[])),
            ("no entity", one(&[], &[("producer_byte_rate", 1e9, false)])),
            ("an unknown entity", one(&[("planet", Some("earth"))], &[("producer_byte_rate", 1e9, false)])),
            (
                "an entity without a name",
                one(&[("client-id", Some(""))], &[("producer_byte_rate", 1e9, false)]),
            ),
            (
                "the same entity twice",
                one(
                    &[("client-id", Some("a")), ("client-id", Some("b"))],
                    &[("producer_byte_rate", 1e9, false)],
                ),
            ),
            (
                "an address and a client",
                one(
                    &[("client-id", Some("a")), ("ip", Some("10.0.0.1"))],
                    &[("producer_byte_rate", 1e9, false)],
                ),
            ),
            (
                "what addresses have not",
                one(&[("ip", Some("10.0.0.1"))], &[("producer_byte_rate", 1e9, false)]),
            ),
            ("no address", one(&[("ip", Some("a b c"))], &[("connection_creation_rate", 1e9, false)])),
            ("what clients have not", one(ours, &[("connection_creation_rate", 1e9, false)])),
            ("a rate away", one(ours, &[("consumer_byte_rate", 0.0, true)])),
            ("none", alter(vec![])),
            (
                "two entries",
                alter(vec![entry(ours, &[("request_percentage", 90.0, false)]), entry(&[], &[])]),
            ),
            (
                "only validated",
                AlterClientQuotasRequest {
                    validate_only: true,
                    ..one(ours, &[("producer_byte_rate", 9e9, false)])
                },
            ),
        ] {
            side.ask(label, version, request).await;
        }
    }
    side.ask(
        "the same entity in two entries",
        1,
        alter(vec![
            entry(other, &[("request_percentage", 80.0, true)]),
            entry(other, &[("request_percentage", 70.0, true)]),
        ]),
    )
    .await;
    let describe = |components: &[(&str, i8, Option<&str>)], strict: bool| DescribeClientQuotasRequest {
        components: components
            .iter()
            .map(|(entity_type, match_type, value)| ComponentData {
                entity_type: (*entity_type).to_owned(),
                match_type: *match_type,
                r#match: value.map(str::to_owned),
            })
            .collect(),
        strict,
    };
    let part = |answer: &mut DescribeClientQuotasResponse| {
        if let Some(entries) = &mut answer.entries {
            entries.retain(|entry| {
                entry.entity.iter().any(|part| part.entity_name.as_deref() == Some(client.as_str()))
            });
            entries.iter_mut().for_each(|entry| entry.values.sort_by(|a, b| a.key.cmp(&b.key)));
        }
    };
    let exact: &[(&str, i8, Option<&str>)] = &[("client-id", 0, Some(&client))];
    let seen = |answer: &DescribeClientQuotasResponse| {
        answer
            .entries
            .iter()
            .flatten()
            .flat_map(|entry| &entry.values)
            .any(|value| value.key == "request_percentage")
    };
    side.quietly(1, describe(exact, false), seen).await;
    for version in DescribeClientQuotasRequest::VERSIONS {
        for (label, request) in [
            ("of a client", describe(exact, false)),
            ("of a client, strictly", describe(exact, true)),
            ("of the default client", describe(&[("client-id", 1, None)], false)),
            ("of any client", describe(&[("client-id", 2, None)], false)),
            ("of any client and user", describe(&[("client-id", 2, None), ("user", 2, None)], true)),
            ("of all", describe(&[], false)),
            ("of nothing, strictly", describe(&[], true)),
            ("of an unknown entity", describe(&[("planet", 0, Some("earth"))], false)),
            ("of the same entity twice", describe(&[("client-id", 2, None), ("client-id", 2, None)], false)),
            ("of an unknown match", describe(&[("client-id", 9, None)], false)),
            ("of an exact match of nothing", describe(&[("client-id", 0, None)], false)),
            ("of a default with a name", describe(&[("client-id", 1, Some("a"))], false)),
            ("of an address and a client", describe(&[("client-id", 2, None), ("ip", 2, None)], false)),
            ("of no entity", describe(&[("", 2, None)], false)),
        ] {
            side.ask_for(label, version, request, part).await;
        }
    }
    let all = [("producer_byte_rate", 0.0, true), ("request_percentage", 0.0, true)];
    side.quietly(1, one(ours, &all), |_| true).await;
}

async fn users(side: &mut Side) {
    let user = side.name("user");
    let describe = |users: Option<&[&str]>| DescribeUserScramCredentialsRequest {
        users: users.map(|users| users.iter().map(|name| UserName { name: (*name).to_owned() }).collect()),
    };
    let upsert = |name: &str, mechanism: i8, iterations: i32| ScramCredentialUpsertion {
        name: name.to_owned(),
        mechanism,
        iterations,
        salt: b"salt".as_slice().into(),
        salted_password: vec![7; 32].into(),
    };
    let add = |upsertions: Vec<ScramCredentialUpsertion>| AlterUserScramCredentialsRequest {
        upsertions,
        ..Default::default()
    };
    let delete = |name: &str, mechanism: i8| AlterUserScramCredentialsRequest {
        deletions: vec![ScramCredentialDeletion { name: name.to_owned(), mechanism }],
        ..Default::default()
    };
    let bare = |change: fn(&mut ScramCredentialUpsertion)| {
        let mut upsertion = upsert(&user, 1, 4096);
        change(&mut upsertion);
        add(vec![upsertion])
    };
    for (label, request) in [
        ("too few iterations", add(vec![upsert(&user, 1, 4095)])),
        ("too many iterations", add(vec![upsert(&user, 1, 16_385)])),
        ("an unknown mechanism", add(vec![upsert(&user, 9, 4096)])),
        ("no mechanism", add(vec![upsert(&user, 0, 4096)])),
        ("no name", add(vec![upsert("", 1, 4096)])),
        ("no salt", bare(|upsertion| upsertion.salt = Vec::new().into())),
        ("no password", bare(|upsertion| upsertion.salted_password = Vec::new().into())),
        ("the same twice", add(vec![upsert(&user, 1, 4096), upsert(&user, 1, 8192)])),
        ("not there", delete(&user, 1)),
        ("of an unknown mechanism", delete(&user, 9)),
        ("of no name", delete("", 1)),
        ("none", AlterUserScramCredentialsRequest::default()),
        ("one mechanism", add(vec![upsert(&user, 1, 4096)])),
        ("the other mechanism", add(vec![upsert(&user, 2, 8192)])),
    ] {
        side.ask(label, 0, request).await;
    }
    let seen = |answer: &kafka_core::protocol::messages::DescribeUserScramCredentialsResponse| {
        answer.results.iter().any(|result| result.credential_infos.len() == 2)
    };
    side.until("of a user", 0, describe(Some(&[&user])), seen).await;
    let unknown = side.name("unknown");
    for (label, request) in [
        ("of an unknown one", describe(Some(&[&unknown]))),
        ("of no name", describe(Some(&[""]))),
        ("of the same twice", describe(Some(&[&user, &user]))),
    ] {
        side.ask(label, 0, request).await;
    }
    let ours = side.name("");
    for request in [describe(None), describe(Some(&[]))] {
        side.ask_for("of all", 0, request, |answer| {
            answer.results.retain(|result| result.user.starts_with(&ours))
        })
        .await;
    }
    side.ask("of one mechanism", 0, delete(&user, 1)).await;
    side.ask("of the other", 0, delete(&user, 2)).await;
    side.ask("again", 0, delete(&user, 2)).await;
}
