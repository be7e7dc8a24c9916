//! Copying what a record holds into its batch.

/// What is longer is worth a call of the system's `memcpy`.
const SHORT: usize = 256;

/// Appends `bytes` to `buffer`.
///
/// Short ones go in steps whose length the compiler knows, the last of which overlaps the one before: `memcpy` takes as long to
/// begin as most records take to copy, most of all musl's.
#[inline]
pub(super) fn put(buffer: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        0..4 => bytes.iter().for_each(|byte| buffer.push(*byte)),
        4..8 => in_steps::<4>(buffer, bytes),
        8..16 => in_steps::<8>(buffer, bytes),
        16..32 => in_steps::<16>(buffer, bytes),
        32..SHORT => in_steps::<32>(buffer, bytes),
        _ => buffer.extend_from_slice(bytes),
    }
}

/// Appends `bytes`, which are at least `N`.
#[inline]
fn in_steps<const N: usize>(buffer: &mut Vec<u8>, bytes: &[u8]) {
    let (steps, rest) = bytes.as_chunks::<N>();
    for step in steps {
        buffer.extend_from_slice(step);
    }
    if let Some(last) = bytes.last_chunk::<N>().filter(|_| !rest.is_empty()) {
        buffer.truncate(buffer.len() + rest.len() - N);
        buffer.extend_from_slice(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole_behind_what_is_there() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(2 * SHORT).collect();
        for len in 0..bytes.len() {
            let mut buffer = b"before".to_vec();
            put(&mut buffer, &bytes[..len]);
            assert_eq!((&buffer[..6], &buffer[6..]), (&b"before"[..], &bytes[..len]));
        }
    }
}
