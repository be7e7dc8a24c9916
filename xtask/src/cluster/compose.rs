//! The same clusters as compose files: brokers with Kafka UI and the Prometheus exporter beside them.
//!
//! The files under `compose/` are what this writes for the newest version; a test fails when they are not.

use std::fmt::Write as _;

use super::{
    KafkaVersion,
    description::{Audience, Cluster, EXPORTER_PORT, JMX_PORT, Listener, UI_PORT, on_host},
    state::write,
};
use crate::paths;

/// The cluster's id inside the containers: any 128 bits in URL-safe base 64.
const CLUSTER_ID: &str = "c3RyZWFtaW5nLWthZmthLQ";

/// The command that shows a broker to be ready: it answers on its own network.
const BROKER_CHECK: &str = "/opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server";

/// The name of a broker's service, which is its host name among the containers.
pub(crate) fn service(cluster: &Cluster, id: u16) -> String {
    if cluster.brokers == 1 { "kafka".to_owned() } else { format!("kafka-{id}") }
}

/// The files kept under `compose/`, by name.
pub(crate) fn committed() -> Vec<(String, String)> {
    [1, 3]
        .into_iter()
        .map(|brokers| {
            let cluster = Cluster {
                version: KafkaVersion::NEWEST,
                brokers,
                secured: false,
                overrides: Default::default(),
            };
            (format!("kafka-{brokers}.yml"), render(&cluster))
        })
        .collect()
}

/// Writes the files under `compose/`.
pub(crate) fn write_committed() -> anyhow::Result<()> {
    for (name, text) in committed() {
        write(&paths::workspace()?.join("compose").join(name), &text)?;
    }
    Ok(())
}

/// The compose file of a cluster.
pub(crate) fn render(cluster: &Cluster) -> String {
    let many = if cluster.brokers == 1 { "one broker" } else { "three brokers" };
    let mut text = format!(
        "# A Kafka cluster of {many} for development: `docker compose -f compose/kafka-{}.yml up --wait`.\n\
         # Written by `cargo xtask compose` from the description that native clusters come from too: change it there.\n\
         # Ports are open to this machine alone, since nothing here asks for a password.\n\
         services:\n",
        cluster.brokers
    );
    for id in cluster.broker_ids() {
        text.push_str(&broker(cluster, id));
    }
    let internal = cluster.listeners().find(|listener| listener.audience == Audience::Brokers);
    let brokers: Vec<String> = cluster
        .broker_ids()
        .zip(std::iter::repeat(internal))
        .filter_map(|(id, listener)| Some(format!("{}:{}", service(cluster, id), listener?.port_of(id))))
        .collect();
    text.push_str(&user_interface(cluster, &brokers));
    text.push_str(&exporter(cluster, &brokers));
    text
}

fn broker(cluster: &Cluster, id: u16) -> String {
    let name = service(cluster, id);
    let jmx = on_host(JMX_PORT, id);
    let mut ports = Vec::new();
    for listener in cluster.listeners().filter(|listener| listener.audience == Audience::Clients) {
        ports.push(listener.port_of(id));
    }
    ports.push(jmx);
    let mut environment = vec![
        ("CLUSTER_ID".to_owned(), CLUSTER_ID.to_owned()),
        ("KAFKA_HEAP_OPTS".to_owned(), "-Xms128m -Xmx512m".to_owned()),
        ("KAFKA_JMX_HOSTNAME".to_owned(), "localhost".to_owned()),
        ("KAFKA_JMX_PORT".to_owned(), jmx.to_string()),
    ];
    let own = [("log.dirs".to_owned(), "/var/lib/kafka/data".to_owned())];
    let settings = cluster.broker_settings(id, own, |broker, listener, advertised| {
        format!("{}:{}", host(cluster, broker, listener, advertised), listener.port_of(broker))
    });
    environment.extend(settings.into_iter().map(|(key, value)| (variable(&key), value)));
    environment.sort();
    let internal = cluster.listeners().find(|listener| listener.audience == Audience::Brokers);
    let address = format!("{name}:{}", internal.map_or(0, |listener| listener.port_of(id)));
    let mut text = format!(
        "  {name}:\n    image: apache/kafka:{}\n    hostname: {name}\n{}    environment:\n",
        cluster.version,
        published(&ports)
    );
    for (key, value) in environment {
        // Writing to a string does not fail.
        let _written = writeln!(text, "      {key}: {}", quoted(&value));
    }
    text.push_str(&health(&["CMD-SHELL", &format!("{BROKER_CHECK} {address} >/dev/null 2>&1")]));
    text
}

/// The host of an address: everything binds to all of a container's interfaces, and clients come from outside.
fn host(cluster: &Cluster, broker: u16, listener: Listener, advertised: bool) -> String {
    match (advertised, listener.audience) {
        (false, _) => String::new(),
        (true, Audience::Clients) => "localhost".to_owned(),
        (true, Audience::Brokers | Audience::Controllers) => service(cluster, broker),
    }
}

