//! SASL against a channel in memory: what is sent, and what is never shown.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use kafka_core::ErrorKind;
use kafka_core::net::Authenticator;
use kafka_security::{SaslAuthenticator, SaslMechanism};
use support::{Scripted, broker};

#[tokio::test]
async fn plain_sends_user_and_password_once() {
    let mut channel = Scripted::default();
    SaslAuthenticator::new(SaslMechanism::Plain, "ann", "secret")
        .authenticate(&broker(), &mut channel)
        .await
        .unwrap();
    assert_eq!(channel.mechanism, "PLAIN");
    assert_eq!(channel.received, [&b"\0ann\0secret"[..]]);
}

#[tokio::test]
async fn scram_refuses_a_broker_that_does_not_know_the_password_and_never_sends_it() {
    for (mechanism, name) in
        [(SaslMechanism::ScramSha256, "SCRAM-SHA-256"), (SaslMechanism::ScramSha512, "SCRAM-SHA-512")]
    {
        // A nonce that does not begin with the client's own.
        let mut channel = Scripted::answering(["r=abc,s=QSXCR+Q6sek8bf92,i=4096"]);
        let authenticator = SaslAuthenticator::new(mechanism, "ann", "secret");
        let error = authenticator.authenticate(&broker(), &mut channel).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Authentication);
        assert!(error.is_fatal());
        assert_eq!(channel.mechanism, name);
        assert!(channel.received[0].starts_with(b"n,,n=ann,r="));
        let sent: Vec<u8> = channel.received.concat();
        assert!(!String::from_utf8_lossy(&sent).contains("secret"));
    }
}

#[test]
fn the_password_is_in_no_debug_text() {
    let shown = format!("{:?}", SaslAuthenticator::new(SaslMechanism::Plain, "ann", "secret"));
    assert!(shown.contains("ann") && shown.contains("***") && !shown.contains("secret"), "{shown}");
}
