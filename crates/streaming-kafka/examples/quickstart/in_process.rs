//! The cluster that the main job runs on when none is named.

use kafka_embedded::EmbeddedCluster;
use streaming_kafka::{KafkaConfig, SecurityProtocol};

const SERVERS: &str = "STREAMING_KAFKA__BOOTSTRAP_SERVERS";
const BROKERS: u16 = 3;

/// Starts a cluster in this process and points `config` to it, unless the environment names one or asks for more than plain
/// connections. It lives as long as what is returned.
pub(crate) async fn start_if_none_is_named(
    config: &mut KafkaConfig,
) -> Result<Option<EmbeddedCluster>, Box<dyn std::error::Error>> {
    if std::env::var_os(SERVERS).is_some() || config.security_protocol != SecurityProtocol::Plaintext {
        return Ok(None);
    }
    let cluster = EmbeddedCluster::builder().brokers(BROKERS).start().await?;
    let servers = cluster.bootstrap_servers();
    eprintln!("{SERVERS} is not set: {BROKERS} brokers run in this process ({})", servers.join(","));
    config.bootstrap_servers = servers.iter().map(|server| server.parse()).collect::<Result<_, _>>()?;
    Ok(Some(cluster))
}
