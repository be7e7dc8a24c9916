//! Asks a broker whether it answers and which brokers it knows.

use std::time::Duration;

use anyhow::{Context, Result};

use super::wire::{self, int32, string};

const METADATA: i16 = 3;
const METADATA_VERSION: i16 = 1;

/// The ids of the brokers that the one at this address knows to be alive.
pub(crate) fn known_brokers(address: &str, timeout: Duration) -> Result<Vec<i32>> {
    // Metadata for no topic at all: an empty list.
    let answer = wire::call(address, timeout, METADATA, METADATA_VERSION, &0_i32.to_be_bytes())?;
    parse(&answer).context("the answer is no metadata")
}

/// Brokers of id, host, port and rack; the rest does not matter here.
fn parse(mut answer: &[u8]) -> Option<Vec<i32>> {
    let mut ids = Vec::new();
    for _ in 0..int32(&mut answer)? {
        ids.push(int32(&mut answer)?);
        string(&mut answer)?;
        int32(&mut answer)?;
        string(&mut answer)?;
    }
    ids.sort_unstable();
    Some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_read_and_a_truncated_answer_is_refused() {
        let mut answer = vec![0, 0, 0, 2];
        for id in [2_u8, 1] {
            answer.extend([0, 0, 0, id, 0, 1, b'h', 0, 0, 0x23, 0x84, 0xff, 0xff]);
        }
        assert_eq!(parse(&answer), Some(vec![1, 2]));
        for length in 0..answer.len() {
            assert_eq!(parse(&answer[..length]), None, "{length} bytes");
        }
    }
}
