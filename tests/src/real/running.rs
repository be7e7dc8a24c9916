//! One of Kafka's tools that goes on while the test does.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use crate::Cluster;

use super::Tool;

/// A tool at work; killed when it is dropped.
#[derive(Debug)]
pub struct RunningTool {
    process: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Cluster {
    /// Starts a tool with `--bootstrap-server` and these arguments.
    ///
    /// # Panics
    /// When `java` cannot be started.
    #[must_use]
    pub fn start_tool(&self, tool: Tool, arguments: &[&str]) -> RunningTool {
        let mut process = Command::new("java")
            .args([
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                &self.real().state.classpath,
                self.class(tool),
            ])
            .args(["--bootstrap-server", &self.bootstrap_servers().join(",")])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start java: {error}"));
        let stdout = process.stdout.take().expect("standard output was piped");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let into = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                into.lock().expect("nobody panics with the lock").push(line);
            }
        });
        RunningTool { process, lines, reader: Some(reader) }
    }
}

impl RunningTool {
    /// The lines that it has printed so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("nobody panics with the lock").clone()
    }

    /// Has it end in an orderly way (SIGTERM), and waits until it has; all its lines.
    ///
    /// # Panics
    /// When there is no `kill`.
    pub async fn stop(mut self) -> Vec<String> {
        let pid = self.process.id().to_string();
        let stopped = tokio::task::spawn_blocking(move || {
            let status = Command::new("kill").args(["-TERM", &pid]).status();
            assert!(status.expect("start kill").success(), "cannot stop the tool");
            self.process.wait().expect("wait for java");
            if let Some(reader) = self.reader.take() {
                reader.join().expect("the thread that reads what java prints");
            }
            self.lines()
        });
        stopped.await.expect("the thread that waits for java")
    }
}

impl Drop for RunningTool {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
