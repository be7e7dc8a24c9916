use super::{Acl, AclOperation, AclPatternType, AclPermission, AclResource, AclResourceType};

/// Any type, operation or permission.
const ANY: i8 = 1;
/// Any pattern that is for the name: its own, all of them, and how it begins.
const MATCH: i8 = 2;

/// A rule, or what is asked of rules, as requests say it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AclText<'a> {
    pub(crate) resource_type: i8,
    pub(crate) name: Option<&'a str>,
    pub(crate) pattern_type: i8,
    pub(crate) principal: Option<&'a str>,
    pub(crate) host: Option<&'a str>,
    pub(crate) operation: i8,
    pub(crate) permission: i8,
}

impl AclText<'_> {
    /// The rule that is meant, otherwise what is wrong with it.
    pub(crate) fn rule(&self) -> Result<Acl, String> {
        let resource_type = AclResourceType::from_code(self.resource_type)
            .ok_or_else(|| format!("Invalid resourceType {}", word(self.resource_type)))?;
        let name = self.name.unwrap_or_default();
        if resource_type == AclResourceType::Cluster && name != AclResource::CLUSTER {
            return Err(format!("The only valid name for the CLUSTER resource is {}", AclResource::CLUSTER));
        }
        if name.is_empty() {
            return Err("Invalid empty resource name".to_owned());
        }
        let pattern_type = AclPatternType::from_code(self.pattern_type)
            .ok_or_else(|| format!("Invalid patternType {}", pattern_word(self.pattern_type)))?;
        let operation = AclOperation::from_code(self.operation)
            .ok_or_else(|| format!("Invalid operation {}", word(self.operation)))?;
        let permission = AclPermission::from_code(self.permission)
            .ok_or_else(|| format!("Invalid permissionType {}", word(self.permission)))?;
        let principal = self.principal.unwrap_or_default();
        if !principal.contains(':') {
            return Err(format!(
                "Could not parse principal from `{principal}` (no colon is present separating the principal type from \
                 the principal name)"
            ));
        }
        Ok(Acl {
            resource: AclResource { resource_type, name: name.to_owned(), pattern_type },
            principal: principal.to_owned(),
            host: self.host.unwrap_or_default().to_owned(),
            operation,
            permission,
        })
    }
}

fn word(code: i8) -> &'static str {
    if code == ANY { "ANY" } else { "UNKNOWN" }
}

fn pattern_word(code: i8) -> &'static str {
    if code == MATCH { "MATCH" } else { word(code) }
}

/// Which rules are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AclFilter<'a>(AclText<'a>);

impl<'a> AclFilter<'a> {
    /// What is asked, otherwise what is wrong with it.
    pub(crate) fn new(text: AclText<'a>) -> Result<Self, String> {
        let known_type =
            text.resource_type == ANY || AclResourceType::from_code(text.resource_type).is_some();
        let known_pattern = matches!(text.pattern_type, ANY | MATCH)
            || AclPatternType::from_code(text.pattern_type).is_some();
        if !(known_type && known_pattern) {
            return Err("Unknown patternFilter.".to_owned());
        }
        let known_operation = text.operation == ANY || AclOperation::from_code(text.operation).is_some();
        let known_permission = text.permission == ANY || AclPermission::from_code(text.permission).is_some();
        if !(known_operation && known_permission) {
            return Err("Unknown entryFilter.".to_owned());
        }
        Ok(Self(text))
    }

    pub(crate) fn matches(&self, acl: &Acl) -> bool {
        let Self(text) = self;
        let is = |wanted: i8, code: i8| wanted == ANY || wanted == code;
        let is_name = |wanted: Option<&str>, name: &str| wanted.is_none_or(|wanted| wanted == name);
        is(text.resource_type, acl.resource.resource_type.code())
            && self.means(&acl.resource)
            && is_name(text.principal, &acl.principal)
            && is_name(text.host, &acl.host)
            && is(text.operation, acl.operation.code())
            && is(text.permission, acl.permission.code())
    }

