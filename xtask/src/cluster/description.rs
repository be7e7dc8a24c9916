//! What a test cluster is, whatever runs it: brokers, listeners, settings.
//!
//! Every backend renders this and adds only what is its own: addresses, folders, and the spelling of settings.

use std::collections::BTreeMap;

use super::KafkaVersion;

/// Who connects to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Applications on the host.
    Clients,
    /// The other brokers, and containers beside them.
    Brokers,
    /// The KRaft quorum.
    Controllers,
}

/// One listener that every broker has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listener {
    /// The name in the broker's settings.
    pub(crate) name: &'static str,
    /// The security protocol spoken on it.
    pub(crate) protocol: &'static str,
    pub(crate) audience: Audience,
    /// Its port where ports are fixed: of every broker, or for clients of the first one, the others' follow on.
    pub(crate) port: u16,
}

impl Listener {
    /// The fixed port of this listener on one broker.
    pub(crate) fn port_of(&self, broker: u16) -> u16 {
        if self.audience == Audience::Clients { on_host(self.port, broker) } else { self.port }
    }
}

/// Where JMX is, where ports are fixed; on the first broker, the others' follow on.
pub(crate) const JMX_PORT: u16 = 9101;
/// Where tokens are given out, where ports are fixed.
pub(crate) const TOKENS_PORT: u16 = 9443;
/// Where Kafka UI is, where ports are fixed.
pub(crate) const UI_PORT: u16 = 8080;
/// Where the Prometheus exporter is, where ports are fixed.
pub(crate) const EXPORTER_PORT: u16 = 9308;

/// The port of one broker on a host that all brokers share, given the first one's.
pub(crate) fn on_host(first: u16, broker: u16) -> u16 {
    first.saturating_add(broker.saturating_sub(1))
}

/// The names of the listeners for clients end so. (The image of Kafka looks for `SSL://` among them, and then wants
/// key stores and passwords in files of its own.)
const FOR_CLIENTS: &str = "_HOST";

/// The listener for clients that speaks a protocol.
pub(crate) fn client_listener(protocol: &str) -> String {
    format!("{protocol}{FOR_CLIENTS}")
}

/// The listener that wants who is there to say so again every three seconds.
pub(crate) const REAUTHENTICATION: &str = "REAUTH";

const LISTENERS: [Listener; 7] = [
    Listener { name: "PLAINTEXT", protocol: "PLAINTEXT", audience: Audience::Brokers, port: 29092 },
    Listener { name: "PLAINTEXT_HOST", protocol: "PLAINTEXT", audience: Audience::Clients, port: 9092 },
    Listener { name: "SSL_HOST", protocol: "SSL", audience: Audience::Clients, port: 9192 },
    Listener {
        name: "SASL_PLAINTEXT_HOST",
        protocol: "SASL_PLAINTEXT",
        audience: Audience::Clients,
        port: 9292,
    },
    Listener { name: "SASL_SSL_HOST", protocol: "SASL_SSL", audience: Audience::Clients, port: 9392 },
    Listener { name: REAUTHENTICATION, protocol: "SASL_SSL", audience: Audience::Clients, port: 9492 },
    Listener { name: "CONTROLLER", protocol: "PLAINTEXT", audience: Audience::Controllers, port: 29093 },
];

/// A cluster to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cluster {
    pub(crate) version: KafkaVersion,
    /// How many brokers; each is a controller too.
    pub(crate) brokers: u16,
    /// Broker settings that the user wants, whatever they replace.
    pub(crate) overrides: BTreeMap<String, String>,
}

impl Cluster {
    /// The ids of the brokers: 1, 2, 3.
    pub(crate) fn broker_ids(&self) -> impl Iterator<Item = u16> + use<> {
        1..=self.brokers
    }

    /// The listeners of each broker.
    pub(crate) fn listeners(&self) -> impl Iterator<Item = Listener> + use<> {
        let zookeeper = self.version.uses_zookeeper();
        LISTENERS
            .into_iter()
            .filter(move |listener| !(zookeeper && listener.audience == Audience::Controllers))
    }

    /// The value of `listener.security.protocol.map`.
    pub(crate) fn protocol_map(&self) -> String {
        let pairs: Vec<String> =
            self.listeners().map(|listener| format!("{}:{}", listener.name, listener.protocol)).collect();
        pairs.join(",")
    }

