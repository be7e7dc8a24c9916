//! Users, mechanisms and TLS of the listeners that ask who is there.
//!
//! The names and passwords are no secret: the listeners are open to this machine alone.

use std::fs;

use anyhow::{Context, Result};

use super::{
    certificates::{Files, Subject},
    description::{Cluster, Listener, REAUTHENTICATION},
    tokens::{self, TokenFiles},
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

/// The users; [`super::access_rules`] says what they may do.
pub(crate) const USERS: [User; 2] =
    [User { name: "alice", password: "alice-secret" }, User { name: "bob", password: "bob-secret" }];

/// The SASL mechanisms with passwords.
pub(crate) const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// The subject of the brokers' certificate.
pub(crate) fn server() -> Subject<'static> {
    Subject { name: BROKER, hosts: &HOSTS, server: true, ..Subject::default() }
}

/// The subject of a user's certificate.
pub(crate) fn client(name: &str) -> Subject<'_> {
    Subject { name, client: true, ..Subject::default() }
}

/// Makes all certificates of a cluster: the brokers', the users', and those that one side or the other must refuse.
pub(crate) fn make_certificates(files: &Files) -> Result<()> {
    let [alice, bob] = USERS.map(|user| client(user.name));
    let expired = Subject { name: "expired", client: true, expired: true, ..server() };
    let elsewhere = Subject { name: "elsewhere", hosts: &["elsewhere.test"], ..server() };
    files.make(&[server(), alice, bob, expired, elsewhere])?;
    files.make_stranger(Subject { name: "stranger", client: true, ..server() })
}

/// Broker settings for certificates, mechanisms, users and access rules.
pub(crate) fn settings(
    cluster: &Cluster,
    files: &Files,
    tokens: &TokenFiles,
) -> Result<Vec<(String, String)>> {
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
        settings.extend(listener_settings(cluster, listener, tokens));
    }
    Ok(settings)
}

/// Whether listeners of a protocol take tokens: signed ones where passwords are safe too, and unsigned ones where they are not.
pub(crate) fn takes_tokens(cluster: &Cluster, protocol: &str) -> bool {
    match protocol {
        "SASL_PLAINTEXT" => true,
        "SASL_SSL" => cluster.version.token_validator().is_some(),
        _ => false,
    }
}

/// The login of who makes a token without a signature, as Java's clients and brokers take it.
pub(crate) fn unsigned_login(subject: &str) -> String {
    format!(
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
         unsecuredLoginStringClaim_sub=\"{subject}\";"
    )
}

/// The JVM options without which brokers do not read the key set (and clients do not ask for tokens, if it is them).
pub(crate) fn jvm_options(files: &TokenFiles) -> [String; 2] {
    let package = "org.apache.kafka.sasl.oauthbearer";
    let file = files.key_set();
    [
        format!("-D{package}.allowed.urls=file://{}", file.display()),
        format!("-D{package}.allowed.files={}", file.display()),
    ]
}

fn listener_settings(cluster: &Cluster, listener: Listener, files: &TokenFiles) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut set = |key: &str, value: String| {
        settings.push((format!("listener.name.{}.{key}", listener.name.to_lowercase()), value));
    };
    if listener.protocol == "SSL" {
        set("ssl.client.auth", "required".to_owned());
    }
    if listener.name == REAUTHENTICATION {
        set("connections.max.reauth.ms", "3000".to_owned());
    }
    if listener.protocol.starts_with("SASL") {
        let module = "org.apache.kafka.common.security";
        let passwords: String =
            USERS.iter().map(|user| format!(" user_{}=\"{}\"", user.name, user.password)).collect();
        let takes_tokens = takes_tokens(cluster, listener.protocol);
        let last = if takes_tokens { ",OAUTHBEARER" } else { "" };
        set("sasl.enabled.mechanisms", format!("PLAIN,{}{last}", SCRAM.join(",")));
        set("plain.sasl.jaas.config", format!("{module}.plain.PlainLoginModule required{passwords};"));
        for mechanism in SCRAM {
            let key = format!("{}.sasl.jaas.config", mechanism.to_lowercase());
            set(&key, format!("{module}.scram.ScramLoginModule required;"));
        }
        if takes_tokens {
            // The broker's own part of the login wants a token too; nothing is done with it.
            set("oauthbearer.sasl.jaas.config", unsigned_login(BROKER));
        }
        if let (true, "SASL_SSL", Some(validator)) =
            (takes_tokens, listener.protocol, cluster.version.token_validator())
        {
            set("oauthbearer.sasl.server.callback.handler.class", validator.to_owned());
            set("sasl.oauthbearer.jwks.endpoint.url", format!("file://{}", files.key_set().display()));
            set("sasl.oauthbearer.expected.audience", tokens::AUDIENCE.to_owned());
            set("sasl.oauthbearer.expected.issuer", tokens::ISSUER.to_owned());
        }
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
