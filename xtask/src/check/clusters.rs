//! The clusters of a test run: started when the first step needs them, ended whatever happens.

use std::{collections::BTreeMap, fmt, str::FromStr};

use anyhow::Result;

use super::commands::between;
use crate::cluster::{self, Backend, Cluster, KafkaVersion, State, environment};

/// The names of the clusters of a run.
const SINGLE: &str = "test-single";
const THREE: &str = "test-three";
const OLDEST: &str = "test-oldest";
const OTHER: &str = "test-other";

/// The versions to test on, besides the oldest.
#[derive(Debug, Clone)]
pub(crate) enum Versions {
    One(KafkaVersion),
    All,
}

impl Default for Versions {
    fn default() -> Self {
        Self::One(KafkaVersion::NEWEST)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(version) => version.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

impl FromStr for Versions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

/// The clusters of this run.
#[derive(Debug)]
pub(crate) struct Clusters {
    versions: Versions,
    keep: bool,
    started: Vec<&'static str>,
}

impl Clusters {
    pub(crate) fn new(versions: Versions, keep: bool) -> Self {
        Self { versions, keep, started: Vec::new() }
    }

    fn main_version(&self) -> KafkaVersion {
        match self.versions {
            Versions::One(version) => version,
            Versions::All => KafkaVersion::NEWEST,
        }
    }

    /// Starts the clusters of the tests, and says in variables where they are.
    pub(crate) fn for_tests(&mut self) -> Result<Vec<(String, String)>> {
        let version = self.main_version();
        let wanted = [
            (environment::SINGLE, SINGLE, version, 1),
            (environment::THREE, THREE, version, 3),
            (environment::OLDEST, OLDEST, KafkaVersion::OLDEST, 1),
        ];
        let mut variables = vec![environment::program()?];
        for (variable, name, version, brokers) in wanted {
            let state = self.start(name, version, brokers)?;
            variables.push((variable.to_owned(), environment::state_file(&state)?));
        }
        Ok(variables)
    }

    /// The versions that the main job runs on.
    pub(crate) fn main_job_versions(&self) -> Result<Vec<KafkaVersion>> {
        let mut versions = vec![self.main_version()];
        if matches!(self.versions, Versions::All) {
            versions.extend(between()?);
        }
        if !versions.contains(&KafkaVersion::OLDEST) {
            versions.push(KafkaVersion::OLDEST);
        }
        Ok(versions)
    }

    /// A cluster of one broker of this version.
    pub(crate) fn for_main_job(&mut self, version: KafkaVersion) -> Result<State> {
        let name = match version {
            version if version == self.main_version() => SINGLE,
            KafkaVersion::OLDEST => OLDEST,
            _ => {
                self.stop(OTHER)?;
                OTHER
            }
        };
        self.start(name, version, 1)
    }

    /// A cluster of three brokers.
    pub(crate) fn three(&mut self) -> Result<State> {
        self.start(THREE, self.main_version(), 3)
    }

    fn start(&mut self, name: &'static str, version: KafkaVersion, brokers: u16) -> Result<State> {
        let cluster = Cluster { version, brokers, overrides: BTreeMap::new() };
        if State::find(name).is_ok_and(|found| found.is_some_and(|state| state.cluster() != cluster)) {
            cluster::down(name)?;
        }
        if !self.started.contains(&name) {
            self.started.push(name);
        }
        // Tests stop brokers by their processes and run Kafka's own tools from the jars.
        cluster::bring_up(name, Backend::Native, &cluster, cluster::TIMEOUT)?;
        State::get(name)
    }

    fn stop(&mut self, name: &'static str) -> Result<()> {
        self.started.retain(|started| *started != name);
        cluster::down(name)
    }

    /// Ends what was started, unless it is to be kept.
    pub(crate) fn end(&mut self) {
        for name in std::mem::take(&mut self.started) {
            if self.keep {
                eprintln!("cluster {name:?} is left running: `cargo xtask down --name {name}`");
            } else if let Err(error) = cluster::down(name) {
                eprintln!("cluster {name:?} could not be ended: {error:#}");
            }
        }
    }
}

impl Drop for Clusters {
    fn drop(&mut self) {
        self.end();
    }
}
