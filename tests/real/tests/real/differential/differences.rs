//! What differs and why: all that a run of the script may find, and must.

use kafka_core::protocol::ApiKey;

/// A difference, as the documentation of `kafka-embedded` tells it.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Words of the documentation, which has the reason.
    pub(crate) documented: &'static str,
    pub(crate) cases: &'static [Case],
}

/// A value that differs.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) api: ApiKey,
    /// A part of the request's label; nothing for all requests of the API.
    pub(crate) about: &'static str,
    /// The path of the value, without what tells the elements of lists apart.
    pub(crate) path: &'static str,
    /// Kafka's value; `*` at its end stands for any rest.
    pub(crate) kafka: &'static str,
    /// The embedded broker's.
    pub(crate) embedded: &'static str,
}

const fn case(
    api: ApiKey,
    about: &'static str,
    path: &'static str,
    kafka: &'static str,
    embedded: &'static str,
) -> Case {
    Case { api, about, path, kafka, embedded }
}

/// The whole answer.
const ALL: &str = "";
const ENDS: &str = "ends the connection";
const SILENCE: &str = "does not answer";
const NOTHING: &str = "nothing";
const WORDS: &str = "<words>";
const ANY: &str = "*";
const SERVER_ERROR: &str = "-1";

/// The numbers of the APIs that each tells.
const KAFKAS_APIS: &str = "[0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
    27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, \
    49, 50, 51, 55, 57, 60, 61, 64, 65, 66, 68, 69, 74, 75, 76, 77, 78, 79, 80, 81, 83, 84, \
    85, 86, 87, 88, 89, 90, 91, 92]";
const OUR_APIS: &str = "[0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, \
    27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 55, \
    57, 60, 61, 65, 66, 68, 69, 74, 75, 76, 77, 78, 79, 90, 91, 92]";

