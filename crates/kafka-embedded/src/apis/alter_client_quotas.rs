//! `AlterClientQuotas`: limits of clients set or removed (KIP-546).

use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::alter_client_quotas_request::{EntryData, OpData};
use kafka_core::protocol::messages::alter_client_quotas_response::{EntityData, EntryData as EntryResult};
use kafka_core::protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};

use crate::access::{AclOperation, Resource};
use crate::core::{Api, Call, Cluster, Reply};
use crate::quotas::{Entity, Limits, check_quota};

impl Api for AlterClientQuotasRequest {
    fn handle(self, cluster: &mut Cluster, call: &Call) -> Reply<AlterClientQuotasResponse> {
        if let Err(code) = cluster.check(call, AclOperation::AlterConfigs, Resource::Cluster) {
            return self.refuse(call, code).into();
        }
        let same = |entry: &EntryData, others: &[EntryData]| {
            others.iter().filter(|other| other.entity == entry.entity).count()
        };
        let each = self.entries.iter().enumerate();
        let first =
            each.filter(|(place, entry)| same(entry, self.entries.get(..*place).unwrap_or_default()) == 0);
        let entries = first.map(|(_, entry)| {
            if same(entry, &self.entries) > 1 {
                let message = "Quota entity appears more than once.".to_owned();
                return result(entry, Some((ErrorCode::INVALID_REQUEST, message)));
            }
            let done = alter(&mut cluster.limits, entry, self.validate_only);
            result(entry, done.err().map(|message| (ErrorCode::INVALID_REQUEST, message)))
        });
        Reply::Now(AlterClientQuotasResponse { entries: entries.collect(), ..Default::default() })
    }

    fn refuse(self, _: &Call, code: ErrorCode) -> AlterClientQuotasResponse {
        let entries =
            self.entries.iter().map(|entry| result(entry, Some((code, code.description().to_owned()))));
        AlterClientQuotasResponse { entries: entries.collect(), ..Default::default() }
    }
}

fn result(entry: &EntryData, failure: Option<(ErrorCode, String)>) -> EntryResult {
    let (code, error_message) = match failure {
        Some((code, message)) => (code, Some(message)),
        None => (ErrorCode::NONE, None),
    };
    let entity = entry.entity.iter().map(|part| EntityData {
        entity_type: part.entity_type.clone(),
        entity_name: part.entity_name.clone(),
    });
    EntryResult { error_code: code.0, error_message, entity: entity.collect() }
}

/// All changes of an entity, or none of them.
fn alter(limits: &mut Limits, entry: &EntryData, validate_only: bool) -> Result<(), String> {
    let parts = entry.entity.iter().map(|part| (part.entity_type.as_str(), part.entity_name.as_deref()));
    let entity = Entity::new(parts)?;
    for (number, change) in entry.ops.iter().enumerate() {
        let OpData { key, value, remove } = change;
        if entry.ops.iter().take(number).any(|other| other.key == *key) {
            return Err(format!("Duplicate quota key {key} not updating quota for this entity"));
        }
        if !remove {
            check_quota(&entity, key, *value)?;
        }
    }
    if validate_only {
        return Ok(());
    }
    for OpData { key, value, remove } in &entry.ops {
        if *remove {
            limits.remove(&entity, key);
        } else {
            limits.set(entity.clone(), key, *value);
        }
    }
    Ok(())
}
