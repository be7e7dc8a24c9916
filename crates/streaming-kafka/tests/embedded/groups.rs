use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use streaming_kafka::consumer::{Consumer, ConsumerErrorKind};

use crate::support::{WAIT, client, cluster, consumer, number, producer, read, send, until};

type Seen = Arc<Mutex<BTreeMap<u32, usize>>>;

async fn member(consumer: Consumer, seen: Seen, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let records = consumer.poll(Duration::from_millis(50)).await.unwrap();
        let some = !records.is_empty();
        for record in records {
            *seen.lock().unwrap().entry(number(&record)).or_default() += 1;
        }
        if some {
            match consumer.commit_sync().await {
                Ok(()) => {}
                Err(error) => assert_eq!(error.kind(), ConsumerErrorKind::RebalanceInProgress, "{error}"),
            }
        }
    }
    consumer.close(WAIT).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_shares_the_partitions_and_goes_on_where_it_stopped() {
    let cluster = cluster(3, &[("shared", 6)]).await;
    let client = client(&cluster);
    let producer = producer(&client);
    let seen = Seen::default();
    let start = |stop: &Arc<AtomicBool>| {
        // Each with connections of its own: a broker holds a member's request to join until all have joined.
        let consumer = consumer(&crate::support::client(&cluster), Some("group"));
        consumer.subscribe(["shared"]).unwrap();
        tokio::spawn(member(consumer, Arc::clone(&seen), Arc::clone(stop)))
    };
    let (stop_first, stop_second) = (Arc::default(), Arc::default());
    let first = start(&stop_first);
    send(&producer, "shared", 0..1000).await;
    until("the first member read all", || seen.lock().unwrap().len() == 1000).await;
    let second = start(&stop_second);
    let members = || cluster.group("group").map(|group| (group.state, group.members.len()));
    until("two members", || members() == Some(("Stable", 2))).await;
    send(&producer, "shared", 1000..2000).await;
    until("both read all", || seen.lock().unwrap().len() == 2000).await;
    stop_first.store(true, Ordering::Relaxed);
    first.await.unwrap();
    send(&producer, "shared", 2000..3000).await;
    until("the second member read the rest", || seen.lock().unwrap().len() == 3000).await;
    stop_second.store(true, Ordering::Relaxed);
    second.await.unwrap();
    assert!(seen.lock().unwrap().values().all(|&times| times == 1), "nothing twice without a failure");
    let group = cluster.group("group").unwrap();
    assert_eq!((group.state, group.offsets.values().sum::<i64>()), ("Empty", 3000));
}

#[tokio::test]
async fn a_member_that_dies_is_replaced_once_its_session_is_over() {
    let cluster = cluster(1, &[("orphan", 1)]).await;
    let client = client(&cluster);
    send(&producer(&client), "orphan", 0..10).await;
    let dead = consumer(&client, Some("heirs"));
    dead.subscribe(["orphan"]).unwrap();
    read(&dead, 10).await;
    dead.commit_sync().await.unwrap();
    drop(dead);
    let heir = consumer(&client, Some("heirs"));
    heir.subscribe(["orphan"]).unwrap();
    send(&producer(&client), "orphan", 10..20).await;
    cluster.advance(Duration::from_secs(10));
    let records = read(&heir, 10).await;
    assert!(records.iter().map(number).eq(10..20));
}
