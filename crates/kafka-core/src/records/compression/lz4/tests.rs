//! Both directions against another implementation, and what only blocks made by hand bring about.

use lz4_flex::block::{compress, decompress_into};
use proptest::prelude::*;

use super::MOST;
use super::decode::{BlockError, decode};
use super::encode::{Table, bound, encode};

fn encoded(input: &[u8]) -> Vec<u8> {
    let mut output = vec![0xee; bound(input.len())];
    let size = encode(input, &mut output, &mut Table::new()).unwrap();
    output.truncate(size);
    output
}

/// The contents, read into memory of `room` bytes that is full of something else.
fn decoded(block: &[u8], room: usize) -> Result<Vec<u8>, BlockError> {
    let mut output = vec![0xee; room];
    let end = decode(block, &mut output, 0)?;
    output.truncate(end);
    Ok(output)
}

fn theirs(block: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut output = vec![0; room];
    let end = decompress_into(block, &mut output).ok()?;
    output.truncate(end);
    Some(output)
}

/// Bytes that repeat themselves at all distances and lengths.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => (any::<u16>(), 1usize..300).prop_map(|(back, length)| (Some(usize::from(back) + 1), length, 0)),
        2 => (1usize..40, 1usize..700).prop_map(|(back, length)| (Some(back), length, 0)),
        4 => (1usize..600, any::<u64>()).prop_map(|(length, seed)| (None, length, seed)),
    ];
    prop::collection::vec(piece, 0..150).prop_map(|pieces| {
        let mut all: Vec<u8> = Vec::new();
        for (back, length, seed) in pieces {
            let mut random = fastrand::Rng::with_seed(seed);
            for _ in 0..length {
                let repeated = back.and_then(|back| all.len().checked_sub(back)).map(|place| all[place]);
                all.push(repeated.unwrap_or_else(|| random.u8(..)));
            }
        }
        all.truncate(MOST);
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_is_read_by_us_and_by_others(input in contents()) {
        let block = encoded(&input);
        prop_assert!(theirs(&block, input.len()).as_deref() == Some(&*input));
        prop_assert!(decoded(&block, input.len()).as_deref() == Ok(&*input));
        prop_assert!(decoded(&block, input.len() + 100).as_deref() == Ok(&*input));
        check_ends(&block, &input);
    }

    #[test]
    fn what_others_write_is_read(input in contents()) {
        prop_assert!(decoded(&compress(&input), input.len()).as_deref() == Ok(&*input));
    }

    #[test]
    fn a_damaged_block_is_an_error_or_what_others_read_too(
        input in contents(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        room in 0usize..70_000,
    ) {
        let mut block = encoded(&input);
        for (place, byte) in damage {
            let place = place.index(block.len());
            block[place] = byte;
        }
        for block in [&block[..], &block[..block.len() / 2]] {
            prop_assert!(decoded(block, room).ok() == theirs(block, room));
        }
    }

    #[test]
    fn anything_at_all_is_read_as_others_read_it(block in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decoded(&block, 5_000).ok() == theirs(&block, 5_000));
    }
}

/// The format's rules for the end of a block, without which some decoders fail.
fn check_ends(block: &[u8], input: &[u8]) {
    let (mut from, mut to) = (0, 0);
    let length = |from: &mut usize, nibble: u8| {
        let mut length = usize::from(nibble);
        let mut goes_on = nibble == 15;
        while goes_on {
            length += usize::from(block[*from]);
            goes_on = block[*from] == 255;
            *from += 1;
        }
        length
    };
    loop {
        let token = block[from];
        from += 1;
        let literals = length(&mut from, token >> 4);
        (from, to) = (from + literals, to + literals);
        if from == block.len() {
            assert!(literals >= 5 || to == literals, "{literals} literals at the end");
            return;
        }
        assert!(to + 12 <= input.len(), "a match at {to} of {}", input.len());
        from += 2;
        to += 4 + length(&mut from, token & 15);
    }
}

#[test]
fn matches_of_all_distances_and_lengths_are_read() {
    for offset in 1..=70u16 {
        for length in (4..=80).chain([254, 255, 256, 270, 273, 274, 275, 528, 529, 530, 1_000]) {
            for tail in [5, 60] {
                let literals: Vec<u8> = (0..70).map(|i| i as u8 * 3).collect();
                let mut expected = literals.clone();
                for _ in 0..length {
                    expected.push(expected[expected.len() - usize::from(offset)]);
                }
                let end = vec![9; tail];
                expected.extend(&end);
                let block = [one(&literals, offset, length), one(&end, 0, 0)].concat();
                for room in [expected.len(), expected.len() + 7, expected.len() + 200] {
                    assert!(
                        decoded(&block, room).as_deref() == Ok(&*expected),
                        "offset {offset}, {length} bytes, {tail} behind it, room for {room}"
                    );
                }
                assert_eq!(decoded(&block, expected.len() - 1), Err(BlockError::NoRoom));
            }
        }
    }
}

/// A sequence; the last one of a block without a match.
fn one(literals: &[u8], offset: u16, length: usize) -> Vec<u8> {
    fn rest(length: usize, bytes: &mut Vec<u8>) {
        if let Some(rest) = length.checked_sub(15) {
            bytes.extend(std::iter::repeat_n(255, rest / 255));
            bytes.push((rest % 255) as u8);
        }
    }
    let more = length.saturating_sub(4);
    let mut bytes = vec![(literals.len().min(15) << 4 | more.min(15)) as u8];
    rest(literals.len(), &mut bytes);
    bytes.extend(literals);
    if length > 0 {
        bytes.extend(offset.to_le_bytes());
        rest(more, &mut bytes);
    }
    bytes
}

#[test]
fn a_match_from_before_the_beginning_is_damage() {
    let literals = [7; 40];
    for offset in [0, 41, 1_000, u16::MAX] {
        let block = [one(&literals, offset, 50), one(&literals, 0, 0)].concat();
        assert_eq!(decoded(&block, 1_000), Err(BlockError::Damaged), "offset {offset}");
    }
    // What stands before the block is no damage: blocks may be linked.
    let mut output = [5; 200];
    let block = [one(&literals, 80, 50), one(&literals, 0, 0)].concat();
    assert_eq!(decode(&block, &mut output, 40), Ok(40 + 40 + 50 + 40));
    assert!(output[80..120] == [5; 40] && output[120..130] == [7; 10]);
}

#[test]
fn a_block_that_ends_with_a_match_is_damage() {
    for room in [90, 1_000] {
        assert_eq!(decoded(&one(&[7; 40], 20, 50), room), Err(BlockError::Damaged), "room for {room}");
    }
    assert_eq!(decoded(&[], 1_000), Err(BlockError::Damaged));
}

#[test]
fn a_length_without_end_is_damage() {
    for token in [0xf0, 0x0f, 0xff] {
        let mut block = vec![token, 1, 0];
        block.resize(100_000, 255);
        assert_eq!(decoded(&block, 1_000), Err(BlockError::Damaged), "{token:x}");
    }
    // It has an end, but says that of all memory there is not enough.
    let mut block = one(&[1], 1, 4);
    block[0] |= 15;
    block.resize(6_000_000, 255);
    block.extend([0, 0]);
    assert!(decoded(&block, 1_000).is_err());
}

#[test]
fn small_and_full_blocks_are_written() {
    let mut random = fastrand::Rng::with_seed(3);
    for size in (0..100).chain([1_000, MOST - 1, MOST]) {
        let noise: Vec<u8> = (0..size).map(|_| random.u8(..)).collect();
        for input in [vec![0; size], noise, (0..size).map(|i| (i % 7) as u8).collect()] {
            let block = encoded(&input);
            assert!(theirs(&block, size).as_deref() == Some(&*input), "{size} bytes");
            assert!(decoded(&block, size).as_deref() == Ok(&*input), "{size} bytes");
            check_ends(&block, &input);
        }
    }
    let mut output = vec![0; bound(MOST + 1)];
    assert_eq!(encode(&vec![0; MOST + 1], &mut output, &mut Table::new()), None);
    assert_eq!(encode(&[1; 100], &mut output[..5], &mut Table::new()), None);
}

#[test]
fn a_block_does_not_depend_on_those_before_it() {
    let (one, other) = (b"some bytes, and some bytes again, and again".repeat(9), [3; 5_000]);
    let mut table = Table::new();
    let mut output = vec![0; bound(MOST)];
    encode(&other, &mut output, &mut table).unwrap();
    let size = encode(&one, &mut output, &mut table).unwrap();
    assert!(output[..size] == encoded(&one));
}
