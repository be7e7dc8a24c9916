//! A cluster that one test has for itself, to break it.

use std::{env, ops::Deref, process::Command};

use crate::Cluster;

/// A cluster that no other test uses meanwhile. Dropped, it first starts and resumes whatever was stopped.
///
/// Each method ends when what it asks for has happened: the process is gone, or the broker answers again. They wait
/// on a thread of their own, so that the clients of the test go on.
///
/// A test with a runtime of one thread (`#[tokio::test]`) is fine.
#[derive(Debug)]
pub struct Exclusive {
    cluster: Cluster,
}

impl Exclusive {
    pub(crate) fn new(cluster: Cluster) -> Self {
        cluster.lock.unlock().expect("unlock the cluster");
        cluster.lock.lock().expect("lock the cluster");
        Self { cluster }
    }

    /// Kills a broker by SIGKILL.
    pub async fn kill(&self, broker: i32) {
        self.run("kill", broker).await;
    }

    /// Shuts a broker down in an orderly way: it hands its partitions over first.
    pub async fn stop(&self, broker: i32) {
        self.run("stop", broker).await;
    }

    /// Starts a broker that was killed or stopped.
    pub async fn start(&self, broker: i32) {
        self.run("start", broker).await;
    }

    /// Freezes a broker by SIGSTOP: connections stay open and nothing answers.
    pub async fn pause(&self, broker: i32) {
        self.run("pause", broker).await;
    }

    /// Lets a frozen broker go on.
    pub async fn resume(&self, broker: i32) {
        self.run("resume", broker).await;
    }

    async fn run(&self, what: &'static str, broker: i32) {
        let name = self.cluster.state.name.clone();
        let done = tokio::task::spawn_blocking(move || {
            xtask(&[what, "--name", &name, "--broker", &broker.to_string()])
        })
        .await;
        if let Err(message) = done.expect("the thread that runs xtask") {
            panic!("cannot {what} broker {broker}: {message}");
        }
    }
}

impl Deref for Exclusive {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.cluster
    }
}

impl Drop for Exclusive {
    fn drop(&mut self) {
        let name = self.cluster.state.name.as_str();
        let whole = xtask(&["resume", "--name", name, "--all"])
            .and_then(|()| xtask(&["start", "--name", name, "--all"]));
        if let Err(message) = whole {
            eprintln!("the cluster {name:?} is not whole again for the tests that follow: {message}");
        }
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
