use kafka_core::cluster::{Client, Lane};
use kafka_core::net::CallOptions;
use kafka_core::protocol::ErrorCode;
use kafka_core::protocol::messages::InitProducerIdRequest;
use kafka_core::{Error, ErrorKind, Result};

use crate::producer::sequence::Identity;

/// Asks a broker, any of them, for a producer id (`InitProducerId`), of which each partition then counts epochs and
/// sequences.
pub(super) async fn new_identity(client: Client, options: CallOptions) -> Result<Identity> {
    let metadata = client.ready().await?;
    let brokers: Vec<i32> = metadata.brokers.keys().copied().collect();
    let broker = brokers.get(fastrand::usize(..brokers.len().max(1))).copied().ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the cluster has no broker now that could give a producer id")
    })?;
    let connection = client.connection(broker, Lane::Admin).await?;
    let response = connection
        .send(options, |_| InitProducerIdRequest {
            transactional_id: None,
            // Without transactions the broker ignores it, but checks that it is positive.
            transaction_timeout_ms: i32::MAX,
            ..Default::default()
        })?
        .await?;
    match ErrorCode(response.error_code) {
        code if code.is_ok() => {
            Ok(Identity { producer_id: response.producer_id, epoch: response.producer_epoch })
        }
        code => Err(Error::from_code(code)),
    }
}
