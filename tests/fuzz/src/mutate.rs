use fastrand::Rng;

/// Lengths and counts that are at the edges of something.
const NUMBERS: [i64; 16] = [
    -1,
    -2,
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    32_767,
    65_535,
    1 << 20,
    100 << 20,
    i32::MAX as i64,
    i32::MIN as i64,
    i64::MAX,
];

/// Damages bytes in up to four places; `other` is what a part may be taken from.
pub fn mutate(random: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..random.usize(1..=4) {
        edit(random, bytes, other);
    }
}

fn edit(random: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let at = random.usize(..=bytes.len());
    match random.u8(..14) {
        0 | 1 => change(random, bytes, |random, byte| byte ^ (1 << random.u8(..8))),
        2 => change(random, bytes, |random, _| *random.choice(&[0, 1, 0x7f, 0x80, 0xff]).unwrap_or(&0)),
        3 => change(random, bytes, |random, byte| {
            byte.wrapping_add(*random.choice(&[1, 2, 0xff]).unwrap_or(&1))
        }),
        4 => overwrite(bytes, at, &number(random).to_be_bytes()[6..]),
        5 | 6 => overwrite(bytes, at, &number(random).to_be_bytes()[4..]),
        7 => overwrite(bytes, at, &number(random).to_be_bytes()),
        // A variable-length integer of 32 bits, and one that never ends.
        8 => overwrite(bytes, at, &[0xff, 0xff, 0xff, 0xff, random.u8(..)]),
        9 => bytes.truncate(at),
        10 => drop(bytes.drain(at..(at + random.usize(..64)).min(bytes.len()))),
        11 => {
            let added: Vec<u8> = (0..random.usize(1..32)).map(|_| random.u8(..)).collect();
            bytes.splice(at..at, added);
        }
        12 => {
            let part = bytes[at..(at + random.usize(..64)).min(bytes.len())].repeat(random.usize(1..8));
            bytes.splice(at..at, part);
        }
        _ => {
            let from = random.usize(..=other.len());
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

fn number(random: &mut Rng) -> i64 {
    *random.choice(&NUMBERS).unwrap_or(&0)
}

fn change(random: &mut Rng, bytes: &mut [u8], to: impl FnOnce(&mut Rng, u8) -> u8) {
    if !bytes.is_empty() {
        let at = random.usize(..bytes.len());
        bytes[at] = to(random, bytes[at]);
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes.iter_mut().skip(at).zip(with) {
        *byte = *new;
    }
}
