use std::collections::BTreeSet;

use super::{Acl, AclOperation, AclPatternType, AclPermission, AclResourceType};

/// Stands for everybody, and for all names.
const EVERY: &str = "*";
const EVERYBODY: &str = "User:*";

/// All rules.
pub(crate) type Acls = BTreeSet<Acl>;

/// That rules are kept and hold (`authorizer.class.name`), and who stands above them.
///
/// ```
/// use kafka_embedded::{Acl, AclOperation, AclResource, AuthorizerConfig};
///
/// let authorizer = AuthorizerConfig::new()
///     .super_user("User:admin")
///     .acl(Acl::allow("User:bob", AclOperation::Read, AclResource::topic("orders")));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it is for `EmbeddedClusterBuilder::authorizer`"]
pub struct AuthorizerConfig {
    super_users: BTreeSet<String>,
    allow_everyone: bool,
    acls: Acls,
}

impl AuthorizerConfig {
    /// Nobody may do anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// May do anything, whatever rules say (`super.users`), such as `User:admin`. Who was not asked for a name is
    /// `User:ANONYMOUS`.
    pub fn super_user(mut self, principal: impl Into<String>) -> Self {
        self.super_users.insert(principal.into());
        self
    }

    /// Whether everybody may do anything with a resource that no rule names (`allow.everyone.if.no.acl.found`), false by
    /// default.
    pub fn allow_everyone_if_no_acl_found(mut self, yes: bool) -> Self {
        self.allow_everyone = yes;
        self
    }

    /// A rule that is there from the start.
    pub fn acl(mut self, acl: Acl) -> Self {
        self.acls.insert(acl);
        self
    }
}

/// Who asks, and from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asker<'a> {
    pub(crate) principal: &'a str,
    pub(crate) host: &'a str,
}

/// Decides what rules come to: what denies wins over what allows.
#[derive(Debug)]
pub(crate) struct Authorizer {
    super_users: BTreeSet<String>,
    allow_everyone: bool,
    pub(crate) acls: Acls,
}

impl From<AuthorizerConfig> for Authorizer {
    fn from(config: AuthorizerConfig) -> Self {
        let AuthorizerConfig { super_users, allow_everyone, acls } = config;
        Self { super_users, allow_everyone, acls }
    }
}

impl Authorizer {
    pub(super) fn allows(
        &self,
        asker: Asker<'_>,
        operation: AclOperation,
        resource_type: AclResourceType,
        name: &str,
    ) -> bool {
        if self.super_users.contains(asker.principal) {
            return true;
        }
        let (mut named, mut allowed) = (false, false);
        for acl in self.acls.iter().filter(|acl| is_for(acl, resource_type, name)) {
            named = true;
            if acl.is_of(asker) && covers(acl, operation) {
                match acl.permission {
                    AclPermission::Deny => return false,
                    AclPermission::Allow => allowed = true,
                }
            }
        }
        allowed || (!named && self.allow_everyone)
    }

    /// Whether there is any resource of the type with which it is allowed.
    pub(super) fn allows_with_any(
        &self,
        asker: Asker<'_>,
        operation: AclOperation,
        resource_type: AclResourceType,
    ) -> bool {
        // A name that no rule has shows who stands above all rules.
        if self.allows(asker, operation, resource_type, "hardcode") {
            return true;
        }
        let of_asker = self.acls.iter().filter(|acl| {
            acl.resource.resource_type == resource_type
                && acl.is_of(asker)
                && (acl.operation == operation || acl.operation == AclOperation::All)
        });
        let (denied, allowed): (Vec<&Acl>, Vec<&Acl>) =
            of_asker.partition(|acl| acl.permission == AclPermission::Deny);
        let is_literal = |acl: &Acl| acl.resource.pattern_type == AclPatternType::Literal;
        if denied.iter().any(|deny| is_literal(deny) && deny.resource.name == EVERY) {
            return false;
        }
        allowed.iter().any(|allow| {
            let name = &allow.resource.name;
            let is_wild = is_literal(allow) && name == EVERY;
            let denies = |deny: &&Acl| match deny.resource.pattern_type {
                AclPatternType::Literal => is_literal(allow) && deny.resource.name == *name,
                AclPatternType::Prefixed => name.starts_with(&deny.resource.name),
            };
            is_wild || !denied.iter().any(denies)
        })
    }
}

impl Acl {
    fn is_of(&self, asker: Asker<'_>) -> bool {
        (self.principal == EVERYBODY || self.principal == asker.principal)
            && (self.host == EVERY || self.host == asker.host)
    }
}

fn is_for(acl: &Acl, resource_type: AclResourceType, name: &str) -> bool {
    let resource = &acl.resource;
    resource.resource_type == resource_type
        && match resource.pattern_type {
            AclPatternType::Literal => resource.name == name || resource.name == EVERY,
            AclPatternType::Prefixed => name.starts_with(&resource.name),
        }
}

