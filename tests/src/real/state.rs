//! Where a real cluster is, from the file that `xtask` wrote, and what only such a one has.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use serde::Deserialize;

use crate::Cluster;

/// The listener for programs on this machine.
const CLIENT_LISTENER: &str = "PLAINTEXT_HOST";

/// A real cluster, locked against those who want it alone.
#[derive(Debug)]
pub(crate) struct Real {
    pub(crate) state: State,
    pub(crate) folder: PathBuf,
    /// Shared lock, or an exclusive one inside [`Exclusive`](crate::Exclusive).
    pub(crate) lock: File,
}

/// The part of `xtask`'s state file that tests need.
#[derive(Debug, Deserialize)]
pub(crate) struct State {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) classpath: String,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Node {
    pub(crate) role: String,
    pub(crate) id: i32,
    pub(crate) listeners: BTreeMap<String, String>,
    pub(crate) log: PathBuf,
}

impl Real {
    /// Whether the environment names any real cluster.
    pub(crate) fn wanted() -> bool {
        let variables = ["KAFKA_TESTS_SINGLE", "KAFKA_TESTS_THREE", "KAFKA_TESTS_OLDEST"];
        variables.into_iter().any(|name| env::var_os(name).is_some())
    }

    pub(crate) fn named(variable: &str, up: &str, name: &str) -> Self {
        let Some(file) = env::var_os(variable).map(PathBuf::from) else {
            panic!(
                "this test needs a real Kafka cluster and {variable} names none: run `cargo xtask test`, or \
                 `{up}` and `eval \"$(cargo xtask env --name {name})\"`"
            );
        };
        let text = fs::read(&file).unwrap_or_else(|error| {
            panic!("the cluster that {variable} names is gone ({}: {error}): run `{up}`", file.display())
        });
        let state = serde_json::from_slice(&text)
            .unwrap_or_else(|error| panic!("{} is not a cluster's state: {error}", file.display()));
        let lock = File::create(file.with_file_name("tests.lock")).expect("create the tests' lock");
        lock.lock_shared().expect("lock the cluster");
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        Self { state, folder, lock }
    }

    pub(crate) fn bootstrap_servers(&self) -> Vec<String> {
        self.brokers().map(|node| node.listeners[CLIENT_LISTENER].clone()).collect()
    }

    pub(crate) fn version_numbers(&self) -> (u16, u16, u16) {
        let mut numbers = self.state.version.split('.').map(|part| part.parse().expect("a version number"));
        let mut next = || numbers.next().expect("a version of three numbers");
        (next(), next(), next())
    }

    pub(crate) fn brokers(&self) -> impl Iterator<Item = &Node> {
        self.state.nodes.iter().filter(|node| node.role == "broker")
    }

    fn broker(&self, id: i32) -> &Node {
        self.brokers().find(|node| node.id == id).unwrap_or_else(|| panic!("there is no broker {id}"))
    }
}

/// What only a real cluster has.
impl Cluster {
    /// The address of one broker.
    #[must_use]
    pub fn address(&self, broker: i32) -> String {
        self.real().broker(broker).listeners[CLIENT_LISTENER].clone()
    }

    /// The addresses of a listener: `SSL` (asks for a certificate), `SASL_PLAINTEXT`, `SASL_SSL`, or `REAUTH`, which is
    /// `SASL_SSL` with a new sign-in every three seconds.
    ///
    /// Users are `alice` and `bob`, with the passwords `alice-secret` and `bob-secret` for PLAIN, SCRAM-SHA-256 and
    /// SCRAM-SHA-512. OAUTHBEARER takes unsigned tokens of any subject on `SASL_PLAINTEXT`, and on `SASL_SSL` those of
    /// [`token_endpoint`](Self::token_endpoint) alone.
    ///
    /// Topics, groups and transactional ids whose names begin with `private-` are `alice`'s alone; of topics `readable-...`
    /// and `writable-...`, `bob` may only read or only write; the cluster is `alice`'s; all else is open to both.
    #[must_use]
    pub fn listener(&self, name: &str) -> Vec<String> {
        let name = if name == "REAUTH" { name.to_owned() } else { format!("{name}_HOST") };
        self.real().brokers().map(|node| node.listeners[&name].clone()).collect()
    }

    /// Where the users get signed tokens, by OAuth's client credentials (name and password, in the form or by HTTP Basic).
    ///
    /// A query asks for an odd one: `?lifetime=5` (seconds; 3,600 otherwise), `?audience=other`, `?signer=stranger` (a
    /// key that no broker knows); `?status=503` gives that status and no token.
    ///
    /// # Panics
    /// On the oldest cluster, whose brokers cannot check signatures.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        let nodes = &self.real().state.nodes;
        let node = nodes.iter().find(|node| node.role == "tokens").expect("a token endpoint");
        format!("https://{}/token", node.listeners["HTTPS"])
    }

    /// Kafka's version, such as `4.3.1`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.real().state.version
    }

    /// The broker's log file, for messages that a test waits for.
    #[must_use]
    pub fn log(&self, broker: i32) -> &Path {
        &self.real().broker(broker).log
    }
}

pub(crate) fn xtask(arguments: &[&str]) -> Result<(), String> {
    let program = env::var_os("KAFKA_TESTS_XTASK")
        .ok_or("KAFKA_TESTS_XTASK is not set: `cargo xtask env` prints it")?;
    let output = Command::new(&program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
