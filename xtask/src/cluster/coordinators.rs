//! Which broker has a group.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::wire::{self, int16, int32, put_string, string};
use crate::interrupt;

const FIND_COORDINATOR: i16 = 10;

const PATIENCE: Duration = Duration::from_secs(10);

/// How long that takes at most.
const TAKEN_OVER: Duration = Duration::from_secs(60);

/// What a broker answers while the groups of one that died are being taken over.
const NOT_AVAILABLE: i16 = 15;

/// The id of the broker that coordinates a group, as the one at this address knows it; waits until there is one.
pub(crate) fn of_group(address: &str, group: &str) -> Result<i32> {
    let mut body = Vec::new();
    put_string(&mut body, group);
    body.push(0); // a group, and no transactional id
    let begin = Instant::now();
    loop {
        let answer = wire::call(address, PATIENCE, FIND_COORDINATOR, 1, &body)?;
        match parse(&answer).context("the answer is cut off")? {
            (0, broker) => return Ok(broker),
            (NOT_AVAILABLE, _) if begin.elapsed() < TAKEN_OVER => {
                interrupt::check()?;
                thread::sleep(Duration::from_millis(200));
            }
            (error, _) => bail!("the coordinator of {group:?} is not known: error {error}"),
        }
    }
}

fn parse(mut answer: &[u8]) -> Option<(i16, i32)> {
    let rest = &mut answer;
    int32(rest)?; // throttle time
    let error = int16(rest)?;
    string(rest)?; // in words
    Some((error, int32(rest)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coordinator_is_read_and_a_truncated_answer_is_refused() {
        let answer = [0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 3];
        assert_eq!(parse(&answer), Some((0, 3)));
        for length in 0..answer.len() {
            assert_eq!(parse(&answer[..length]), None, "{length} bytes");
        }
    }
}
