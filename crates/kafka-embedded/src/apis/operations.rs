//! What a client may do where no ACLs forbid anything, as the bits that describing requests ask for (KIP-430).

/// Read, write, create, delete, alter, describe, describe and alter configs.
pub(super) const ON_TOPIC: i32 = 0xdf8;
/// Create, alter, describe, act for the cluster, describe and alter configs, write idempotently.
pub(super) const ON_CLUSTER: i32 = 0x1fa0;
/// Read, delete, describe, describe and alter configs.
pub(super) const ON_GROUP: i32 = 0xd48;
