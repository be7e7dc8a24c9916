//! Asks a broker, in a few bytes of Kafka's protocol, whether it answers and which brokers it knows.
//!
//! By hand, because this tool must not need the client it helps to build.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

const METADATA: i16 = 3;
const METADATA_VERSION: i16 = 1;
const LARGEST_ANSWER: usize = 1 << 20;

/// The ids of the brokers that the one at this address knows to be alive.
pub(crate) fn known_brokers(address: &str, timeout: Duration) -> Result<Vec<i32>> {
    let address: SocketAddr = address.parse().with_context(|| format!("{address:?} is no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(&request())?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = usize::try_from(i32::from_be_bytes(size)).context("negative size")?;
    if size > LARGEST_ANSWER {
        bail!("the answer claims {size} bytes");
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer)?;
    parse(&answer).context("the answer is no metadata")
}

/// Metadata for no topic at all: header v1 (API, version, correlation id, null client id), then an empty list.
fn request() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(METADATA.to_be_bytes());
    body.extend(METADATA_VERSION.to_be_bytes());
    body.extend(1_i32.to_be_bytes());
    body.extend((-1_i16).to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    let mut frame = (body.len() as u32).to_be_bytes().to_vec();
    frame.extend(body);
    frame
}

/// Correlation id, then brokers of id, host, port and rack; the rest does not matter here.
fn parse(mut answer: &[u8]) -> Option<Vec<i32>> {
    int32(&mut answer)?;
    let count = int32(&mut answer)?;
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(int32(&mut answer)?);
        skip_string(&mut answer)?;
        int32(&mut answer)?;
        skip_string(&mut answer)?;
    }
    ids.sort_unstable();
    Some(ids)
}

fn int32(bytes: &mut &[u8]) -> Option<i32> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*head))
}

/// A string may be null, which is length -1.
fn skip_string(bytes: &mut &[u8]) -> Option<()> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    let length = i16::from_be_bytes(*head).max(0);
    *bytes = rest.get(usize::try_from(length).ok()?..)?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_read_and_a_truncated_answer_is_refused() {
        let mut answer = vec![0, 0, 0, 1, 0, 0, 0, 2];
        for id in [2_u8, 1] {
            answer.extend([0, 0, 0, id, 0, 1, b'h', 0, 0, 0x23, 0x84, 0xff, 0xff]);
        }
        assert_eq!(parse(&answer), Some(vec![1, 2]));
        for length in 0..answer.len() {
            assert_eq!(parse(&answer[..length]), None, "{length} bytes");
        }
    }
}
