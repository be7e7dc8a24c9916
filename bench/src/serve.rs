//! Embedded brokers in a process of their own, until its input ends.

use anyhow::Result;
use kafka_embedded::EmbeddedCluster;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::flags::Flags;

pub(crate) async fn run(flags: &Flags) -> Result<Value> {
    let cluster = EmbeddedCluster::builder()
        .brokers(flags.or("brokers-started", 1)?)
        .max_bytes(flags.or("max-bytes", 4 << 30)?)
        .start()
        .await?;
    println!("{}", json!({ "bootstrap_servers": cluster.bootstrap_servers().join(",") }));
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(json!({ "ended": true }))
}