pub(crate) const LISTED: &[Difference] = &[
    Difference {
        documented: "Brokers are in no rack",
        cases: &[
            case(ApiKey::Metadata, "", "brokers.rack", "\"rack-1\"", "None"),
            case(ApiKey::DescribeCluster, "", "brokers.rack", "\"rack-1\"", "None"),
        ],
    },
    Difference {
        documented: "What is for brokers, controllers and tokens alone is not offered",
        cases: &[
            case(ApiKey::ApiVersions, "", "api_keys", KAFKAS_APIS, OUR_APIS),
            case(ApiKey::ApiVersions, "", "api_keys", "there", NOTHING),
            case(ApiKey::UnregisterBroker, "", ALL, "{*", ENDS),
            case(ApiKey::CreateDelegationToken, "", ALL, "{*", ENDS),
            case(ApiKey::RenewDelegationToken, "", ALL, "{*", ENDS),
            case(ApiKey::ExpireDelegationToken, "", ALL, "{*", ENDS),
            case(ApiKey::DescribeDelegationToken, "", ALL, "{*", ENDS),
        ],
    },
    Difference {
        documented: "A request that is not well formed ends its connection",
        cases: &[
            case(ApiKey::Heartbeat, "a string that is no text", ALL, "6 bytes*", ENDS),
            case(ApiKey::Heartbeat, "bytes behind it", ALL, "6 bytes*", ENDS),
            case(ApiKey::Metadata, "-2 topics", ALL, "[*", ENDS),
            case(ApiKey::Metadata, "-2147483648 topics", ALL, "[*", ENDS),
        ],
    },
    Difference {
        documented: "Words of errors are its own",
        cases: &[
            case(
                ApiKey::Produce,
                "a length of zero",
                "responses.partition_responses.error_message",
                WORDS,
                "None",
            ),
            case(
                ApiKey::Produce,
                "a negative length",
                "responses.partition_responses.error_message",
                WORDS,
                "None",
            ),
            case(ApiKey::Produce, "format", "responses.partition_responses.error_message", WORDS, "None"),
            case(ApiKey::ShareGroupHeartbeat, "no member", "error_message", "None", WORDS),
            case(ApiKey::ShareAcknowledge, "", "responses.partitions.error_message", WORDS, "None"),
        ],
    },
    Difference {
        documented: "Where Kafka fails with `UNKNOWN_SERVER_ERROR`",
        cases: &[
            case(ApiKey::Metadata, "by neither", "brokers", ANY, ANY),
            case(ApiKey::Metadata, "by neither", "brokers", NOTHING, "there"),
            case(ApiKey::Metadata, "by neither", "cluster_id", "None", ANY),
            case(ApiKey::Metadata, "by neither", "controller_id", "-1", "1"),
            case(ApiKey::Metadata, "by neither", "error_code", SERVER_ERROR, "0"),
            case(ApiKey::Metadata, "by neither", "topics", ANY, ANY),
            case(ApiKey::DescribeTopicPartitions, "an empty name", "topics.error_code", SERVER_ERROR, "17"),
            case(
                ApiKey::DescribeTopicPartitions,
                "an empty name",
                "topics.topic_authorized_operations",
                "-2147483648",
                "3576",
            ),
            case(ApiKey::Produce, "null", ALL, SILENCE, ANY),
            case(ApiKey::Produce, "", "responses.partition_responses.error_code", SERVER_ERROR, "2"),
            case(ApiKey::Produce, "codec", "responses.partition_responses.error_code", SERVER_ERROR, "87"),
            case(ApiKey::Produce, "garbage", "responses.partition_responses.error_code", SERVER_ERROR, "87"),
            case(ApiKey::Fetch, "isolation", "error_code", SERVER_ERROR, "0"),
            case(ApiKey::Fetch, "isolation", "responses", "[]", ANY),
            case(ApiKey::Fetch, "isolation", "responses", NOTHING, "there"),
            case(ApiKey::Fetch, "isolation", "responses.partitions.error_code", SERVER_ERROR, "0"),
            case(ApiKey::Fetch, "isolation", "responses.partitions.aborted_transactions", "[]", "None"),
            case(ApiKey::Fetch, "isolation", "responses.partitions.high_watermark", "-1", "10"),
            case(ApiKey::Fetch, "isolation", "responses.partitions.last_stable_offset", "-1", "10"),
            case(ApiKey::Fetch, "isolation", "responses.partitions.log_start_offset", "-1", "0"),
            case(ApiKey::Fetch, "isolation", "responses.partitions.records", "[]", ANY),
            case(ApiKey::Fetch, "isolation", "responses.partitions.records", NOTHING, "there"),
            case(ApiKey::Fetch, "less than no bytes", "responses.partitions.error_code", SERVER_ERROR, "0"),
            case(ApiKey::Fetch, "less than no bytes", "responses.partitions.high_watermark", "-1", "10"),
            case(ApiKey::Fetch, "less than no bytes", "responses.partitions.last_stable_offset", "-1", "10"),
            case(ApiKey::Fetch, "less than no bytes", "responses.partitions.log_start_offset", "-1", "0"),
            case(ApiKey::Fetch, "less than no bytes", "responses.partitions.records", "[]", ANY),
            case(ApiKey::Fetch, "less than no bytes", "responses.partitions.records", NOTHING, "there"),
            case(ApiKey::ListOffsets, "isolation", "topics.partitions.error_code", SERVER_ERROR, "0"),
            case(ApiKey::ListOffsets, "isolation", "topics.partitions.offset", "-1", "10"),
            case(ApiKey::ListOffsets, "isolation", "topics.partitions.leader_epoch", "-1", "0"),
            case(
                ApiKey::IncrementalAlterConfigs,
                "an unknown operation",
                "responses.error_code",
                SERVER_ERROR,
                "42",
            ),
            case(
                ApiKey::IncrementalAlterConfigs,
                "an unknown operation",
                "responses.error_message",
                "None",
                WORDS,
            ),
            case(ApiKey::CreateAcls, "", "results.error_code", SERVER_ERROR, "42"),
            case(ApiKey::CreateAcls, "", "results.error_message", "None", WORDS),
            case(ApiKey::CreatePartitions, "to ", "results.error_code", SERVER_ERROR, "37"),
            case(ApiKey::CreatePartitions, "to ", "results.error_message", "None", WORDS),
            case(ApiKey::AlterUserScramCredentials, "no password", "results.error_code", SERVER_ERROR, "0"),
            case(ApiKey::AddPartitionsToTxn, "no transactions", ALL, SILENCE, ANY),
            case(ApiKey::ShareFetch, "group", "responses.partitions.error_code", SERVER_ERROR, "69"),
            case(ApiKey::ShareAcknowledge, "an unknown topic", "error_code", SERVER_ERROR, "0"),
            case(ApiKey::ShareAcknowledge, "an unknown topic", "responses", "[]", ANY),
            case(ApiKey::ShareAcknowledge, "an unknown topic", "responses", NOTHING, "there"),
            case(ApiKey::DescribeShareGroupOffsets, "of no group", "groups.error_code", SERVER_ERROR, "24"),
        ],
    },
    Difference {
        documented: "Fewer settings are described",
        cases: &[
            case(ApiKey::DescribeConfigs, "broker", "results.configs", ANY, ANY),
            case(ApiKey::DescribeConfigs, "broker", "results.configs", "there", NOTHING),
            case(ApiKey::DescribeConfigs, "a broker", "results.configs", NOTHING, "there"),
            case(ApiKey::DescribeConfigs, "a group", "results.configs", ANY, ANY),
            case(ApiKey::DescribeConfigs, "a group", "results.configs", "there", NOTHING),
            case(ApiKey::DescribeConfigs, "metrics", "results.configs", ANY, "[]"),
            case(ApiKey::DescribeConfigs, "metrics", "results.configs", "there", NOTHING),
            case(ApiKey::DescribeConfigs, "metrics", "results.error_code", "0", "42"),
            case(ApiKey::DescribeConfigs, "metrics", "results.error_message", "\"\"", WORDS),
            case(ApiKey::DescribeConfigs, "loggers", "results.error_code", "0", "42"),
            case(ApiKey::DescribeConfigs, "loggers", "results.error_message", "\"\"", WORDS),
            case(ApiKey::DescribeConfigs, "with words", "results.configs.documentation", "\"words\"", "None"),
            case(ApiKey::IncrementalAlterConfigs, "what no broker has", "responses.error_code", "0", "42"),
            case(
                ApiKey::IncrementalAlterConfigs,
                "what no broker has",
                "responses.error_message",
                "None",
                WORDS,
            ),
        ],
    },
    Difference {
        documented: "Nothing runs out of its time",
        cases: &[
            case(ApiKey::CreateTopics, "without time", "topics.error_code", "7", "0"),
            case(ApiKey::CreateTopics, "without time", "topics.num_partitions", "-1", "1"),
            case(ApiKey::CreateTopics, "without time", "topics.replication_factor", "-1", "1"),
            case(
                ApiKey::CreateTopics,
                "without time",
                "topics.topic_id",
                "00000000000000000000000000000000",
                ANY,
            ),
        ],
    },
    Difference {
        documented: "Each record of a batch is looked at before it is kept",
        cases: &[
            case(ApiKey::Produce, "a record's offset", "responses.partition_responses.error_code", "0", "87"),
            case(
                ApiKey::Produce,
                "a record's negative offset",
                "responses.partition_responses.error_code",
                "0",
                "87",
            ),
            case(
                ApiKey::Produce,
                "a record's key is of length -2",
                "responses.partition_responses.error_code",
                "0",
                "87",
            ),
            case(ApiKey::Produce, "a record's", "responses.partition_responses.base_offset", ANY, "-1"),
        ],
    },
    Difference {
        documented: "A fetch has whole batches only",
        cases: &[
            case(ApiKey::Fetch, "a part of the next", "responses.partitions.records", "[0, 1, 2]", "[0, 1]"),
            case(ApiKey::Fetch, "two partitions", "responses.partitions.records", "[0, 1]", "[0]"),
        ],
    },
    Difference {
        documented: "Numbers that mean nothing are refused in rules",
        cases: &[
            case(ApiKey::CreateAcls, "for no pattern", ALL, ENDS, "{*"),
            case(ApiKey::CreateAcls, "for no type", ALL, ENDS, "{*"),
            case(ApiKey::CreateAcls, "no operation", ALL, ENDS, "{*"),
            case(ApiKey::DescribeAcls, "of no ", ALL, ENDS, "{*"),
            case(ApiKey::DescribeAcls, "of an unknown", "error_code", "0", "42"),
            case(ApiKey::DescribeAcls, "of an unknown", "error_message", "\"\"", WORDS),
            case(ApiKey::AlterClientQuotas, "no number", "entries.error_code", "0", "42"),
            case(ApiKey::AlterClientQuotas, "no number", "entries.error_message", "None", WORDS),
            case(ApiKey::AlterClientQuotas, "the same entity twice", "entries.error_code", "0", "42"),
            case(ApiKey::AlterClientQuotas, "the same entity twice", "entries.error_message", "None", WORDS),
            case(ApiKey::AlterClientQuotas, "the same entity twice", "entries.entity", ANY, ANY),
            case(
                ApiKey::AlterClientQuotas,
                "the same entity twice",
                "entries.entity.entity_name",
                "\"b\"",
                "\"a\"",
            ),
        ],
    },
    Difference {
        documented: "The epoch of a share group is one lower",
        cases: &[
            case(ApiKey::ShareGroupHeartbeat, "", "member_epoch", "3", "2"),
            case(ApiKey::ShareGroupDescribe, "", "groups.group_epoch", "3", "2"),
            case(ApiKey::ShareGroupDescribe, "", "groups.assignment_epoch", "3", "2"),
            case(ApiKey::ShareGroupDescribe, "", "groups.members.member_epoch", "3", "2"),
        ],
    },
];
