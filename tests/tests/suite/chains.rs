//! The checker of numbered records: what it must notice.

use kafka_tests::chain::{Chains, named_in, numbered, parse};

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
    assert_eq!((chains.first(0), chains.first(1), chains.first(2)), (Some(0), Some(0), None));
}

#[test]
fn records_of_another_life_of_the_topic_are_others() {
    let mut chains = Chains::default();
    chains.see_in("4", &numbered(named_in(0, 4), 7));
    chains.see_in("4", &numbered(named_in(1, 4), 7));
    chains.see_in("4", &numbered(named_in(1, 5), 8));
    assert_eq!((chains.count(), chains.repeated(), chains.damaged()), (2, 0, 1));
}

#[test]
fn numbers_in_any_order_are_all_found() {
    let mut chains = Chains::default();
    // Every number once, in an order without pattern, and then each again.
    for number in (0..97_u64).map(|n| n * 31 % 97) {
        assert!(!chains.has(0, number));
        chains.note(0, number);
        assert!(chains.has(0, number));
    }
    (0..97).for_each(|number| chains.note(0, number));
    assert_eq!((chains.count(), chains.repeated()), (97, 97));
    assert!(!chains.has(0, 97));
}
