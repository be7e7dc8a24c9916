use std::time::Duration;

use streaming_kafka::NewTopic;
use streaming_kafka::admin::{Admin, AlterConfig, ConfigResource, NewPartitions};
use tokio::time::Instant;

use super::{at_each_await_point, client, cluster, cut_off};

#[tokio::test(start_paused = true)]
async fn changes_to_topics_are_made_or_not_and_may_be_repeated() {
    let cluster = cluster(&[]).await;
    for what in ["create", "create if absent", "grow", "alter", "delete"] {
        at_each_await_point(what, async |polls| {
            let admin = Admin::new(client(&cluster, polls)).with_timeout(Duration::from_secs(10));
            let name = format!("topic-{polls}");
            let topic = NewTopic::new(name.as_str()).partitions(2).replication_factor(1);
            let grown = [NewPartitions::new(name.as_str(), 3)];
            let altered = [AlterConfig::topic(name.as_str()).set("retention.ms", "60000")];
            let ended = match what {
                "create" => cut_off(admin.create_topic(&topic), polls).await.is_some(),
                "create if absent" => cut_off(admin.create_topic_if_absent(&topic), polls).await.is_some(),
                "grow" => cut_off(admin.create_partitions(&grown), polls).await.is_some(),
                "alter" => cut_off(admin.incremental_alter_configs(&altered), polls).await.is_some(),
                _ => cut_off(admin.delete_topics(&[&name]), polls).await.is_some(),
            };
            // Whatever became of it, the next one finds the cluster in a state that it can work with.
            let again = admin.create_topic_if_absent(&topic).await;
            assert!(again.is_ok(), "{what} after {polls}: {again:?}");
            assert!(admin.describe_topic(&name).await.unwrap().partitions.len() >= 2);
            for deleted in admin.delete_topics(&[&name]).await.unwrap() {
                deleted.result.unwrap();
            }
            admin.client().close();
            ended
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn questions_may_be_repeated() {
    let cluster = cluster(&[("events", 2)]).await;
    for what in ["list", "describe", "configs", "cluster", "ready", "refresh", "topic"] {
        at_each_await_point(what, async |polls| {
            let client = client(&cluster, polls);
            let admin = Admin::new(client.clone());
            let resource = ConfigResource::Topic("events".to_owned());
            let deadline = Instant::now() + Duration::from_secs(10);
            let ended = match what {
                "list" => cut_off(admin.list_topics(), polls).await.is_some(),
                "describe" => cut_off(admin.describe_topic("events"), polls).await.is_some(),
                "configs" => cut_off(admin.describe_config(&resource), polls).await.is_some(),
                "cluster" => cut_off(admin.describe_cluster(), polls).await.is_some(),
                "ready" => cut_off(client.ready(), polls).await.is_some(),
                "refresh" => cut_off(client.refresh_metadata(deadline), polls).await.is_some(),
                _ => cut_off(client.topic("events", deadline), polls).await.is_some(),
            };
            assert_eq!(admin.describe_topic("events").await.unwrap().partitions.len(), 2);
            assert_eq!(client.topic("events", deadline).await.unwrap().partitions.len(), 2);
            client.close();
            ended
        })
        .await;
    }
}
