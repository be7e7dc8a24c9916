use std::time::Duration;

use bytes::Bytes;
use kafka_embedded::fuzzing::Brokers;

use crate::corpus::read_by_clients;
use crate::{Target, record_sets, responses};

/// Gives a target one input, as libFuzzer invents them: whatever it is, it may be an error, and nothing else.
///
/// For [`Target::Responses`] the first two bytes say which message the rest is; for [`Target::Frames`] the first is how many bytes
/// come at a time; for [`Target::Requests`] each request has its length before it, in two bytes.
pub fn feed(target: Target, input: &[u8]) {
    match target {
        Target::Responses => {
            if let Some((chosen, rest)) = input.split_first_chunk::<2>() {
                let shapes = read_by_clients();
                responses::read(
                    &shapes[usize::from(u16::from_be_bytes(*chosen)) % shapes.len()],
                    rest.to_vec(),
                );
            }
        }
        Target::Frames => {
            if let Some((piece, rest)) = input.split_first() {
                responses::split(rest, usize::from(*piece));
            }
        }
        Target::Records => drop(record_sets::read(input.to_vec())),
        Target::Requests | Target::Sockets => requests(input),
    }
}

fn requests(mut input: &[u8]) {
    let mut brokers = Brokers::new(0, 1 << 20).topic("t", 3);
    while let Some((length, rest)) = input.split_first_chunk::<2>() {
        let (frame, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        let served = brokers.serve(1, Bytes::copy_from_slice(frame), Duration::from_millis(100));
        assert!(served.is_ok(), "{served:?}");
        input = rest;
    }
}
