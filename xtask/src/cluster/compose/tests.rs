//! The committed files, parsed and compared with each other and with the description. None is started here.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::description::{REAUTHENTICATION, client_listener};
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
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
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

fn newest(brokers: usize) -> Cluster {
    Cluster {
        version: KafkaVersion::NEWEST,
        brokers: brokers.try_into().unwrap(),
        overrides: BTreeMap::new(),
    }
}

/// Every file that is really under `compose/`, parsed.
fn files_by_name() -> BTreeMap<String, File> {
    let folder = paths::workspace().unwrap().join("compose");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".yml") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let parsed = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        files.insert(name, parsed);
    }
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), ["kafka-1.yml", "kafka-3.yml"]);
    files
}

fn brokers(file: &File) -> Vec<(&String, &Service)> {
    file.services.iter().filter(|(_, service)| service.environment.contains_key("KAFKA_NODE_ID")).collect()
}

#[test]
fn the_committed_files_are_what_the_description_renders_to() {
    for (name, text) in committed().unwrap() {
        let file = paths::workspace().unwrap().join("compose").join(&name);
        let found = std::fs::read_to_string(file).unwrap();
        assert!(found == text, "compose/{name} is out of date: `cargo xtask compose` writes it");
    }
}

#[test]
fn each_file_publishes_every_port_once_and_to_this_machine_alone() {
    for (name, file) in files_by_name() {
        let published: Vec<&str> =
            file.services.values().flat_map(|service| &service.ports).map(String::as_str).collect();
        let brokers = brokers(&file).len();
        let expected = |first: u16| (0..).map(move |index| first + index).take(brokers);
        let mut ports: Vec<u16> =
            [9092, 9101, 9192, 9292, 9392, 9492].into_iter().flat_map(expected).chain([8080, 9308]).collect();
        ports.sort_unstable();
        let mut wanted: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}:{port}")).collect();
        wanted.sort();
        let mut published = published.clone();
        published.sort_unstable();
        assert_eq!(published, wanted, "{name}");
    }
}

#[test]
fn clients_reach_each_broker_where_it_says_it_is() {
    for (name, file) in files_by_name() {
        for (host, broker) in brokers(&file) {
            let setting = |key: &str| broker.environment[key].as_str();
            assert_eq!(*host, broker.hostname, "{name}");
            let advertised: BTreeMap<&str, &str> = setting("KAFKA_ADVERTISED_LISTENERS")
                .split(',')
                .map(|listener| listener.split_once("://").unwrap())
                .collect();
            assert_eq!(advertised["PLAINTEXT"], format!("{host}:29092"), "{name}");
            let bound = setting("KAFKA_LISTENERS");
            let is_bound = |listener: &str| bound.split(',').any(|found| found == listener);
            assert!(
                is_bound("PLAINTEXT://:29092") && is_bound("CONTROLLER://:29093"),
                "{name}: {host}: {bound}"
            );
            let for_clients = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"].map(client_listener);
            for listener in for_clients.iter().map(String::as_str).chain([REAUTHENTICATION]) {
                let (client_host, port) = advertised[listener].split_once(':').unwrap();
                assert_eq!(client_host, "localhost", "{name}");
                assert!(broker.ports.contains(&format!("127.0.0.1:{port}:{port}")), "{name}: {host}");
                assert!(is_bound(&format!("{listener}://:{port}")), "{name}: {host}: {bound}");
            }
            // The image's scripts look for these, and then want key stores and passwords in files of their own.
            assert!(!setting("KAFKA_ADVERTISED_LISTENERS").contains("SSL://"), "{name}: {host}");
            assert!(!setting("KAFKA_OPTS").is_empty(), "{name}: {host}");
            let jmx = setting("KAFKA_JMX_PORT");
            assert!(broker.ports.contains(&format!("127.0.0.1:{jmx}:{jmx}")), "{name}: {host}");
        }
    }
}

#[test]
fn every_broker_is_in_the_quorum_under_its_own_id() {
    for (name, file) in files_by_name() {
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
    for (name, file) in files_by_name() {
        let brokers = brokers(&file);
        let cluster = newest(brokers.len());
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
    for (name, file) in files_by_name() {
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
                assert!(health.test[1].contains(&format!("{service_name}:29092")), "{name}: {service_name}");
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
    for (name, file) in files_by_name() {
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
    let mut cluster = Cluster { version: KafkaVersion::NEWEST, brokers: 1, overrides: BTreeMap::new() };
    let odd = "a \"b\" \\ #c: $d";
    cluster.overrides.insert("some.setting".to_owned(), odd.to_owned());
    let file: File = serde_saphyr::from_str(&render(&cluster).unwrap()).unwrap();
    assert_eq!(file.services["kafka"].environment["KAFKA_SOME_SETTING"], odd.replace('$', "$$"));
}

#[test]
fn containers_ask_who_is_there_as_processes_do() {
    let folder = Path::new("/native");
    let (files, tokens) = (Files::in_folder(folder), TokenFiles::in_folder(folder));
    for (name, file) in files_by_name() {
        let brokers = brokers(&file);
        let cluster = newest(brokers.len());
        for (host, broker) in brokers {
            assert_eq!(broker.volumes, ["./certificates:/etc/kafka/certificates:ro"], "{name}: {host}");
            for (key, value) in security::settings(&cluster, &files, &tokens).unwrap() {
                let here = value.replace("/native/", "/etc/kafka/certificates/").replace('$', "$$");
                assert_eq!(broker.environment[&variable(&key)], here, "{name}: {host}: {key}");
            }
            for option in security::jvm_options(&tokens) {
                let here = option.replace("/native/", "/etc/kafka/certificates/");
                assert!(broker.environment["KAFKA_OPTS"].contains(&here), "{name}: {host}: {here}");
            }
        }
    }
}

#[test]
fn every_file_that_a_broker_names_is_made() {
    let folder = std::env::temp_dir().join(format!("xtask-compose-{}", fastrand::u64(..)));
    make_certificates(&folder).unwrap();
    for (name, file) in files_by_name() {
        for (host, broker) in brokers(&file) {
            let named =
                broker.environment.values().flat_map(|value| value.split("/etc/kafka/certificates/").skip(1));
            let named: Vec<&str> = named.filter_map(|rest| rest.split([' ', ',']).next()).collect();
            assert!(named.len() > 2, "{name}: {host}: {named:?}");
            for found in named {
                assert!(folder.join("certificates").join(found).is_file(), "{name}: {host}: {found}");
            }
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn every_user_gets_a_password_and_every_rule_is_made() {
    for (name, file) in files_by_name() {
        let script = &file.services["kafka-users"].command[2];
        for user in security::USERS {
            let password = format!("--entity-name {} --add-config", user.name);
            assert!(script.contains(&password) && script.contains(user.password), "{name}: {script}");
        }
        let rules = access_rules::tool_arguments().filter(|rule| script.contains(rule.as_str()));
        assert_eq!(rules.count(), script.matches("kafka-acls.sh").count(), "{name}");
        assert!(script.contains("--operation IdempotentWrite --cluster"), "{name}: {script}");
    }
}
