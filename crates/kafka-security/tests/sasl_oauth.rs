//! OAUTHBEARER against a channel in memory: what is sent, how refusals are told, how often a token is asked for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail the test")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kafka_core::net::Authenticator;
use kafka_core::{Error, ErrorKind, Result};
use kafka_security::{SaslAuthenticator, SaslLogin, Token, UnsecuredTokens};
use support::{Scripted, broker};
use tokio::time::sleep;

async fn authenticate(login: &SaslLogin) -> Result<String> {
    let mut channel = Scripted::default();
    SaslAuthenticator::from(login.clone()).authenticate(&broker(), &mut channel).await?;
    assert_eq!(channel.mechanism, "OAUTHBEARER");
    Ok(channel.sent(0))
}

#[tokio::test]
async fn a_token_and_its_extensions_are_sent_as_kafka_reads_them() {
    let login = SaslLogin::with_tokens(|| async {
        Ok(Token::new("abc.def-_~+/=").with_extension("b", "2 x").with_extension("A", "1"))
    });
    let sent = authenticate(&login).await.unwrap();
    assert_eq!(sent, "n,,\x01A=1\x01b=2 x\x01auth=Bearer abc.def-_~+/=\x01\x01");
}

#[tokio::test]
async fn an_unsecured_token_is_a_jwt_without_a_signature() {
    let tokens =
        UnsecuredTokens::new("alice").with_claim("scope", "kafka").with_lifetime(Duration::from_secs(60));
    let sent = authenticate(&SaslLogin::with_tokens(tokens)).await.unwrap();
    let token = sent.strip_prefix("n,,\x01auth=Bearer ").unwrap().strip_suffix("\x01\x01").unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, ""] = parts.as_slice() else { panic!("{token}") };
    let read = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(read(header), serde_json::json!({"alg": "none"}));
    let claims = read(claims);
    assert_eq!((&claims["sub"], &claims["scope"]), (&"alice".into(), &"kafka".into()));
    let lifetime = claims["exp"].as_f64().unwrap() - claims["iat"].as_f64().unwrap();
    assert!((59.9..60.1).contains(&lifetime), "{claims}");
}

#[tokio::test]
async fn a_challenge_is_acknowledged_and_told_with_the_brokers_words() {
    for (challenge, says) in [
        (r#"{"status":"invalid_token"}"#, &["status `invalid_token`"][..]),
        (
            r#"{"status":"insufficient_scope","scope":"a\u0062c","openid-configuration":"https://idp/\u001b"}"#,
            &["`insufficient_scope`", "scope `abc`", r"`https://idp/\u{1b}`"],
        ),
        ("who?\x1b[2J", &[r"who?\u{1b}[2J"]),
        ("\u{1}", &[r"\u{1}"]),
    ] {
        let mut channel = Scripted::answering([challenge]);
        channel.refusal = Some("broker's own words");
        let login = SaslLogin::with_tokens(UnsecuredTokens::new("alice"));
        let error = SaslAuthenticator::from(login).authenticate(&broker(), &mut channel).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Authentication);
        assert!(error.is_fatal());
        assert_eq!(channel.received.len(), 2);
        assert_eq!(channel.received[1], &b"\x01"[..]);
        let text = error.to_string();
        for part in says.iter().chain(&["broker's own words", "broker1:9092"]) {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
    }
}

#[tokio::test]
async fn a_token_or_extension_that_would_break_the_message_is_refused() {
    for token in [
        Token::new(""),
        Token::new("a\x01b"),
        Token::new("a b"),
        Token::new("t").with_extension("auth", "x"),
        Token::new("t").with_extension("a1", "x"),
        Token::new("t").with_extension("a", "x\x01"),
        Token::new("t").with_extension("a", ""),
    ] {
        let login = SaslLogin::with_tokens(move || {
            let token = token.clone();
            async move { Ok(token) }
        });
        let error = authenticate(&login).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

/// Tokens that tell which they are, after a while, and how many were asked for.
fn counted(lifetime: Option<Duration>) -> (SaslLogin, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let login = SaslLogin::with_tokens(move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            sleep(Duration::from_millis(100)).await;
            let token = Token::new(format!("token{number}"));
            Ok(lifetime.into_iter().fold(token, Token::with_lifetime))
        }
    });
    (login, asked)
}

#[tokio::test(start_paused = true)]
async fn connections_share_a_token_until_most_of_its_life_is_over() {
    let (login, asked) = counted(Some(Duration::from_secs(100)));
    let first = futures_util::future::join_all((0..20).map(|_| authenticate(&login))).await;
    assert!(first.into_iter().all(|sent| sent.unwrap().contains("token0")));
    sleep(Duration::from_secs(79)).await;
    assert!(authenticate(&login).await.unwrap().contains("token0"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // It was used, so it is replaced before anybody has to wait for it.
    sleep(Duration::from_secs(7)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(authenticate(&login).await.unwrap().contains("token1"));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_uses_is_not_replaced() {
    let (login, asked) = counted(Some(Duration::from_secs(100)));
    authenticate(&login).await.unwrap();
    sleep(Duration::from_secs(100_000)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(authenticate(&login).await.unwrap().contains("token2"));
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_lifetime_is_used_once() {
    let (login, asked) = counted(None);
    for _ in 0..3 {
        authenticate(&login).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_outlives_the_connection_that_began_it() {
    let (login, asked) = counted(Some(Duration::from_secs(100)));
    let dropped = tokio::time::timeout(Duration::from_millis(50), authenticate(&login)).await;
    assert!(dropped.is_err());
    assert!(authenticate(&login).await.unwrap().contains("token0"));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn when_no_new_token_comes_the_old_one_serves_to_its_end() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let login = SaslLogin::with_tokens(move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        async move {
            match number {
                0 => Ok(Token::new("first").with_lifetime(Duration::from_secs(100))),
                _ => Err(Error::new(ErrorKind::Connect, "the provider is away")),
            }
        }
    });
    assert!(authenticate(&login).await.unwrap().contains("first"));
    sleep(Duration::from_secs(95)).await;
    assert!(authenticate(&login).await.unwrap().contains("first"));
    // Tried again every few seconds meanwhile, and not in a loop.
    assert!((3..9).contains(&asked.load(Ordering::SeqCst)), "{asked:?}");
    sleep(Duration::from_secs(6)).await;
    let error = authenticate(&login).await.unwrap_err();
    assert!(error.is_retriable() && error.to_string().contains("is away"), "{error}");
}

#[tokio::test]
async fn a_provider_that_panics_ends_nobody_else() {
    let login = SaslLogin::with_tokens(|| async { panic!("broken provider") });
    let error = authenticate(&login).await.unwrap_err();
    assert!(error.to_string().contains("did it panic"), "{error}");
}
