//! The environment that points a program, and the tests, at a cluster.

use std::fmt;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use super::{
    description::client_listener,
    security::{self, User},
    state::State,
    tokens,
};

/// Variables by which the tests on a real cluster find one of each kind, with the path of its state file.
pub(crate) const SINGLE: &str = "KAFKA_TESTS_SINGLE";
/// See [`SINGLE`]: a cluster of three brokers.
pub(crate) const THREE: &str = "KAFKA_TESTS_THREE";
/// See [`SINGLE`]: a cluster of the oldest version that is supported.
pub(crate) const OLDEST: &str = "KAFKA_TESTS_OLDEST";
/// Where the tests find this program, to stop and start brokers.
const XTASK: &str = "KAFKA_TESTS_XTASK";

/// How to connect.
#[derive(Debug, Default, Clone, Copy, clap::Args)]
pub(crate) struct Access {
    /// The listener to connect to
    #[arg(long, value_enum, default_value_t)]
    listener: Protocol,
    /// How to sign in, on listeners that ask for a password
    #[arg(long, value_enum, default_value_t)]
    mechanism: Mechanism,
    /// Who signs in, on listeners that ask: alice or bob
    #[arg(long, default_value = "alice", value_parser = user)]
    user: Option<User>,
}

impl Access {
    /// Every way in: each listener with each mechanism that it has.
    pub(crate) fn every(state: &State) -> Vec<Self> {
        let mut all = Vec::new();
        for listener in Protocol::value_variants() {
            let mechanisms =
                if listener.wants_password() { Mechanism::value_variants() } else { &[Mechanism::Plain] };
            for mechanism in mechanisms {
                let tokens = *mechanism == Mechanism::OauthBearer;
                if !tokens || security::takes_tokens(&state.cluster(), listener.name()) {
                    all.push(Self { listener: *listener, mechanism: *mechanism, user: None });
                }
            }
        }
        all
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.listener.name())?;
        if self.listener.wants_password() { write!(f, " by {}", self.mechanism.name()) } else { Ok(()) }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Protocol {
    /// Without any security
    #[default]
    Plaintext,
    /// TLS on both sides: the client shows a certificate too
    Ssl,
    /// A password, sent without TLS
    SaslPlaintext,
    /// A password, inside TLS
    SaslSsl,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    fn wants_password(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Mechanism {
    #[default]
    #[value(name = "PLAIN")]
    Plain,
    #[value(name = "SCRAM-SHA-256")]
    ScramSha256,
    #[value(name = "SCRAM-SHA-512")]
    ScramSha512,
    /// Signed tokens of the cluster's endpoint inside TLS, unsigned ones of the client's own without
    #[value(name = "OAUTHBEARER")]
    OauthBearer,
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

fn user(name: &str) -> Result<User, String> {
    security::USERS
        .into_iter()
        .find(|user| user.name == name)
        .ok_or_else(|| format!("the users are {}", security::USERS.map(|user| user.name).join(" and ")))
}

/// `NAME=value` pairs that clients read.
pub(crate) fn client(state: &State, access: &Access) -> Result<Vec<(String, String)>> {
    let (protocol, password) = (access.listener.name(), access.listener.wants_password());
    let tls = protocol.ends_with("SSL");
    let addresses = state.addresses(&client_listener(protocol));
    let user = access.user.unwrap_or(security::USERS[0]);
    let files = state.certificates()?;
    let mut variables = Vec::new();
    let mut set =
        |name: &str, value: &str| variables.push((format!("STREAMING_KAFKA__{name}"), value.to_owned()));
    set("BOOTSTRAP_SERVERS", &serde_json::to_string(&addresses)?);
    set("SECURITY_PROTOCOL", protocol);
    if tls {
        set("SSL_CA_LOCATION", &files.authority().display().to_string());
    }
    if tls && !password {
        set("SSL_CERT_LOCATION", &files.certificate(user.name).display().to_string());
        set("SSL_KEY_LOCATION", &files.key(user.name).display().to_string());
    }
    if password {
        set("SASL_MECHANISM", access.mechanism.name());
        if access.mechanism != Mechanism::OauthBearer {
            set("SASL_USERNAME", user.name);
            set("SASL_PASSWORD", user.password);
        } else if !security::takes_tokens(&state.cluster(), protocol) {
            bail!("brokers of Kafka {} cannot check signed tokens: 3.1 is the first", state.version);
        } else if tls {
            let endpoint = state.token_endpoint().context("the cluster has no token endpoint")?;
            set("SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL", &endpoint);
            set("SASL_OAUTHBEARER_CLIENT_ID", user.name);
            set("SASL_OAUTHBEARER_CLIENT_SECRET", user.password);
            set("SASL_OAUTHBEARER_SCOPE", tokens::SCOPE);
        } else {
            set("SASL_JAAS_CONFIG", &security::unsigned_login(user.name));
        }
    }
    Ok(variables)
}

/// `NAME=value` pairs that `tests/` reads.
fn tests(state: &State) -> Result<Vec<(String, String)>> {
    let kind = match state.brokers {
        _ if state.version.uses_zookeeper() => OLDEST,
        1 => SINGLE,
        _ => THREE,
    };
    Ok(vec![(kind.to_owned(), state_file(state)?), program()?])
}

/// What the variable of a kind of cluster holds.
pub(crate) fn state_file(state: &State) -> Result<String> {
    Ok(State::file(&state.name)?.display().to_string())
}

/// Where this program is.
pub(crate) fn program() -> Result<(String, String)> {
    Ok((XTASK.to_owned(), crate::paths::program()?.display().to_string()))
}

/// Lines for a shell to evaluate.
pub(crate) fn exports(state: &State, access: &Access) -> Result<String> {
    let variables = [client(state, access)?, tests(state)?].concat();
    // What an earlier evaluation set for another listener would contradict this one.
    let stale = [
        "SSL_CA_LOCATION",
        "SSL_CERT_LOCATION",
        "SSL_KEY_LOCATION",
        "SASL_MECHANISM",
        "SASL_USERNAME",
        "SASL_PASSWORD",
        "SASL_JAAS_CONFIG",
        "SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
        "SASL_OAUTHBEARER_CLIENT_ID",
        "SASL_OAUTHBEARER_CLIENT_SECRET",
        "SASL_OAUTHBEARER_SCOPE",
    ]
    .map(|name| format!("STREAMING_KAFKA__{name}"));
    let unset = format!("unset {}\n", stale.join(" "));
    let exports: String =
        variables.iter().map(|(name, value)| format!("export {name}={}\n", quote(value))).collect();
    Ok(unset + &exports)
}

fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_value_is_one_word_of_the_shell() {
        assert_eq!(quote(r#"["a:1"]"#), r#"'["a:1"]'"#);
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
