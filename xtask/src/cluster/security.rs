//! Users, mechanisms and TLS of the listeners that ask who is there.
//!
//! The names and passwords are no secret: the listeners are open to this machine alone.

use std::fs;

use anyhow::{Context, Result};

use super::{
    certificates::Files,
    description::{Cluster, Listener},
};

/// The host names and addresses that the brokers' certificate is for.
pub(crate) const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

/// The name in the brokers' certificate.
pub(crate) const BROKER: &str = "broker";

/// Who may sign in, by password or by a certificate of that name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
}

/// The users. Resources without an access rule are open to both; tests that need one closed to `bob` give `alice` the
/// only rule for it.
pub(crate) const USERS: [User; 2] =
    [User { name: "alice", password: "alice-secret" }, User { name: "bob", password: "bob-secret" }];

/// The SASL mechanisms with passwords.
pub(crate) const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// Broker settings for certificates, mechanisms, users and access rules.
pub(crate) fn settings(cluster: &Cluster, files: &Files) -> Result<Vec<(String, String)>> {
    let authorizer = if cluster.version.uses_zookeeper() {
        "kafka.security.authorizer.AclAuthorizer"
    } else {
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
    };
    let mut settings: Vec<(String, String)> = [
        ("authorizer.class.name", authorizer.to_owned()),
        // Who comes by a listener that asks for no name may do anything: brokers do.
        ("super.users", "User:ANONYMOUS".to_owned()),
        ("allow.everyone.if.no.acl.found", "true".to_owned()),
        ("ssl.keystore.type", "PEM".to_owned()),
        ("ssl.truststore.type", "PEM".to_owned()),
        ("ssl.truststore.location", files.authority().display().to_string()),
        // The principal of a certificate is its common name.
        ("ssl.principal.mapping.rules", "RULE:^CN=([^,]+).*$/$1/,DEFAULT".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into();
    let mut set = |key: &str, value: String| settings.push((key.to_owned(), value));
    if cluster.version.reads_keys_without_password() {
        set("ssl.keystore.location", files.store(BROKER).display().to_string());
    } else {
        set("ssl.keystore.key", fs::read_to_string(files.key(BROKER)).context("the brokers' key")?);
        let certificate =
            fs::read_to_string(files.certificate(BROKER)).context("the brokers' certificate")?;
        set("ssl.keystore.certificate.chain", certificate);
    }
    for listener in cluster.listeners() {
        settings.extend(listener_settings(listener));
    }
    Ok(settings)
}

fn listener_settings(listener: Listener) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut set = |key: &str, value: String| {
        settings.push((format!("listener.name.{}.{key}", listener.name.to_lowercase()), value));
    };
    if listener.protocol == "SSL" {
        set("ssl.client.auth", "required".to_owned());
    }
    if listener.protocol.starts_with("SASL") {
        let module = "org.apache.kafka.common.security";
        let passwords: String =
            USERS.iter().map(|user| format!(" user_{}=\"{}\"", user.name, user.password)).collect();
        set("sasl.enabled.mechanisms", format!("PLAIN,{},OAUTHBEARER", SCRAM.join(",")));
        set("plain.sasl.jaas.config", format!("{module}.plain.PlainLoginModule required{passwords};"));
        for mechanism in SCRAM {
            let key = format!("{}.sasl.jaas.config", mechanism.to_lowercase());
            set(&key, format!("{module}.scram.ScramLoginModule required;"));
        }
        // Tokens without a signature: the broker's part of the login needs one of its own.
        set(
            "oauthbearer.sasl.jaas.config",
            format!(
                "{module}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"{BROKER}\";"
            ),
        );
    }
    settings
}

/// Arguments of Kafka's storage tool that give the users their SCRAM passwords.
pub(crate) fn storage_arguments() -> Vec<String> {
    let one = |mechanism: &str, user: User| {
        ["--add-scram".to_owned(), format!("{mechanism}=[name={},password={}]", user.name, user.password)]
    };
    USERS.into_iter().flat_map(|user| SCRAM.map(|mechanism| one(mechanism, user))).flatten().collect()
}

/// The value of `--add-config` that does the same through ZooKeeper.
pub(crate) fn scram_config(user: User) -> String {
    SCRAM.map(|mechanism| format!("{mechanism}=[password={}]", user.password)).join(",")
}
