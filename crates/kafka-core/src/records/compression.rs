use std::fmt;

/// How a batch is compressed (`compression.type`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// DEFLATE with gzip's header.
    Gzip,
    /// Snappy in the framing that Java's client writes.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard; brokers know it since 2.1.
    Zstd,
}

impl Compression {
    /// Kafka's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level of each codec that has one (KIP-390); `None` leaves the codec's own default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressionLevels {
    /// `compression.gzip.level`: 1 to 9.
    pub gzip: Option<i32>,
    /// `compression.lz4.level`: 1 to 17.
    pub lz4: Option<i32>,
    /// `compression.zstd.level`: -131,072 to 22.
    pub zstd: Option<i32>,
}
