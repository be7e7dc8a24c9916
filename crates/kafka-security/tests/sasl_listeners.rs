//! Brokers that refuse, stall or talk nonsense while a client signs in: each gives its own error, in time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka_core::net::{Address, Dialer};
use kafka_core::{Error, ErrorKind};
use kafka_security::{SaslAuthenticator, SaslLogin, SaslMechanism, UnsecuredTokens};
use support::listener::{Does, Manners, listen, mechanisms, token};

const PASSWORD: &str = "hunter2";

async fn dial(address: &Address, login: SaslLogin, limit: Duration) -> Error {
    let dialer = Dialer::new("test").with_authenticator(Some(Arc::new(SaslAuthenticator::from(login))));
    dialer.open(address, limit).await.unwrap_err()
}

fn login(mechanism: SaslMechanism) -> SaslLogin {
    match mechanism {
        SaslMechanism::OAuthBearer => SaslLogin::with_tokens(UnsecuredTokens::new("ann")),
        other => SaslLogin::with_password(other, "ann", PASSWORD),
    }
}

/// A listener, the mechanism that it is asked for, and what the error must be and say.
type Case = (Does, Does, SaslMechanism, ErrorKind, &'static [&'static str]);

#[tokio::test]
async fn each_way_to_fail_has_its_own_error() {
    use SaslMechanism::{OAuthBearer, Plain, ScramSha256, ScramSha512};
    let all = || mechanisms(0, &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]);
    let unused = || Does::HangUp;
    let cases: Vec<Case> = vec![
        (
            mechanisms(33, &["GSSAPI", "SCRAM-SHA-512"]),
            unused(),
            ScramSha256,
            ErrorKind::Authentication,
            &["does not accept the SASL mechanism SCRAM-SHA-256", "it offers GSSAPI, SCRAM-SHA-512"],
        ),
        (mechanisms(34, &[]), unused(), Plain, ErrorKind::Authentication, &["does not ask for SASL"]),
        (
            all(),
            token(58, "Authentication failed: Invalid username or password", b""),
            Plain,
            ErrorKind::Authentication,
            &["PLAIN failed: Authentication failed: Invalid username or password"],
        ),
        (
            all(),
            token(58, "Authentication failed during authentication due to invalid credentials", b""),
            ScramSha512,
            ErrorKind::Authentication,
            &["SCRAM-SHA-512 failed: Authentication failed during"],
        ),
        (
            all(),
            token(0, "", br#"{"status":"invalid_token"}"#),
            OAuthBearer,
            ErrorKind::Authentication,
            &["refuses the token", "`invalid_token`"],
        ),
        (all(), token(0, "", b"\xff\xfe"), ScramSha256, ErrorKind::Authentication, &["no message of SCRAM"]),
        (
            all(),
            token(0, "", b"r=abc,s=eA==,i=4096"),
            ScramSha256,
            ErrorKind::Authentication,
            &["does not prove"],
        ),
        (all(), token(0, "", b"r=abc,s=eA==,i=5"), ScramSha512, ErrorKind::Authentication, &["5 iterations"]),
        (
            Does::Answer(vec![0, 0, 0x7f, 0xff, 0xff, 0xff]),
            unused(),
            Plain,
            ErrorKind::Malformed,
            &["SaslHandshake"],
        ),
        (all(), Does::Answer(b"nonsense".to_vec()), Plain, ErrorKind::Malformed, &["SaslAuthenticate"]),
        (all(), Does::Answer(vec![]), ScramSha256, ErrorKind::Malformed, &["SaslAuthenticate"]),
        (
            all(),
            Does::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            Plain,
            ErrorKind::Disconnected,
            &["is this port really Kafka's"],
        ),
        (Does::HangUp, unused(), Plain, ErrorKind::Disconnected, &["SaslHandshake"]),
        (all(), Does::HangUp, Plain, ErrorKind::Disconnected, &["SaslAuthenticate"]),
    ];
    for (handshake, authenticate, mechanism, kind, says) in cases {
        let address = listen(Manners { handshake, authenticate }).await;
        let begun = Instant::now();
        let error = dial(&address, login(mechanism), Duration::from_secs(30)).await;
        let text = error.to_string();
        assert_eq!(*error.kind(), kind, "{text}");
        assert_eq!(error.is_fatal(), kind == ErrorKind::Authentication, "{text}");
        for part in says {
            assert!(text.contains(part), "`{part}` is not in: {text}");
        }
        assert_eq!(text.matches(&address.to_string()).count(), 1, "where it was, once: {text}");
        assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(25), "{text}");
    }
}

#[tokio::test]
async fn who_stalls_is_given_up_in_time_with_the_stage() {
    let all = || mechanisms(0, &["PLAIN", "SCRAM-SHA-256"]);
    for (handshake, authenticate) in [(Does::Stall, Does::Stall), (all(), Does::Stall)] {
        let address = listen(Manners { handshake, authenticate }).await;
        for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256] {
            let error = dial(&address, login(mechanism), Duration::from_millis(300)).await;
            assert_eq!(*error.kind(), ErrorKind::Connect, "{error}");
            let text = error.to_string();
            assert!(
                error.is_retriable() && text.contains("authenticating") && text.contains("300ms"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_provider_that_stalls_is_given_up_in_time_too() {
    let all = mechanisms(0, &["OAUTHBEARER"]);
    let address = listen(Manners { handshake: all, authenticate: Does::Stall }).await;
    let stalls = SaslLogin::with_tokens(|| async { std::future::pending().await });
    let error = dial(&address, stalls, Duration::from_millis(300)).await;
    assert!(error.to_string().contains("authenticating"), "{error}");
    let stalls = SaslLogin::with_credentials(SaslMechanism::Plain, || async { std::future::pending().await });
    let error = dial(&address, stalls, Duration::from_millis(300)).await;
    assert!(error.to_string().contains("authenticating"), "{error}");
}
