use std::fmt;

/// An error code in a broker's answer.
///
/// The constants are all that Kafka 4.3 knows; a newer broker may send others, which are kept as they are and count as
/// [`UNKNOWN_SERVER_ERROR`](Self::UNKNOWN_SERVER_ERROR) does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub i16);

/// What a client does about an error code.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reaction {
    /// Report it: the same request will fail again.
    Final,
    /// Send the same request again, a little later.
    Retriable,
    /// As `Retriable`, with fresh metadata: partitions or leaders have changed.
    Metadata,
    /// As `Retriable`, after asking who the coordinator is.
    Coordinator,
}

impl ErrorCode {
    /// Whether there was no error.
    pub fn is_ok(self) -> bool {
        self == Self::NONE
    }

    /// Kafka's name of the code.
    pub fn name(self) -> &'static str {
        self.entry().map_or("UNKNOWN_ERROR_CODE", |(name, ..)| name)
    }

    /// What the code means, and what can be done.
    pub fn description(self) -> &'static str {
        self.entry().map_or("the broker sent an error code that this client does not know", |(.., text)| text)
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(self) -> bool {
        self.reaction() != Reaction::Final
    }

    /// Whether the client's metadata is out of date: partitions or leaders are not where it thinks.
    pub fn refreshes_metadata(self) -> bool {
        self.reaction() == Reaction::Metadata
    }

    /// Whether the coordinator of a group or a transaction has to be looked up again.
    pub fn refreshes_coordinator(self) -> bool {
        self.reaction() == Reaction::Coordinator
    }

    fn reaction(self) -> Reaction {
        self.entry().map_or(Reaction::Final, |(_, reaction, _)| reaction)
    }
}

