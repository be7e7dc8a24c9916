//! Writes one block. Looks for what came before by a table of where each six bytes were seen last.
//!
//! Six rather than the four that a match needs at least: matches of four and five bytes save next to nothing, and cost as
//! much to find, to write and to read as long ones.

use std::ops::Range;

use super::{GOES_ON, LEAST_MATCH, MOST};

/// A block ends with so many literals at least, says the format,
const LAST_LITERALS: usize = 5;
/// and has no match that begins so near its end.
const NO_MATCH: usize = 12;
const BITS: u32 = 13;

/// Where in the block some six bytes were seen last. Its entries are what bounds a block to [`MOST`] bytes.
pub(super) struct Table(Box<[u16; 1 << BITS]>);

impl Table {
    pub(super) fn new() -> Self {
        Self(Box::new([0; 1 << BITS]))
    }

    /// Notes that the bytes of `word` stand at `place`, and returns where such were seen before.
    #[inline(always)]
    fn replace(&mut self, word: u64, place: usize) -> Option<usize> {
        let hash = (word << 16).wrapping_mul(0x00cf_1bbc_dcbf_a563) >> (u64::BITS - BITS);
        let entry = self.0.get_mut(hash as usize)?;
        Some(usize::from(std::mem::replace(entry, place as u16)))
    }
}

/// The most that a block of `size` bytes comes to.
pub(super) fn bound(size: usize) -> usize {
    size + size / 255 + 16
}

/// Compresses `input` into the front of `output`; returns how many bytes it took. `None` where there are more than [`MOST`],
/// or not [`bound`] bytes of room.
pub(super) fn encode(input: &[u8], output: &mut [u8], table: &mut Table) -> Option<usize> {
    if input.len() > MOST {
        return None;
    }
    // What is in the block depends on nothing that came before it.
    table.0.fill(0);
    let last_match = input.len().saturating_sub(NO_MATCH);
    let mut written = 0;
    // Up to here all is written.
    let mut done = 0;
    let mut place = 1;
    while let Some((mut at, mut seen)) = find(input, table, place, last_match) {
        while at > done && seen > 0 && input.get(at - 1) == input.get(seen - 1) {
            (at, seen) = (at - 1, seen - 1);
        }
        loop {
            let here = input.get(at + LEAST_MATCH..input.len() - LAST_LITERALS)?;
            let end = at + LEAST_MATCH + common(here, input.get(seen + LEAST_MATCH..)?);
            written = sequence(input, output, written, done..at, at - seen, end - at)?;
            (done, place) = (end, end);
            if end >= last_match {
                break;
            }
            let word = load(input, end - 2)?;
            table.replace(word, end - 2)?;
            // Often the next match begins where this one ends.
            seen = table.replace(word >> 16, end)?;
            if !same(input, seen, word >> 16)? {
                place = end + 1;
                break;
            }
            at = end;
        }
    }
    literals(input, output, written, done)
}

/// The next place from `place` on that begins as one before it, and that one. Of bytes that never come again fewer and fewer
/// are looked at.
#[inline(always)]
fn find(input: &[u8], table: &mut Table, mut place: usize, end: usize) -> Option<(usize, usize)> {
    let start = place;
    while place < end {
        let word = load(input, place)?;
        let first = table.replace(word, place)?;
        let second = table.replace(word >> 8, place + 1)?;
        if same(input, first, word)? {
            return Some((place, first));
        }
        if same(input, second, word >> 8)? {
            return Some((place + 1, second));
        }
        place += 2 + ((place - start) >> 6);
    }
    None
}

#[inline(always)]
fn load(input: &[u8], at: usize) -> Option<u64> {
    input.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Whether the first four bytes of `word` stand at `place`.
#[inline(always)]
fn same(input: &[u8], place: usize, word: u64) -> Option<bool> {
    input.get(place..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes) == word as u32)
}

/// How many bytes both begin with.
#[inline(always)]
fn common(one: &[u8], other: &[u8]) -> usize {
    let mut count = 0;
    for (one, other) in one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0) {
        let differ = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differ != 0 {
            return count + differ.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    // Only where the block ends.
    count + one.iter().zip(other).skip(count).take_while(|(one, other)| one == other).count()
}

/// Writes the literals of `range` and a match; returns where it ends.
#[inline(always)]
fn sequence(
    input: &[u8],
    output: &mut [u8],
    at: usize,
    range: Range<usize>,
    offset: usize,
    length: usize,
) -> Option<usize> {
    /// The most literals that are written without a loop.
    const FEW: usize = 32;

    let literals = range.end - range.start;
    let more = length - LEAST_MATCH;
    // Each length that goes on in a second byte has it written, needed or not, and whatever comes next begins where it is.
    if literals <= FEW
        && more < GOES_ON + 255
        && let Some(source) = input.get(range.start..).and_then(<[u8]>::first_chunk::<FEW>)
        && let Some(target) = output.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<{ FEW + 8 }>)
    {
        let [head, next, ..] = target;
        (*head, *next) = (token(literals, more), literals.wrapping_sub(GOES_ON) as u8);
        let start = 1 + usize::from(literals >= GOES_ON);
        *target.get_mut(start..)?.first_chunk_mut()? = *source;
        let [low, high] = (offset as u16).to_le_bytes();
        let end = start + literals;
        *target.get_mut(end..)?.first_chunk_mut()? = [low, high, more.wrapping_sub(GOES_ON) as u8];
        return Some(at + end + 2 + usize::from(more >= GOES_ON));
    }
    long_sequence(input, output, at, range, offset, more)
}

#[cold]
#[inline(never)]
fn long_sequence(
    input: &[u8],
    output: &mut [u8],
    at: usize,
    range: Range<usize>,
    offset: usize,
    more: usize,
) -> Option<usize> {
    let source = input.get(range)?;
    *output.get_mut(at)? = token(source.len(), more);
    let at = length(output, at + 1, source.len())?;
    let at = copy(source, output, at)?;
    *output.get_mut(at..)?.first_chunk_mut()? = (offset as u16).to_le_bytes();
    length(output, at + 2, more)
}

/// The last sequence, which is literals alone.
fn literals(input: &[u8], output: &mut [u8], at: usize, done: usize) -> Option<usize> {
    let source = input.get(done..)?;
    *output.get_mut(at)? = token(source.len(), 0);
    let at = length(output, at + 1, source.len())?;
    copy(source, output, at)
}

#[inline(always)]
fn token(literals: usize, more: usize) -> u8 {
    (literals.min(GOES_ON) << 4 | more.min(GOES_ON)) as u8
}

/// What of a length is not in its token.
fn length(output: &mut [u8], mut at: usize, length: usize) -> Option<usize> {
    let Some(mut rest) = length.checked_sub(GOES_ON) else { return Some(at) };
    while rest >= 255 {
        *output.get_mut(at)? = 255;
        at += 1;
        rest -= 255;
    }
    *output.get_mut(at)? = rest as u8;
    Some(at + 1)
}

fn copy(source: &[u8], output: &mut [u8], at: usize) -> Option<usize> {
    let end = at + source.len();
    output.get_mut(at..end)?.copy_from_slice(source);
    Some(end)
}