fn user_interface(cluster: &Cluster, brokers: &[String]) -> String {
    format!(
        "  kafka-ui:\n    image: ghcr.io/kafbat/kafka-ui:latest\n    hostname: kafka-ui\n{}{}    environment:\n      \
         KAFKA_CLUSTERS_0_NAME: \"local\"\n      KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS: {}\n{}",
        after_brokers(cluster),
        published(&[UI_PORT]),
        quoted(&brokers.join(",")),
        health(&["CMD", "wget", "-q", "--spider", &format!("http://localhost:{UI_PORT}/actuator/health")])
    )
}

fn exporter(cluster: &Cluster, brokers: &[String]) -> String {
    let servers: String = brokers
        .iter()
        .map(|broker| format!("      - {}\n", quoted(&format!("--kafka.server={broker}"))))
        .collect();
    format!(
        "  kafka-exporter:\n    image: danielqsj/kafka-exporter:latest\n    hostname: kafka-exporter\n    restart: \
         unless-stopped\n{}{}    command:\n{servers}      - \"--web.listen-address=:{EXPORTER_PORT}\"\n{}",
        after_brokers(cluster),
        published(&[EXPORTER_PORT]),
        health(&["CMD", "wget", "-q", "--spider", &format!("http://localhost:{EXPORTER_PORT}/metrics")])
    )
}

fn after_brokers(cluster: &Cluster) -> String {
    let waits: String = cluster
        .broker_ids()
        .map(|id| format!("      {}:\n        condition: service_healthy\n", service(cluster, id)))
        .collect();
    format!("    depends_on:\n{waits}")
}

fn published(ports: &[u16]) -> String {
    let lines: String = ports.iter().map(|port| format!("      - \"127.0.0.1:{port}:{port}\"\n")).collect();
    format!("    ports:\n{lines}")
}

fn health(test: &[&str]) -> String {
    let words: Vec<String> = test.iter().map(|word| quoted(word)).collect();
    format!(
        "    healthcheck:\n      test: [{}]\n      interval: 5s\n      timeout: 10s\n      retries: 30\n      \
         start_period: 10s\n",
        words.join(", ")
    )
}

/// A setting as the image wants it in the environment.
fn variable(setting: &str) -> String {
    let name = setting.replace('_', "__").replace('-', "___").replace('.', "_").to_uppercase();
    format!("KAFKA_{name}")
}