impl From<i16> for ErrorCode {
    fn from(code: i16) -> Self {
        Self(code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! error_codes {
    ($($code:literal $name:ident $reaction:ident $description:literal;)*) => {
        impl ErrorCode {
            $(#[doc = concat!("Code ", stringify!($code), ": ", $description, ".")] pub const $name: Self = Self($code);)*

            /// Every code that has a name, by rising number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn entry(self) -> Option<(&'static str, Reaction, &'static str)> {
                match self.0 {
                    $($code => Some((stringify!($name), Reaction::$reaction, $description)),)*
                    _ => None,
                }
            }
        }
    };
}

error_codes! {
    -1 UNKNOWN_SERVER_ERROR Final "the broker failed unexpectedly; see its log";
    0 NONE Final "no error";
    1 OFFSET_OUT_OF_RANGE Final "the offset is not in the partition's log; seek to one that is, or set `auto.offset.reset`";
    2 CORRUPT_MESSAGE Retriable "the record batch is damaged, too large, or lacks the key that a compacted topic needs";
    3 UNKNOWN_TOPIC_OR_PARTITION Metadata "the topic or partition does not exist, or the broker does not host it";
    4 INVALID_FETCH_SIZE Final "the fetch size is not valid";
    5 LEADER_NOT_AVAILABLE Metadata "the partition has no leader while one is being elected";
    6 NOT_LEADER_OR_FOLLOWER Metadata "the broker is no longer the partition's leader or follower";
    7 REQUEST_TIMED_OUT Retriable "the broker gave up waiting for its part of the request";
    8 BROKER_NOT_AVAILABLE Final "the broker is not available";
    9 REPLICA_NOT_AVAILABLE Metadata "the replica is not available";
    10 MESSAGE_TOO_LARGE Final "a record or batch is larger than the topic's `max.message.bytes`; raise it or send smaller records";
    11 STALE_CONTROLLER_EPOCH Final "the controller has moved to another broker";
    12 OFFSET_METADATA_TOO_LARGE Final "the metadata committed with an offset is larger than the broker's `offset.metadata.max.bytes`";
    13 NETWORK_EXCEPTION Metadata "the connection ended before there was an answer";
    14 COORDINATOR_LOAD_IN_PROGRESS Retriable "the coordinator is still loading its state";
    15 COORDINATOR_NOT_AVAILABLE Coordinator "the coordinator is not available";
    16 NOT_COORDINATOR Coordinator "the broker is not the coordinator any more";
    17 INVALID_TOPIC_EXCEPTION Final "the topic's name is not valid, or the topic may not be used like this";
    18 RECORD_LIST_TOO_LARGE Final "the batch is larger than the topic's `segment.bytes`; send smaller batches";
    19 NOT_ENOUGH_REPLICAS Retriable "fewer replicas are in sync than `min.insync.replicas` asks for, and nothing was written";
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND Retriable "the records were written, but to fewer replicas in sync than `min.insync.replicas` asks for";
    21 INVALID_REQUIRED_ACKS Final "`acks` is neither 0, 1 nor all";
    22 ILLEGAL_GENERATION Final "the group has moved on to another generation; the member must join again";
    23 INCONSISTENT_GROUP_PROTOCOL Final "the member's protocols do not fit those of the group; give all members a common assignor";
    24 INVALID_GROUP_ID Final "the group id is empty or not valid";
    25 UNKNOWN_MEMBER_ID Final "the coordinator does not know the member; it must join again";
    26 INVALID_SESSION_TIMEOUT Final "`session.timeout.ms` is outside the broker's `group.min.session.timeout.ms` and `group.max.session.timeout.ms`";
    27 REBALANCE_IN_PROGRESS Final "the group is rebalancing; the member must join again";
    28 INVALID_COMMIT_OFFSET_SIZE Final "the offset commit is too large";
    29 TOPIC_AUTHORIZATION_FAILED Final "access to the topic is denied; ask for an ACL";
    30 GROUP_AUTHORIZATION_FAILED Final "access to the group is denied; ask for an ACL";
    31 CLUSTER_AUTHORIZATION_FAILED Final "access to the cluster is denied; ask for an ACL";
    32 INVALID_TIMESTAMP Final "the record's timestamp is further from the broker's clock than the topic allows";
    33 UNSUPPORTED_SASL_MECHANISM Final "the broker does not offer the SASL mechanism; choose one of those it does";
    34 ILLEGAL_SASL_STATE Final "the request does not fit the state of the SASL conversation";
    35 UNSUPPORTED_VERSION Final "the broker does not support this version of the request, or the feature behind it";
    36 TOPIC_ALREADY_EXISTS Final "a topic with this name exists already";
    37 INVALID_PARTITIONS Final "the number of partitions is not valid";
    38 INVALID_REPLICATION_FACTOR Final "the replication factor is below 1 or above the number of brokers";
    39 INVALID_REPLICA_ASSIGNMENT Final "the replica assignment is not valid";
    40 INVALID_CONFIG Final "a configuration value is not valid";
    41 NOT_CONTROLLER Retriable "the broker is not the controller";
    42 INVALID_REQUEST Final "the broker could not make sense of the request; its log says why";
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT Final "the topic's message format is too old for the request";
    44 POLICY_VIOLATION Final "the cluster's policy forbids it; ask who runs the cluster";
    45 OUT_OF_ORDER_SEQUENCE_NUMBER Final "a batch of the idempotent producer is missing before this one";
    46 DUPLICATE_SEQUENCE_NUMBER Final "the batch has been written before";
    47 INVALID_PRODUCER_EPOCH Final "a newer instance of the producer has taken over its epoch";
    48 INVALID_TXN_STATE Final "the transaction is not in a state that allows this";
    49 INVALID_PRODUCER_ID_MAPPING Final "the producer id does not belong to the transactional id any more";
    50 INVALID_TRANSACTION_TIMEOUT Final "`transaction.timeout.ms` is above the broker's `transaction.max.timeout.ms`";
    51 CONCURRENT_TRANSACTIONS Retriable "another operation on the transaction is still under way";
    52 TRANSACTION_COORDINATOR_FENCED Final "the transaction coordinator has been replaced";
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED Final "access to the transactional id is denied; ask for an ACL";
    54 SECURITY_DISABLED Final "the broker has no authorizer, so that it keeps no ACLs";
    55 OPERATION_NOT_ATTEMPTED Final "the broker did not try, because another part of the request failed";
    56 KAFKA_STORAGE_ERROR Metadata "the broker's disk failed";
    57 LOG_DIR_NOT_FOUND Final "the broker has no such log directory";
    58 SASL_AUTHENTICATION_FAILED Final "the broker refused the credentials; check user name, password or token";
    59 UNKNOWN_PRODUCER_ID Final "the broker has no record of the producer id; its data has expired";
    60 REASSIGNMENT_IN_PROGRESS Final "the partition is being moved to other replicas already";
    61 DELEGATION_TOKEN_AUTH_DISABLED Final "the broker has delegation tokens switched off";
    62 DELEGATION_TOKEN_NOT_FOUND Final "the delegation token does not exist";
    63 DELEGATION_TOKEN_OWNER_MISMATCH Final "the principal is neither owner nor renewer of the delegation token";
    64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED Final "delegation tokens need an authenticated connection that did not use one itself";
    65 DELEGATION_TOKEN_AUTHORIZATION_FAILED Final "access to the delegation token is denied";
    66 DELEGATION_TOKEN_EXPIRED Final "the delegation token has expired";
    67 INVALID_PRINCIPAL_TYPE Final "the type of principal is not supported";
    68 NON_EMPTY_GROUP Final "the group still has members; stop them first";
    69 GROUP_ID_NOT_FOUND Final "the group does not exist";
    70 FETCH_SESSION_ID_NOT_FOUND Retriable "the broker has forgotten the fetch session";
    71 INVALID_FETCH_SESSION_EPOCH Retriable "the request does not continue the fetch session";
    72 LISTENER_NOT_FOUND Metadata "the leader has no listener like the one that was asked; check the brokers' listeners";
    73 TOPIC_DELETION_DISABLED Final "the cluster has topic deletion switched off (`delete.topic.enable`)";
    74 FENCED_LEADER_EPOCH Metadata "the client knows an older leader of the partition than the broker does";
    75 UNKNOWN_LEADER_EPOCH Retriable "the client knows a newer leader of the partition than the broker does";
    76 UNSUPPORTED_COMPRESSION_TYPE Final "the compression needs a newer version of the request than was used";
    77 STALE_BROKER_EPOCH Final "the broker has been restarted since";
    78 OFFSET_NOT_AVAILABLE Retriable "the new leader is not yet sure of its offsets";
    79 MEMBER_ID_REQUIRED Final "the member must join again with the id that it was given";
    80 PREFERRED_LEADER_NOT_AVAILABLE Metadata "the preferred leader is not available";
    81 GROUP_MAX_SIZE_REACHED Final "the group has as many members as the broker's `group.max.size` allows";
    82 FENCED_INSTANCE_ID Final "another member with the same `group.instance.id` has taken over";
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE Metadata "no replica is eligible as leader";
    84 ELECTION_NOT_NEEDED Metadata "the partition has the right leader already";
    85 NO_REASSIGNMENT_IN_PROGRESS Final "no reassignment of the partition is under way";
    86 GROUP_SUBSCRIBED_TO_TOPIC Final "the group is subscribed to the topic; unsubscribe first";
    87 INVALID_RECORD Final "the broker's validation refused the record";
    88 UNSTABLE_OFFSET_COMMIT Retriable "transactions with offsets of the group are still open";
    89 THROTTLING_QUOTA_EXCEEDED Retriable "the quota is used up for now; slow down";
    90 PRODUCER_FENCED Final "a newer producer with the same `transactional.id` has taken over";
    91 RESOURCE_NOT_FOUND Final "something named in the request does not exist";
    92 DUPLICATE_RESOURCE Final "the request names the same thing twice";
    93 UNACCEPTABLE_CREDENTIAL Final "the password or number of iterations is not acceptable";
    94 INCONSISTENT_VOTER_SET Final "sender or receiver is not among the voters";
    95 INVALID_UPDATE_VERSION Final "the feature's version is not valid";
    96 FEATURE_UPDATE_FAILED Final "the features could not be updated";
    97 PRINCIPAL_DESERIALIZATION_FAILURE Final "the broker cannot read the principal of a forwarded request";
    98 SNAPSHOT_NOT_FOUND Final "the snapshot does not exist";
    99 POSITION_OUT_OF_RANGE Final "the position is outside the snapshot";
    100 UNKNOWN_TOPIC_ID Metadata "the broker knows no topic with this id";
    101 DUPLICATE_BROKER_REGISTRATION Final "the broker id is in use";
    102 BROKER_ID_NOT_REGISTERED Final "the broker id is not registered";
    103 INCONSISTENT_TOPIC_ID Metadata "the topic has been deleted and created again with another id";
    104 INCONSISTENT_CLUSTER_ID Final "the cluster is not the one that was expected; check the bootstrap servers";
    105 TRANSACTIONAL_ID_NOT_FOUND Final "the transactional id does not exist";
    106 FETCH_SESSION_TOPIC_ID_ERROR Retriable "the fetch session mixes topic names and topic ids";
    107 INELIGIBLE_REPLICA Final "a replica may not be among those in sync";
    108 NEW_LEADER_ELECTED Final "the partition has a new leader";
    109 OFFSET_MOVED_TO_TIERED_STORAGE Final "the offset is in tiered storage";
    110 FENCED_MEMBER_EPOCH Final "the member's epoch is fenced; it must give up its partitions and join again";
    111 UNRELEASED_INSTANCE_ID Final "the `group.instance.id` is still held by another member";
    112 UNSUPPORTED_ASSIGNOR Final "the group does not support the assignor; choose one of the broker's `group.consumer.assignors`";
    113 STALE_MEMBER_EPOCH Final "the member's epoch is old; try again after the next heartbeat";
    114 MISMATCHED_ENDPOINT_TYPE Final "the request went to a controller and is for brokers, or the other way round";
    115 UNSUPPORTED_ENDPOINT_TYPE Final "the type of endpoint is not supported";
    116 UNKNOWN_CONTROLLER_ID Final "the controller id is not known";
    117 UNKNOWN_SUBSCRIPTION_ID Final "the telemetry subscription is not valid any more";
    118 TELEMETRY_TOO_LARGE Final "the telemetry is larger than the broker accepts";
    119 INVALID_REGISTRATION Final "the broker's registration is not valid";
    120 TRANSACTION_ABORTABLE Final "the transaction cannot be completed; abort it and start another";
    121 INVALID_RECORD_STATE Final "the record is not in a state that allows the acknowledgement";
    122 SHARE_SESSION_NOT_FOUND Retriable "the broker has forgotten the share session";
    123 INVALID_SHARE_SESSION_EPOCH Retriable "the request does not continue the share session";
    124 FENCED_STATE_EPOCH Final "the share group's state has a newer epoch";
    125 INVALID_VOTER_KEY Final "the voter's key is not that of the replica";
    126 DUPLICATE_VOTER Final "the replica is a voter already";
    127 VOTER_NOT_FOUND Final "the replica is not a voter";
    128 INVALID_REGULAR_EXPRESSION Final "the regular expression is not valid; write it in RE2's syntax";
    129 REBOOTSTRAP_REQUIRED Final "the client's view of the cluster is too old; it must start from the bootstrap servers";
    130 STREAMS_INVALID_TOPOLOGY Final "the topology is not valid";
    131 STREAMS_INVALID_TOPOLOGY_EPOCH Final "the epoch of the topology is not valid";
    132 STREAMS_TOPOLOGY_FENCED Final "the epoch of the topology is old; a newer version of the application is running";
    133 SHARE_SESSION_LIMIT_REACHED Retriable "the broker has as many share sessions as it allows";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of code, name, whether Java's exception is retriable, and whether it asks for fresh metadata, as printed by
    /// `cargo xtask protocol --vectors`.
    const JAVA: &str = include_str!("testdata/errors.txt");

    #[test]
    fn the_table_agrees_with_java() {
        let ours: Vec<String> = ErrorCode::ALL
            .iter()
            .map(|code| {
                format!("{} {} {} {}", code.0, code.name(), code.is_retriable(), code.refreshes_metadata())
            })
            .collect();
        let java: Vec<&str> = JAVA.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(ours, java);
        assert_eq!(ours.len(), 135);
    }

    #[test]
    fn only_lost_coordinators_are_looked_up_again() {
        let codes: Vec<ErrorCode> =
            ErrorCode::ALL.iter().copied().filter(|code| code.refreshes_coordinator()).collect();
        assert_eq!(codes, [ErrorCode::COORDINATOR_NOT_AVAILABLE, ErrorCode::NOT_COORDINATOR]);
    }

    #[test]
    fn a_code_of_the_future_is_kept_and_final() {
        let code = ErrorCode(999);
        assert_eq!(code.to_string(), "UNKNOWN_ERROR_CODE (999)");
        assert!(!code.is_ok() && !code.is_retriable() && !code.refreshes_metadata());
    }

    #[test]
    fn messages_read_as_a_clause() {
        for code in ErrorCode::ALL {
            let text = code.description();
            assert!(!text.ends_with('.') && !text.starts_with(char::is_uppercase), "{code}: {text}");
        }
    }
}
