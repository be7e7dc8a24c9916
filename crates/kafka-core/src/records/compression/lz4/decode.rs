//! Reads one block: sequences of some literal bytes and a match, which repeats bytes that came before.
//!
//! Nearly all sequences are short, so [`quick`] copies 32 bytes where fewer are wanted and lets the next sequence write over
//! what was too much: no loop, and no branch that the processor could guess wrong. Where that would read or write beyond
//! the ends, or a sequence is not as usual, [`careful`] does the same byte for byte, and tells what is wrong.

use super::{GOES_ON, LEAST_MATCH, MOST};

/// Why a block cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockError {
    /// Its contents are larger than the memory for them.
    NoRoom,
    /// It is not what an encoder writes.
    Damaged,
}

/// What one copy moves, wanted or not.
const COPY: usize = 32;

/// Where the next sequence begins in the block, and where its contents go.
type Place = (usize, usize);

/// Writes the block's contents to `output` from `start` on, and returns where they end. A match may repeat whatever stands in
/// `output` before.
pub(super) fn decode(block: &[u8], output: &mut [u8], start: usize) -> Result<usize, BlockError> {
    match <&mut [u8; MOST]>::try_from(&mut *output) {
        // By far the most blocks. With a known size there is one number less to hold in registers, which makes a tenth.
        Ok(output) if start == 0 => sequences(block, output, 0),
        _ => sequences(block, output, start),
    }
}
#[inline(always)]
fn sequences(block: &[u8], output: &mut [u8], start: usize) -> Result<usize, BlockError> {
    let (mut from, mut to) = (0, start);
    loop {
        while let Some(next) = quick(block, output, from, to) {
            (from, to) = next;
        }
        (from, to) = careful(block, output, from, to)?;
        if from == block.len() {
            return Ok(to);
        }
    }
}

/// One sequence, or nothing where [`careful`] has to look at it; what it wrote until then does no harm.
#[inline(always)]
fn quick(block: &[u8], output: &mut [u8], mut from: usize, to: usize) -> Option<Place> {
    let token = *block.get(from)?;
    from += 1;
    let mut literals = usize::from(token >> 4);
    // A branch, which the processor goes past before it knows; arithmetic in its place would have it wait for the length.
    if literals == GOES_ON {
        (from, literals) = longer(block, from, literals)?;
    }
    store::<COPY>(output, to, load(block, from)?)?;
    if literals > COPY {
        let source = block.get(from..from.checked_add(literals)?)?;
        output.get_mut(to..to.checked_add(literals)?)?.copy_from_slice(source);
    }
    from += literals;
    let at = to + literals;

    let offset = usize::from(u16::from_le_bytes(load(block, from)?));
    from += 2;
    let mut length = usize::from(token & 15);
    if length == GOES_ON {
        (from, length) = longer(block, from, length)?;
    }
    let end = at.checked_add(length + LEAST_MATCH)?;
    let mut source = at.checked_sub(offset)?;
    if end > output.len() {
        return None;
    }
    if offset < COPY {
        near(output, offset, at, end)?;
        return Some((from, end));
    }
    store::<COPY>(output, at, load(output, source)?)?;
    if end > at + COPY {
        let mut target = at + COPY;
        source += COPY;
        while target < end {
            store::<COPY>(output, target, load(output, source)?)?;
            source += COPY;
            target += COPY;
        }
    }
    Some((from, end))
}

/// A match that begins less than [`COPY`] bytes back.
#[inline(never)]
fn near(output: &mut [u8], offset: usize, at: usize, end: usize) -> Option<()> {
    const STEP: usize = 8;
    /// The least multiple of an offset that is no less than `STEP`.
    const PERIOD: [usize; STEP] = [0, 8, 8, 9, 8, 10, 12, 14];

    let (mut target, mut period) = (at, offset);
    if offset < STEP {
        // Its first bytes one by one, until what repeats is long enough to be copied at a time.
        period = *PERIOD.get(offset)?;
        if period == 0 {
            return None;
        }
        target = end.min(at + period);
        for place in at..target {
            *output.get_mut(place)? = *output.get(place - offset)?;
        }
    }
    while target < end {
        store::<STEP>(output, target, load(output, target - period)?)?;
        target += STEP;
    }
    Some(())
}

/// One sequence, byte for byte.
#[cold]
#[inline(never)]
fn careful(block: &[u8], output: &mut [u8], mut from: usize, to: usize) -> Result<Place, BlockError> {
    use BlockError::{Damaged, NoRoom};

    let token = *block.get(from).ok_or(Damaged)?;
    from += 1;
    let mut literals = usize::from(token >> 4);
    if literals == GOES_ON {
        (from, literals) = longer(block, from, literals).ok_or(Damaged)?;
    }
    let source = from.checked_add(literals).and_then(|end| block.get(from..end)).ok_or(Damaged)?;
    let at = to.checked_add(literals).ok_or(NoRoom)?;
    output.get_mut(to..at).ok_or(NoRoom)?.copy_from_slice(source);
    from += literals;
    if from == block.len() {
        // The last sequence has no match.
        return Ok((from, at));
    }
    let offset = usize::from(u16::from_le_bytes(load(block, from).ok_or(Damaged)?));
    from += 2;
    let mut length = usize::from(token & 15);
    if length == GOES_ON {
        (from, length) = longer(block, from, length).ok_or(Damaged)?;
    }
    if offset == 0 || offset > at {
        return Err(Damaged);
    }
    let end = at.checked_add(length).and_then(|end| end.checked_add(LEAST_MATCH)).ok_or(NoRoom)?;
    if end > output.len() {
        return Err(NoRoom);
    }
    for place in at..end {
        let byte = output.get(place - offset).copied().unwrap_or_default();
        if let Some(target) = output.get_mut(place) {
            *target = byte;
        }
    }
    // Literals end a block, and no match does.
    if from == block.len() { Err(Damaged) } else { Ok((from, end)) }
}

/// Adds the bytes from `from` on to a length, up to the first that is not 255; returns where they end, and the length.
#[inline(always)]
fn longer(block: &[u8], from: usize, length: usize) -> Option<(usize, usize)> {
    match *block.get(from)? {
        u8::MAX => much_longer(block, from, length),
        more => Some((from + 1, length + usize::from(more))),
    }
}

#[cold]
#[inline(never)]
fn much_longer(block: &[u8], from: usize, length: usize) -> Option<(usize, usize)> {
    /// Longer than the contents of any block, and so far from what a number holds that adding to it does no harm.
    const ABSURD: usize = 1 << 30;

    let rest = block.get(from..)?;
    let full = rest.iter().position(|&more| more != u8::MAX)?;
    let last = usize::from(*rest.get(full)?);
    let length = full.checked_mul(usize::from(u8::MAX))?.checked_add(length + last)?;
    (length < ABSURD).then_some((from + full + 1, length))
}

#[inline(always)]
fn load<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[inline(always)]
fn store<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut()? = value;
    Some(())
}
