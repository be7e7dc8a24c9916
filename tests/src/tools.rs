//! Kafka's own command-line tools, from the same jars as the broker: the other side of cross-client tests.

use std::{
    io::Write,
    process::{Command, ExitStatus, Stdio},
    thread,
};

use crate::Cluster;

/// A tool that Kafka ships, by the name of its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tool {
    /// `kafka-acls.sh`
    Acls,
    /// `kafka-broker-api-versions.sh`
    BrokerApiVersions,
    /// `kafka-configs.sh`
    Configs,
    /// `kafka-console-consumer.sh`
    ConsoleConsumer,
    /// `kafka-console-producer.sh`
    ConsoleProducer,
    /// `kafka-consumer-groups.sh`
    ConsumerGroups,
    /// `kafka-dump-log.sh`; takes no `--bootstrap-server`
    DumpLog,
    /// `kafka-get-offsets.sh`
    GetOffsets,
    /// `kafka-leader-election.sh`
    LeaderElection,
    /// `kafka-reassign-partitions.sh`
    ReassignPartitions,
    /// `kafka-topics.sh`
    Topics,
    /// `kafka-verifiable-producer.sh`
    VerifiableProducer,
}

impl Tool {
    /// The class of the tool, which moved between versions.
    fn class(self, version: (u16, u16, u16)) -> &'static str {
        let four = version >= (4, 0, 0);
        let late_three = version >= (3, 9, 0);
        match self {
            Self::Acls if four => "org.apache.kafka.tools.AclCommand",
            Self::Acls => "kafka.admin.AclCommand",
            Self::BrokerApiVersions if four => "org.apache.kafka.tools.BrokerApiVersionsCommand",
            Self::BrokerApiVersions => "kafka.admin.BrokerApiVersionsCommand",
            Self::Configs => "kafka.admin.ConfigCommand",
            Self::ConsoleConsumer if late_three => "org.apache.kafka.tools.consumer.ConsoleConsumer",
            Self::ConsoleConsumer => "kafka.tools.ConsoleConsumer",
            Self::ConsoleProducer if four => "org.apache.kafka.tools.ConsoleProducer",
            Self::ConsoleProducer => "kafka.tools.ConsoleProducer",
            Self::ConsumerGroups if late_three => {
                "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
            }
            Self::ConsumerGroups => "kafka.admin.ConsumerGroupCommand",
            Self::DumpLog if four => "org.apache.kafka.tools.DumpLogSegments",
            Self::DumpLog => "kafka.tools.DumpLogSegments",
            Self::GetOffsets if late_three => "org.apache.kafka.tools.GetOffsetShell",
            Self::GetOffsets => "kafka.tools.GetOffsetShell",
            Self::LeaderElection if late_three => "org.apache.kafka.tools.LeaderElectionCommand",
            Self::LeaderElection => "kafka.admin.LeaderElectionCommand",
            Self::ReassignPartitions if late_three => {
                "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
            }
            Self::ReassignPartitions => "kafka.admin.ReassignPartitionsCommand",
            Self::Topics if late_three => "org.apache.kafka.tools.TopicCommand",
            Self::Topics => "kafka.admin.TopicCommand",
            Self::VerifiableProducer => "org.apache.kafka.tools.VerifiableProducer",
        }
    }
}

/// What a tool printed.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Bytes on standard output.
    pub stdout: Vec<u8>,
    /// Text on standard error, which is where logs go.
    pub stderr: String,
}

impl Output {
    /// The output of a tool that must have succeeded.
    ///
    /// # Panics
    /// When it did not, with what it printed.
    pub fn success(self) -> Vec<u8> {
        let said = String::from_utf8_lossy(&self.stdout).into_owned();
        assert!(self.status.success(), "the tool failed ({}):\n{said}\n{}", self.status, self.stderr);
        self.stdout
    }
}

impl Cluster {
    /// Runs a tool with `--bootstrap-server` (where it takes one) and these arguments; `stdin` is its input.
    pub async fn tool(&self, tool: Tool, arguments: &[&str], stdin: impl Into<Vec<u8>>) -> Output {
        let servers = self.bootstrap_servers().join(",");
        let mut all = match tool {
            Tool::DumpLog => vec![],
            // Renamed in 3.0.
            Tool::GetOffsets if self.version_numbers() < (3, 0, 0) => vec!["--broker-list", &servers],
            _ => vec!["--bootstrap-server", &servers],
        };
        all.extend(arguments);
        self.java(self.class(tool), &all, stdin).await
    }

    /// The class of a tool, for [`java`](Self::java).
    #[must_use]
    pub fn class(&self, tool: Tool) -> &'static str {
        tool.class(self.version_numbers())
    }

    /// Runs any class of Kafka's jars, with these arguments and nothing else.
    ///
    /// # Panics
    /// When `java` cannot be started.
    pub async fn java(&self, class: &str, arguments: &[&str], stdin: impl Into<Vec<u8>>) -> Output {
        self.java_with(&[], class, arguments, stdin).await
    }

    /// Runs a class as [`java`](Self::java) does, with options for the virtual machine such as `-Dname=value`.
    ///
    /// # Panics
    /// When `java` cannot be started.
    pub async fn java_with(
        &self,
        options: &[&str],
        class: &str,
        arguments: &[&str],
        stdin: impl Into<Vec<u8>>,
    ) -> Output {
        let mut command = Command::new("java");
        command
            .args(["-Xmx256m", "-XX:TieredStopAtLevel=1"])
            .args(options)
            .args(["-cp", &self.state.classpath, class])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let input = stdin.into();
        tokio::task::spawn_blocking(move || run(command, input)).await.expect("the thread that runs java")
    }
}

fn run(mut command: Command, input: Vec<u8>) -> Output {
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start java: {error}"));
    let mut stdin = child.stdin.take().expect("standard input was piped");
    // A tool that ends early leaves input unread, which is not our failure: what it printed tells.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("wait for java");
    writer.join().expect("the thread that feeds java");
    Output {
        status: output.status,
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
