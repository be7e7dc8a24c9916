//! How the clients reach the broker.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cluster::State;

/// Whose certificate is shown.
const USER: &str = "alice";

/// An address, and what a client is told beside it.
#[derive(Debug)]
pub(super) struct WayIn {
    pub(super) address: String,
    pub(super) flags: Vec<(&'static str, PathBuf)>,
}

impl WayIn {
    /// Without TLS.
    pub(super) fn plain(state: &State) -> Result<Self> {
        Ok(Self { address: first(state.bootstrap_servers())?, flags: Vec::new() })
    }

    /// By TLS, on which both sides show a certificate.
    pub(super) fn by_tls(state: &State) -> Result<Self> {
        let files = state.certificates()?;
        let flags = vec![
            ("ca-file", files.authority()),
            ("cert-file", files.certificate(USER)),
            ("key-file", files.key(USER)),
        ];
        Ok(Self { address: first(state.tls_servers())?, flags })
    }
}

fn first(addresses: Vec<String>) -> Result<String> {
    addresses.into_iter().next().context("the cluster has no broker")
}
