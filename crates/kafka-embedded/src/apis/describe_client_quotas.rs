//! `DescribeClientQuotas`: how fast clients may be (KIP-546).

use std::collections::BTreeMap;

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_core::protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_core::protocol::messages::{DescribeClientQuotasRequest, DescribeClientQuotasResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::quotas::{CLIENT_ID, Entity, IP, USER};

/// How a component chooses: by this name.
const EXACT: i8 = 0;
/// What is for all without a limit of their own.
const DEFAULT: i8 = 1;
/// Every name.
const SPECIFIED: i8 = 2;

/// What a component wants of an entity's part: `None` is any.
type Wanted<'a> = Option<Option<&'a str>>;

impl Api for DescribeClientQuotasRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<DescribeClientQuotasResponse> {
        if let Err(code) = cluster.check(call, AclOperation::DescribeConfigs, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let wanted = match wanted(&self.components) {
            Ok(wanted) => wanted,
            Err((code, message)) => return failed(code, message).into(),
        };
        let meant = cluster.limits.iter().filter(|(entity, _)| is_meant(entity, &wanted, self.strict));
        let entries = meant.map(|(entity, limits)| EntryData {
            entity: entity.parts().map(part).collect(),
            values: limits.iter().map(|(key, &value)| ValueData { key: key.clone(), value }).collect(),
        });
        Reply::Now(DescribeClientQuotasResponse {
            error_message: Some(String::new()),
            entries: Some(entries.collect()),
            ..Default::default()
        })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> DescribeClientQuotasResponse {
        failed(code, code.description().to_owned())
    }
}

fn failed(code: ErrorCode, message: String) -> DescribeClientQuotasResponse {
    DescribeClientQuotasResponse {
        error_code: code.0,
        error_message: Some(message),
        entries: None,
        ..Default::default()
    }
}

fn part((kind, name): (&str, Option<&str>)) -> EntityData {
    EntityData { entity_type: kind.to_owned(), entity_name: name.map(str::to_owned) }
}

fn wanted(components: &[ComponentData]) -> Result<BTreeMap<&str, Wanted<'_>>, (ErrorCode, String)> {
    let invalid = |message: String| Err((ErrorCode::INVALID_REQUEST, message));
    let mut wanted = BTreeMap::new();
    for component in components {
        let kind = component.entity_type.as_str();
        if kind.is_empty() {
            return invalid("Invalid empty entity type.".to_owned());
        }
        if ![USER, CLIENT_ID, IP].contains(&kind) {
            return Err((ErrorCode::UNSUPPORTED_VERSION, format!("Unsupported entity type {kind}")));
        }
        let name = component.r#match.as_deref();
        let choice = match (component.match_type, name) {
            (EXACT, Some(name)) => Some(Some(name)),
            (DEFAULT, None) => Some(None),
            (SPECIFIED, None) => None,
            (EXACT, None) => {
                return invalid(
                    "Request specified MATCH_TYPE_EXACT, but set match string to null.".to_owned(),
                );
            }
            (DEFAULT | SPECIFIED, Some(_)) => {
                let kind = if component.match_type == DEFAULT { "DEFAULT" } else { "SPECIFIED" };
                return invalid(format!(
                    "Request specified MATCH_TYPE_{kind}, but also specified a match string."
                ));
            }
            (other, _) => return invalid(format!("Unknown match type {other}")),
        };
        if wanted.insert(kind, choice).is_some() {
            return invalid(format!("Entity type {kind} cannot appear more than once in the filter."));
        }
    }
    if wanted.contains_key(IP) && wanted.len() > 1 {
        return invalid(
            "Invalid entity filter component combination. IP filter component should not be used with user or clientId \
             filter component."
                .to_owned(),
        );
    }
    Ok(wanted)
}

fn is_meant(entity: &Entity, wanted: &BTreeMap<&str, Wanted<'_>>, strict: bool) -> bool {
    let has = |(kind, choice): (&&str, &Wanted<'_>)| {
        entity.part(kind).is_some_and(|name| choice.is_none_or(|choice| choice == name))
    };
    (!strict || entity.len() == wanted.len()) && wanted.iter().all(has)
}
