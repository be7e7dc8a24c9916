//! What clients wrote down: when something came, and of which partition.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context, Result};

/// The file of one client.
#[derive(Debug)]
pub(super) struct Times(PathBuf);

impl Times {
    pub(super) fn of(file: PathBuf) -> Self {
        Self(file)
    }

    /// Microseconds since 1970 and partitions, as far as they are written.
    fn read(&self) -> Result<Vec<(u64, i32)>> {
        let text =
            fs::read_to_string(&self.0).with_context(|| format!("cannot read {}", self.0.display()))?;
        Ok(parse(&text))
    }

    /// Seconds from a moment to the end of the longest time afterwards without anything; `None` while it may not be over.
    pub(super) fn end_of_stall(&self, since: u64) -> Result<Option<f64>> {
        Ok(end_of_stall(&self.read()?, since))
    }

    pub(super) fn partitions_since(&self, since: u64) -> Result<BTreeSet<i32>> {
        Ok(self.read()?.into_iter().filter(|(at, _)| *at >= since).map(|(_, partition)| partition).collect())
    }

    /// Seconds from a moment to the first line of one of these partitions.
    pub(super) fn first_of(&self, partitions: &BTreeSet<i32>, since: u64) -> Result<Option<f64>> {
        let lines = self.read()?;
        let first = lines.iter().find(|(at, partition)| *at >= since && partitions.contains(partition));
        Ok(first.map(|(at, _)| seconds(since, *at)))
    }
}

/// The last line may be written at this moment.
fn parse(text: &str) -> Vec<(u64, i32)> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| {
        let (at, partition) = line.split_once(' ')?;
        Some((at.parse().ok()?, partition.parse().ok()?))
    };
    whole.lines().filter_map(line).collect()
}

fn seconds(from: u64, to: u64) -> f64 {
    to.saturating_sub(from) as f64 / 1e6
}

fn end_of_stall(lines: &[(u64, i32)], since: u64) -> Option<f64> {
    /// Less is no stall; and after one it must have gone on for as long before it counts as over.
    const STALL: u64 = 500_000;
    let last = lines.last()?.0;
    let mut times: Vec<u64> = lines.iter().map(|(at, _)| *at).filter(|at| *at >= since).collect();
    times.insert(0, since);
    times.sort_unstable();
    let longest = times.windows(2).filter_map(|pair| match pair {
        [before, after] => Some((after - before, *after)),
        _ => None,
    });
    let (length, end) = longest.max()?;
    (length >= STALL && last >= end + STALL).then(|| seconds(since, end))
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The least and the most.
pub(super) fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{least:.2} to {most:.2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_ends_with_what_comes_after_the_longest_silence() {
        let mut lines: Vec<(u64, i32)> = (0..100).map(|n| (n * 10_000, 0)).collect();
        assert_eq!(end_of_stall(&lines, 900_000), None);
        lines.push((4_000_000, 0));
        // It may be but one late answer.
        assert_eq!(end_of_stall(&lines, 900_000), None);
        lines.extend((0..60).map(|n| (4_010_000 + n * 10_000, 0)));
        assert_eq!(end_of_stall(&lines, 900_000), Some(3.1));
    }

    #[test]
    fn half_a_line_is_none() {
        assert_eq!(parse("1 0\n2 1\n3"), [(1, 0), (2, 1)]);
        assert_eq!(parse("1"), []);
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert_eq!(spread(&[3.0, 1.0]), "1.00 to 3.00");
    }
}
