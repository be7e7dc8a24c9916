use std::fmt;
use std::str::FromStr;

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
    /// Every codec.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

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

    /// Its number in a batch's attributes.
    pub(in crate::records) fn attribute(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    pub(in crate::records) fn from_attribute(attribute: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|codec| codec.attribute() == attribute)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The error for a name that no codec has; it lists those that there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown compression `{0}`; use none, gzip, snappy, lz4 or zstd")]
pub struct UnknownCompression(String);

impl FromStr for Compression {
    type Err = UnknownCompression;

    /// Reads Kafka's name, in whatever case.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownCompression(name.to_owned()))
    }
}

/// The level of each codec that has one (KIP-390); `None` leaves the codec's own default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompressionLevels {
    /// `compression.gzip.level`: 1 to 9, 2 by default. On JSON in batches, level 6 (Java's default) leaves a tenth less
    /// and takes seven times as long.
    pub gzip: Option<i32>,
    /// `compression.lz4.level`: 1 to 17. Accepted for Java's sake: there is one way of compressing, the fast one.
    pub lz4: Option<i32>,
    /// `compression.zstd.level`: -131,072 to 22, 1 by default. On JSON in batches, level 3 (Java's default) leaves 2 %
    /// less and takes twice as long.
    pub zstd: Option<i32>,
}