/// Whether the rule speaks of the operation. Who may do something may look at it too; but who may not do it may still look.
fn covers(acl: &Acl, operation: AclOperation) -> bool {
    use AclOperation::{All, Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
    if acl.operation == All || acl.operation == operation {
        return true;
    }
    acl.permission == AclPermission::Allow
        && match operation {
            Describe => matches!(acl.operation, Read | Write | Delete | Alter),
            DescribeConfigs => acl.operation == AlterConfigs,
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::AclResource;
    use AclOperation::{All, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};

    const BOB: Asker<'static> = Asker { principal: "User:bob", host: "127.0.0.1" };

    fn authorizer(acls: impl IntoIterator<Item = Acl>) -> Authorizer {
        acls.into_iter().fold(AuthorizerConfig::new().super_user("User:root"), AuthorizerConfig::acl).into()
    }

    fn may(authorizer: &Authorizer, asker: Asker<'_>, operation: AclOperation, topic: &str) -> bool {
        authorizer.allows(asker, operation, AclResourceType::Topic, topic)
    }

    #[test]
    fn what_no_rule_allows_is_forbidden_to_all_but_super_users() {
        let none = authorizer([]);
        assert!(!may(&none, BOB, Read, "t"));
        assert!(may(&none, Asker { principal: "User:root", ..BOB }, Read, "t"));
        let open: Authorizer = AuthorizerConfig::new()
            .allow_everyone_if_no_acl_found(true)
            .acl(Acl::allow("User:alice", Read, AclResource::topic("t")))
            .into();
        assert!(may(&open, BOB, Write, "u"));
        assert!(!may(&open, BOB, Write, "t"), "a rule for somebody else is a rule");
    }

    #[test]
    fn rules_are_for_names_prefixes_or_all() {
        let some = authorizer([
            Acl::allow("User:bob", Read, AclResource::topic("exact")),
            Acl::allow("User:bob", Read, AclResource::topic("pre-").prefixed()),
        ]);
        for (name, allowed) in
            [("exact", true), ("exact1", false), ("pre-", true), ("pre-x", true), ("pre", false)]
        {
            assert_eq!(may(&some, BOB, Read, name), allowed, "{name}");
        }
        let all = authorizer([Acl::allow("User:*", Read, AclResource::topic("*"))]);
        assert!(may(&all, BOB, Read, "whatever"));
        let group = authorizer([Acl::allow("User:*", Read, AclResource::group("*"))]);
        assert!(!may(&group, BOB, Read, "whatever"));
    }

    #[test]
    fn what_denies_wins_and_hosts_are_told_apart() {
        let some = authorizer([
            Acl::allow("User:bob", All, AclResource::topic("*")),
            Acl::deny("User:bob", Write, AclResource::topic("log-").prefixed()),
            Acl::deny("User:*", Read, AclResource::topic("t")).from_host("10.0.0.1"),
        ]);
        assert!(!may(&some, BOB, Write, "log-1"));
        assert!(may(&some, BOB, Read, "log-1"));
        assert!(may(&some, BOB, Describe, "log-1"), "to deny writing denies no look");
        assert!(may(&some, BOB, Read, "t"));
        assert!(!may(&some, Asker { host: "10.0.0.1", ..BOB }, Read, "t"));
    }

    #[test]
    fn who_may_do_something_may_look_at_it() {
        for (operation, describes, describes_configs) in
            [(Read, true, false), (Write, true, false), (Delete, true, false), (AlterConfigs, false, true)]
        {
            let some = authorizer([Acl::allow("User:bob", operation, AclResource::topic("t"))]);
            assert_eq!(may(&some, BOB, Describe, "t"), describes, "{operation:?}");
            assert_eq!(may(&some, BOB, DescribeConfigs, "t"), describes_configs, "{operation:?}");
        }
    }

    #[test]
    fn one_resource_is_enough_to_be_allowed_with_any() {
        let any = |acls: Vec<Acl>| authorizer(acls).allows_with_any(BOB, Write, AclResourceType::Topic);
        let allow = |resource| Acl::allow("User:bob", Write, resource);
        let deny = |resource| Acl::deny("User:bob", Write, resource);
        let topic = |name: &str| AclResource::topic(name);
        assert!(!any(vec![]));
        assert!(any(vec![allow(topic("t"))]));
        assert!(any(vec![allow(topic("*"))]));
        assert!(any(vec![allow(topic("t")), deny(topic("u"))]));
        assert!(!any(vec![allow(topic("t")), deny(topic("t"))]));
        assert!(!any(vec![allow(topic("t-1").prefixed()), deny(topic("t").prefixed())]));
        assert!(!any(vec![allow(topic("t")), deny(topic("*"))]));
        assert!(!any(vec![Acl::allow("User:bob", Read, topic("t"))]));
    }
}
