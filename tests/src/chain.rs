//! Numbered, checksummed records: what was written can be told from what was read, whoever reads it.

use std::collections::BTreeMap;

/// The value of one record: its partition, its number there, some filling, and a checksum over all that.
#[must_use]
pub fn numbered(partition: i32, number: u64) -> String {
    const LONGEST: u64 = 200;
    let filling = "x".repeat(usize::try_from(number.wrapping_mul(7919) % LONGEST).unwrap_or_default());
    let text = format!("{partition} {number} -{filling}");
    let sum = checksum(text.as_bytes());
    format!("{text} {sum:016x}")
}

/// Partition and number of a value; `None` if it is not one of ours, whole.
#[must_use]
pub fn parse(value: &str) -> Option<(i32, u64)> {
    let (text, sum) = value.rsplit_once(' ')?;
    if u64::from_str_radix(sum, 16).ok()? != checksum(text.as_bytes()) {
        return None;
    }
    let mut words = text.split(' ');
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// FNV-1a, 64 bits.
fn checksum(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// What was read of all partitions, record by record in each partition's order.
#[derive(Debug, Default)]
pub struct Chains {
    chains: BTreeMap<i32, Chain>,
    damaged: u64,
}

/// The numbers of one partition.
#[derive(Debug, Default)]
struct Chain {
    seen: Vec<bool>,
    count: u64,
    repeated: u64,
    out_of_order: u64,
}

impl Chains {
    /// Takes the next value.
    pub fn see(&mut self, value: &str) {
        match parse(value) {
            Some((partition, number)) => self.chains.entry(partition).or_default().see(number),
            None => self.damaged += 1,
        }
    }

    /// Takes the next value of a partition, which must be the one that the value names.
    pub fn see_in(&mut self, partition: &str, value: &str) {
        match parse(value) {
            Some((named, number)) if partition == named.to_string() => {
                self.chains.entry(named).or_default().see(number);
            }
            _ => self.damaged += 1,
        }
    }

    /// How many different records were read.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.chains.values().map(|chain| chain.count).sum()
    }

    /// Whether a record was read.
    #[must_use]
    pub fn has(&self, partition: i32, number: u64) -> bool {
        let chain = self.chains.get(&partition);
        chain.is_some_and(|chain| usize::try_from(number).is_ok_and(|n| chain.seen.get(n) == Some(&true)))
    }

    /// How often a record came again.
    #[must_use]
    pub fn repeated(&self) -> u64 {
        self.chains.values().map(|chain| chain.repeated).sum()
    }

    /// How often a record came for the first time behind a later one.
    #[must_use]
    pub fn out_of_order(&self) -> u64 {
        self.chains.values().map(|chain| chain.out_of_order).sum()
    }

    /// How many values were not what was written.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }
}

impl Chain {
    fn see(&mut self, number: u64) {
        let Ok(index) = usize::try_from(number) else { return };
        let later = self.seen.len() > index;
        if !later {
            self.seen.resize(index + 1, false);
        }
        let Some(seen) = self.seen.get_mut(index) else { return };
        if *seen {
            self.repeated += 1;
            return;
        }
        *seen = true;
        self.count += 1;
        self.out_of_order += u64::from(later);
    }
}
