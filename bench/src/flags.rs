use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use streaming_kafka::{KafkaConfig, SecurityProtocol};

/// What a run is told. Flags that a mode does not know are none of its concern.
#[derive(Clone, Debug)]
pub(crate) struct Flags(HashMap<String, String>);

impl Flags {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut flags = HashMap::new();
        while let Some(flag) = arguments.next() {
            let name = flag.strip_prefix("--").with_context(|| format!("{flag:?} is no flag"))?;
            let value = arguments.next().with_context(|| format!("{flag} has no value"))?;
            flags.insert(name.to_owned(), value);
        }
        Ok(Self(flags))
    }

    pub(crate) fn text(&self, name: &str) -> Result<&str> {
        self.given(name).with_context(|| format!("--{name} is missing"))
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn or<T: FromStr>(&self, name: &str, default: T) -> Result<T> {
        let Some(text) = self.given(name) else { return Ok(default) };
        text.parse().map_err(|_| anyhow!("--{name} {text} is not of its type"))
    }

    /// The topics to work on: the one named, or as many as are asked for, numbered.
    pub(crate) fn topics(&self) -> Result<Vec<String>> {
        let name = self.text("topic")?;
        Ok(match self.or("topics", 1)? {
            1 => vec![name.to_owned()],
            count => (0..count).map(|number| format!("{name}-{number}")).collect(),
        })
    }

    /// The values that are sent: value `i` is slot `i` modulo their number.
    pub(crate) fn payloads(&self) -> Result<Payloads> {
        let (path, size) = (self.text("payload-file")?, self.or("size", 100)?);
        let bytes = std::fs::read(path).with_context(|| path.to_owned())?;
        let slots = bytes.len().checked_div(size).filter(|slots| *slots > 0);
        let slots = slots.with_context(|| format!("{path} holds no payload of {size} bytes"))?;
        Ok(Payloads { bytes: bytes.into(), size, slots })
    }

    /// The settings of the environment, with what the flags say.
    pub(crate) fn config(&self) -> Result<KafkaConfig> {
        let mut config = KafkaConfig::from_env()?;
        if let Some(servers) = self.given("brokers") {
            config.bootstrap_servers = servers.split(',').map(str::parse).collect::<Result<_, _>>()?;
        }
        if let Some(authority) = self.given("ca-file") {
            config.security_protocol = SecurityProtocol::Ssl;
            config.ssl_ca_location = Some(authority.into());
            config.ssl_cert_location = self.given("cert-file").map(Into::into);
            config.ssl_key_location = self.given("key-file").map(Into::into);
        }
        let idempotent = self.or("idempotent", true)? && self.given("acks") != Some("1");
        config.set_producer("enable.idempotence", idempotent)?;
        let producer = [
            ("acks", "acks"),
            ("compression", "compression.type"),
            ("batch-bytes", "batch.size"),
            ("linger-ms", "linger.ms"),
        ];
        for (flag, setting) in producer {
            if let Some(value) = self.given(flag) {
                config.set_producer(setting, value)?;
            }
        }
        let consumer = [
            ("max-poll-records", "max.poll.records"),
            ("fetch-bytes", "max.partition.fetch.bytes"),
            ("group-protocol", "group.protocol"),
        ];
        for (flag, setting) in consumer {
            if let Some(value) = self.given(flag) {
                config.set_consumer(setting, value)?;
            }
        }
        Ok(config)
    }
}

/// Values of one size, made before the clock runs.
#[derive(Clone, Debug)]
pub(crate) struct Payloads {
    bytes: Arc<[u8]>,
    size: usize,
    slots: usize,
}

impl Payloads {
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    #[inline]
    pub(crate) fn get(&self, i: usize) -> &[u8] {
        let start = i % self.slots * self.size;
        self.bytes.get(start..start + self.size).unwrap_or_default()
    }
}