    /// The name of the first listener for this audience.
    pub(crate) fn listener_for(&self, audience: Audience) -> &'static str {
        self.listeners().find(|listener| listener.audience == audience).map_or("", |listener| listener.name)
    }

    /// All settings of one broker. `own` are those that only its backend knows: folders, certificates, ZooKeeper's
    /// address; `address` gives host and port of a listener of a broker, as `(broker, listener, advertised)`.
    pub(crate) fn broker_settings(
        &self,
        id: u16,
        own: impl IntoIterator<Item = (String, String)>,
        address: impl Fn(u16, Listener, bool) -> String,
    ) -> BTreeMap<String, String> {
        let listeners = |advertised: bool| {
            self.listeners()
                .filter(|listener| !advertised || listener.audience != Audience::Controllers)
                .map(|listener| format!("{}://{}", listener.name, address(id, listener, advertised)))
                .collect::<Vec<_>>()
                .join(",")
        };
        let mut settings = self.settings();
        let mut set = |key: &str, value: String| settings.insert(key.to_owned(), value);
        set("listeners", listeners(false));
        set("advertised.listeners", listeners(true));
        set("listener.security.protocol.map", self.protocol_map());
        // Each in a rack of its own, so that "near" means one broker (KIP-392, KIP-881).
        set("broker.rack", format!("rack-{id}"));
        set("inter.broker.listener.name", self.listener_for(Audience::Brokers).to_owned());
        if let Some(controller) = self.listeners().find(|listener| listener.audience == Audience::Controllers)
        {
            let voters =
                self.broker_ids().map(|voter| format!("{voter}@{}", address(voter, controller, true)));
            set("node.id", id.to_string());
            set("process.roles", "broker,controller".to_owned());
            set("controller.listener.names", controller.name.to_owned());
            set("controller.quorum.voters", voters.collect::<Vec<_>>().join(","));
        } else {
            set("broker.id", id.to_string());
        }
        settings.extend(own);
        settings.extend(self.overrides.clone());
        settings
    }

    /// The broker settings that are the same on every broker and every backend.
    pub(crate) fn settings(&self) -> BTreeMap<String, String> {
        let replicas = self.brokers.min(3).to_string();
        let in_sync = if self.brokers >= 3 { "2" } else { "1" };
        let mut settings: BTreeMap<String, String> = [
            // A client that asks for metadata decides per request whether a topic may come to life by that, so a
            // test for an unknown topic works with this as it is on most clusters.
            ("auto.create.topics.enable", "true"),
            ("num.partitions", "3"),
            ("default.replication.factor", &replicas),
            ("min.insync.replicas", in_sync),
            ("unclean.leader.election.enable", "false"),
            ("offsets.topic.replication.factor", &replicas),
            ("transaction.state.log.replication.factor", &replicas),
            ("transaction.state.log.min.isr", in_sync),
            ("group.initial.rebalance.delay.ms", "0"),
            // Consumers that say their rack read from the replica there.
            ("replica.selector.class", "org.apache.kafka.common.replica.RackAwareReplicaSelector"),
            ("log.retention.hours", "168"),
            ("log.segment.bytes", "1073741824"),
            ("log.retention.check.interval.ms", "300000"),
            ("num.network.threads", "8"),
            ("num.io.threads", "8"),
            ("socket.send.buffer.bytes", "102400"),
            ("socket.receive.buffer.bytes", "102400"),
            ("socket.request.max.bytes", "104857600"),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        if self.version >= (KafkaVersion { major: 4, minor: 0, patch: 0 }) {
            // Share groups (KIP-932) keep their state in one more internal topic.
            settings.insert("share.coordinator.state.topic.replication.factor".to_owned(), replicas.clone());
            settings.insert("share.coordinator.state.topic.min.isr".to_owned(), in_sync.to_owned());
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(version: &str, brokers: u16) -> Cluster {
        Cluster { version: version.parse().unwrap(), brokers, overrides: BTreeMap::new() }
    }

    #[test]
    fn three_brokers_replicate_and_one_does_not() {
        let one = cluster("4.3.1", 1).settings();
        assert_eq!(one["default.replication.factor"], "1");
        assert_eq!(one["min.insync.replicas"], "1");
        let three = cluster("4.3.1", 3).settings();
        assert_eq!(three["default.replication.factor"], "3");
        assert_eq!(three["min.insync.replicas"], "2");
        assert_eq!(three["offsets.topic.replication.factor"], "3");
    }

    #[test]
    fn an_override_wins() {
        let mut cluster = cluster("4.3.1", 1);
        cluster.overrides.insert("num.partitions".to_owned(), "7".to_owned());
        let settings =
            cluster.broker_settings(1, [], |_, listener, _| format!("localhost:{}", listener.port));
        assert_eq!(settings["num.partitions"], "7");
    }

    #[test]
    fn only_kraft_brokers_have_a_controller_listener() {
        assert!(cluster("3.5.1", 1).protocol_map().contains("CONTROLLER"));
        assert!(!cluster("2.8.2", 1).protocol_map().contains("CONTROLLER"));
    }
}
