//! Numbered, checksummed records: what was written can be told from what was read, whoever reads it.

use std::collections::BTreeMap;

/// The value of one record: its partition, its number there, some filling, and a checksum over all that.
#[must_use]
pub fn numbered(partition: i32, number: u64) -> String {
    padded(partition, number, "")
}

/// The same with more filling.
#[must_use]
pub fn padded(partition: i32, number: u64, padding: &str) -> String {
    const LONGEST: u64 = 200;
    let filling = "x".repeat(usize::try_from(number.wrapping_mul(7919) % LONGEST).unwrap_or_default());
    let text = format!("{partition} {number} -{filling}{padding}");
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

/// How many partitions one life of a topic may have; see [`named_in`].
pub const LIFE: i32 = 1_000;

/// The name of a partition of a topic that was deleted and made again so many times: records of one life are told from
/// those of another.
#[must_use]
pub fn named_in(life: i32, partition: i32) -> i32 {
    life * LIFE + partition
}

/// What was read of all partitions, record by record in each partition's order.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    chains: BTreeMap<i32, Chain>,
    damaged: u64,
}

/// The numbers of one partition.
#[derive(Clone, Debug, Default)]
struct Chain {
    /// What was seen, as runs of numbers: of each the first one, and the one behind the last. So much is read that its
    /// size must not depend on that.
    seen: BTreeMap<u64, u64>,
    count: u64,
    repeated: u64,
    out_of_order: u64,
}

impl Chains {
    /// Takes the next value.
    pub fn see(&mut self, value: &str) {
        match parse(value) {
            Some((partition, number)) => self.note(partition, number),
            None => self.damaged += 1,
        }
    }

    /// Takes the next value of a partition, which must be the one that the value names.
    pub fn see_in(&mut self, partition: &str, value: &str) {
        match parse(value) {
            Some((named, number)) if partition == (named % LIFE).to_string() => self.note(named, number),
            _ => self.damaged += 1,
        }
    }

    /// Takes the next record of a partition, known to be whole.
    pub fn note(&mut self, partition: i32, number: u64) {
        self.chains.entry(partition).or_default().see(number);
    }

    /// How many different records were read.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.chains.values().map(|chain| chain.count).sum()
    }

    /// Whether a record was read.
    #[must_use]
    pub fn has(&self, partition: i32, number: u64) -> bool {
        self.chains.get(&partition).is_some_and(|chain| chain.has(number))
    }

    /// The lowest number that was read of a partition.
    #[must_use]
    pub fn first(&self, partition: i32) -> Option<u64> {
        self.chains.get(&partition)?.seen.keys().next().copied()
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
    fn has(&self, number: u64) -> bool {
        self.seen.range(..=number).next_back().is_some_and(|(_, end)| number < *end)
    }

    fn see(&mut self, number: u64) {
        if self.has(number) {
            self.repeated += 1;
            return;
        }
        self.count += 1;
        let later = self.seen.range(number..).next().map(|(start, end)| (*start, *end));
        self.out_of_order += u64::from(later.is_some());
        let end = match later {
            Some((start, end)) if start == number + 1 => {
                self.seen.remove(&start);
                end
            }
            _ => number + 1,
        };
        match self.seen.range_mut(..number).next_back() {
            Some((_, before)) if *before == number => *before = end,
            _ => drop(self.seen.insert(number, end)),
        }
    }
}