    fn means(&self, resource: &AclResource) -> bool {
        let Self(text) = self;
        let Some(name) = text.name else {
            return matches!(text.pattern_type, ANY | MATCH)
                || text.pattern_type == resource.pattern_type.code();
        };
        match (text.pattern_type, resource.pattern_type) {
            (MATCH, AclPatternType::Literal) => resource.name == name || resource.name == "*",
            (MATCH, AclPatternType::Prefixed) => name.starts_with(&resource.name),
            (wanted, pattern_type) => {
                (wanted == ANY || wanted == pattern_type.code()) && resource.name == name
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: AclText<'static> = AclText {
        resource_type: ANY,
        name: None,
        pattern_type: ANY,
        principal: None,
        host: None,
        operation: ANY,
        permission: ANY,
    };

    fn rules() -> Vec<Acl> {
        let topic = |name: &str| AclResource::topic(name);
        vec![
            Acl::allow("User:a", AclOperation::Read, topic("orders")),
            Acl::allow("User:a", AclOperation::Read, topic("*")),
            Acl::allow("User:b", AclOperation::Write, topic("ord").prefixed()),
            Acl::deny("User:b", AclOperation::All, AclResource::group("orders")).from_host("::1"),
        ]
    }

    fn found(text: AclText<'_>) -> Vec<usize> {
        let filter = AclFilter::new(text).unwrap();
        let rules = rules();
        (0..rules.len()).filter(|&index| filter.matches(&rules[index])).collect()
    }

    #[test]
    fn filters_choose_by_each_of_their_parts() {
        assert_eq!(found(ALL), [0, 1, 2, 3]);
        let topic = AclText { resource_type: 2, ..ALL };
        assert_eq!(found(topic), [0, 1, 2]);
        assert_eq!(found(AclText { name: Some("orders"), pattern_type: MATCH, ..topic }), [0, 1, 2]);
        assert_eq!(found(AclText { name: Some("orders"), pattern_type: 3, ..topic }), [0]);
        assert_eq!(found(AclText { name: Some("orders"), pattern_type: 4, ..topic }), [0_usize; 0]);
        assert_eq!(found(AclText { name: Some("ord"), ..topic }), [2]);
        assert_eq!(found(AclText { name: Some("other"), pattern_type: MATCH, ..topic }), [1]);
        assert_eq!(found(AclText { pattern_type: 4, ..topic }), [2]);
        assert_eq!(found(AclText { principal: Some("User:b"), ..ALL }), [2, 3]);
        assert_eq!(found(AclText { host: Some("::1"), ..ALL }), [3]);
        assert_eq!(found(AclText { operation: 3, ..ALL }), [0, 1], "an operation is not what it implies");
        assert_eq!(found(AclText { permission: 2, ..ALL }), [3]);
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for text in [
            AclText { resource_type: 0, ..ALL },
            AclText { pattern_type: 9, ..ALL },
            AclText { operation: 99, ..ALL },
            AclText { permission: 0, ..ALL },
        ] {
            assert!(AclFilter::new(text).is_err(), "{text:?}");
        }
        let rule = AclText {
            resource_type: 2,
            name: Some("t"),
            pattern_type: 3,
            principal: Some("User:a"),
            host: Some("*"),
            operation: 3,
            permission: 3,
        };
        assert_eq!(rule.rule(), Ok(Acl::allow("User:a", AclOperation::Read, AclResource::topic("t"))));
        for (text, says) in [
            (AclText { resource_type: ANY, ..rule }, "Invalid resourceType ANY"),
            (AclText { resource_type: 4, ..rule }, "The only valid name"),
            (AclText { name: Some(""), ..rule }, "empty resource name"),
            (AclText { pattern_type: MATCH, ..rule }, "Invalid patternType MATCH"),
            (AclText { operation: ANY, ..rule }, "Invalid operation ANY"),
            (AclText { permission: 0, ..rule }, "Invalid permissionType UNKNOWN"),
        ] {
            assert!(text.rule().unwrap_err().contains(says), "{text:?}");
        }
    }
}
