//! The process ends without a word while records are written.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use kafka_core::protocol::messages::MetadataRequest;
use kafka_core::protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_core::records::ProducerStamp;
use kafka_embedded::EmbeddedCluster;

use crate::fixture::{Fixture, ask, client_of, produce_request};

const FOLDER: &str = "KAFKA_EMBEDDED_TEST_FOLDER";
const NAME: &str = "crash::serve_until_killed";

/// Not a test by itself: what the process does that is killed.
#[tokio::test]
async fn serve_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let cluster = EmbeddedCluster::builder().data_dir(folder).topic("t", 1).start().await.unwrap();
    println!("\naddress {}", cluster.bootstrap_servers().join(","));
    cluster.disk_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([NAME, "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address =
            lines.find_map(|line| Some(line.unwrap().strip_prefix("address ")?.to_owned())).unwrap();
        let client = client_of(&[address]);
        let topics = Some(vec![MetadataRequestTopic { name: Some("t".to_owned()), ..Default::default() }]);
        let metadata = ask(&client, MetadataRequest { topics, ..Default::default() }).await;
        let topic = metadata.topics[0].topic_id;
        let writer = tokio::spawn(async move {
            let mut written = Vec::new();
            for number in 0.. {
                let value = format!("{round}-{number}");
                let request = produce_request(topic, &value, 0, &ProducerStamp::NONE, None);
                let options = kafka_core::net::CallOptions::new(Duration::from_millis(700));
                let asked = client.call_controller(
                    options,
                    |_| request.clone(),
                    |_| kafka_core::protocol::ErrorCode::NONE,
                );
                // Until the broker is gone.
                let Ok(answer) = asked.await else { break };
                let partition = &answer.responses[0].partition_responses[0];
                if partition.error_code != 0 {
                    break;
                }
                written.push((partition.base_offset, value));
            }
            written
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(writer.await.unwrap());
    }
    assert!(acknowledged.len() > 3);
    let fixture = Fixture::on(folder.path()).await;
    let records = &fixture.cluster.topic("t").unwrap().partitions[0].records;
    for (offset, value) in acknowledged {
        let found = records.iter().find(|record| record.offset == offset).map(|record| record.value.clone());
        assert_eq!(found.flatten().as_deref(), Some(value.as_bytes()), "offset {offset}");
    }
}
