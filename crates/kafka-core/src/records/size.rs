//! How large a record is once it is written.

use crate::records::AsHeader;
use crate::records::varint::{MAX_VARINT, MAX_VARLONG, varint_size, varlong_size};
use crate::{Error, ErrorKind, Result};

/// The most that a record takes beside its key, value and headers: its length, attributes, timestamp and offset.
const MAX_RECORD_OVERHEAD: usize = MAX_VARINT + 1 + MAX_VARLONG + MAX_VARINT;

/// The most bytes that a record with these parts takes in any batch, the batch's own
/// [`BATCH_OVERHEAD`](crate::records::BATCH_OVERHEAD) not counted.
///
/// It is exact but for at most 20 bytes that depend on the record's place in its batch. `max.request.size` is compared
/// with it before a record is accepted.
pub fn record_size_upper_bound<H: AsHeader>(
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[H],
) -> usize {
    MAX_RECORD_OVERHEAD
        .saturating_add(bytes_size(key))
        .saturating_add(bytes_size(value))
        .saturating_add(headers_size(headers))
}

/// The bytes of a record after its length.
#[inline]
pub(super) fn body_size<H: AsHeader>(
    timestamp_delta: i64,
    offset_delta: i32,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
    headers: &[H],
) -> usize {
    1usize
        .saturating_add(varlong_size(timestamp_delta))
        .saturating_add(varint_size(offset_delta))
        .saturating_add(bytes_size(key))
        .saturating_add(bytes_size(value))
        .saturating_add(headers_size(headers))
}

/// A size as the 32-bit integer it is written as.
#[inline]
pub(super) fn to_i32(size: usize) -> Result<i32> {
    i32::try_from(size).map_err(|_| too_large(size))
}

/// A length as it is written, -1 for null; the whole record is known to fit 31 bits.
#[inline]
pub(super) fn length_of(bytes: Option<&[u8]>) -> i32 {
    bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX))
}

#[inline]
fn bytes_size(bytes: Option<&[u8]>) -> usize {
    match bytes {
        None => 1,
        Some(bytes) => varint_size(length_of(Some(bytes))).saturating_add(bytes.len()),
    }
}

#[inline]
fn headers_size<H: AsHeader>(headers: &[H]) -> usize {
    if headers.is_empty() {
        return 1;
    }
    let count = varint_size(i32::try_from(headers.len()).unwrap_or(i32::MAX));
    headers.iter().fold(count, |size, header| {
        size.saturating_add(bytes_size(Some(header.key().as_bytes())))
            .saturating_add(bytes_size(header.value()))
    })
}

#[cold]
fn too_large(size: usize) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("record of {size} bytes exceeds the 2 GiB that its format allows; split it"),
    )
}