/// A YAML string; `$` is doubled, since compose would put a variable there.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "$$"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    /// What the tests look at in a compose file.
    #[derive(Debug, Deserialize)]
    struct File {
        services: BTreeMap<String, Service>,
    }

    #[derive(Debug, Deserialize)]
    struct Service {
        image: String,
        hostname: String,
        ports: Vec<String>,
        #[serde(default)]
        environment: BTreeMap<String, String>,
        #[serde(default)]
        command: Vec<String>,
        #[serde(default)]
        depends_on: BTreeMap<String, BTreeMap<String, String>>,
        healthcheck: Health,
    }

    #[derive(Debug, Deserialize)]
    struct Health {
        test: Vec<String>,
        interval: String,
        timeout: String,
        retries: u32,
    }

    /// Every file that is really under `compose/`, parsed.
    fn files() -> BTreeMap<String, File> {
        let folder = paths::workspace().unwrap().join("compose");
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let name = entry.file_name().into_string().unwrap();
            let parsed = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            files.insert(name, parsed);
        }
        assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), ["kafka-1.yml", "kafka-3.yml"]);
        files
    }

    fn brokers(file: &File) -> Vec<(&String, &Service)> {
        file.services.iter().filter(|(_, service)| service.image.starts_with("apache/kafka:")).collect()
    }

    #[test]
    fn the_committed_files_are_what_the_description_renders_to() {
        for (name, text) in committed() {
            let file = paths::workspace().unwrap().join("compose").join(&name);
            let found = std::fs::read_to_string(file).unwrap();
            assert!(found == text, "compose/{name} is out of date: `cargo xtask compose` writes it");
        }
    }

    #[test]
    fn each_file_publishes_every_port_once_and_to_this_machine_alone() {
        for (name, file) in files() {
            let published: Vec<&str> =
                file.services.values().flat_map(|service| &service.ports).map(String::as_str).collect();
            let brokers = brokers(&file).len();
            let expected = |first: u16| (0..).map(move |index| first + index).take(brokers);
            let mut ports: Vec<u16> = expected(9092).chain(expected(9101)).chain([8080, 9308]).collect();
            ports.sort_unstable();
            let mut wanted: Vec<String> =
                ports.iter().map(|port| format!("127.0.0.1:{port}:{port}")).collect();
            wanted.sort();
            let mut published = published.clone();
            published.sort_unstable();
            assert_eq!(published, wanted, "{name}");
        }
    }

    #[test]
    fn clients_reach_each_broker_where_it_says_it_is() {
        for (name, file) in files() {
            for (host, broker) in brokers(&file) {
                let setting = |key: &str| broker.environment[key].as_str();
                assert_eq!(*host, broker.hostname, "{name}");
                let advertised: BTreeMap<&str, &str> = setting("KAFKA_ADVERTISED_LISTENERS")
                    .split(',')
                    .map(|listener| listener.split_once("://").unwrap())
                    .collect();
                assert_eq!(advertised["PLAINTEXT"], format!("{host}:29092"), "{name}");
                let (client_host, port) = advertised["PLAINTEXT_HOST"].split_once(':').unwrap();
                assert_eq!(client_host, "localhost", "{name}");
                assert!(broker.ports.contains(&format!("127.0.0.1:{port}:{port}")), "{name}: {host}");
                let bound = setting("KAFKA_LISTENERS");
                for listener in
                    ["PLAINTEXT://:29092", &format!("PLAINTEXT_HOST://:{port}"), "CONTROLLER://:29093"]
                {
                    assert!(bound.split(',').any(|found| found == listener), "{name}: {host}: {bound}");
                }
                let jmx = setting("KAFKA_JMX_PORT");
                assert!(broker.ports.contains(&format!("127.0.0.1:{jmx}:{jmx}")), "{name}: {host}");
            }
        }
    }

    #[test]
    fn every_broker_is_in_the_quorum_under_its_own_id() {
        for (name, file) in files() {
            let brokers = brokers(&file);
            let voters: Vec<String> = brokers
                .iter()
                .map(|(host, broker)| format!("{}@{host}:29093", broker.environment["KAFKA_NODE_ID"]))
                .collect();
            for (host, broker) in &brokers {
                assert_eq!(
                    broker.environment["KAFKA_CONTROLLER_QUORUM_VOTERS"],
                    voters.join(","),
                    "{name}: {host}"
                );
                assert_eq!(broker.environment["KAFKA_PROCESS_ROLES"], "broker,controller", "{name}: {host}");
            }
        }
    }

    #[test]
    fn containers_have_the_broker_settings_that_processes_have() {
        for (name, file) in files() {
            let brokers = brokers(&file);
            let cluster = Cluster {
                version: KafkaVersion::NEWEST,
                brokers: brokers.len().try_into().unwrap(),
                secured: false,
                overrides: BTreeMap::new(),
            };
            for (host, broker) in brokers {
                assert_eq!(broker.image, format!("apache/kafka:{}", KafkaVersion::NEWEST), "{name}: {host}");
                for (key, value) in cluster.settings() {
                    assert_eq!(broker.environment[&variable(&key)], value, "{name}: {host}: {key}");
                }
            }
        }
    }

    #[test]
    fn every_service_has_a_health_check_and_waits_for_the_brokers() {
        for (name, file) in files() {
            let brokers: Vec<&String> = brokers(&file).into_iter().map(|(host, _)| host).collect();
            for (service_name, service) in &file.services {
                let health = &service.healthcheck;
                assert!(["CMD", "CMD-SHELL"].contains(&health.test[0].as_str()), "{name}: {service_name}");
                assert!(health.test.len() > 1 && health.retries > 0, "{name}: {service_name}");
                assert!(
                    health.interval.ends_with('s') && health.timeout.ends_with('s'),
                    "{name}: {service_name}"
                );
                if brokers.contains(&service_name) {
                    assert!(
                        health.test[1].contains(&format!("{service_name}:29092")),
                        "{name}: {service_name}"
                    );
                } else {
                    let waits: Vec<&String> = service.depends_on.keys().collect();
                    assert_eq!(waits, brokers, "{name}: {service_name}");
                    assert!(service.depends_on.values().all(|wait| wait["condition"] == "service_healthy"));
                }
            }
        }
    }

    #[test]
    fn the_user_interface_and_the_exporter_talk_to_every_broker() {
        for (name, file) in files() {
            let addresses: Vec<String> =
                brokers(&file).into_iter().map(|(host, _)| format!("{host}:29092")).collect();
            let user_interface = &file.services["kafka-ui"].environment["KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS"];
            assert_eq!(*user_interface, addresses.join(","), "{name}");
            let mut wanted: Vec<String> =
                addresses.iter().map(|address| format!("--kafka.server={address}")).collect();
            wanted.push("--web.listen-address=:9308".to_owned());
            assert_eq!(file.services["kafka-exporter"].command, wanted, "{name}");
        }
    }

    #[test]
    fn settings_become_variables_as_the_image_reads_them() {
        assert_eq!(variable("log.retention.hours"), "KAFKA_LOG_RETENTION_HOURS");
        assert_eq!(variable("a_b-c.d"), "KAFKA_A__B___C_D");
    }

    #[test]
    fn an_override_with_odd_characters_is_one_yaml_string() {
        let mut cluster =
            Cluster { version: KafkaVersion::NEWEST, brokers: 1, secured: false, overrides: BTreeMap::new() };
        let odd = "a \"b\" \\ #c: $d";
        cluster.overrides.insert("some.setting".to_owned(), odd.to_owned());
        let file: File = serde_saphyr::from_str(&render(&cluster)).unwrap();
        assert_eq!(file.services["kafka"].environment["KAFKA_SOME_SETTING"], odd.replace('$', "$$"));
    }
}
