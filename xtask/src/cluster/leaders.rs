//! Where a topic's leaders are, and moving them.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::wire::{self, int16, int32, put_array, put_string, string};

const METADATA: i16 = 3;
const DELETE_RECORDS: i16 = 21;
const ELECT_LEADERS: i16 = 43;
const ALTER_PARTITION_REASSIGNMENTS: i16 = 45;

const PATIENCE: Duration = Duration::from_secs(10);

/// One partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) index: i32,
    /// -1 while it has none.
    pub(crate) leader: i32,
    /// Brokers by preference.
    pub(crate) replicas: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
}

/// The partitions of a topic, as the broker at this address knows them.
pub(crate) fn partitions(address: &str, topic: &str) -> Result<Vec<Partition>> {
    let mut body = Vec::new();
    put_array(&mut body, &[topic], |body, topic| put_string(body, topic));
    let answer = wire::call(address, PATIENCE, METADATA, 1, &body)?;
    let (error, partitions) = parse(&answer).context("the answer is no metadata of a topic")?;
    if error != 0 {
        bail!("topic {topic:?}: error {error}");
    }
    Ok(partitions)
}

/// Metadata version 1: brokers, controller, topics.
fn parse(mut answer: &[u8]) -> Option<(i16, Vec<Partition>)> {
    let rest = &mut answer;
    for _ in 0..int32(rest)? {
        int32(rest)?;
        string(rest)?;
        int32(rest)?;
        string(rest)?;
    }
    int32(rest)?; // controller
    int32(rest)?; // one topic
    let error = int16(rest)?;
    string(rest)?;
    *rest = rest.get(1..)?; // internal or not
    let mut partitions = Vec::new();
    for _ in 0..int32(rest)? {
        int16(rest)?; // a partition without a leader is one all the same
        let index = int32(rest)?;
        let leader = int32(rest)?;
        partitions.push(Partition { index, leader, replicas: ids(rest)?, in_sync: ids(rest)? });
    }
    Some((error, partitions))
}

fn ids(rest: &mut &[u8]) -> Option<Vec<i32>> {
    (0..int32(rest)?).map(|_| int32(rest)).collect()
}

/// Makes the next replica of each partition the preferred one, and lets it lead.
pub(crate) fn rotate(address: &str, topic: &str) -> Result<()> {
    let mut partitions = partitions(address, topic)?;
    for partition in &mut partitions {
        partition.replicas.rotate_left(1);
    }
    let answer = wire::call_flexible(
        address,
        PATIENCE,
        ALTER_PARTITION_REASSIGNMENTS,
        0,
        &reassignment(topic, &partitions),
    )?;
    // Behind the throttle time.
    let error = answer.get(4..).and_then(|mut rest| int16(&mut rest)).context("the answer is cut off")?;
    if error != 0 {
        bail!("the brokers refuse to reorder replicas: error {error}");
    }
    let mut body = vec![0]; // the preferred one
    put_array(&mut body, &[topic], |body, topic| {
        put_string(body, topic);
        put_array(body, &partitions, |body, partition| body.extend(partition.index.to_be_bytes()));
    });
    body.extend(10_000_i32.to_be_bytes());
    // Partitions that could not move stay where they are, which is no fault.
    wire::call(address, PATIENCE, ELECT_LEADERS, 1, &body).map(drop)
}

/// Removes the records that these partitions have now; the address is that of the broker that leads them.
pub(crate) fn delete_records(address: &str, topic: &str, partitions: &[i32]) -> Result<()> {
    /// Up to the high watermark.
    const ALL: i64 = -1;
    let mut body = Vec::new();
    put_array(&mut body, &[topic], |body, topic| {
        put_string(body, topic);
        put_array(body, partitions, |body, partition| {
            body.extend(partition.to_be_bytes());
            body.extend(ALL.to_be_bytes());
        });
    });
    body.extend(10_000_i32.to_be_bytes());
    let answer = wire::call(address, PATIENCE, DELETE_RECORDS, 1, &body)?;
    match deletion_error(&answer).context("the answer is cut off")? {
        0 => Ok(()),
        error => bail!("the broker does not remove records of {topic}: error {error}"),
    }
}

/// The first error of one topic's partitions.
fn deletion_error(mut answer: &[u8]) -> Option<i16> {
    let rest = &mut answer;
    int32(rest)?; // throttle time
    int32(rest)?; // one topic
    string(rest)?;
    let mut first = 0;
    for _ in 0..int32(rest)? {
        int32(rest)?;
        *rest = rest.get(8..)?; // where the log begins now
        let error = int16(rest)?;
        first = if first == 0 { error } else { first };
    }
    Some(first)
}

/// Version 0, whose lengths are compact: one more than they are, and below 128 here.
fn reassignment(topic: &str, partitions: &[Partition]) -> Vec<u8> {
    let compact = |length: usize| u8::try_from(length + 1).unwrap_or(u8::MAX) & 0x7f;
    let mut body = 10_000_i32.to_be_bytes().to_vec();
    body.extend([compact(1), compact(topic.len())]);
    body.extend(topic.as_bytes());
    body.push(compact(partitions.len()));
    for partition in partitions {
        body.extend(partition.index.to_be_bytes());
        body.push(compact(partition.replicas.len()));
        partition.replicas.iter().for_each(|id| body.extend(id.to_be_bytes()));
        body.push(0);
    }
    body.extend([0, 0]);
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_error_of_a_deletion_is_found_and_a_truncated_answer_is_refused() {
        let mut answer = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 2];
        for error in [0, 6] {
            answer.extend([0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, error]);
        }
        assert_eq!(deletion_error(&answer), Some(6));
        for length in 0..answer.len() {
            assert_eq!(deletion_error(&answer[..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn partitions_are_read_and_a_truncated_answer_is_refused() {
        let mut answer = vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 1, b'h', 0, 0, 1, 1, 0xff, 0xff]; // a broker
        answer.extend([0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, b't', 0]); // controller, topic
        answer.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 7, 0, 0, 0, 2]); // partition 7, led by 2
        answer.extend([0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2]);
        let partition = Partition { index: 7, leader: 2, replicas: vec![2, 3], in_sync: vec![2] };
        assert_eq!(parse(&answer), Some((0, vec![partition])));
        for length in 0..answer.len() {
            assert_eq!(parse(&answer[..length]), None, "{length} bytes");
        }
    }
}
