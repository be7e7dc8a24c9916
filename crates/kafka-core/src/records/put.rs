//! Copying what a record holds into its batch.

/// What is shorter may be copied here; longer things are better left to the system's `memcpy`.
const SHORT: usize = 2_048;

/// Appends `bytes` to `buffer`.
///
/// musl's `memcpy` takes some 40 ns to begin, three times what writing a small record takes altogether: it is spared for
/// what is long. Those of other systems begin at once, and are quicker than what can be done here.
#[inline]
pub(super) fn put(buffer: &mut Vec<u8>, bytes: &[u8]) {
    if cfg!(target_env = "musl") && bytes.len() < SHORT {
        put_short(buffer, bytes);
    } else {
        buffer.extend_from_slice(bytes);
    }
}

/// Copies in steps whose length the compiler knows, the last of which overlaps the one before.
#[inline]
fn put_short(buffer: &mut Vec<u8>, bytes: &[u8]) {
    match bytes.len() {
        0..4 => bytes.iter().for_each(|byte| buffer.push(*byte)),
        4..8 => in_steps::<4>(buffer, bytes),
        8..16 => in_steps::<8>(buffer, bytes),
        16..32 => in_steps::<16>(buffer, bytes),
        32..128 => in_steps::<32>(buffer, bytes),
        _ => in_steps::<64>(buffer, bytes),
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
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(1_000).collect();
        for len in 0..bytes.len() {
            for put in [put, put_short] {
                let mut buffer = b"before".to_vec();
                put(&mut buffer, &bytes[..len]);
                assert_eq!((&buffer[..6], &buffer[6..]), (&b"before"[..], &bytes[..len]));
            }
        }
    }
}
