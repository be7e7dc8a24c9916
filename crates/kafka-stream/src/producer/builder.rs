use std::sync::Arc;

use kafka_core::cluster::Client;

use super::partitioner::KeyHash;
use super::{Interceptor, Partitioner, ProduceError, Producer, ProducerConfig};

/// Makes a [`Producer`] with more than a configuration: another partitioner, interceptors.
#[derive(Debug)]
pub struct ProducerBuilder {
    pub(super) client: Client,
    pub(super) config: ProducerConfig,
    pub(super) partitioner: Arc<dyn Partitioner>,
    pub(super) interceptors: Vec<Arc<dyn Interceptor>>,
}

impl ProducerBuilder {
    /// A producer over `client` with the default settings.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            config: ProducerConfig::default(),
            partitioner: Arc::new(KeyHash),
            interceptors: Vec::new(),
        }
    }

    /// Sets all settings.
    #[must_use]
    pub fn config(mut self, config: ProducerConfig) -> Self {
        self.config = config;
        self
    }

    /// Chooses partitions in another way than [`KeyHash`].
    #[must_use]
    pub fn partitioner(mut self, partitioner: impl Partitioner) -> Self {
        self.partitioner = Arc::new(partitioner);
        self
    }

    /// Adds an interceptor, behind those that were added before.
    #[must_use]
    pub fn interceptor(mut self, interceptor: impl Interceptor) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Starts the producer. Nothing is connected before the first record.
    ///
    /// # Errors
    /// [`InvalidConfig`](super::ProduceErrorKind::InvalidConfig) if a setting is wrong or contradicts another;
    /// [`Cluster`](super::ProduceErrorKind::Cluster) outside of a tokio runtime.
    pub fn build(self) -> Result<Producer, ProduceError> {
        Producer::start(self)
    }
}
