use kafka_core::records::Compression;
use kafka_stream::producer::{Acks, ProducerConfig};

use super::kind::{Kind, MAX, int, millis, size};
use super::{Place, Setting};

/// The settings of a producer.
pub(super) static PRODUCER: &[Setting] = &[
    setting(
        "acks",
        "all",
        "how many replicas must have a record before it is acknowledged; `-1` is `all`",
        Kind::Choice(&[
            ("all", |c| c.acks = Acks::All),
            ("-1", |c| c.acks = Acks::All),
            ("1", |c| c.acks = Acks::Leader),
            ("0", |c| c.acks = Acks::None),
        ]),
    ),
    setting(
        "enable.idempotence",
        "true",
        "the broker drops what a retry repeats; off by itself where `acks` is not `all` or `retries` is 0",
        Kind::Flag(|c, v| c.enable_idempotence = v),
    ),
    setting(
        "retries",
        "3",
        "how often a batch is sent again after a retriable answer or a lost connection; waiting for a leader, for replicas or for a quota does not count",
        Kind::Whole { unit: "", min: 0, max: MAX, set: |c, v| c.retries = int(v).unsigned_abs() },
    ),
    setting(
        "batch.size",
        "16384",
        "how large a batch grows before it is sent; 0 or 1 is one record per batch",
        Kind::Whole { unit: " of bytes", min: 0, max: MAX, set: |c, v| c.batch_size = size(v).max(1) },
    ),
    setting(
        "linger.ms",
        "5",
        "how long a batch that is not full waits for more records",
        Kind::Whole { unit: " of milliseconds", min: 0, max: MAX, set: |c, v| c.linger = millis(v) },
    ),
    setting(
        "buffer.memory",
        "33554432",
        "the bytes of records that may wait for acknowledgement",
        Kind::Whole { unit: " of bytes", min: 1, max: 4_294_967_295, set: |c, v| c.buffer_memory = size(v) },
    ),
    setting(
        "compression.type",
        "gzip",
        "how batches are compressed",
        Kind::Choice(&[
            ("none", |c| c.compression_type = Compression::None),
            ("gzip", |c| c.compression_type = Compression::Gzip),
            ("snappy", |c| c.compression_type = Compression::Snappy),
            ("lz4", |c| c.compression_type = Compression::Lz4),
            ("zstd", |c| c.compression_type = Compression::Zstd),
        ]),
    ),
    setting(
        "compression.gzip.level",
        "",
        "the level of gzip",
        Kind::Whole { unit: "", min: 1, max: 9, set: |c, v| c.compression_levels.gzip = Some(int(v)) },
    ),
    setting(
        "compression.lz4.level",
        "",
        "the level of lz4",
        Kind::Whole { unit: "", min: 1, max: 17, set: |c, v| c.compression_levels.lz4 = Some(int(v)) },
    ),
    setting(
        "compression.zstd.level",
        "",
        "the level of zstd",
        Kind::Whole {
            unit: "",
            min: -131_072,
            max: 22,
            set: |c, v| c.compression_levels.zstd = Some(int(v)),
        },
    ),
    setting(
        "max.in.flight.requests.per.connection",
        "5",
        "how many requests may be under way to one broker",
        Kind::Whole { unit: "", min: 1, max: 5, set: |c, v| c.max_in_flight = size(v) },
    ),
    setting(
        "max.request.size",
        "1048576",
        "the largest record and the largest request",
        Kind::Whole { unit: " of bytes", min: 1, max: MAX, set: |c, v| c.max_request_size = size(v) },
    ),
    setting(
        "max.block.ms",
        "60000",
        "how long `send` may wait for metadata or for memory",
        Kind::Whole { unit: " of milliseconds", min: 0, max: MAX, set: |c, v| c.max_block = millis(v) },
    ),
    setting(
        "request.timeout.ms",
        "30000",
        "how long one request may take",
        Kind::Whole { unit: " of milliseconds", min: 1, max: MAX, set: |c, v| c.request_timeout = millis(v) },
    ),
    setting(
        "delivery.timeout.ms",
        "120000",
        "how long a record may take from `send` to its outcome; at least `linger.ms` + `request.timeout.ms`",
        Kind::Whole {
            unit: " of milliseconds",
            min: 1,
            max: MAX,
            set: |c, v| c.delivery_timeout = millis(v),
        },
    ),
    setting(
        "partitioner.ignore.keys",
        "false",
        "records with a key go to any partition, too",
        Kind::Flag(|c, v| c.partitioner_ignore_keys = v),
    ),
    setting(
        "partitioner.adaptive.partitioning.enable",
        "true",
        "quicker brokers get more of the records without a key",
        Kind::Flag(|c, v| c.partitioner_adaptive_partitioning = v),
    ),
    setting(
        "partitioner.availability.timeout.ms",
        "0",
        "a partition that takes no batch for so long gets no records without a key; 0 switches that off",
        Kind::Whole {
            unit: " of milliseconds",
            min: 0,
            max: MAX,
            set: |c, v| c.partitioner_availability_timeout = millis(v),
        },
    ),
];

const fn setting(
    name: &'static str,
    default: &'static str,
    doc: &'static str,
    kind: Kind<ProducerConfig>,
) -> Setting {
    Setting { name, default, doc, place: Place::Producer(kind) }
}
