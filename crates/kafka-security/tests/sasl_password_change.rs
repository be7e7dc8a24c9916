//! A password that changes at the broker and in a file, never at the same moment.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

use std::time::Duration;

use bytes::Bytes;
use kafka_core::net::{Address, Authenticator, BoxFuture, SaslChannel, SaslReply, Session};
use kafka_core::{Error, ErrorKind, Result};
use kafka_security::{Credentials, PasswordFile, SaslAuthenticator, SaslLogin, SaslMechanism};

/// A broker that knows one password.
struct Broker(&'static str);

impl SaslChannel for Broker {
    fn handshake<'a>(&'a mut self, mechanism: &'a str) -> BoxFuture<'a, Result<Vec<String>>> {
        Box::pin(async move { Ok(vec![mechanism.to_owned()]) })
    }

    fn exchange(&mut self, token: Bytes) -> BoxFuture<'_, Result<SaslReply>> {
        Box::pin(async move {
            if token.ends_with(format!("\0{}", self.0).as_bytes()) {
                Ok(SaslReply { token: Bytes::new(), session_lifetime: None })
            } else {
                Err(Error::new(ErrorKind::Authentication, "authentication failed: invalid credentials"))
            }
        })
    }
}

async fn sign_in(authenticator: &SaslAuthenticator, password: &'static str) -> Result<Session> {
    authenticator.authenticate(&Address::new("broker", 9092), &mut Broker(password)).await
}

fn by_callback() -> SaslAuthenticator {
    let credentials = || async { Ok(Credentials::new("service", "old")) };
    SaslLogin::with_credentials(SaslMechanism::Plain, credentials).into()
}

#[tokio::test]
async fn a_file_that_changes_after_the_broker_is_taken_up_without_a_fatal_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "old\n").unwrap();
    let file = PasswordFile::open("service", &path).unwrap();
    let authenticator: SaslAuthenticator = SaslLogin::with_credentials(SaslMechanism::Plain, file).into();
    let renewals = authenticator.renewals().unwrap();
    sign_in(&authenticator, "old").await.unwrap();

    let refused = sign_in(&authenticator, "new").await.unwrap_err();
    assert!(refused.is_retriable() && !refused.is_fatal(), "{refused:?}");
    assert!(refused.to_string().contains("may be changing"), "{refused}");
    assert!(!renewals.has_changed().unwrap());

    std::fs::write(&path, "new\n").unwrap();
    sign_in(&authenticator, "new").await.unwrap();
    assert!(renewals.has_changed().unwrap(), "connections are renewed");

    // A broken file keeps the password.
    std::fs::write(&path, "").unwrap();
    sign_in(&authenticator, "new").await.unwrap();
}

#[tokio::test]
async fn credentials_that_were_never_accepted_are_refused_for_good_at_once() {
    let refused = sign_in(&by_callback(), "new").await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Authentication);
    let fixed = SaslAuthenticator::new(SaslMechanism::Plain, "service", "old");
    sign_in(&fixed, "old").await.unwrap();
    let refused = sign_in(&fixed, "new").await.unwrap_err();
    assert_eq!(*refused.kind(), ErrorKind::Authentication);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_never_comes_is_a_refusal_for_good() {
    let authenticator = by_callback();
    sign_in(&authenticator, "old").await.unwrap();
    for _ in 0..2 {
        assert!(sign_in(&authenticator, "new").await.unwrap_err().is_retriable());
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert!(sign_in(&authenticator, "new").await.unwrap_err().is_retriable());
        tokio::time::sleep(Duration::from_secs(2)).await;
        let refused = sign_in(&authenticator, "new").await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Authentication);
        // An acceptance starts anew.
        sign_in(&authenticator, "old").await.unwrap();
    }
}
