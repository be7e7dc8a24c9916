//! Whatever fails, and however much is logged: no key and no pass phrase is shown.

#![allow(clippy::unwrap_used, reason = "helpers of tests may fail the test")]

mod tls_support;

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kafka_core::cluster::ClientConfig;
use kafka_core::net::{Dialer, TcpConnector};
use kafka_security::{SaslMechanism, SecurityConfig, TlsConfig, TlsConnector};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use tls_support::{PASS_PHRASE, Server, file, serve, trusting};
use tracing_subscriber::fmt::MakeWriter;

const WRONG: &str = "a-wrong-pass-phrase";

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

/// Settings that work and such that do not, all with something to hide.
fn configs() -> Vec<TlsConfig> {
    let pair = |key: &str| trusting().identity_location(file("client.pem"), file(key));
    let store = |name: &str| trusting().keystore_location(file(name));
    let joined = text("client.key").replace('\n', "");
    let cut = text("client.key").replace("-----END", "-----");
    vec![
        pair("client.key"),
        pair("client-aes.key").key_password(PASS_PHRASE),
        pair("client-aes.key").key_password(WRONG),
        pair("client-pbes1.key").key_password(PASS_PHRASE),
        pair("client-openssl.key").key_password(PASS_PHRASE),
        pair("server.key"),
        trusting().identity_pem(text("client.pem"), text("client.key")),
        trusting().identity_pem(text("client.pem"), joined.clone()),
        trusting().identity_pem(text("client.pem"), cut),
        trusting().identity_pem(joined, text("client.key")),
        trusting().identity_pem(text("client.key"), text("client.pem")),
        TlsConfig::new().ca_pem(text("client.key")),
        store("client-openssl.p12").keystore_password(PASS_PHRASE),
        store("client-openssl.p12").keystore_password(WRONG).key_password(PASS_PHRASE),
        store("client.jks").keystore_password(PASS_PHRASE),
        store("trust-keytool.p12").keystore_password(PASS_PHRASE),
        TlsConfig::new().ca_location(file("trust-keytool.p12")).truststore_password(WRONG),
    ]
}

/// Everything that must not be seen: pass phrases, and keys as text, as numbers and as digits, in pieces.
fn secrets() -> Vec<String> {
    let mut secrets = vec![PASS_PHRASE.to_owned(), WRONG.to_owned()];
    for name in ["client.key", "client-sec1.key", "server.key", "client-aes.key", "client-openssl.key"] {
        let lines = text(name);
        let body = lines.lines().filter(|line| line.len() >= 16 && !line.contains([':', '-', ',']));
        secrets.extend(body.map(|line| line[..16].to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(file("client.key")).unwrap();
    // The number itself, within what surrounds it.
    let number = &key.secret_der()[40..60];
    secrets.push(format!("{number:?}").trim_matches(['[', ']']).to_owned());
    secrets.push(number.iter().map(|byte| format!("{byte:02x}")).collect());
    secrets.push(number.iter().map(|byte| format!("{byte:02X}")).collect());
    secrets
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The error as it is shown to anybody, with all that lies beneath.
fn shown(error: &kafka_core::Error) -> String {
    let mut all = format!("{error} {error:?} {error:#?}");
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        write!(all, " {source} {source:?}").unwrap();
        next = source.source();
    }
    all
}

#[test]
fn nothing_that_is_logged_or_shown_holds_a_key_or_a_pass_phrase() {
    let log = Log::default();
    let subscriber =
        tracing_subscriber::fmt().with_writer(log.clone()).with_max_level(tracing::Level::TRACE).finish();
    // What rustls logs, it logs by the `log` crate.
    tracing_log::LogTracer::init().unwrap();
    // All threads at once: this program has no other test.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let output = runtime.block_on(connect_in_every_way());
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // What is looked through is really there.
    assert!(log.contains("no connection"), "{log}");
    assert!(log.contains("TRACE"), "the logs of TLS itself are among these");
    assert!(output.contains("set `ssl_key_password`") || output.contains("check `ssl_key_password`"));
    assert!(log.contains("rustls::"), "rustls' own records are among these");
    for secret in secrets() {
        assert!(!log.contains(&secret), "`{secret}` is in the log");
        assert!(!output.contains(&secret), "`{secret}` is in an error or a `Debug`");
    }
}

async fn connect_in_every_way() -> String {
    let hanging_up = serve(|stream| async move { drop(stream) }).await;
    let ports = [
        Server::default().start().await,
        Server::asking_client().start().await,
        Server::showing("elsewhere.pem").start().await,
        Server { key: file("server.key"), ..Server::showing("expired.pem") }.start().await,
        hanging_up,
    ];
    let mut output = String::new();
    for config in configs() {
        write!(output, "{config:?} {config:#?}").unwrap();
        let security =
            SecurityConfig::sasl_ssl(config.clone(), SaslMechanism::ScramSha256, "user", PASS_PHRASE);
        write!(output, "{security:?} {security:#?}").unwrap();
        let mut client = ClientConfig::new([ports[0].clone()]);
        if let Err(error) = security.apply_to(&mut client) {
            output += &shown(&error);
        }
        write!(output, "{client:?}").unwrap();
        let connector = match TlsConnector::new(&config, TcpConnector::new()) {
            Ok(connector) => connector,
            Err(error) => {
                output += &shown(&error);
                continue;
            }
        };
        write!(output, "{connector:?}").unwrap();
        let dialer = Dialer::new("test").with_connector(Arc::new(connector));
        write!(output, "{dialer:?}").unwrap();
        for address in &ports {
            // A limit, since the servers that accept speak no Kafka.
            if let Err(error) = dialer.open(address, Duration::from_secs(1)).await {
                output += &shown(&error);
            }
        }
    }
    output
}
