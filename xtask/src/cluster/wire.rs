//! One request and its answer in Kafka's protocol, by hand, because this tool must not need the client it helps to build.
//!
//! Mostly versions without compact fields: header v1 and lengths of fixed size.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

const LARGEST_ANSWER: usize = 1 << 20;

/// Sends a request to the broker at this address, and reads the body of its answer.
pub(crate) fn call(address: &str, timeout: Duration, api: i16, version: i16, body: &[u8]) -> Result<Vec<u8>> {
    exchange(address, timeout, (api, version), Header::Plain, body)
}

/// The same for a version with compact fields, which the caller has to read and write.
pub(crate) fn call_flexible(
    address: &str,
    timeout: Duration,
    api: i16,
    version: i16,
    body: &[u8],
) -> Result<Vec<u8>> {
    exchange(address, timeout, (api, version), Header::Flexible, body)
}

/// Whether tagged fields, of which we have none, follow a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Plain,
    Flexible,
}

fn exchange(
    address: &str,
    timeout: Duration,
    (api, version): (i16, i16),
    header: Header,
    body: &[u8],
) -> Result<Vec<u8>> {
    let address: SocketAddr = address.parse().with_context(|| format!("{address:?} is no address"))?;
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(&frame(api, version, header, body))?;
    let mut size = [0; 4];
    stream.read_exact(&mut size)?;
    let size = usize::try_from(i32::from_be_bytes(size)).context("negative size")?;
    if size > LARGEST_ANSWER {
        bail!("the answer claims {size} bytes");
    }
    let mut answer = vec![0; size];
    stream.read_exact(&mut answer)?;
    let mut body = answer.as_slice();
    int32(&mut body).context("the answer has no correlation id")?;
    if header == Header::Flexible {
        body = body.strip_prefix(&[0]).context("the answer has unknown fields")?;
    }
    Ok(body.to_vec())
}

/// Size, API, version, correlation id, null client id, body.
fn frame(api: i16, version: i16, header: Header, body: &[u8]) -> Vec<u8> {
    const LENGTH: usize = 10;
    let tags: &[u8] = if header == Header::Flexible { &[0] } else { &[] };
    let mut frame = ((LENGTH + tags.len() + body.len()) as u32).to_be_bytes().to_vec();
    frame.extend(api.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(1_i32.to_be_bytes());
    frame.extend((-1_i16).to_be_bytes());
    frame.extend(tags);
    frame.extend(body);
    frame
}

/// Appends an array: how many, and each.
pub(crate) fn put_array<T>(out: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    out.extend((items.len() as u32).to_be_bytes());
    items.iter().for_each(|item| put(out, item));
}

/// Appends a string.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text.as_bytes());
}

pub(crate) fn int32(bytes: &mut &[u8]) -> Option<i32> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*head))
}

pub(crate) fn int64(bytes: &mut &[u8]) -> Option<i64> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    *bytes = rest;
    Some(i64::from_be_bytes(*head))
}

pub(crate) fn int16(bytes: &mut &[u8]) -> Option<i16> {
    let (head, rest) = bytes.split_first_chunk::<2>()?;
    *bytes = rest;
    Some(i16::from_be_bytes(*head))
}

/// A string; null, which is length -1, is read as empty.
pub(crate) fn string(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::try_from(int16(bytes)?.max(0)).ok()?;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// The first error of an array of error codes and messages, with what `skip` passes over behind each.
pub(crate) fn first_error(
    answer: &[u8],
    skip: impl Fn(&mut &[u8]) -> Option<()>,
) -> Option<Option<(i16, String)>> {
    let mut rest = answer;
    int32(&mut rest)?; // throttle time
    let mut error = None;
    for _ in 0..int32(&mut rest)? {
        let code = int16(&mut rest)?;
        let message = string(&mut rest)?;
        skip(&mut rest)?;
        if code != 0 && error.is_none() {
            error = Some((code, message));
        }
    }
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_its_size_first() {
        let plain = frame(3, 1, Header::Plain, &[7]);
        assert_eq!(plain, [0, 0, 0, 11, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 7]);
        assert_eq!(frame(45, 0, Header::Flexible, &[7])[..4], [0, 0, 0, 12]);
    }

    #[test]
    fn the_first_error_is_found_and_a_truncated_answer_is_refused() {
        let answer = [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0xff, 0xff, 0, 41, 0, 2, b'n', b'o'];
        assert_eq!(first_error(&answer, |_| Some(())), Some(Some((41, "no".to_owned()))));
        for length in 0..answer.len() {
            assert_eq!(first_error(&answer[..length], |_| Some(())), None, "{length} bytes");
        }
    }
}
