//! What is remembered of a started cluster: `.kafka/<name>/state.json`.
//!
//! The tests read this file too, so that its field names are a contract with `tests/src/lib.rs`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{
    KafkaVersion,
    certificates::Files,
    description::{Audience, Cluster, client_listener},
    token_endpoint,
    tokens::TokenFiles,
};
use crate::{lock::FileLock, paths};

/// How a cluster runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Runs {
    /// As processes of this machine, from Kafka's own jars.
    Native,
    /// As containers.
    Compose,
}

/// A cluster that was started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) runs: Runs,
    pub(crate) version: KafkaVersion,
    pub(crate) brokers: u16,
    pub(crate) overrides: BTreeMap<String, String>,
    /// What to pass to `java -cp` for Kafka's own tools of this version; empty where that is in containers.
    pub(crate) classpath: String,
    pub(crate) nodes: Vec<Node>,
}

/// One process of the cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) role: Role,
    /// The broker id; 0 for what is no broker.
    pub(crate) id: u16,
    /// The process started last; 0 when none was.
    pub(crate) pid: u32,
    /// An argument of the process that no other has: how it is told from a stranger with the same pid. Of a container,
    /// the service's name.
    pub(crate) marker: String,
    /// Addresses by listener name.
    pub(crate) listeners: BTreeMap<String, String>,
    /// Program and arguments that start it.
    pub(crate) command: Vec<String>,
    pub(crate) log: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Broker,
    Zookeeper,
    /// The endpoint that gives out tokens.
    Tokens,
}

impl State {
    /// The folder of the cluster with this name.
    pub(crate) fn folder(name: &str) -> Result<PathBuf> {
        Ok(paths::clusters()?.join(name))
    }

    /// The file that holds the state of the cluster with this name.
    pub(crate) fn file(name: &str) -> Result<PathBuf> {
        Ok(Self::folder(name)?.join("state.json"))
    }

    /// Keeps every other xtask from changing this cluster until dropped.
    pub(crate) fn lock(name: &str) -> Result<FileLock> {
        FileLock::exclusive(&paths::cache()?.join("locks").join(lock_name(&Self::folder(name)?)))
    }

    /// Reads the state of a cluster; `None` when there is no such cluster.
    pub(crate) fn find(name: &str) -> Result<Option<Self>> {
        let file = Self::file(name)?;
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} is damaged: `cargo xtask down --name {name}`", file.display()))
                .map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
        }
    }

    /// Reads the state of a cluster that must be there.
    pub(crate) fn get(name: &str) -> Result<Self> {
        Self::find(name)?.with_context(|| {
            format!("there is no cluster {name:?}: start it with `cargo xtask up --name {name}`")
        })
    }

    /// Every cluster started from this workspace, by name.
    pub(crate) fn all() -> Result<Vec<Self>> {
        let mut names = Vec::new();
        match fs::read_dir(paths::clusters()?) {
            Ok(entries) => {
                for entry in entries {
                    names.push(entry?.file_name().to_string_lossy().into_owned());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).context("cannot list the clusters"),
        }
        names.sort();
        let mut states = Vec::new();
        for name in names {
            if Self::folder(&name)?.is_dir() {
                states.extend(Self::find(&name)?);
            }
        }
        Ok(states)
    }

    /// Writes the state so that a reader sees the old one or the new one, never a part.
    pub(crate) fn save(&self) -> Result<()> {
        let file = Self::file(&self.name)?;
        let next = file.with_extension("json.next");
        write(&next, &serde_json::to_string_pretty(self)?)?;
        fs::rename(&next, &file).with_context(|| format!("cannot write {}", file.display()))
    }

    pub(crate) fn cluster(&self) -> Cluster {
        Cluster { version: self.version, brokers: self.brokers, overrides: self.overrides.clone() }
    }

    pub(crate) fn brokers(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::Broker)
    }

    /// Where the certificates of the cluster are.
    pub(crate) fn certificates(&self) -> Result<Files> {
        Ok(Files::in_folder(&Self::folder(&self.name)?.join("certificates")))
    }

    /// What the cluster's tokens are made and checked by.
    pub(crate) fn token_files(&self) -> Result<TokenFiles> {
        Ok(TokenFiles::in_folder(&Self::folder(&self.name)?.join("certificates")))
    }

    /// Where tokens are given out, if anywhere.
    pub(crate) fn token_endpoint(&self) -> Option<String> {
        let node = self.nodes.iter().find(|node| node.role == Role::Tokens)?;
        Some(token_endpoint::url(node.listeners.values().next()?))
    }

    /// The addresses to give to clients that ask for no security.
    pub(crate) fn bootstrap_servers(&self) -> Vec<String> {
        self.addresses(self.cluster().listener_for(Audience::Clients))
    }

    /// The addresses to give to clients that speak TLS and show a certificate.
    pub(crate) fn tls_servers(&self) -> Vec<String> {
        self.addresses(&client_listener("SSL"))
    }

    /// The addresses of one listener.
    pub(crate) fn addresses(&self, listener: &str) -> Vec<String> {
        self.brokers().filter_map(|node| node.listeners.get(listener).cloned()).collect()
    }
}

/// A file name of its own for each path. Locks cannot lie in the folder they protect, which `down` removes.
fn lock_name(folder: &Path) -> String {
    const LONGEST: usize = 200;
    let name: Vec<char> = folder.display().to_string().replace(['/', '\\', ':'], "%").chars().collect();
    name.iter().skip(name.len().saturating_sub(LONGEST)).collect()
}

/// Writes a file, creating its folder.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// A name that is a plain folder name.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 50 || !name.chars().all(plain) {
        bail!("{name:?} cannot name a cluster: use 1 to 50 letters, digits, `-` and `_`");
    }
    Ok(())
}
