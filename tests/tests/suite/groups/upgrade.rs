//! A group goes from an eager strategy to a cooperative one, member by member.

use kafka_stream::consumer::AssignmentStrategy::{CooperativeSticky, Range};
use kafka_tests::member::{Member, Seen, config, settled, until};
use kafka_tests::{Cluster, create_topic, unique, write};

#[tokio::test(flavor = "multi_thread")]
async fn a_group_becomes_cooperative_by_listing_both_strategies_first() {
    let cluster = Cluster::single().await;
    let topic = create_topic(&cluster, "groups-upgrade", 4).await;
    let group = unique("groups-upgrade");
    let seen = Seen::default();
    let start = |strategies: &[_]| Member::start(cluster.client(), config(&group, strategies), &topic, &seen);
    let (mut first, mut second) = (start(&[Range]), start(&[Range]));
    settled(&[&first, &second], 4).await;
    let mut written = 0;
    for strategies in [&[CooperativeSticky, Range][..], &[CooperativeSticky]] {
        for _ in 0..2 {
            first.close().await;
            first = start(strategies);
            settled(&[&first, &second], 4).await;
            write(cluster.client(), &topic, 4, 400).await;
            written += 400;
            until("reading by both", || seen.count() == written).await;
            assert!(first.errors().is_empty() && second.errors().is_empty());
            std::mem::swap(&mut first, &mut second);
        }
    }
    seen.assert_each_once();
    first.close().await;
    second.close().await;
}
