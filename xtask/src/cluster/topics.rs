//! Making and removing topics, and counting and weighing what they hold, without any client that is being measured.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{
    leaders,
    wire::{self, int16, int32, int64, put_array, put_string, string},
};
use crate::interrupt;

const LIST_OFFSETS: i16 = 2;
const CREATE_TOPICS: i16 = 19;
const DELETE_TOPICS: i16 = 20;
const DESCRIBE_LOG_DIRS: i16 = 35;

const PATIENCE: Duration = Duration::from_secs(30);

/// Creates a topic without replicas, and waits until each of its partitions has a leader.
pub(crate) fn create(address: &str, topic: &str, partitions: i32) -> Result<()> {
    let mut body = Vec::new();
    put_array(&mut body, &[topic], |body, topic| {
        put_string(body, topic);
        body.extend(partitions.to_be_bytes());
        body.extend(1_i16.to_be_bytes());
        body.extend([0; 8]); // neither an assignment nor configs
    });
    body.extend(timeout());
    body.push(0); // not only to be checked
    let answer = wire::call(address, PATIENCE, CREATE_TOPICS, 2, &body)?;
    match creation_error(&answer).context("the answer is cut off")? {
        0 => {}
        error => bail!("the broker does not create {topic}: error {error}"),
    }
    let begin = Instant::now();
    loop {
        let known = leaders::partitions(address, topic).unwrap_or_default();
        let led = known.iter().filter(|partition| partition.leader >= 0).count();
        if i32::try_from(led)? == partitions {
            return Ok(());
        }
        ensure!(begin.elapsed() < PATIENCE, "{topic} has no leaders");
        interrupt::check()?;
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Removes a topic.
pub(crate) fn delete(address: &str, topic: &str) -> Result<()> {
    let mut body = Vec::new();
    put_array(&mut body, &[topic], |body, topic| put_string(body, topic));
    body.extend(timeout());
    let answer = wire::call(address, PATIENCE, DELETE_TOPICS, 1, &body)?;
    match deletion_error(&answer).context("the answer is cut off")? {
        0 => Ok(()),
        error => bail!("the broker does not remove {topic}: error {error}"),
    }
}

/// How many records a topic holds, by where its partitions end; from all of them the broker at this address leads, and none
/// was removed.
pub(crate) fn records(address: &str, topic: &str) -> Result<u64> {
    const END: i64 = -1;
    let partitions = leaders::partitions(address, topic)?;
    let mut body = (-1_i32).to_be_bytes().to_vec(); // not a replica
    put_array(&mut body, &[topic], |body, topic| {
        put_string(body, topic);
        put_array(body, &partitions, |body, partition| {
            body.extend(partition.index.to_be_bytes());
            body.extend(END.to_be_bytes());
        });
    });
    let answer = wire::call(address, PATIENCE, LIST_OFFSETS, 1, &body)?;
    let ends = ends(&answer).context("the answer is cut off")?;
    ensure!(ends.len() == partitions.len(), "the broker leaves partitions of {topic} out");
    ends.into_iter().try_fold(0, |sum, (error, end)| match (error, u64::try_from(end)) {
        (0, Ok(end)) => Ok(sum + end),
        (error, _) => bail!("the broker does not say where {topic} ends: error {error}"),
    })
}

/// How many bytes the broker at this address keeps of a topic.
pub(crate) fn bytes(address: &str, topic: &str) -> Result<u64> {
    let partitions = leaders::partitions(address, topic)?;
    let mut body = Vec::new();
    put_array(&mut body, &[topic], |body, topic| {
        put_string(body, topic);
        put_array(body, &partitions, |body, partition| body.extend(partition.index.to_be_bytes()));
    });
    let answer = wire::call(address, PATIENCE, DESCRIBE_LOG_DIRS, 1, &body)?;
    let sizes = sizes(&answer).context("the answer is cut off")?;
    ensure!(sizes.len() == partitions.len(), "the broker leaves partitions of {topic} out");
    sizes.into_iter().map(|size| u64::try_from(size).context("a negative size")).sum()
}

fn timeout() -> [u8; 4] {
    20_000_i32.to_be_bytes()
}

/// CreateTopics version 2, one topic.
fn creation_error(mut answer: &[u8]) -> Option<i16> {
    let rest = &mut answer;
    int32(rest)?; // throttle time
    int32(rest)?;
    string(rest)?;
    int16(rest)
}

/// DeleteTopics version 1, one topic.
fn deletion_error(answer: &[u8]) -> Option<i16> {
    creation_error(answer)
}

/// ListOffsets version 1, one topic: the error and the offset of each partition.
fn ends(mut answer: &[u8]) -> Option<Vec<(i16, i64)>> {
    let rest = &mut answer;
    int32(rest)?; // one topic
    string(rest)?;
    let mut ends = Vec::new();
    for _ in 0..int32(rest)? {
        int32(rest)?;
        let error = int16(rest)?;
        int64(rest)?; // time
        ends.push((error, int64(rest)?));
    }
    Some(ends)
}

/// DescribeLogDirs version 1: the sizes of all partitions in all folders.
fn sizes(mut answer: &[u8]) -> Option<Vec<i64>> {
    let rest = &mut answer;
    int32(rest)?; // throttle time
    let mut sizes = Vec::new();
    for _ in 0..int32(rest)? {
        int16(rest)?;
        string(rest)?; // the folder
        for _ in 0..int32(rest)? {
            string(rest)?;
            for _ in 0..int32(rest)? {
                int32(rest)?;
                sizes.push(int64(rest)?);
                int64(rest)?; // lag
                *rest = rest.get(1..)?; // of a copy on the move or not
            }
        }
    }
    Some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_and_a_truncated_answer_is_refused() {
        let mut answer = vec![0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2];
        for (error, end) in [(0, 9_u8), (6, 0)] {
            answer.extend([0, 0, 0, 3, 0, error, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end]);
        }
        assert_eq!(ends(&answer), Some(vec![(0, 9), (6, 0)]));
        for length in 0..answer.len() {
            assert_eq!(ends(&answer[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn sizes_of_all_folders_are_read_and_a_truncated_answer_is_refused() {
        let mut answer = vec![0, 0, 0, 0, 0, 0, 0, 2];
        for (partition, size) in [(0, 7_u8), (1, 9)] {
            answer.extend([0, 0, 0, 1, b'd', 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, partition]);
            answer.extend([0, 0, 0, 0, 0, 0, 0, size, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
        assert_eq!(sizes(&answer), Some(vec![7, 9]));
        for length in 0..answer.len() {
            assert_eq!(sizes(&answer[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn a_refusal_is_seen() {
        let answer = [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 36];
        assert_eq!(creation_error(&answer), Some(36));
        assert_eq!(creation_error(&answer[..12]), None);
    }
}
