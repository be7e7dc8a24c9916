//! The proxies before a cluster's brokers.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use fault_proxy::{Link, Proxy};
use tokio::runtime::Runtime;

use crate::cluster::State;

/// One proxy before each broker, by its id.
#[derive(Debug)]
pub(super) struct Proxies {
    all: Vec<(u16, SocketAddr, Proxy)>,
    /// What they run on.
    _runtime: Runtime,
}

impl Proxies {
    pub(super) fn start(state: &State) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut all = Vec::new();
        for (id, address) in addresses(state)? {
            let proxy = runtime.block_on(Proxy::start(address)).context("cannot start a proxy")?;
            all.push((id, address, proxy));
        }
        Ok(Self { all, _runtime: runtime })
    }

    /// BROKER=PROXY for each, as clients take it.
    pub(super) fn detours(&self) -> String {
        let all = self.all.iter().map(|(_, broker, proxy)| format!("{broker}={}", proxy.address()));
        all.collect::<Vec<_>>().join(",")
    }

    /// Where the proxies listen.
    pub(super) fn addresses(&self) -> String {
        let all = self.all.iter().map(|(_, _, proxy)| proxy.address().to_string());
        all.collect::<Vec<_>>().join(",")
    }

    /// Follows brokers to where they are now.
    pub(super) fn follow(&self, state: &State) -> Result<()> {
        for (id, address) in addresses(state)? {
            if let Some(proxy) = self.before(id) {
                proxy.set_target(address);
            }
        }
        Ok(())
    }

    pub(super) fn before(&self, broker: u16) -> Option<&Proxy> {
        self.all.iter().find(|(id, _, _)| *id == broker).map(|(_, _, proxy)| proxy)
    }

    pub(super) fn set_all(&self, link: Link) {
        self.all.iter().for_each(|(_, _, proxy)| proxy.set(link));
    }
}

fn addresses(state: &State) -> Result<Vec<(u16, SocketAddr)>> {
    let addresses = state.bootstrap_servers();
    let parse = |address: &String| address.parse().with_context(|| format!("{address:?} is no address"));
    state.brokers().zip(&addresses).map(|(node, address)| Ok((node.id, parse(address)?))).collect()
}
