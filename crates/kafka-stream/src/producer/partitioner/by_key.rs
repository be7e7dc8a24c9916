use super::{Partitioner, partition_for_key};
use crate::producer::ProducerRecord;

/// The default: a record with a key goes where murmur2 puts it, as with the Java client; one without goes anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHash;

impl Partitioner for KeyHash {
    fn partition(&self, record: &ProducerRecord<'_>, partitions: u32) -> Option<u32> {
        record.key_bytes().map(|key| partition_for_key(key, partitions))
    }
}

/// librdkafka's default, `consistent_random`: CRC-32 of the key, and anywhere for a record whose key is absent or empty.
///
/// For topics that are also written by clients built on librdkafka, so that the same key stays in one partition.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConsistentRandom;

impl Partitioner for ConsistentRandom {
    fn partition(&self, record: &ProducerRecord<'_>, partitions: u32) -> Option<u32> {
        let key = record.key_bytes().filter(|key| !key.is_empty())?;
        crc32(key).checked_rem(partitions)
    }
}

/// CRC-32 as zlib computes it; keys are short, so a byte at a time will do.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn empty_keys_count_as_keys_for_java_but_not_for_librdkafka() {
        let record = ProducerRecord::to("t").key("");
        assert_eq!(KeyHash.partition(&record, 7), Some(2));
        assert_eq!(ConsistentRandom.partition(&record, 7), None);
        assert_eq!(KeyHash.partition(&ProducerRecord::to("t").value("v"), 7), None);
    }
}
