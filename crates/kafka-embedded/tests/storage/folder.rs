use std::path::Path;

use kafka_core::records::ProducerStamp;
use kafka_embedded::{EmbeddedCluster, Error};

use crate::fixture::Fixture;

async fn refused(folder: &Path) -> String {
    let error = EmbeddedCluster::builder().data_dir(folder).start().await.unwrap_err();
    assert!(matches!(error, Error::Data { .. }), "{error}");
    error.to_string()
}

#[tokio::test]
async fn a_folder_that_is_somebody_elses_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("notes.txt"), "mine").unwrap();
    assert!(refused(path).await.contains("notes.txt"));
    std::fs::write(path.join("meta.properties"), "version=1\ncluster.id=x\n").unwrap();
    assert!(refused(path).await.contains("Apache Kafka"));
    assert_eq!(std::fs::read_dir(path).unwrap().count(), 2, "nothing was written there");
    let file = path.join("notes.txt");
    assert!(refused(&file).await.contains("cannot be"));
}

#[tokio::test]
async fn a_folder_of_another_version_or_of_more_brokers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    drop(EmbeddedCluster::builder().brokers(3).data_dir(path).start().await.unwrap());
    assert!(refused(path).await.contains("that of 3 brokers"));
    drop(EmbeddedCluster::builder().brokers(4).data_dir(path).start().await.unwrap());
    std::fs::write(path.join("kafka-embedded.properties"), "version=2\n").unwrap();
    assert!(refused(path).await.contains("version"));
}

#[tokio::test]
async fn a_folder_in_use_is_refused_until_its_cluster_ends() {
    let folder = tempfile::tempdir().unwrap();
    let first = EmbeddedCluster::builder().data_dir(folder.path()).start().await.unwrap();
    assert!(refused(folder.path()).await.contains("another process uses it"));
    drop(first);
    drop(EmbeddedCluster::builder().data_dir(folder.path()).start().await.unwrap());
}

#[tokio::test]
async fn a_torn_end_is_cut_off_and_other_damage_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = Fixture::on(folder.path()).await;
    fixture.create_topic("t", &[]).await;
    for value in ["0", "1", "2"] {
        fixture.produce("t", value, 0, &ProducerStamp::NONE, None).await;
    }
    drop(fixture);
    let segment = folder.path().join("t-0/00000000000000000000.log");
    let bytes = std::fs::read(&segment).unwrap();
    std::fs::write(&segment, &bytes[..bytes.len() - 1]).unwrap();
    let fixture = Fixture::on(folder.path()).await;
    assert_eq!(fixture.values("t"), ["0", "1"]);
    assert_eq!(fixture.produce("t", "again", 0, &ProducerStamp::NONE, None).await.1, 2);
    drop(fixture);

    let mut damaged = std::fs::read(&segment).unwrap();
    damaged[70] ^= 1;
    std::fs::write(&segment, &damaged).unwrap();
    let error = refused(folder.path()).await;
    assert!(error.contains("t-0") && error.contains("checksum"), "{error}");
}
