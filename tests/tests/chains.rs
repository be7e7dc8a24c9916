//! The checker of numbered records: what it must notice.

use kafka_tests::chain::{Chains, numbered, parse};

#[test]
fn what_is_damaged_is_noticed() {
    let value = numbered(3, 41);
    assert_eq!(parse(&value), Some((3, 41)));
    assert_eq!(parse(&value.replace("41", "42")), None);
    assert_eq!(parse(&value[..value.len() - 1]), None);
    assert_eq!(parse(""), None);
}

#[test]
fn gaps_repeats_and_disorder_are_told_apart() {
    let mut chains = Chains::default();
    for (partition, number) in [(0, 0), (1, 0), (0, 1), (0, 3), (0, 2), (0, 3), (1, 2)] {
        chains.see(&numbered(partition, number));
    }
    chains.see("not ours");
    chains.see_in("1", &numbered(0, 9));
    chains.see_in("1", &numbered(1, 3));
    assert_eq!(chains.count(), 7);
    assert_eq!((chains.repeated(), chains.out_of_order(), chains.damaged()), (1, 1, 2));
    assert!(chains.has(0, 3) && !chains.has(1, 1) && !chains.has(2, 0));
}
