use crate::Result;
use crate::records::RecordView;
use crate::records::error::corrupt;

/// What a record in a control batch ([`Batch::is_control`](crate::records::Batch::is_control)) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlRecord {
    /// The transaction of the batch's producer was aborted.
    Abort,
    /// The transaction of the batch's producer was committed.
    Commit,
    /// One of the cluster's own (leader change, snapshot header, ...), by its number.
    Other(i16),
}

impl ControlRecord {
    /// Reads the kind from a control record's key.
    ///
    /// # Errors
    /// [`ErrorKind::CorruptRecords`](crate::ErrorKind::CorruptRecords) if the key is missing or too short.
    pub fn read(record: &RecordView<'_>) -> Result<Self> {
        // int16 version, int16 type; later versions may append.
        let Some(&[v0, v1, t0, t1]) = record.key().and_then(|key| key.first_chunk::<4>()) else {
            return Err(corrupt("a control record without a type"));
        };
        let version = i16::from_be_bytes([v0, v1]);
        if version < 0 {
            return Err(corrupt(format_args!("a control record of version {version}")));
        }
        Ok(match i16::from_be_bytes([t0, t1]) {
            0 => Self::Abort,
            1 => Self::Commit,
            other => Self::Other(other),
        })
    }

    /// The key that says so.
    pub fn key(self) -> [u8; 4] {
        let kind: i16 = match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::Other(other) => other,
        };
        let [high, low] = kind.to_be_bytes();
        [0, 0, high, low]
    }
}
