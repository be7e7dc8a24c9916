use std::collections::BTreeSet;
use std::time::Duration;

use kafka_core::protocol::{ApiKey, ErrorCode};
use kafka_embedded::{Asked, EmbeddedCluster, Moment, on};
use streaming_kafka::NewTopic;
use streaming_kafka::admin::Admin;

use crate::support::{client, cluster, consumer, in_memory_client, number, producer, read, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brokers_that_die_one_after_the_other_lose_and_repeat_nothing() {
    let cluster = cluster(3, &[("hard", 6)]).await;
    let client = client(&cluster);
    let producer = producer(&client);
    let consumer = consumer(&client, Some("hard-group"));
    consumer.subscribe(["hard"]).unwrap();
    let reading = tokio::spawn(async move {
        let records = read(&consumer, 4000).await;
        consumer.commit_sync().await.unwrap();
        records
    });
    send(&producer, "hard", 0..1000).await;
    for (round, broker) in (1..4).zip([1, 2, 3]) {
        cluster.kill(broker).await.unwrap();
        send(&producer, "hard", round * 1000..round * 1000 + 1000).await;
        cluster.start(broker).await.unwrap();
    }
    let records = reading.await.unwrap();
    assert_eq!(records.iter().map(number).collect::<BTreeSet<_>>(), (0..4000).collect());
    let view = cluster.topic("hard").unwrap();
    assert_eq!(view.partitions.iter().map(|partition| partition.records.len()).sum::<usize>(), 4000);
    assert!(view.partitions.iter().any(|partition| partition.leader_epoch > 0));
}

/// What lies in the one partition of topic `t`.
fn written(cluster: &EmbeddedCluster) -> Vec<u32> {
    let records = &cluster.topic("t").unwrap().partitions[0].records;
    records
        .iter()
        .map(|record| std::str::from_utf8(record.value.as_deref().unwrap()).unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn each_fault_at_a_produce_request_costs_time_and_no_record() {
    let produce = || on(ApiKey::Produce).topic("t").skip(1).times(2);
    let faults = [
        produce().reply(ErrorCode::NOT_ENOUGH_REPLICAS),
        produce().reply(ErrorCode::NOT_LEADER_OR_FOLLOWER),
        produce().drop_connection(Moment::BeforeApplying),
        produce().drop_connection(Moment::AfterApplying),
        produce().truncate(9),
        produce().corrupt(4),
        produce().delay(Duration::from_millis(50)),
        produce().throttle(Duration::from_millis(50)),
    ];
    for fault in faults {
        let cluster = cluster(1, &[("t", 1)]).await;
        let (client, shown) = (client(&cluster), format!("{fault:?}"));
        cluster.inject(fault);
        let producer = producer(&client);
        for batch in 0..5 {
            send(&producer, "t", batch * 10..batch * 10 + 10).await;
        }
        assert!(written(&cluster).into_iter().eq(0..50), "{shown}: {:?}", written(&cluster));
        let history = cluster.history();
        let faulted = history.iter().filter(|asked| asked.faulted);
        assert_eq!(faulted.map(|asked| asked.api).collect::<Vec<_>>(), [ApiKey::Produce; 2], "{shown}");
    }
}

#[tokio::test]
async fn each_fault_at_a_fetch_costs_time_and_no_record() {
    let fetch = || on(ApiKey::Fetch).topic("t").skip(1).times(2);
    let faults = [
        fetch().reply(ErrorCode::NOT_LEADER_OR_FOLLOWER),
        fetch().reply(ErrorCode::FETCH_SESSION_ID_NOT_FOUND),
        fetch().reply(ErrorCode::UNKNOWN_TOPIC_ID),
        fetch().reply(ErrorCode::UNKNOWN_SERVER_ERROR),
        fetch().drop_connection(Moment::AfterApplying),
        fetch().truncate(100),
        fetch().delay(Duration::from_millis(20)),
    ];
    for fault in faults {
        let cluster = cluster(1, &[("t", 1)]).await;
        let (client, shown) = (client(&cluster), format!("{fault:?}"));
        cluster.inject(fault);
        let (producer, consumer) = (producer(&client), consumer(&client, None));
        consumer.assign(consumer.partitions_for("t").await.unwrap()).unwrap();
        for batch in 0..5 {
            send(&producer, "t", batch * 10..batch * 10 + 10).await;
            let records = read(&consumer, 10).await;
            assert!(records.iter().map(number).eq(batch * 10..batch * 10 + 10), "{shown}");
        }
        assert!(cluster.history().iter().any(|asked| asked.faulted), "{shown}");
    }
}

#[tokio::test]
async fn a_silent_broker_is_left_once_the_request_is_overdue() {
    let cluster = cluster(1, &[("t", 1)]).await;
    let servers = cluster.bootstrap_servers();
    let mut config = streaming_kafka::ClientConfig::new(servers.iter().map(|server| server.parse().unwrap()));
    config.request_timeout = Duration::from_millis(300);
    let client = streaming_kafka::Client::new(config).unwrap();
    cluster.inject(on(ApiKey::Produce).times(1).never_answer());
    let mut config = streaming_kafka::producer::ProducerConfig::default();
    config.request_timeout = Duration::from_millis(300);
    let producer = streaming_kafka::producer::Producer::new(client, config).unwrap();
    send(&producer, "t", 0..10).await;
    assert!(written(&cluster).into_iter().eq(0..10), "written once, although it was sent twice");
    let produced = cluster.history().iter().filter(|asked| asked.api == ApiKey::Produce).count();
    assert!(produced >= 2, "{produced}");
}

/// A new topic is not known to all brokers at once, and the first answer may be late.
#[tokio::test]
async fn a_topic_that_comes_soon_after_the_first_answer_is_no_error() {
    let cluster = cluster(1, &[]).await;
    cluster.inject(on(ApiKey::ApiVersions).client("late").times(1).delay(Duration::from_millis(1500)));
    let consumer = consumer(&in_memory_client(&cluster, "late"), None);
    consumer.assign([("t", 0)]).unwrap();
    let reading = tokio::spawn(async move { read(&consumer, 10).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    let asked = |asked: &Asked| asked.api == ApiKey::Metadata && asked.client_id.as_deref() == Some("late");
    assert!(cluster.history().iter().any(asked));
    let client = client(&cluster);
    Admin::new(client.clone()).create_topic(&NewTopic::new("t").partitions(1)).await.unwrap();
    send(&producer(&client), "t", 0..10).await;
    assert!(reading.await.unwrap().iter().map(number).eq(0..10));
}
