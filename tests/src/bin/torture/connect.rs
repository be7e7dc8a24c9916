//! The way to the brokers, which may lead through proxies.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kafka_core::{
    Result,
    cluster::{Client, ClientConfig},
    net::{Address, BoxFuture, ByteStream, Connector, TcpConnector},
};

/// Where the brokers are.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Way {
    /// Where to ask for the brokers
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Address>,
    /// Where to connect to in place of an address: BROKER=PROXY
    #[arg(long, value_delimiter = ',', value_parser = detour)]
    through: Vec<(Address, Address)>,
    /// metadata.max.age.ms
    #[arg(long)]
    metadata_max_age_ms: Option<u64>,
    #[arg(long)]
    request_timeout_ms: Option<u64>,
}

fn detour(text: &str) -> std::result::Result<(Address, Address), String> {
    let (broker, proxy) = text.split_once('=').ok_or("write BROKER=PROXY")?;
    let address = |text: &str| text.parse::<Address>().map_err(|error| error.to_string());
    Ok((address(broker)?, address(proxy)?))
}

impl Way {
    pub(crate) fn client(&self) -> Client {
        let mut config = ClientConfig::new(self.servers.iter().cloned());
        if !self.through.is_empty() {
            let through = self.through.iter().cloned().collect();
            config.connector = Some(Arc::new(Detour { through, tcp: TcpConnector::new() }));
        }
        if let Some(age) = self.metadata_max_age_ms {
            config.metadata_max_age = Duration::from_millis(age);
        }
        if let Some(timeout) = self.request_timeout_ms {
            config.request_timeout = Duration::from_millis(timeout);
        }
        Client::new(config).expect("a client")
    }

    pub(crate) fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout_ms.map(Duration::from_millis)
    }
}

/// Connects to a proxy where there is one before a broker.
#[derive(Debug)]
struct Detour {
    through: BTreeMap<Address, Address>,
    tcp: TcpConnector,
}

impl Connector for Detour {
    fn connect<'a>(&'a self, address: &'a Address) -> BoxFuture<'a, Result<Box<dyn ByteStream>>> {
        self.tcp.connect(self.through.get(address).unwrap_or(address))
    }
}
