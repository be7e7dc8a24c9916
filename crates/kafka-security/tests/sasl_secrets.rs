//! No secret in anything that a failing connection logs, in any error, in any `Debug` output.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kafka_core::cluster::{Client, ClientConfig};
use kafka_core::net::Dialer;
use kafka_security::{
    Credentials, Jaas, OidcTokens, PasswordFile, SaslAuthenticator, SaslLogin, SaslMechanism, SecurityConfig,
    Token, UnsecuredTokens,
};
use support::http::{Reply, TokenEndpoint};
use support::listener::{Does, Manners, listen, mechanisms, token};

const PASSWORD: &str = "hunter2-and-more";
const TOKEN: &str = "token-that-is-nobodys-business";
const CLIENT_SECRET: &str = "s3cret-of-the-client";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

fn assert_shows_none(text: &str) {
    let header = STANDARD.encode(format!("client:{CLIENT_SECRET}"));
    let plain = STANDARD.encode(format!("\0ann\0{PASSWORD}"));
    let secrets = [PASSWORD, TOKEN, CLIENT_SECRET, &header, &plain, &STANDARD.encode(PASSWORD)];
    for secret in secrets {
        if let Some(at) = text.find(secret) {
            let around = text.get(at.saturating_sub(200)..at + secret.len()).unwrap_or(secret);
            panic!("`{secret}` is shown: {around}");
        }
        let bytes = format!("{:?}", secret.as_bytes());
        assert!(!text.contains(bytes.trim_matches(['[', ']'])), "`{secret}` is shown byte by byte");
    }
}

async fn logins() -> Vec<SaslLogin> {
    let good =
        TokenEndpoint::start([Reply::Answer("200 OK", format!(r#"{{"access_token":"{TOKEN}"}}"#))]).await;
    let echo = format!("{TOKEN} {CLIENT_SECRET}");
    let bad = TokenEndpoint::start([Reply::Answer(
        "401 Unauthorized",
        format!(r#"{{"error":"{CLIENT_SECRET}"}}"#),
    )])
    .await;
    let odd = TokenEndpoint::start([Reply::Answer("200 OK", format!(r#"{{"acess_token":"{echo}"}}"#))]).await;
    let oidc = |endpoint: &TokenEndpoint| {
        let tokens = OidcTokens::new(&endpoint.url, "client", CLIENT_SECRET).unwrap();
        assert_shows_none(&format!("{tokens:?} {tokens:#?}"));
        SaslLogin::with_tokens(tokens)
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), PASSWORD).unwrap();
    let from_file = PasswordFile::open("ann", file.path()).unwrap();
    assert_shows_none(&format!("{from_file:?}"));
    let mut logins: Vec<_> = [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512]
        .map(|mechanism| SaslLogin::with_password(mechanism, "ann", PASSWORD))
        .into();
    logins.extend([
        SaslLogin::with_credentials(SaslMechanism::Plain, || async { Ok(Credentials::new("ann", PASSWORD)) }),
        SaslLogin::with_credentials(SaslMechanism::Plain, from_file),
        SaslLogin::with_tokens(|| async { Ok(Token::new(TOKEN).with_lifetime(Duration::from_secs(60))) }),
        SaslLogin::with_tokens(|| async { Ok(Token::new(format!("{TOKEN}\x01"))) }),
        SaslLogin::with_password(SaslMechanism::Plain, "ann", format!("{PASSWORD}\0")),
        oidc(&good),
        oidc(&bad),
        oidc(&odd),
    ]);
    logins
}

#[tokio::test]
async fn nothing_that_a_failing_connection_says_shows_a_secret() {
    let log = Log::default();
    let writer = log.clone();
    // What rustls logs, it logs by the `log` crate.
    tracing_log::LogTracer::init().unwrap();
    // For all threads: hashing has one of its own.
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let all = || mechanisms(0, &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]);
    let mut failures = 0;
    let challenge = token(0, "", br#"{"status":"invalid_token"}"#);
    for authenticate in
        [token(58, "no", b""), challenge, Does::HangUp, Does::Stall, Does::Answer(b"x".to_vec())]
    {
        let address = listen(Manners { handshake: all(), authenticate }).await;
        for login in logins().await {
            assert_shows_none(&format!("{login:?} {login:#?}"));
            let authenticator = SaslAuthenticator::from(login.clone());
            assert_shows_none(&format!("{authenticator:?}"));
            let dialer = Dialer::new("test").with_authenticator(Some(Arc::new(authenticator)));
            assert_shows_none(&format!("{dialer:?}"));
            match dialer.open(&address, Duration::from_millis(500)).await {
                Ok(connection) => assert_shows_none(&format!("{connection:?}")),
                Err(error) => {
                    failures += 1;
                    assert_shows_none(&format!("{error} {error:?} {error:#?}"));
                }
            }

            let mut config = ClientConfig::new([address.clone()]);
            config.connection_setup_timeout = Duration::from_millis(500);
            let security = SecurityConfig::sasl_plaintext_as(login);
            if let Err(error) = security.apply_to(&mut config) {
                assert_shows_none(&format!("{error} {error:?}"));
                continue;
            }
            assert_shows_none(&format!("{security:?} {config:?} {config:#?}"));
            let client = Client::new(config).unwrap();
            assert_shows_none(&format!("{client:?}"));
        }
    }
    let unsecured = UnsecuredTokens::new("ann");
    assert!(format!("{unsecured:?}").contains("ann"));
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let jaas = Jaas::parse(&format!("{module} required username=ann password=\"{PASSWORD}\";")).unwrap();
    assert_shows_none(&format!("{jaas:?}"));
    let token = Token::new(TOKEN);
    assert_shows_none(&format!("{token:?} {:?}", Credentials::new("ann", PASSWORD)));

    assert!(failures > 40, "only {failures} connections failed");
    let said = log.text();
    assert_shows_none(&said);
    assert!(said.contains("no connection") && said.contains("PLAIN"), "what was looked at is there: {said}");
    let warnings = said.lines().filter(|line| line.contains("WARN") && line.contains("password crosses"));
    assert_eq!(warnings.count(), 1, "one is enough");
}
