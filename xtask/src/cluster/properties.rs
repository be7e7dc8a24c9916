//! The files of one native node: `server.properties`, `zookeeper.properties` and the logging set-up.

use std::{collections::BTreeMap, path::Path};

use anyhow::Result;

use super::{KafkaVersion, certificates::Files, description::Cluster, security, tokens::TokenFiles};

/// The address that native nodes listen on and advertise.
pub(crate) const HOST: &str = "127.0.0.1";

/// Ports of one broker by listener name.
pub(crate) type Ports = BTreeMap<String, u16>;

/// `server.properties` of one broker. `ports` holds those of every broker; `zookeeper` is used by old versions only.
pub(crate) fn broker(
    cluster: &Cluster,
    id: u16,
    ports: &BTreeMap<u16, Ports>,
    zookeeper: Option<u16>,
    certificates: &Files,
    tokens: &TokenFiles,
    data: &Path,
) -> Result<String> {
    let mut own = vec![("log.dirs".to_owned(), data.display().to_string())];
    if let Some(zookeeper) = zookeeper {
        own.push(("zookeeper.connect".to_owned(), format!("{HOST}:{zookeeper}")));
        // A broker that was killed may not come back before its old session ends.
        own.push(("zookeeper.session.timeout.ms".to_owned(), "6000".to_owned()));
    } else {
        // A broker that cannot register for so long ends; the default of a minute is short for a busy machine.
        own.push(("initial.broker.registration.timeout.ms".to_owned(), "240000".to_owned()));
    }
    own.extend(security::settings(cluster, certificates, tokens)?);
    let settings = cluster.broker_settings(id, own, |broker, listener, _advertised| {
        let port = ports.get(&broker).and_then(|ports| ports.get(listener.name)).copied().unwrap_or_default();
        format!("{HOST}:{port}")
    });
    Ok(settings.into_iter().map(|(key, value)| format!("{key}={}\n", escaped(&value))).collect())
}

/// A value on one line of a `.properties` file.
fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('\n', r"\n")
}

/// The settings of the one ZooKeeper node that old versions need.
pub(crate) fn zookeeper(port: u16, data: &Path) -> String {
    format!(
        "dataDir={}\nclientPort={port}\nclientPortAddress={HOST}\nmaxClientCnxns=0\ntickTime=2000\n\
         admin.enableServer=false\n",
        data.display()
    )
}

/// The logging set-up: all to standard output, which is the node's log file. With the JVM option that names it.
pub(crate) fn logging(version: KafkaVersion, file: &Path) -> (String, String) {
    if version.uses_log4j2() {
        let text = "status=error\n\
             appender.out.type=Console\n\
             appender.out.name=out\n\
             appender.out.layout.type=PatternLayout\n\
             appender.out.layout.pattern=[%d] %p %m (%c)%n\n\
             rootLogger.level=info\n\
             rootLogger.appenderRef.out.ref=out\n";
        (text.to_owned(), format!("-Dlog4j2.configurationFile={}", file.display()))
    } else {
        let text = "log4j.rootLogger=INFO, out\n\
             log4j.appender.out=org.apache.log4j.ConsoleAppender\n\
             log4j.appender.out.layout=org.apache.log4j.PatternLayout\n\
             log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n\n";
        (text.to_owned(), format!("-Dlog4j.configuration=file:{}", file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(version: &str, zookeeper: Option<u16>) -> String {
        let version: KafkaVersion = version.parse().unwrap();
        let cluster = Cluster { version, brokers: 3, overrides: BTreeMap::new() };
        let ports = cluster
            .broker_ids()
            .map(|id| (id, cluster.listeners().zip(id * 1000..).map(|(l, port)| (l.name.to_owned(), port))))
            .map(|(id, ports)| (id, ports.collect()))
            .collect();
        // Old versions are given keys as text.
        let made = std::env::temp_dir().join(format!("xtask-properties-{}", fastrand::u64(..)));
        let folder = if version.reads_keys_without_password() { Path::new("/pem") } else { made.as_path() };
        let (files, tokens) = (Files::in_folder(folder), TokenFiles::in_folder(folder));
        if folder == made {
            security::make_certificates(&files).unwrap();
        }
        let text = broker(&cluster, 2, &ports, zookeeper, &files, &tokens, Path::new("/data")).unwrap();
        let _none = std::fs::remove_dir_all(made);
        text
    }

    #[test]
    fn a_kraft_broker_is_told_of_the_whole_quorum() {
        let text = render("4.3.1", None);
        assert!(text.contains("\nnode.id=2\n"), "{text}");
        assert!(
            text.contains("controller.quorum.voters=1@127.0.0.1:1006,2@127.0.0.1:2006,3@127.0.0.1:3006\n")
        );
        assert!(text.contains(
            "advertised.listeners=PLAINTEXT://127.0.0.1:2000,PLAINTEXT_HOST://127.0.0.1:2001,SSL_HOST://127.0.0.1:2002,\
             SASL_PLAINTEXT_HOST://127.0.0.1:2003,SASL_SSL_HOST://127.0.0.1:2004,REAUTH://127.0.0.1:2005\n"
        ));
        assert!(text.contains("listener.name.ssl_host.ssl.client.auth=required\n"));
        assert!(text.contains("listener.name.sasl_ssl_host.plain.sasl.jaas.config="));
        assert!(text.contains(
            "listener.name.sasl_ssl_host.sasl.oauthbearer.jwks.endpoint.url=file:///pem/jwks.json\n"
        ));
        assert!(!text.contains("listener.name.sasl_plaintext_host.sasl.oauthbearer"), "{text}");
        assert!(!text.contains("zookeeper"));
    }

    #[test]
    fn a_value_of_many_lines_stays_on_one() {
        assert_eq!(escaped("a\\b\nc"), r"a\\b\nc");
    }

    #[test]
    fn an_old_broker_is_told_of_zookeeper() {
        let text = render("2.8.2", Some(2181));
        assert!(
            text.contains("broker.id=2\n") && text.contains("zookeeper.connect=127.0.0.1:2181\n"),
            "{text}"
        );
        assert!(!text.contains("controller") && !text.contains("process.roles"), "{text}");
    }
}
