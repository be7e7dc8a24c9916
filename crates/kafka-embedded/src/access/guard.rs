use kafka_core::protocol::ErrorCode;

use super::authorizer::Asker;
use super::{AclOperation, AclResource, AclResourceType};
use crate::core::{Call, Cluster};

/// What a request wants to do something with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resource<'a> {
    Topic(&'a str),
    Group(&'a str),
    TransactionalId(&'a str),
    Cluster,
}

impl<'a> Resource<'a> {
    fn parts(self) -> (AclResourceType, &'a str) {
        match self {
            Self::Topic(name) => (AclResourceType::Topic, name),
            Self::Group(name) => (AclResourceType::Group, name),
            Self::TransactionalId(name) => (AclResourceType::TransactionalId, name),
            Self::Cluster => (AclResourceType::Cluster, AclResource::CLUSTER),
        }
    }

    /// The code that says that it is not allowed.
    pub(crate) fn refusal(self) -> ErrorCode {
        match self {
            Self::Topic(_) => ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            Self::Group(_) => ErrorCode::GROUP_AUTHORIZATION_FAILED,
            Self::TransactionalId(_) => ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
            Self::Cluster => ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        }
    }

    /// What can be done with it at all.
    fn operations(self) -> &'static [AclOperation] {
        use AclOperation::{
            Alter, AlterConfigs, ClusterAction, Create, Delete, Describe, DescribeConfigs, IdempotentWrite,
            Read, TwoPhaseCommit, Write,
        };
        match self {
            Self::Topic(_) => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
            Self::Group(_) => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
            Self::TransactionalId(_) => &[Describe, Write, TwoPhaseCommit],
            Self::Cluster => {
                &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe]
            }
        }
    }
}

impl Call {
    fn asker(&self) -> Asker<'_> {
        Asker { principal: self.principal.as_str(), host: &self.host }
    }
}

impl Cluster {
    /// Whether who asks may do it. Without an authorizer everybody may do anything.
    pub(crate) fn may(&self, call: &Call, operation: AclOperation, resource: Resource<'_>) -> bool {
        self.authorizer.as_ref().is_none_or(|authorizer| {
            let (resource_type, name) = resource.parts();
            authorizer.allows(call.asker(), operation, resource_type, name)
        })
    }

    /// As [`may`](Self::may), with the code that says no.
    pub(crate) fn check(
        &self,
        call: &Call,
        operation: AclOperation,
        resource: Resource<'_>,
    ) -> Result<(), ErrorCode> {
        if self.may(call, operation, resource) { Ok(()) } else { Err(resource.refusal()) }
    }

    /// Whether who asks may write to any topic.
    pub(crate) fn may_write_somewhere(&self, call: &Call) -> bool {
        self.authorizer.as_ref().is_none_or(|authorizer| {
            authorizer.allows_with_any(call.asker(), AclOperation::Write, AclResourceType::Topic)
        })
    }

    /// What who asks may do, as the bits that describing requests ask for (KIP-430).
    pub(crate) fn operations(&self, call: &Call, resource: Resource<'_>) -> i32 {
        let allowed = resource.operations().iter().filter(|&&operation| self.may(call, operation, resource));
        allowed.fold(0, |bits, operation| bits | 1 << operation.code())
    }

    /// The same for the cluster: nothing, where who asks may not even look at it.
    pub(crate) fn operations_on_cluster(&self, call: &Call) -> i32 {
        let may_look = self.may(call, AclOperation::Describe, Resource::Cluster);
        if may_look { self.operations(call, Resource::Cluster) } else { 0 }
    }
}
