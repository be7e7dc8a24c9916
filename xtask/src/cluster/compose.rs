//! The same clusters as compose files: brokers with Kafka UI and the Prometheus exporter beside them.
//!
//! The files under `compose/` are what this writes for the newest version; a test fails when they are not.

use std::{fmt::Write as _, path::Path};

use anyhow::Result;

use super::{
    KafkaVersion, access_rules,
    certificates::Files,
    description::{Audience, Cluster, EXPORTER_PORT, JMX_PORT, Listener, UI_PORT, on_host},
    security,
    state::write,
    tokens::TokenFiles,
};
use crate::paths;

/// The folder with certificates beside a compose file, and where containers see it.
const CERTIFICATES: &str = "certificates";
const MOUNTED: &str = "/etc/kafka/certificates";

/// The cluster's id inside the containers: any 128 bits in URL-safe base 64.
const CLUSTER_ID: &str = "c3RyZWFtaW5nLWthZmthLQ";

/// The command that shows a broker to be ready: it answers on its own network.
const BROKER_CHECK: &str = "/opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server";

/// The name of a broker's service, which is its host name among the containers.
pub(crate) fn service(cluster: &Cluster, id: u16) -> String {
    if cluster.brokers == 1 { "kafka".to_owned() } else { format!("kafka-{id}") }
}

/// The files kept under `compose/`, by name.
fn committed() -> Result<Vec<(String, String)>> {
    [1, 3]
        .into_iter()
        .map(|brokers| {
            let cluster = Cluster { version: KafkaVersion::NEWEST, brokers, overrides: Default::default() };
            Ok((format!("kafka-{brokers}.yml"), render(&cluster)?))
        })
        .collect()
}

/// Writes the files under `compose/`, and the certificates beside them unless they are there.
pub(crate) fn write_committed() -> Result<()> {
    let folder = paths::workspace()?.join("compose");
    for (name, text) in committed()? {
        write(&folder.join(name), &text)?;
    }
    let certificates = folder.join(CERTIFICATES);
    if !certificates.exists() {
        make_certificates(&folder)?;
        eprintln!("made certificates in {}", certificates.display());
    }
    Ok(())
}

/// Makes what a compose file in this folder mounts.
pub(crate) fn make_certificates(folder: &Path) -> Result<()> {
    let certificates = folder.join(CERTIFICATES);
    security::make_certificates(&Files::in_folder(&certificates))?;
    TokenFiles::in_folder(&certificates).make()
}

/// The compose file of a cluster. It mounts the folder `certificates` beside it.
pub(crate) fn render(cluster: &Cluster) -> Result<String> {
    let many = if cluster.brokers == 1 { "one broker" } else { "three brokers" };
    let mut text = format!(
        "# A Kafka cluster of {many} for development: `docker compose -f compose/kafka-{}.yml up --wait`.\n\
         # Written by `cargo xtask compose` from the description that native clusters come from too: change it there.\n\
         # It mounts the certificates that the same command makes; README.md beside it says what is where. Ports are open to\n\
         # this machine alone, since the passwords are no secret.\n\
         services:\n",
        cluster.brokers
    );
    for id in cluster.broker_ids() {
        text.push_str(&broker(cluster, id)?);
    }
    let internal = cluster.listeners().find(|listener| listener.audience == Audience::Brokers);
    let brokers: Vec<String> = cluster
        .broker_ids()
        .zip(std::iter::repeat(internal))
        .filter_map(|(id, listener)| Some(format!("{}:{}", service(cluster, id), listener?.port_of(id))))
        .collect();
    text.push_str(&user_interface(cluster, &brokers));
    text.push_str(&exporter(cluster, &brokers));
    text.push_str(&users(cluster, &brokers));
    Ok(text)
}

fn broker(cluster: &Cluster, id: u16) -> Result<String> {
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
    let mounted = Path::new(MOUNTED);
    let (files, tokens) = (Files::in_folder(mounted), TokenFiles::in_folder(mounted));
    environment.push(("KAFKA_OPTS".to_owned(), security::jvm_options(&tokens).join(" ")));
    let mut own = security::settings(cluster, &files, &tokens)?;
    own.push(("log.dirs".to_owned(), "/var/lib/kafka/data".to_owned()));
    let settings = cluster.broker_settings(id, own, |broker, listener, advertised| {
        format!("{}:{}", host(cluster, broker, listener, advertised), listener.port_of(broker))
    });
    environment.extend(settings.into_iter().map(|(key, value)| (variable(&key), value)));
    environment.sort();
    let internal = cluster.listeners().find(|listener| listener.audience == Audience::Brokers);
    let address = format!("{name}:{}", internal.map_or(0, |listener| listener.port_of(id)));
    let mut text = format!(
        "  {name}:\n    image: apache/kafka:{}\n    hostname: {name}\n{}    volumes:\n      - \
         \"./{CERTIFICATES}:{MOUNTED}:ro\"\n    environment:\n",
        cluster.version,
        published(&ports)
    );
    for (key, value) in environment {
        // Writing to a string does not fail.
        let _written = writeln!(text, "      {key}: {}", quoted(&value));
    }
    text.push_str(&health(&["CMD-SHELL", &format!("{BROKER_CHECK} {address} >/dev/null 2>&1")]));
    Ok(text)
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

/// Gives the users their passwords and makes the access rules, and then stays, so that `--wait` waits for it.
fn users(cluster: &Cluster, brokers: &[String]) -> String {
    const BIN: &str = "/opt/kafka/bin";
    let servers = brokers.join(",");
    let passwords = security::USERS.map(|user| {
        format!(
            "{BIN}/kafka-configs.sh --bootstrap-server {servers} --alter --entity-type users --entity-name {} \
             --add-config '{}'",
            user.name,
            security::scram_config(user)
        )
    });
    let rules = access_rules::tool_arguments()
        .map(|arguments| format!("{BIN}/kafka-acls.sh --bootstrap-server {servers} {arguments}"));
    let done = "/tmp/done";
    let script: Vec<String> = passwords
        .into_iter()
        .chain(rules)
        .chain([format!("touch {done}"), "exec sleep infinity".to_owned()])
        .collect();
    format!(
        "  kafka-users:\n    image: apache/kafka:{}\n    hostname: kafka-users\n{}    command:\n      - \"sh\"\n      - \
         \"-ec\"\n      - {}\n{}",
        cluster.version,
        after_brokers(cluster),
        quoted(&script.join("\n")),
        health(&["CMD", "test", "-f", done])
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
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('$', "$$");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests;
