//! The hash that Java's producer puts keys to partitions with, so that the same key lands where Java puts it.

const SEED: u32 = 0x9747_b28c;
const M: u32 = 0x5bd1_e995;
const R: u32 = 24;

/// 32-bit murmur2 with Kafka's seed.
pub fn murmur2(key: &[u8]) -> u32 {
    // Java's `int` wraps; keys are far below 4 GiB.
    let mut hash = SEED ^ (key.len() as u32);
    let (words, rest) = key.as_chunks();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> R;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0_u32, |acc, byte| acc << 8 | u32::from(*byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

/// The partition of `key` among `partitions`, as Java computes it; 0 where there are none.
pub fn partition_for_key(key: &[u8], partitions: u32) -> u32 {
    // `toPositive` clears the sign bit: it is not the absolute value.
    (murmur2(key) & 0x7fff_ffff).checked_rem(partitions).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_partitions_equal_those_of_java() {
        let mut seen = 0;
        for line in include_str!("murmur2_java.txt").lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split(' ');
            let hex = fields.next().unwrap();
            let key: Vec<u8> = if hex == "-" {
                Vec::new()
            } else {
                (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
            };
            let hash: i32 = fields.next().unwrap().parse().unwrap();
            assert_eq!(murmur2(&key) as i32, hash, "{hex}");
            assert_eq!(partition_for_key(&key, 7), fields.next().unwrap().parse::<u32>().unwrap(), "{hex}");
            assert_eq!(
                partition_for_key(&key, 1000),
                fields.next().unwrap().parse::<u32>().unwrap(),
                "{hex}"
            );
            seen += 1;
        }
        assert!(seen > 50);
    }
}
