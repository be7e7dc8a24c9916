// To be replaced by the driver: delete this file and its two lines in mod.rs.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kafka_core::cluster::Client;
use kafka_core::{Error, ErrorKind, Result, TopicPartition};

use super::{CommitError, GroupHandle, OffsetAndMetadata};
use crate::consumer::ConsumerConfig;
use crate::consumer::assignor::Assignor;

#[derive(Clone, Debug)]
pub(crate) struct Offsets;

fn unsupported() -> Error {
    Error::new(ErrorKind::Unsupported, "consumer groups are not supported yet; assign partitions by hand")
}

impl Offsets {
    #[allow(clippy::unused_async)]
    pub(crate) async fn commit(
        &self,
        _offsets: BTreeMap<TopicPartition, OffsetAndMetadata>,
        _timeout: Duration,
    ) -> Result<(), CommitError> {
        Err(unsupported().into())
    }

    #[allow(clippy::unused_async)]
    pub(crate) async fn committed(
        &self,
        _partitions: &[TopicPartition],
        _timeout: Duration,
    ) -> Result<BTreeMap<TopicPartition, Option<OffsetAndMetadata>>> {
        Err(unsupported())
    }
}

impl GroupHandle {
    pub(crate) fn spawn(_: Client, _: &ConsumerConfig, _: Vec<Arc<dyn Assignor>>) -> Result<Self> {
        Err(unsupported())
    }

    pub(crate) fn offsets(&self) -> &Offsets {
        &Offsets
    }
}
