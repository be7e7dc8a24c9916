use std::time::Duration;

use kafka_core::records::{Compression, CompressionLevels};

/// How many replicas must have a record before the broker acknowledges it (`acks`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Acks {
    /// Nobody answers (`0`): a record counts as sent once it is written to the socket.
    None,
    /// The leader alone (`1`).
    Leader,
    /// All in-sync replicas (`all`, `-1`).
    #[default]
    All,
}

/// The producer's settings, named as Kafka names them; the defaults are for safe delivery.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProducerConfig {
    /// `acks`. Default: all.
    pub acks: Acks,
    /// `enable.idempotence`: the broker drops what a retry repeats. Needs `acks` all, `retries` above 0 and at most 5 in
    /// flight. Default: true.
    pub enable_idempotence: bool,
    /// `retries`: how often a batch is sent again after a retriable answer or a lost connection. What counts against
    /// `delivery_timeout` alone is waiting: for a connection, for a leader, and until the partition takes writes again
    /// (`NOT_ENOUGH_REPLICAS`, `THROTTLING_QUOTA_EXCEEDED`; where idempotent also `NOT_ENOUGH_REPLICAS_AFTER_APPEND` and
    /// `KAFKA_STORAGE_ERROR`). Default: 3.
    pub retries: u32,
    /// `batch.size`: the bytes a batch may hold before it is sent. Default: 16,384.
    pub batch_size: usize,
    /// `linger.ms`: how long a batch that is not full waits for more records. Default: 5 ms.
    pub linger: Duration,
    /// `buffer.memory`: the bytes of records that may wait for acknowledgement. Default: 33,554,432.
    pub buffer_memory: usize,
    /// `compression.type`. Default: gzip.
    pub compression_type: Compression,
    /// `compression.gzip.level`, `compression.lz4.level`, `compression.zstd.level` (KIP-390).
    pub compression_levels: CompressionLevels,
    /// How many batches may be compressed at the same time: by the sender's task, and while more wait than it gets done,
    /// by threads of the runtime's blocking pool, one less than this. 1 leaves all to the sender, as does a compression
    /// that is quick (snappy, LZ4): CPU time counts more there than the second core. Not a setting of Kafka's. Default: what [`available_parallelism`](std::thread::available_parallelism) says.
    pub compression_parallelism: usize,
    /// `max.in.flight.requests.per.connection`: 1 to 5. Default: 5.
    pub max_in_flight: usize,
    /// `max.request.size`: the largest record, and the largest request, in bytes. Default: 1,048,576.
    pub max_request_size: usize,
    /// `max.block.ms`: how long `send` may wait for metadata or memory. Default: 60 s.
    pub max_block: Duration,
    /// `request.timeout.ms`: how long one request may take. Default: 30 s.
    pub request_timeout: Duration,
    /// `delivery.timeout.ms`: how long a record may take from `send` to its outcome. Default: 120 s.
    pub delivery_timeout: Duration,
    /// `partitioner.ignore.keys`: whether keyed records go to any partition too. Default: false.
    pub partitioner_ignore_keys: bool,
    /// `partitioner.adaptive.partitioning.enable` (KIP-794). Default: true.
    pub partitioner_adaptive_partitioning: bool,
    /// `partitioner.availability.timeout.ms` (KIP-794); zero switches it off. Default: 0.
    pub partitioner_availability_timeout: Duration,
}

impl Default for ProducerConfig {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            enable_idempotence: true,
            retries: 3,
            batch_size: 16_384,
            linger: Duration::from_millis(5),
            buffer_memory: 33_554_432,
            compression_type: Compression::Gzip,
            compression_levels: CompressionLevels::default(),
            compression_parallelism: std::thread::available_parallelism().map_or(1, usize::from),
            max_in_flight: 5,
            max_request_size: 1_048_576,
            max_block: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            delivery_timeout: Duration::from_secs(120),
            partitioner_ignore_keys: false,
            partitioner_adaptive_partitioning: true,
            partitioner_availability_timeout: Duration::ZERO,
        }
    }
}
