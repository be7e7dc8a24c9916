/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AclResourceType {
    /// Topics.
    Topic = 2,
    /// Groups of consumers.
    Group = 3,
    /// The cluster itself.
    Cluster = 4,
    /// Transactional ids.
    TransactionalId = 5,
    /// Delegation tokens; there are none here.
    DelegationToken = 6,
    /// Users whose tokens are meant; there are none here.
    User = 7,
}

/// Which names a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AclPatternType {
    /// The name itself; `*` stands for all.
    Literal = 3,
    /// All that begin so.
    Prefixed = 4,
}

/// What is allowed or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are all that there is to say")]
pub enum AclOperation {
    All = 2,
    Read = 3,
    Write = 4,
    Create = 5,
    Delete = 6,
    Alter = 7,
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    IdempotentWrite = 12,
    CreateTokens = 13,
    DescribeTokens = 14,
    TwoPhaseCommit = 15,
}

/// Whether a rule allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AclPermission {
    /// It denies, whatever others allow.
    Deny = 2,
    /// It allows.
    Allow = 3,
}

macro_rules! codes {
    ($($name:ident { $($variant:ident)* })*) => {
        $(impl $name {
            /// Kafka's number of it.
            pub(crate) fn code(self) -> i8 {
                self as i8
            }

            pub(crate) fn from_code(code: i8) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|known| known.code() == code)
            }
        })*
    };
}

codes! {
    AclResourceType { Topic Group Cluster TransactionalId DelegationToken User }
    AclPatternType { Literal Prefixed }
    AclOperation {
        All Read Write Create Delete Alter Describe ClusterAction DescribeConfigs AlterConfigs IdempotentWrite CreateTokens
        DescribeTokens TwoPhaseCommit
    }
    AclPermission { Deny Allow }
}

/// Which resources a rule is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct AclResource {
    /// What they are.
    pub resource_type: AclResourceType,
    /// Their name, or how it begins.
    pub name: String,
    /// Which of the two.
    pub pattern_type: AclPatternType,
}

impl AclResource {
    fn literal(resource_type: AclResourceType, name: impl Into<String>) -> Self {
        Self { resource_type, name: name.into(), pattern_type: AclPatternType::Literal }
    }

    /// A topic; `*` for all.
    pub fn topic(name: impl Into<String>) -> Self {
        Self::literal(AclResourceType::Topic, name)
    }

    /// A group; `*` for all.
    pub fn group(name: impl Into<String>) -> Self {
        Self::literal(AclResourceType::Group, name)
    }

    /// A transactional id; `*` for all.
    pub fn transactional_id(name: impl Into<String>) -> Self {
        Self::literal(AclResourceType::TransactionalId, name)
    }

    /// The cluster.
    pub fn cluster() -> Self {
        Self::literal(AclResourceType::Cluster, Self::CLUSTER)
    }

    /// All whose names begin with this one.
    #[must_use]
    pub fn prefixed(mut self) -> Self {
        self.pattern_type = AclPatternType::Prefixed;
        self
    }

    /// The only name that a cluster has here.
    pub(crate) const CLUSTER: &str = "kafka-cluster";
}

/// A rule: who may, or may not, do what with which resources.
///
/// ```
/// use kafka_embedded::{Acl, AclOperation, AclResource};
///
/// let reads = Acl::allow("User:bob", AclOperation::Read, AclResource::topic("orders-").prefixed());
/// let from_elsewhere = Acl::deny("User:*", AclOperation::All, AclResource::topic("*")).from_host("10.0.0.1");
/// # assert_ne!(reads, from_elsewhere);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Acl {
    /// With which resources.
    pub resource: AclResource,
    /// Who, such as `User:alice`; `User:*` for everybody.
    pub principal: String,
    /// From which address; `*` from any.
    pub host: String,
    /// What.
    pub operation: AclOperation,
    /// Whether they may.
    pub permission: AclPermission,
}

impl Acl {
    /// Allows it from any host.
    pub fn allow(principal: impl Into<String>, operation: AclOperation, resource: AclResource) -> Self {
        let (principal, host) = (principal.into(), "*".to_owned());
        Self { resource, principal, host, operation, permission: AclPermission::Allow }
    }

    /// Denies it from any host.
    pub fn deny(principal: impl Into<String>, operation: AclOperation, resource: AclResource) -> Self {
        Self { permission: AclPermission::Deny, ..Self::allow(principal, operation, resource) }
    }

    /// Only from this address.
    #[must_use]
    pub fn from_host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }
}
