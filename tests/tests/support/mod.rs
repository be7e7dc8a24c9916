//! What the tests of producer and consumer share.

use kafka_tests::{Cluster, Tool, unique};

/// Creates a topic with a name of its own.
pub(crate) async fn create_topic(cluster: &Cluster, prefix: &str, partitions: i32) -> String {
    let topic = unique(prefix);
    let created = ["--create", "--topic", &topic, "--partitions", &partitions.to_string()];
    cluster.tool(Tool::Topics, &created, "").await.success();
    topic
}

/// Has Java's producer write into a topic; see `java/Writer.java`.
#[allow(dead_code, reason = "not every test program reads what Java wrote")]
pub(crate) async fn write_with_java(cluster: &Cluster, topic: &str, what: &[&str]) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/java/Writer.java");
    let servers = cluster.bootstrap_servers().join(",");
    let mut arguments = vec![servers.as_str(), topic];
    arguments.extend(what);
    cluster.java(program, &arguments, "").await.success();
}
