use std::collections::BTreeMap;

use super::Entity;

/// What can be limited, by its name, and whether the limit is a whole number.
const OF_CLIENTS: [(&str, bool); 4] = [
    ("consumer_byte_rate", true),
    ("controller_mutation_rate", false),
    ("producer_byte_rate", true),
    ("request_percentage", false),
];
const OF_ADDRESSES: [(&str, bool); 1] = [("connection_creation_rate", true)];

/// Whether an entity may have this limit; otherwise why not.
pub(crate) fn check_quota(entity: &Entity, key: &str, value: f64) -> Result<(), String> {
    let known: &[(&str, bool)] = if entity.is_of_ip() { &OF_ADDRESSES } else { &OF_CLIENTS };
    let Some((_, whole)) = known.iter().find(|(name, _)| *name == key) else {
        return Err(format!("Invalid configuration key {key}"));
    };
    if value <= 0.0 || value.is_nan() {
        return Err(format!("Quota {key} must be greater than 0"));
    }
    if *whole && (value % 1.0).abs() > 1e-6 {
        return Err(format!("{key} cannot be a fractional value."));
    }
    Ok(())
}

/// The limits that are set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Limits(BTreeMap<Entity, BTreeMap<String, f64>>);

/// Whose limit holds for a client, and so with whom it shares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shared {
    pub(super) user: String,
    pub(super) client_id: String,
}

impl Limits {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn set(&mut self, entity: Entity, key: &str, value: f64) {
        self.0.entry(entity).or_default().insert(key.to_owned(), value);
    }

    pub(crate) fn remove(&mut self, entity: &Entity, key: &str) {
        if let Some(limits) = self.0.get_mut(entity) {
            limits.remove(key);
            if limits.is_empty() {
                self.0.remove(entity);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Entity, &BTreeMap<String, f64>)> {
        self.0.iter()
    }

    fn get(&self, entity: &Entity, key: &str) -> Option<f64> {
        self.0.get(entity)?.get(key).copied()
    }

    /// The limit that holds for a client, the most special one: the order is Kafka's own.
    pub(super) fn of(&self, key: &str, user: &str, client_id: &str) -> Option<(f64, Shared)> {
        if self.is_empty() {
            return None;
        }
        let (named, default) = (Some(Some(user)), Some(None));
        let (client, any_client) = (Some(Some(client_id)), Some(None));
        let levels = [
            (named, client),
            (named, any_client),
            (named, None),
            (default, client),
            (default, any_client),
            (default, None),
            (None, client),
            (None, any_client),
        ];
        levels.into_iter().find_map(|(by_user, by_client)| {
            let limit = self.get(&Entity::of(by_user, by_client), key)?;
            let shared = Shared {
                user: by_user.map(|_| user.to_owned()).unwrap_or_default(),
                client_id: by_client.map(|_| client_id.to_owned()).unwrap_or_default(),
            };
            Some((limit, shared))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "producer_byte_rate";

    #[test]
    fn the_most_special_limit_holds_and_says_who_shares_it() {
        let mut limits = Limits::default();
        let mut expect = |entity: Entity, limit: f64, user: &str, client_id: &str| {
            limits.set(entity, KEY, limit);
            let shared = Shared { user: user.to_owned(), client_id: client_id.to_owned() };
            assert_eq!(limits.of(KEY, "alice", "c"), Some((limit, shared)));
        };
        // From the most general to the most special: each takes over.
        expect(Entity::of(None, Some(None)), 1.0, "", "c");
        expect(Entity::of(None, Some(Some("c"))), 2.0, "", "c");
        expect(Entity::of(Some(None), None), 3.0, "alice", "");
        expect(Entity::of(Some(None), Some(None)), 4.0, "alice", "c");
        expect(Entity::of(Some(None), Some(Some("c"))), 5.0, "alice", "c");
        expect(Entity::of(Some(Some("alice")), None), 6.0, "alice", "");
        expect(Entity::of(Some(Some("alice")), Some(None)), 7.0, "alice", "c");
        expect(Entity::of(Some(Some("alice")), Some(Some("c"))), 8.0, "alice", "c");
        assert_eq!(limits.of("consumer_byte_rate", "alice", "c"), None);
        assert_eq!(limits.of(KEY, "bob", "d").map(|(limit, _)| limit), Some(4.0));
    }

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        let user = Entity::of(Some(Some("alice")), None);
        assert_eq!(check_quota(&user, KEY, 1000.0), Ok(()));
        assert_eq!(check_quota(&user, "request_percentage", 0.5), Ok(()));
        let ip = Entity::new([("ip", Some("::1"))]).unwrap();
        assert_eq!(check_quota(&ip, "connection_creation_rate", 10.0), Ok(()));
        for (entity, key, value) in [
            (&user, "no_such_rate", 1.0),
            (&user, KEY, 0.0),
            (&user, KEY, 0.5),
            (&user, KEY, f64::NAN),
            (&ip, KEY, 1.0),
        ] {
            assert!(check_quota(entity, key, value).is_err(), "{key}={value}");
        }
    }
}
