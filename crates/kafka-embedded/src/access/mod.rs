//! Who may do what: access rules, and what they come to for a request.
//!
//! [`acl`] is what a rule says, [`filter`] which rules a request means, [`authorizer`] what they come to, decided as Kafka's own
//! authorizer does. [`guard`] is what the APIs ask. Knows no request.

mod acl;
mod authorizer;
mod filter;
mod guard;

pub use acl::{Acl, AclOperation, AclPatternType, AclPermission, AclResource, AclResourceType};
pub use authorizer::AuthorizerConfig;
pub(crate) use authorizer::{Acls, Authorizer};
pub(crate) use filter::{AclFilter, AclText};
pub(crate) use guard::Resource;
