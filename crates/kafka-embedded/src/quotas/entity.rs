use std::collections::BTreeMap;

pub(crate) const USER: &str = "user";
pub(crate) const CLIENT_ID: &str = "client-id";
pub(crate) const IP: &str = "ip";

/// Whose limit it is, by type and name; without a name it is for all who have none of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entity(BTreeMap<String, Option<String>>);

impl Entity {
    /// An entity of these parts, otherwise what is wrong with them.
    pub(crate) fn new<'a>(
        parts: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    ) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for (kind, name) in parts {
            if ![USER, CLIENT_ID, IP].contains(&kind) {
                return Err(format!("Unhandled client quota entity type: {kind}"));
            }
            if name == Some("") {
                return Err(format!("Empty {kind} not supported"));
            }
            if known.insert(kind.to_owned(), name.map(str::to_owned)).is_some() {
                return Err(format!("Invalid client quota entity, duplicate entity entry {kind}"));
            }
        }
        match (known.get(IP), known.len()) {
            (_, 0) => Err("Invalid empty client quota entity".to_owned()),
            (Some(_), 2..) => {
                Err("Invalid quota entity combination, IP entity should not be combined with User or \
                                   ClientId"
                    .to_owned())
            }
            (Some(Some(ip)), _) if ip.parse::<std::net::IpAddr>().is_err() && ip != "localhost" => {
                Err(format!("{ip} is not a valid IP or resolvable host."))
            }
            _ => Ok(Self(known)),
        }
    }

    /// The limit of a user, of a client id, or of both together; `Some(None)` is for those that have none of their own.
    pub(super) fn of(user: Option<Option<&str>>, client_id: Option<Option<&str>>) -> Self {
        let part = |kind: &str, name: Option<Option<&str>>| {
            name.map(|name| (kind.to_owned(), name.map(str::to_owned)))
        };
        Self(part(USER, user).into_iter().chain(part(CLIENT_ID, client_id)).collect())
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(kind, name)| (kind.as_str(), name.as_deref()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Its name of this type; `Some(None)` for those without a limit of their own.
    pub(crate) fn part(&self, kind: &str) -> Option<Option<&str>> {
        self.0.get(kind).map(Option::as_deref)
    }

    pub(crate) fn is_of_ip(&self) -> bool {
        self.0.contains_key(IP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sensible_parts_make_an_entity() {
        assert!(Entity::new([(USER, Some("a")), (CLIENT_ID, None)]).is_ok());
        assert!(Entity::new([(IP, Some("127.0.0.1"))]).is_ok());
        for parts in [
            vec![],
            vec![("topic", Some("t"))],
            vec![(USER, Some(""))],
            vec![(USER, Some("a")), (USER, Some("b"))],
            vec![(IP, None), (USER, None)],
            vec![(IP, Some("nowhere"))],
        ] {
            assert!(Entity::new(parts.clone()).is_err(), "{parts:?}");
        }
    }
}
