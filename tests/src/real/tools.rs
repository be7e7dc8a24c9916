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
    /// `kafka-cluster.sh`, from 4.0 on here
    ClusterTool,
    /// `kafka-configs.sh`
    Configs,
    /// `kafka-console-consumer.sh`
    ConsoleConsumer,
    /// `kafka-console-producer.sh`
    ConsoleProducer,
    /// `kafka-console-share-consumer.sh`, from 4.1 on
    ConsoleShareConsumer,
    /// `kafka-consumer-groups.sh`
    ConsumerGroups,
    /// `kafka-consumer-perf-test.sh`, from 4.0 on here
    ConsumerPerformance,
    /// `kafka-delete-records.sh`, from 4.0 on here
    DeleteRecords,
    /// `kafka-dump-log.sh`; takes no `--bootstrap-server`
    DumpLog,
    /// `kafka-features.sh`, from 4.0 on here
    Features,
    /// `kafka-get-offsets.sh`
    GetOffsets,
    /// `kafka-leader-election.sh`
    LeaderElection,
    /// `kafka-log-dirs.sh`, from 4.0 on here
    LogDirs,
    /// `kafka-metadata-quorum.sh`, from 4.0 on here
    MetadataQuorum,
    /// `kafka-producer-perf-test.sh`, from 4.0 on here
    ProducerPerformance,
    /// `kafka-reassign-partitions.sh`
    ReassignPartitions,
    /// `kafka-share-groups.sh`, from 4.1 on
    ShareGroups,
    /// `kafka-topics.sh`
    Topics,
    /// `kafka-transactions.sh`, from 4.0 on here
    Transactions,
    /// `kafka-verifiable-consumer.sh`
    VerifiableConsumer,
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
            Self::ClusterTool => "org.apache.kafka.tools.ClusterTool",
            Self::Configs => "kafka.admin.ConfigCommand",
            Self::ConsoleConsumer if late_three => "org.apache.kafka.tools.consumer.ConsoleConsumer",
            Self::ConsoleConsumer => "kafka.tools.ConsoleConsumer",
            Self::ConsoleProducer if four => "org.apache.kafka.tools.ConsoleProducer",
            Self::ConsoleProducer => "kafka.tools.ConsoleProducer",
            Self::ConsoleShareConsumer => "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
            Self::ConsumerGroups if late_three => {
                "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
            }
            Self::ConsumerGroups => "kafka.admin.ConsumerGroupCommand",
            Self::ConsumerPerformance => "org.apache.kafka.tools.ConsumerPerformance",
            Self::DeleteRecords => "org.apache.kafka.tools.DeleteRecordsCommand",
            Self::DumpLog if four => "org.apache.kafka.tools.DumpLogSegments",
            Self::DumpLog => "kafka.tools.DumpLogSegments",
            Self::Features => "org.apache.kafka.tools.FeatureCommand",
            Self::GetOffsets if late_three => "org.apache.kafka.tools.GetOffsetShell",
            Self::GetOffsets => "kafka.tools.GetOffsetShell",
            Self::LeaderElection if late_three => "org.apache.kafka.tools.LeaderElectionCommand",
            Self::LeaderElection => "kafka.admin.LeaderElectionCommand",
            Self::LogDirs => "org.apache.kafka.tools.LogDirsCommand",
            Self::MetadataQuorum => "org.apache.kafka.tools.MetadataQuorumCommand",
            Self::ProducerPerformance => "org.apache.kafka.tools.ProducerPerformance",
            Self::ReassignPartitions if late_three => {
                "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
            }
            Self::ReassignPartitions => "kafka.admin.ReassignPartitionsCommand",
            Self::ShareGroups => "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
            Self::Topics if late_three => "org.apache.kafka.tools.TopicCommand",
            Self::Topics => "kafka.admin.TopicCommand",
            Self::Transactions => "org.apache.kafka.tools.TransactionsCommand",
            Self::VerifiableConsumer => "org.apache.kafka.tools.VerifiableConsumer",
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
            .args(["-cp", &self.real().state.classpath, class])
            .args(arguments);
        run_program(command, stdin).await
    }
}

/// Runs a program to its end; `stdin` is its input.
///
/// # Panics
/// When it cannot be started.
pub async fn run_program(mut command: Command, stdin: impl Into<Vec<u8>>) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = stdin.into();
    tokio::task::spawn_blocking(move || run(command, input)).await.expect("the thread that runs a program")
}

fn run(mut command: Command, input: Vec<u8>) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
    let mut stdin = child.stdin.take().expect("standard input was piped");
    // A tool that ends early leaves input unread, which is not our failure: what it printed tells.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("wait for the program");
    writer.join().expect("the thread that feeds the program");
    Output {
        status: output.status,
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
