//! A cluster that one test has for itself, to break it.

use std::ops::Deref;

use crate::{
    Cluster,
    cluster::Runs,
    real::{Real, xtask},
};

/// A cluster that no other test uses meanwhile. Dropped, it first starts and resumes whatever was stopped.
///
/// Each method ends when what it asks for has happened: the broker is gone, or it answers again. They wait
/// on a thread of their own, so that the clients of the test go on.
///
/// A test with a runtime of one thread (`#[tokio::test]`) is fine.
#[derive(Debug)]
pub struct Exclusive {
    cluster: Cluster,
}

impl Exclusive {
    pub(crate) fn new(cluster: Cluster) -> Self {
        if let Runs::Real(real) = &cluster.runs {
            real.lock.unlock().expect("unlock the cluster");
            real.lock.lock().expect("lock the cluster");
        }
        Self { cluster }
    }

    /// Kills a broker: a real one by SIGKILL, one in this process by cutting its connections first.
    pub async fn kill(&self, broker: i32) {
        match &self.cluster.runs {
            Runs::Real(real) => run(real, "kill", broker).await,
            Runs::Embedded(cluster) => cluster.kill(broker).await.expect("kill a broker"),
        }
    }

    /// Shuts a broker down in an orderly way: it hands its partitions over first.
    pub async fn stop(&self, broker: i32) {
        match &self.cluster.runs {
            Runs::Real(real) => run(real, "stop", broker).await,
            Runs::Embedded(cluster) => cluster.stop(broker).await.expect("stop a broker"),
        }
    }

    /// Starts a broker that was killed or stopped.
    pub async fn start(&self, broker: i32) {
        match &self.cluster.runs {
            Runs::Real(real) => run(real, "start", broker).await,
            Runs::Embedded(cluster) => cluster.start(broker).await.expect("start a broker"),
        }
    }

    /// Freezes a broker of a real cluster by SIGSTOP: connections stay open and nothing answers.
    pub async fn pause(&self, broker: i32) {
        run(self.real(), "pause", broker).await;
    }

    /// Lets a frozen broker go on.
    pub async fn resume(&self, broker: i32) {
        run(self.real(), "resume", broker).await;
    }
}

async fn run(real: &Real, what: &'static str, broker: i32) {
    let name = real.state.name.clone();
    let done =
        tokio::task::spawn_blocking(move || xtask(&[what, "--name", &name, "--broker", &broker.to_string()]))
            .await;
    if let Err(message) = done.expect("the thread that runs xtask") {
        panic!("cannot {what} broker {broker}: {message}");
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
        let Runs::Real(real) = &self.cluster.runs else { return };
        let name = real.state.name.as_str();
        let whole = xtask(&["resume", "--name", name, "--all"])
            .and_then(|()| xtask(&["start", "--name", name, "--all"]));
        if let Err(message) = whole {
            eprintln!("the cluster {name:?} is not whole again for the tests that follow: {message}");
        }
    }
}
