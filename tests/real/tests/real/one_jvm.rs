//! Kafka's tools in one virtual machine, on brokers in the process; the real cluster lends only its jars.

use kafka_embedded::EmbeddedCluster;
use kafka_tests::{Cluster, Tool};

/// What tools are called in commands.
const SHORT: [(&str, Tool); 22] = [
    ("Acls", Tool::Acls),
    ("BrokerApiVersions", Tool::BrokerApiVersions),
    ("ClusterTool", Tool::ClusterTool),
    ("Configure", Tool::Configs),
    ("Consume", Tool::ConsoleConsumer),
    ("ConsumeShared", Tool::ConsoleShareConsumer),
    ("ConsumeQuickly", Tool::ConsumerPerformance),
    ("DeleteRecords", Tool::DeleteRecords),
    ("Elect", Tool::LeaderElection),
    ("Features", Tool::Features),
    ("Groups", Tool::ConsumerGroups),
    ("LogDirs", Tool::LogDirs),
    ("Offsets", Tool::GetOffsets),
    ("Produce", Tool::ConsoleProducer),
    ("ProduceQuickly", Tool::ProducerPerformance),
    ("ProduceVerified", Tool::VerifiableProducer),
    ("Quorum", Tool::MetadataQuorum),
    ("Reassign", Tool::ReassignPartitions),
    ("ShareGroups", Tool::ShareGroups),
    ("Topics", Tool::Topics),
    ("Transactions", Tool::Transactions),
    ("Verify", Tool::VerifiableConsumer),
];

/// What each command printed, in the order in which they ended.
#[derive(Debug)]
pub(crate) struct Printed(Vec<(String, String)>);

impl Printed {
    /// What the first command printed that ends so, or else the first that has this part.
    pub(crate) fn of(&self, command: &str) -> &str {
        let ends = self.0.iter().find(|(asked, _)| asked.ends_with(command));
        let found = ends.or_else(|| self.0.iter().find(|(asked, _)| asked.contains(command)));
        &found.unwrap_or_else(|| panic!("no {command} in {self:?}")).1
    }

    /// As [`of`](Self::of); it must have all these parts.
    pub(crate) fn says(&self, command: &str, parts: &[&str]) -> &str {
        let said = self.of(command);
        assert!(parts.iter().all(|part| said.contains(part)), "{command}: no {parts:?} in {said}");
        said
    }

    /// The words of each line.
    pub(crate) fn table(&self, command: &str) -> Vec<Vec<&str>> {
        self.of(command).lines().map(|line| line.split_whitespace().collect()).collect()
    }

    /// All words, in order of the alphabet.
    pub(crate) fn sorted(&self, command: &str) -> Vec<&str> {
        let mut words: Vec<&str> = self.of(command).split_whitespace().collect();
        words.sort_unstable();
        words
    }
}

/// Runs commands of `java/Tools.java`, in which a tool has its short name.
pub(crate) async fn tools(brokers: &EmbeddedCluster, commands: &str) -> Printed {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/java/Tools.java");
    let jars = Cluster::real_single();
    let mut input = String::new();
    for line in commands.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let words = words.iter().map(|word| {
            SHORT.iter().find(|(short, _)| short == word).map_or(*word, |(_, tool)| jars.class(*tool))
        });
        input += &(words.collect::<Vec<_>>().join(" ") + "\n");
    }
    let servers = brokers.bootstrap_servers().join(",");
    let output = jars.java(program, &[&servers], input).await;
    let errors = output.stderr.clone();
    let printed = String::from_utf8(output.success()).expect("tools print text");
    assert!(!printed.contains("FAILED"), "{printed}\n{errors}");
    let mut all = Vec::new();
    for section in printed.split("== ").skip(1) {
        let (command, text) = section.split_once('\n').expect("a command has a line");
        let words = command.split(' ').map(|word| {
            SHORT.iter().find(|(_, tool)| jars.class(*tool) == word).map_or(word, |(short, _)| *short)
        });
        all.push((words.collect::<Vec<_>>().join(" "), text.to_owned()));
    }
    Printed(all)
}
