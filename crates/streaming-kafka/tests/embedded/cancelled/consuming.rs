use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use kafka_embedded::EmbeddedCluster;
use streaming_kafka::TopicPartition;
use streaming_kafka::consumer::{Consumer, ConsumerErrorKind, OffsetAndMetadata};

use super::{at_each_await_point, client, cluster, cut_off, member};
use crate::support::{in_memory_client, number, producer, read, send};

const TIME: Duration = Duration::from_secs(5);
const RECORDS: u32 = 8;

/// A topic of one partition with [`RECORDS`] records.
async fn filled() -> EmbeddedCluster {
    let cluster = cluster(&[("events", 1)]).await;
    let client = in_memory_client(&cluster, "filling");
    let producer = producer(&client);
    send(&producer, "events", 0..RECORDS).await;
    producer.close(TIME).await.unwrap();
    client.close();
    cluster
}

fn tp() -> TopicPartition {
    TopicPartition::new("events", 0)
}

/// A member of a group that only this attempt knows.
fn newcomer(cluster: &EmbeddedCluster, what: &str, attempt: usize) -> Consumer {
    let consumer = member(&client(cluster, attempt), &format!("{what}-{attempt}"));
    consumer.subscribe(["events"]).unwrap();
    consumer
}

async fn end(consumer: Consumer) {
    consumer.close(TIME).await.unwrap();
    consumer.client().close();
}

#[tokio::test(start_paused = true)]
async fn a_poll_hands_out_nothing_that_it_does_not_return() {
    let cluster = filled().await;
    at_each_await_point("poll", async |polls| {
        let consumer = newcomer(&cluster, "poll", polls);
        let polled = cut_off(consumer.poll(TIME), polls).await;
        let ended = polled.is_some();
        assert!(consumer.handed_out().is_empty() || consumer.handed_out()[&tp()].offset == 0 || ended);
        let mut seen: Vec<u32> =
            polled.into_iter().flat_map(|it| it.unwrap()).map(|it| number(&it)).collect();
        seen.extend(read(&consumer, RECORDS as usize - seen.len()).await.iter().map(number));
        assert_eq!(seen, (0..RECORDS).collect::<Vec<_>>(), "after {polls} polls");
        end(consumer).await;
        ended
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_yields_each_record_once_however_often_its_next_is_dropped() {
    let cluster = filled().await;
    at_each_await_point("stream", async |polls| {
        let consumer = newcomer(&cluster, "stream", polls);
        let mut stream = consumer.stream();
        let mut seen: Vec<u32> = Vec::new();
        let first = cut_off(stream.next(), polls).await;
        let ended = first.is_some();
        seen.extend(first.flatten().map(|it| number(&it.unwrap())));
        drop(stream);
        let mut stream = consumer.stream();
        while seen.len() < RECORDS as usize {
            seen.push(number(&stream.next().await.unwrap().unwrap()));
        }
        assert_eq!(seen, (0..RECORDS).collect::<Vec<_>>(), "after {polls} polls");
        drop(stream);
        end(consumer).await;
        ended
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_made_or_not_and_the_next_one_holds() {
    let cluster = filled().await;
    for what in ["commit_sync", "commit_sync_offsets", "commit_async"] {
        at_each_await_point(what, async |polls| {
            let group = format!("{what}-{polls}");
            let consumer = newcomer(&cluster, what, polls);
            read(&consumer, RECORDS as usize).await;
            let half = BTreeMap::from([(tp(), OffsetAndMetadata::new(4))]);
            let ended = match what {
                "commit_sync" => cut_off(consumer.commit_sync(), polls).await.is_some(),
                "commit_sync_offsets" => cut_off(consumer.commit_sync_offsets(half), polls).await.is_some(),
                _ => cut_off(consumer.commit_async(), polls).await.is_some(),
            };
            tokio::time::sleep(Duration::from_secs(1)).await;
            let committed = cluster.group(&group).unwrap().offsets.get(&tp()).copied();
            let whole = if what == "commit_sync_offsets" { 4 } else { i64::from(RECORDS) };
            assert!(committed.is_none_or(|offset| offset == whole), "{what}: {committed:?}");
            // What goes on by itself was committed; what ended by itself too.
            assert!(committed.is_some() || !(ended || what == "commit_async"), "{what} after {polls}");
            consumer.commit_sync().await.unwrap();
            assert_eq!(cluster.group(&group).unwrap().offsets[&tp()], i64::from(RECORDS));
            end(consumer).await;
            ended
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn look_ups_may_be_repeated() {
    let cluster = filled().await;
    for what in ["committed", "beginning", "end", "times", "partitions", "topics"] {
        at_each_await_point(what, async |polls| {
            let consumer = member(&client(&cluster, polls), "looking");
            let (tps, times) = ([tp()], [(tp(), 0_i64)]);
            let ended = match what {
                "committed" => cut_off(consumer.committed(&tps), polls).await.is_some(),
                "beginning" => cut_off(consumer.beginning_offsets(&tps), polls).await.is_some(),
                "end" => cut_off(consumer.end_offsets(&tps), polls).await.is_some(),
                "times" => cut_off(consumer.offsets_for_times(times), polls).await.is_some(),
                "partitions" => cut_off(consumer.partitions_for("events"), polls).await.is_some(),
                _ => cut_off(consumer.list_topics(), polls).await.is_some(),
            };
            assert_eq!(consumer.committed(&tps).await.unwrap()[&tp()], None);
            assert_eq!(consumer.beginning_offsets(&tps).await.unwrap()[&tp()], 0);
            assert_eq!(consumer.end_offsets(&tps).await.unwrap()[&tp()], i64::from(RECORDS));
            assert_eq!(consumer.partitions_for("events").await.unwrap(), tps);
            end(consumer).await;
            ended
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unsubscribe_may_be_repeated_and_then_the_member_is_gone() {
    let cluster = filled().await;
    at_each_await_point("unsubscribe", async |polls| {
        let group = format!("unsubscribe-{polls}");
        let consumer = newcomer(&cluster, "unsubscribe", polls);
        read(&consumer, RECORDS as usize).await;
        let ended = cut_off(consumer.unsubscribe(), polls).await.is_some();
        consumer.unsubscribe().await;
        assert!(consumer.assignment().is_empty());
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert!(cluster.group(&group).unwrap().members.is_empty(), "after {polls} polls");
        // It reads again from where it was, since nothing was committed.
        consumer.subscribe(["events"]).unwrap();
        assert_eq!(number(&read(&consumer, RECORDS as usize).await[0]), 0);
        end(consumer).await;
        ended
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_once_begun_closes_and_the_group_goes_on_without_the_member() {
    let cluster = filled().await;
    at_each_await_point("close", async |polls| {
        let group = format!("close-{polls}");
        let consumer = newcomer(&cluster, "close", polls);
        read(&consumer, RECORDS as usize).await;
        let ended = cut_off(consumer.close(TIME), polls).await.is_some();
        if polls > 0 {
            let error = consumer.poll(TIME).await.unwrap_err();
            assert!(
                matches!(error.kind(), ConsumerErrorKind::Closed | ConsumerErrorKind::NoSubscription),
                "after {polls} polls: {error}"
            );
        }
        consumer.client().close();
        drop(consumer);
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert!(cluster.group(&group).unwrap().members.is_empty(), "after {polls} polls");
        ended
    })
    .await;
}
