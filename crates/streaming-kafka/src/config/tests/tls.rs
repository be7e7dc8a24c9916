//! Whom to trust and what to show: Java's names, PEM without files, and what does not go together.

use std::path::PathBuf;

use super::*;
use crate::config::ConfigErrorKind::{self, Contradiction, Duplicate, File, Incomplete, OutOfRange};

fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../kafka-security/tests/pem").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(pem(name)).unwrap()
}

fn properties(lines: &[String]) -> Result<KafkaConfig, ConfigError> {
    let text = format!("security.protocol=SSL\n{}\n", lines.join("\n"));
    KafkaConfig::from_properties_reader("client.properties", text.as_bytes())
}

/// A value on one line.
fn line(name: &str) -> String {
    text(name).trim_end().replace('\n', "\\n")
}

#[test]
fn javas_settings_of_pem_are_understood_as_files_and_as_text() {
    let store = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(store.path(), text("client.pem") + &text("client.key")).unwrap();
    let files = [
        "ssl.truststore.type=PEM".to_owned(),
        format!("ssl.truststore.location={}", pem("ca.pem").display()),
        "ssl.keystore.type=PEM".to_owned(),
        format!("ssl.keystore.location={}", store.path().display()),
        "ssl.endpoint.identification.algorithm=".to_owned(),
        "ssl.enabled.protocols=TLSv1.3".to_owned(),
    ];
    let config = properties(&files).unwrap();
    assert_eq!(config.ssl_ca_location, Some(pem("ca.pem")));
    assert_eq!(config.ssl_endpoint_identification_algorithm.as_deref(), Some(""));
    let inline = [
        format!("ssl.truststore.certificates={}", line("ca.pem")),
        format!("ssl.keystore.certificate.chain={}", line("client.pem")),
        format!("ssl.keystore.key={}", line("client.key")),
    ];
    let config = properties(&inline).unwrap();
    config.producer_settings().unwrap();
    let key = text("client.key");
    let part = key.lines().nth(1).unwrap();
    assert!(!format!("{config:?}").contains(part));

    for (lines, says) in [
        (vec!["ssl.truststore.type=JKS".to_owned()], &["ssl.truststore.type", "`JKS`", "keytool"][..]),
        (vec![inline[1].clone()], &["ssl.keystore.certificate.chain", "ssl.keystore.key"]),
        (vec![inline[2].clone()], &["ssl.keystore.key", "ssl.keystore.certificate.chain"]),
        (vec![files[1].clone(), inline[0].clone()], &["ssl.truststore.certificates", "keep one"]),
        (vec![files[1].clone(), "ssl.ca.location=x".to_owned()], &["ssl.ca.location", "line"]),
        (vec!["ssl.truststore.certificates=garbage".to_owned()], &["ssl.truststore.certificates"]),
    ] {
        let error = properties(&lines).unwrap_err();
        assert_says(&error, says);
        assert!(!error.to_string().contains(part), "{error}");
    }
}

#[test]
fn what_does_not_go_together_is_refused_by_name() {
    let ca = pem("ca.pem");
    let ca = ("SSL_CA_LOCATION", ca.to_str().unwrap());
    let ssl = ("SECURITY_PROTOCOL", "SSL");
    type Case<'a> = (&'a [(&'a str, &'a str)], ConfigErrorKind, &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (&[("SSL_ENDPOINT_IDENTIFICATION_ALGORITHM", "")], Contradiction, &["`PLAINTEXT`"]),
        (&[ssl, ("SSL_ENDPOINT_IDENTIFICATION_ALGORITHM", "ldap")], OutOfRange, &["`ldap`", "`https`"]),
        (&[ssl, ("SSL_ENABLED_PROTOCOLS", "TLSv1.1")], OutOfRange, &["`TLSv1.1`", "TLSv1.2"]),
        (&[ssl, ("SSL_KEY_PASSWORD", "hunter2")], Incomplete, &["SSL_KEY_PASSWORD", "SSL_KEY_LOCATION"]),
        (&[ssl, ("SSL_KEYSTORE_PASSWORD", "hunter2")], Incomplete, &["SSL_KEYSTORE_LOCATION"]),
        (&[ssl, ("SSL_TRUSTSTORE_PASSWORD", "hunter2")], Incomplete, &["SSL_CA_LOCATION"]),
        (
            &[ssl, ca, ("SSL_TRUSTSTORE_CERTIFICATES", "x")],
            Duplicate,
            &["SSL_TRUSTSTORE_CERTIFICATES", "SSL_CA_LOCATION"],
        ),
        (&[ssl, ("SSL_KEYSTORE_LOCATION", "/nonexistent")], File, &["SSL_KEYSTORE_LOCATION", "No such file"]),
        (&[ssl, ("SSL_KEYSTORE_LOCATION", ca.1)], File, &["SSL_KEYSTORE_LOCATION", "ca.pem"]),
    ];
    for (vars, kind, parts) in cases {
        let vars: Vec<_> =
            vars.iter().map(|(name, value)| (format!("STREAMING_KAFKA__{name}"), *value)).collect();
        let error = KafkaConfig::from_vars(vars).unwrap_err();
        assert_eq!(error.kind(), *kind, "{error}");
        assert_says(&error, parts);
        assert!(!format!("{error}{error:?}").contains("hunter2"), "{error}");
    }
}

#[test]
fn a_token_endpoint_may_need_an_authority_where_brokers_do_not() {
    let ca = pem("ca.pem");
    let vars = |url| {
        [
            ("STREAMING_KAFKA__SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
            ("STREAMING_KAFKA__SASL_MECHANISM", "OAUTHBEARER"),
            ("STREAMING_KAFKA__SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", url),
            ("STREAMING_KAFKA__SASL_OAUTHBEARER_CLIENT_ID", "c"),
            ("STREAMING_KAFKA__SASL_OAUTHBEARER_CLIENT_SECRET", "s"),
            ("STREAMING_KAFKA__SSL_CA_LOCATION", ca.to_str().unwrap()),
        ]
    };
    read(&vars("https://localhost/token")).unwrap();
    assert_eq!(refused(&vars("http://localhost/token")).kind(), Contradiction);
}
