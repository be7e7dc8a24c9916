//! What the test of a service of your own looks like: copy this file. It needs `kafka-embedded` and `tokio` (with `macros` and
//! `rt-multi-thread`) as development dependencies, and neither Docker nor Java.

use std::time::Duration;

use kafka_embedded::{ApiKey, EmbeddedCluster, ErrorCode, on};
use serde::{Deserialize, Serialize};
use streaming_kafka::prelude::*;

#[derive(Debug, Deserialize, Serialize)]
struct Order {
    id: u32,
    cents: i64,
}

/// The service: it bills orders, and refuses those that cost nothing.
async fn bill(orders: &KafkaManager, invoices: KafkaManager) -> Result<(), Error> {
    let handler = json(move |order: Order, _: ConsumerRecord| {
        let invoices = invoices.clone();
        async move {
            if order.cents <= 0 {
                return Err(Failure::poison(format!("order {} costs nothing", order.id)));
            }
            invoices.produce_event("invoices", &order).await.map(drop).map_err(Failure::from)
        }
    });
    orders.consume_events_with("orders", ConsumeOptions::in_group("billing"), handler).await?;
    Ok(())
}

/// A cluster with the topics of the service, and a manager that talks to it as the service's own would.
async fn start() -> (EmbeddedCluster, KafkaManager) {
    let cluster = EmbeddedCluster::builder().brokers(3).topic("orders", 3).topic("invoices", 1);
    let cluster = cluster.start().await.unwrap();
    let servers = cluster.bootstrap_servers();
    let config = KafkaConfig::new(servers.iter().map(|server| server.parse().unwrap()));
    (cluster, KafkaManager::new(&config).unwrap().with_key_field("id"))
}

/// Waits until there are so many records in a topic.
async fn written(cluster: &EmbeddedCluster, topic: &str, count: i64) {
    let all = async {
        while cluster.end_offsets(topic).map_or(0, |ends| ends.iter().sum()) < count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_become_invoices_and_bad_ones_are_set_aside() {
    let (cluster, manager) = start().await;
    // Whatever brokers do in production, they do here on command.
    cluster.inject(on(ApiKey::Produce).topic("invoices").times(2).reply(ErrorCode::NOT_ENOUGH_REPLICAS));
    for id in 0..20 {
        let order = Order { id, cents: if id == 7 { 0 } else { 500 } };
        manager.produce_event("orders", &order).await.unwrap();
    }

    let running = manager.clone();
    let service = tokio::spawn(async move { bill(&running, running.clone()).await });
    written(&cluster, "invoices", 19).await;
    written(&cluster, "orders.dlq", 1).await;
    manager.stop_consuming();
    service.await.unwrap().unwrap();

    // What the brokers have, without a consumer.
    let invoices = cluster.topic("invoices").unwrap();
    assert_eq!(invoices.partitions[0].records.len(), 19);
    assert_eq!(cluster.group("billing").unwrap().offsets.values().sum::<i64>(), 20);

    let letters = cluster.topic("orders.dlq").unwrap();
    let letter = letters.partitions.iter().flat_map(|partition| &partition.records).next().unwrap();
    let order: Order = serde_json::from_slice(letter.value.as_deref().unwrap()).unwrap();
    assert_eq!(order.id, 7);
}
